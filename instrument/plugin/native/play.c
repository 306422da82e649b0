/* One instance on the audio thread. */
#include "instance.h"

enum { MOST_QUEUED = 3500 };
#define STEP_SECONDS 0.1 /* a sound that moves over its map goes to another place so often */

static void render(lk *k, int until) {
    if (until <= k->done) return;
    for (int frames; k->done < until; k->done += frames) {
        frames = streams_follow(k, until - k->done);
        k->code->process_block(k->state, k->left + k->done, k->right + k->done, 1, frames);
    }
    k->queued = 0;
}
static void express_now(lk *k) { /* the notes of that frame have begun once it is rendered */
    if (!k->waiting_count) return;
    render(k, k->waiting_at + 1);
    for (int i = 0; i < k->waiting_count; i++) {
        int kind = k->waiting[i].kind, c = k->waiting[i].channel, key = k->waiting[i].key;
        float *now = &k->expressed[kind][c][key], rest = kind == LK_VOLUME ? 1 : 0; /* all zero when nothing was asked for */
        k->code->lk_express(k->state, kind, c, key, rest + *now, rest + k->waiting[i].value);
        *now = k->waiting[i].value;
    }
    k->waiting_count = 0;
}
static void be_there(lk *k);
static int offset_of(lk *k, int offset) { /* of an event, from what has been rendered on */
    be_there(k);
    if (offset >= k->frames) offset = k->frames - 1;
    if (offset > k->waiting_at) express_now(k);
    if (offset < k->done) offset = k->done;
    if (k->queued >= MOST_QUEUED) render(k, offset);
    k->queued++;
    return offset - k->done;
}
static void wait_offline(lk *k, int (*is_there)(lk *)) { /* once: a service that never answers makes a bounce late, not endless */
    if (!atomic_load(&k->offline) || is_there(k) || atomic_load(&k->tired)) return;
    os_lock(&k->lock);
    k->waits = 1;
    os_unlock(&k->lock);
    unsigned full = atomic_load(&k->full);
    for (int64_t until = os_now_ms() + WAIT_OFFLINE_MS; !is_there(k) && !atomic_load(&k->tired) && full == atomic_load(&k->full); os_nap())
        if (os_now_ms() > until) atomic_store(&k->tired, 1);
    atomic_store(&k->needed, -1);
    os_lock(&k->lock);
    k->waits = 0;
    os_unlock(&k->lock);
}
static int is_settled(lk *k) { /* and what sounds has its tones, too */
    if (atomic_load(&k->place) != atomic_load(&k->placed_at)) return 0;
    int settled = atomic_load(&k->settled);
    if (settled != HALF_SETTLED) return settled;
    int pitch = (int)k->code->lk_lacks(k->state);
    atomic_store(&k->needed, pitch);
    return pitch < 0;
}
static int has_tone(lk *k) {
    int pitch = (int)k->code->lk_lacks_key(k->state, k->struck_channel, k->struck_key);
    atomic_store(&k->needed, pitch);
    return pitch < 0;
}
static void wait_for_tone(lk *k, int status, int key, int velocity) {
    if ((status & 0xF0) != 0x90 || !velocity || atomic_load(&k->settled) != HALF_SETTLED) return;
    k->struck_channel = status & 15;
    k->struck_key = key & 127;
    wait_offline(k, has_tone);
}
void lk_message(lk *k, int offset, int status, int d1, int d2) {
    if (!k->state || status < 0x80 || status > 0xFF) return;
    if (k->is_listening) { partner_hear(&k->partner, offset < 0 ? 0 : offset < k->frames ? offset : k->frames - 1, status, d1, d2); return; }
    offset = offset_of(k, offset);
    wait_for_tone(k, status, d1, d2 & 127);
    if ((status & 0xF0) == 0x90 && d2 & 127) {
        k->is_open = 0;
        for (int kind = 0; kind < LK_EXPRESSIONS; kind++) k->expressed[kind][status & 15][d1 & 127] = 0;
    }
    k->code->lk_midi(k->state, offset, status, d1 & 127, d2 & 127);
}
void lk_express(lk *k, int offset, int kind, int channel, int key, double value) {
    static const double LOW[] = {-120, 0x1p-10, -1, -1}, HIGH[] = {120, 4, 1, 1};
    if (!k->state || k->is_listening || k->frames <= 0 || !(value >= -1e9 && value <= 1e9)) return;
    offset = offset_of(k, offset);
    if (k->waiting_count == MOST_WAITING) express_now(k);
    k->waiting_at = k->done + offset < k->frames ? k->done + offset : k->frames - 1;
    k->waiting[k->waiting_count].kind = kind;
    k->waiting[k->waiting_count].channel = channel & 15;
    k->waiting[k->waiting_count].key = key & 127;
    k->waiting[k->waiting_count++].value = (float)(fmin(fmax(value, LOW[kind]), HIGH[kind]) - (kind == LK_VOLUME ? 1 : 0));
}
void lk_tempo(lk *k, int offset, double bpm) {
    if (!k->state || k->is_listening || bpm == k->tempo || !(bpm >= 1 && bpm <= 1000)) return;
    k->tempo = bpm;
    offset = offset_of(k, offset);
    k->code->lk_value(k->state, offset, LK_TEMPO, lrint(100 * bpm));
}
void lk_transport(lk *k, int is_playing, int64_t position) {
    if (k->state && is_playing && (!k->was_playing || position != k->position) && !lk_is_sounding(k)) k->code->lk_align(k->state, position);
    k->was_playing = is_playing;
    k->position = position + k->frames;
}
static void write_sounding(lk *k, int p) { write_field(k, k->state + LK_SOUNDS_AT + k->sounding_bank * LK_SOUND_BYTES, p); }
static void apply(lk *k, int offset, int p, double v) {
    if (is_field(p)) {
        if (!atomic_load(&k->is_given[p])) return;
        offset = offset_of(k, offset);
        render(k, k->done + offset);
        write_sounding(k, p);
        return;
    }
    if (v == k->sent[p]) return;
    k->sent[p] = v;
    if (LK_PARAMETER[p].kind == LK_GAIN) {
        offset = offset_of(k, offset);
        k->code->lk_value(k->state, offset, LK_MASTER_GAIN, lrint(100 * plain_of(p, v)));
    } else if (LK_PARAMETER[p].kind == LK_CONTROL)
        for (int c = 0; c < 16; c++) lk_message(k, offset, 0xB0 | c, LK_PARAMETER[p].control, (int)lrint(v * 127));
}
void lk_set(lk *k, int offset, int p, double v) {
    if (p < 0 || p >= LK_PARAMETERS || p == LK_AT_STATUS || k->is_listening || !(v >= 0)) return;
    v = v > 1 ? 1 : v;
    if (is_field(p)) { /* hosts give back what they were told, some of them as a float: that moves nothing */
        if (fabs(v - atomic_load(&k->value[p])) < 1e-6) return;
        atomic_store(&k->is_given[p], 1);
    }
    if (is_place(p) && fabs(v - atomic_load(&k->value[p])) < 1e-6) return;
    double before = atomic_exchange(&k->value[p], v);
    if (is_place(p)) { /* the next block goes there, or this one if no note has begun in it yet */
        atomic_store(&k->is_given[LK_AT_MORPH + 1], 1);
        atomic_store(&k->is_given[LK_AT_MORPH], 1);
        k->goes_on = offset <= 0 && !k->done && k->is_open;
        return;
    }
    if (p == LK_AT_PROGRAM) {
        if (lrint(before * 127) == lrint(v * 127)) return;
        atomic_store(&k->settled, 0);
        atomic_store(&k->wished_program, (int)lrint(v * 127));
    } else if (p == LK_AT_PARTNER) {
        if ((before >= 0.5) != (v >= 0.5)) atomic_store(&k->settled, 0);
    } else if (p == LK_AT_PANEL) {
        if (before < 0.5 && v >= 0.5 && !atomic_load(&k->offline)) atomic_store(&k->panel.is_wished, 1);
    } else if (k->state && k->frames > 0) apply(k, offset, p, v);
    else atomic_store(&k->resend, 1);
}
static int has_lived(lk *k) { return partner_has_lived(&k->partner) || atomic_load(&k->partner.is_ready) != k->partner.ready; }
static void be_there(lk *k) { /* with the sound that the block shall have */
    if (!k->goes_on || !k->state || k->frames <= 0) return;
    k->goes_on = 0;
    int place = place_code(k);
    int is_time = place != atomic_load(&k->place) && k->since_step >= STEP_SECONDS * k->rate;
    if (is_time && (!atomic_load(&k->offline) || has_room(k))) { /* in a bounce the old place's tones go on until there is room */
        atomic_store(&k->place, place);
        k->since_step = 0;
    }
    wait_offline(k, is_settled);
    int bank = (int)k->code->lk_bank(k->state), is_other = bank != k->sounding_bank;
    k->sounding_bank = bank;
    if (atomic_exchange(&k->resend, 0) || is_other)
        for (int p = 0; p < LK_PARAMETERS; p++) apply(k, 0, p, atomic_load(&k->value[p]));
}
void lk_begin_block(lk *k, float *left, float *right, int frames) {
    k->left = left;
    k->right = right;
    k->frames = frames;
    k->done = k->queued = 0;
    k->waiting_at = frames;
    if (!k->state) return;
    k->is_clean = 0;
    k->goes_on = 1;
    be_there(k);
    streams_open(k);
    k->is_open = 1;
    if (k->since_step < LONG_AGO) k->since_step += frames;
}
void lk_beats(lk *k, double beats, double bpm, double bar_start, double bar) { partner_tell(&k->partner, beats, bpm, bar_start, bar); }
static void play_partner(lk *k) {
    partner_note note;
    while (partner_next(&k->partner, &note, k->rate)) {
        if (note.to == TO_VOICES) { wait_for_tone(k, note.data[0], note.data[1], note.data[2]); k->code->lk_midi(k->state, note.frame, note.data[0], note.data[1], note.data[2]); k->queued++; }
        else if (k->partner.out_count < PARTNER_OUT)
            k->partner.out[k->partner.out_count++] = (partner_out){(int)note.frame, {note.data[0], note.data[1], note.data[2]}};
    }
}
int lk_listen(lk *k) {
    if (!k->state) return 0;
    int is_on = partner_is_on(k) && atomic_load(&k->value[LK_AT_BYPASS]) < 0.5;
    k->is_listening = partner_begin(&k->partner, is_on, k->frames, k->rate);
    uint8_t key[3];
    while (panel_next_key(&k->panel, key)) if (k->is_listening) partner_hear(&k->partner, 0, key[0], key[1], key[2]);
    if (!k->is_listening) play_partner(k); /* lets go what sounds */
    return k->is_listening;
}
void lk_heard(lk *k) {
    k->is_listening = 0;
    partner_heard_all(&k->partner);
    wait_offline(k, has_lived);
    play_partner(k);
}
int lk_out(lk *k, int i, int *offset, unsigned char data[3]) {
    if (i >= k->partner.out_count) return 0;
    *offset = k->partner.out[i].offset;
    memcpy(data, k->partner.out[i].data, 3);
    return 1;
}
void lk_end_block(lk *k) {
    if (k->state) { be_there(k); express_now(k); render(k, k->frames); }
    else for (int i = 0; i < k->frames; i++) k->left[i] = k->right[i] = 0;
    float to = atomic_load(&k->value[LK_AT_BYPASS]) >= 0.5 ? 1 : 0;
    if (to != 0 || k->bypassed != 0)
        for (int i = 0; i < k->frames; i++) {
            k->bypassed += fmaxf(fminf(to - k->bypassed, 1 / 256.0f), -1 / 256.0f);
            k->left[i] *= 1 - k->bypassed;
            k->right[i] *= 1 - k->bypassed;
        }
    k->frames = 0;
}
int lk_is_sounding(lk *k) { return k->state && k->code->lk_sounding(k->state) > 0; }
double lk_tail_seconds(void) { return 30; }

#define LK_HERE /* what several files look at in generated.h */
#include "instance.h"
#include "code.h"

enum { MOST_CHUNK = 1 << 22 };

void tell_host(lk *k, int bits) {
    atomic_fetch_or(&k->changed, bits);
    void (*call)(void *) = atomic_load(&k->on_change); /* the host may be about to forget us */
    if (call) call(k->on_change_argument);
}
void notice(lk *k, const char *text) { /* locked */
    if (strncmp(k->notice, text, sizeof k->notice - 1)) {
        snprintf(k->notice, sizeof k->notice, "%s", text);
        tell_host(k, 1);
    }
}

lk *lk_new(void) {
    lk *k = calloc(1, sizeof *k);
    if (!k) return NULL;
    k->lock = (os_mutex)OS_MUTEX_INIT;
    k->code = lk_best_code();
    k->socket = OS_NO_SOCKET;
    k->preset_bytes = sizeof LK_FIRST_PRESET - 1;
    if ((k->preset = malloc(k->preset_bytes))) memcpy(k->preset, LK_FIRST_PRESET, k->preset_bytes);
    take_sound(k->own.sound, k->own.recipe, LK_FIRST_SOUND, LK_FIRST_SOUND + sizeof LK_FIRST_SOUND - 1);
    snprintf(k->own.recipe, sizeof k->own.recipe, "%s", LK_FIRST_RECIPE);
    for (int p = 0; p < LK_PARAMETERS; p++) atomic_init(&k->value[p], k->sent[p] = LK_PARAMETER[p].normal);
    follow_sound(k);
    const char *name = LK_PROGRAMS; /* one after the other */
    for (int i = 0; i < 128; i++, name += strlen(name) + 1) snprintf(k->names[i], NAME, "%s", name);
    atomic_init(&k->wished_program, -1);
    atomic_init(&k->place, PRESETS_OWN);
    atomic_init(&k->placed_at, PRESETS_OWN);
    atomic_init(&k->needed, -1);
    k->told_place = PRESETS_OWN;
    k->own.serial = 1;
    snprintf(k->notice, sizeof k->notice, "%s", k->code ? "Starting" : "This processor is too old for latentkeys");
    return k;
}

/* -- the block */
static void write_defaults(uint8_t *state, uint32_t from, uint32_t to) {
    for (size_t i = 0; i < sizeof LK_DEFAULTS / sizeof *LK_DEFAULTS; i++) {
        uint32_t a = LK_DEFAULTS[i].at, b = a + LK_DEFAULTS[i].count;
        uint32_t begin = a > from ? a : from, end = b < to ? b : to;
        if (begin < end) memcpy(state + begin, LK_DEFAULTS_BYTES + LK_DEFAULTS[i].from + (begin - a), end - begin);
    }
}
static void clear(uint8_t *at, size_t bytes) { /* what is clear stays unwritten: untouched pages take no memory */
    static const uint8_t nothing[4096];
    for (size_t n; bytes; at += n, bytes -= n) {
        n = bytes < sizeof nothing ? bytes : sizeof nothing;
        if (memcmp(at, nothing, n)) memset(at, 0, n);
    }
}
void lk_reset(lk *k) {
    if (!k->state) return;
    for (size_t i = 0; i < sizeof LK_RESET / sizeof *LK_RESET && !k->is_clean; i++) {
        clear(k->state + LK_RESET[i].at, LK_RESET[i].count);
        write_defaults(k->state, LK_RESET[i].at, LK_RESET[i].at + LK_RESET[i].count);
    }
    k->is_clean = 1;
    streams_reset(k);
    use_banks(k, NOW);
    partner_reset(&k->partner);
    for (int p = 0; p < LK_PARAMETERS; p++) k->sent[p] = LK_PARAMETER[p].normal;
    memset(k->expressed, 0, sizeof k->expressed);
    k->waiting_count = 0;
    k->since_step = LONG_AGO;
    k->tempo = 120;
    k->was_playing = 0;
    atomic_store(&k->resend, 1);
}
static void drop_block(lk *k) { /* nothing is active */
    if (k->state) os_give_back(k->state, LK_STATE_BYTES);
    for (int b = 0; b < LK_BANKS; b++) { table_close(k->tables[b]); k->tables[b] = NULL; }
    k->state = NULL;
    streams_drop(k);
}

/* -- tables; all of these with the lock held */
void map_table(lk *k, part *of, const char *path) {
    table *t = k->tables[of->bank] ? NULL : table_open(path, k->rate);
    if (!t) return;
    if (table_is_whole(t)) table_touch(t);
    k->tables[of->bank] = t;
    if (k->code->lk_take_slots(k->state, of->bank, (uint64_t)(uintptr_t)t->at + LK_AUDIO_AT, t->stride, t->at + LK_SLOTS_AT) < 0) {
        table_distrust(t); /* it is not followed any further: another bank, and the service is asked again */
        remove(path);
        of->serial++;
        of->is_wrong = 1;
    }
}
void follow_table(lk *k, part *of) {
    table *t = of->placed ? k->tables[of->bank] : NULL;
    if (!t || of->is_whole || t->is_damaged) return;
    int whole = table_is_whole(t); /* before the slots: they were there by then */
    if (k->code->lk_take_slots(k->state, of->bank, (uint64_t)(uintptr_t)t->at + LK_AUDIO_AT, t->stride, t->at + LK_SLOTS_AT) < 0) return;
    if (whole) { table_touch(t); of->is_whole = 1; if (of == &k->own) notice(k, "Ready"); }
}
static void use_bank(lk *k, int way, int bank, int channel) {
    if (way & NOW) k->code->lk_use_now(k->state, bank, channel);
    if (way & SOON) k->code->lk_command(k->state, LK_USE_BANK, bank, channel);
}
void use_banks(lk *k, int way) {
    if (!k->second.placed || !k->channels) use_bank(k, way, k->own.bank, LK_ALL_CHANNELS);
    else for (int c = 0; c < 16; c++) use_bank(k, way, k->channels >> c & 1 ? k->second.bank : k->own.bank, c);
}
static void fade_others(lk *k) {
    for (int b = LK_FIRST_BANK; b < LK_FIRST_BANK + 3; b++)
        if (b != k->own.bank && !(k->second.placed && b == k->second.bank)) k->code->lk_command(k->state, LK_FADE_BANK, b, 0);
}
int has_room(lk *k) {
    os_lock(&k->lock);
    int is_free = k->code->lk_free_bank(k->state, k->own.bank, k->second.placed ? k->second.bank : -1) >= 0;
    if (!is_free) fade_others(k);
    os_unlock(&k->lock);
    return is_free;
}
static int place_part(lk *k, part *of, int way) { /* give it a bank and, if it is in the cache, its table */
    part *other = of == &k->own ? &k->second : &k->own;
    int own_bank = way & NOW ? -1 : k->own.bank;
    int bank = (int)k->code->lk_free_bank(k->state, own_bank, other->placed ? other->bank : -1);
    if (bank < 0) { /* all of them sound: what is not played lets go */
        fade_others(k);
        atomic_fetch_add(&k->full, 1);
        return 0;
    }
    uint8_t sound[LK_SOUND_BYTES];
    if (of == &k->own) moved_sound(k, sound);
    else memcpy(sound, of->sound, sizeof sound);
    memcpy(k->state + LK_SOUNDS_AT + bank * LK_SOUND_BYTES, sound, sizeof sound);
    k->code->lk_clear_bank(k->state, bank);
    streams_of_bank(k, bank);
    table_close(k->tables[bank]);
    k->tables[bank] = NULL;
    int before = of->bank;
    of->bank = bank;
    of->placed = of->serial;
    of->is_whole = 0;
    char rest[96], path[OS_PATH];
    snprintf(rest, sizeof rest, "tables/%s-%ld.table", of->recipe, lrint(k->rate));
    if (is_recipe(of->recipe) && os_folder(path, rest, 0)) map_table(k, of, path);
    if (*of->table) map_table(k, of, of->table);
    use_banks(k, way);
    if (of == &k->own && k->carries) { k->carries = 0; k->code->lk_command(k->state, LK_CARRY_BANK, before, bank); }
    follow_table(k, of);
    return 1;
}
void place(lk *k, int way) {
    if (!k->state) return;
    int is_bounce = atomic_load(&k->active) && atomic_load(&k->offline) && !atomic_load(&k->tired);
    if (is_bounce && !k->waits && k->own.placed) return; /* it changes between two blocks, and each time between the same ones */
    if (k->waits) way = NOW | SOON;
    if (k->own.placed != k->own.serial && place_part(k, &k->own, way) && !k->own.is_whole) notice(k, "Rendering the sound");
    if (*k->second.recipe && k->second.placed != k->second.serial) place_part(k, &k->second, way);
}
void keep_preset(lk *k, char *preset, size_t bytes) {
    free(k->preset);
    k->preset = preset;
    k->preset_bytes = bytes;
    free(k->foreign);
    k->foreign = NULL;
    k->has_failed = 0;
}
void drop_partners_sound(lk *k) {
    if (k->second.placed && k->state) { k->second.placed = 0; use_banks(k, k->waits ? NOW | SOON : SOON); }
    *k->second.recipe = 0;
    k->second.placed = 0;
}
int partner_is_on(lk *k) { return atomic_load(&k->value[LK_AT_PARTNER]) >= 0.5; }
static int partner_is_settled(lk *k) { /* it is there, and its tones are; or neither will be */
    if (!partner_is_on(k) || k->has_no_partner) return 1;
    return k->partner_asked == k->own.serial && atomic_load(&k->partner.is_ready) && (!*k->second.recipe || (k->second.placed == k->second.serial && k->second.is_whole && streams_are_settled(k, &k->second)));
}
void settle(lk *k) {
    int is_placed = k->own.placed == k->own.serial, is_elsewhere = atomic_load(&k->placed_at) != PRESETS_OWN;
    int ready = !k->state || (is_placed && (k->has_failed || (k->own.is_whole && streams_are_settled(k, &k->own) && partner_is_settled(k))));
    int half = is_elsewhere && is_placed && k->tables[k->own.bank] && streams_are_settled(k, &k->own) && partner_is_settled(k); /* a table of each place that a song goes through would take minutes */
    if (ready) atomic_store(&k->tired, 0);
    atomic_store(&k->settled, atomic_load(&k->wished_program) >= 0 ? UNSETTLED : ready ? SETTLED : half ? HALF_SETTLED : UNSETTLED);
}

/* -- the main thread */
int lk_activate(lk *k, double rate) {
    if (!k->code || !(rate >= 8000 && rate <= 768000)) return 0;
    os_lock(&k->lock);
    if (k->rate != rate || !k->state) {
        drop_block(k);
        k->state = os_memory(LK_STATE_BYTES);
        if (k->state) {
            write_defaults(k->state, 0, LK_STATE_BYTES);
            k->is_clean = 1;
            k->code->lk_begin(k->state, rate);
            k->rate = rate;
            k->rate_serial = 1;
            k->own.placed = 0;
            k->own.bank = LK_FIRST_BANK;
            k->second.placed = 0;
            if (!tone_fill(k->code, k->state, rate)) drop_block(k);
        }
    }
    if (k->state) {
        k->code->lk_forget(k->state);
        lk_reset(k); /* no voice reads anything: every bank but the current one is free */
        place(k, NOW);
        settle(k);
        if (!k->has_helper) k->has_helper = os_start(&k->helper, lk_help, k);
        atomic_store(&k->active, 1);
    }
    int ok = k->state != NULL;
    os_unlock(&k->lock);
    return ok;
}
void lk_deactivate(lk *k) { atomic_store(&k->active, 0); }
void lk_offline(lk *k, int offline) { atomic_store(&k->offline, offline); }
void lk_free(lk *k) {
    atomic_store(&k->quit, 1);
    atomic_store(&k->on_change, NULL);
    if (k->has_helper) os_join(k->helper);
    drop_block(k);
    free(k->preset);
    free(k->foreign);
    free(k);
}
void lk_on_change(lk *k, void (*call)(void *), void *argument) { k->on_change_argument = argument; atomic_store(&k->on_change, call); }
int lk_moved(lk *k) { return atomic_exchange(&k->moved, 0); }
int lk_changed(lk *k) { return atomic_exchange(&k->changed, 0); }
double lk_get(lk *k, int p) { return p >= 0 && p < LK_PARAMETERS ? atomic_load(&k->value[p]) : 0; }

static const char CHUNK[] = "latentkeys-plugin ";
char *lk_save(lk *k, size_t *bytes) {
    os_lock(&k->lock);
    size_t room = k->preset_bytes + k->foreign_bytes + 16384, n = 0;
    char *out = malloc(room);
    if (out && k->foreign) { memcpy(out, k->foreign, n = k->foreign_bytes); }
    else if (out) {
        n += (size_t)snprintf(out + n, room - n, "%s1\nversion %s\nrecipe %s\n", CHUNK, LK_VERSION, *k->own.recipe ? k->own.recipe : "-");
        for (int p = 0; p < LK_PARAMETERS; p++)
            if (p != LK_AT_PANEL && (!(is_field(p) || is_place(p)) || atomic_load(&k->is_given[p])))
                n += (size_t)snprintf(out + n, room - n, "parameter %u %.17g\n", LK_PARAMETER[p].id, atomic_load(&k->value[p]));
        int at = atomic_load(&k->placed_at); /* what plays, if that is not the preset itself */
        if (at != PRESETS_OWN) n += (size_t)snprintf(out + n, room - n, "place %d %d\n", at >> 8, at & 255);
        n += sound_lines(k->own.sound, out + n, room - n);
        to_points(out); /* there is no comma in it yet */
        n += (size_t)snprintf(out + n, room - n, "preset %zu\n", k->preset_bytes);
        memcpy(out + n, k->preset, k->preset_bytes);
        n += k->preset_bytes;
    }
    *bytes = n;
    os_unlock(&k->lock);
    return out;
}
int lk_load(lk *k, const char *chunk, size_t bytes) {
    const char *at = chunk, *end = chunk + bytes;
    char line[200], name[64], word[64], recipe[33] = "", *kept = NULL, *preset = NULL;
    double value[LK_PARAMETERS];
    int is_given[LK_PARAMETERS] = {0}, placed_at = PRESETS_OWN;
    uint8_t sound[LK_SOUND_BYTES] = {0};
    size_t n = 0;
    if (bytes > MOST_CHUNK || bytes < sizeof CHUNK || memcmp(chunk, CHUNK, sizeof CHUNK - 1) || !next_line(&at, end, line, sizeof line)) return 0;
    long format = strtol(line + sizeof CHUNK - 1, NULL, 10);
    if (format < 1) return 0;
    for (int p = 0; p < LK_PARAMETERS; p++) value[p] = LK_PARAMETER[p].normal;
    while (next_line(&at, end, line, sizeof line)) {
        if (sscanf(line, "%63s %63s", name, word) != 2) continue;
        if (!strcmp(name, "recipe")) snprintf(recipe, sizeof recipe, "%s", word);
        else if (!strcmp(name, "parameter")) {
            char *rest = strchr(line + 10, ' ');
            unsigned long id = strtoul(word, NULL, 10);
            double v = rest ? read_number(rest, NULL) : NAN;
            for (int p = 0; p < LK_PARAMETERS; p++)
                if (LK_PARAMETER[p].id == id && v >= 0 && v <= 1 && p != LK_AT_PANEL) { value[p] = v; is_given[p] = 1; }
        } else if (!strcmp(name, "sound")) {
            char *rest = strchr(line + 6, ' ');
            if (rest) sound_line(sound, word, read_number(rest, NULL));
        } else if (!strcmp(name, "place")) {
            placed_at = read_place(line + 6);
        } else if (!strcmp(name, "preset")) {
            n = strtoul(word, NULL, 10);
            if (n > MOST_PRESET || n > (size_t)(end - at)) return 0;
            preset = malloc(n + 1);
            if (preset) memcpy(preset, at, n);
            break;
        }
    }
    if (!preset && format == 1) return 0;
    if (format > 1 && (kept = malloc(bytes))) memcpy(kept, chunk, bytes);
    os_lock(&k->lock);
    k->loads++;
    free(k->foreign);
    k->foreign = kept;
    k->foreign_bytes = kept ? bytes : 0;
    is_given[LK_AT_MORPH] = is_given[LK_AT_MORPH + 1] = is_given[LK_AT_MORPH] && is_given[LK_AT_MORPH + 1];
    for (int p = 0; p < LK_PARAMETERS; p++) { atomic_store(&k->is_given[p], is_given[p]); atomic_store(&k->value[p], value[p]); }
    if (preset) {
        free(k->preset);
        k->preset = preset;
        k->preset_bytes = n;
        memcpy(k->own.recipe, recipe, sizeof recipe);
        *k->own.table = 0;
        memcpy(k->own.sound, sound, sizeof sound);
        k->own.serial++;
        k->has_failed = 0;
        atomic_store(&k->wished_program, -1);
    }
    atomic_store(&k->placed_at, placed_at);
    atomic_store(&k->place, place_code(k));
    follow_sound(k);
    if (kept) notice(k, "This song needs a later latentkeys; what it says is kept");
    if (!atomic_load(&k->active)) place(k, SOON);
    atomic_store(&k->resend, 1);
    settle(k);
    os_unlock(&k->lock);
    return 1;
}

void lk_text(lk *k, int p, double v, char *to, size_t room) {
    if (p < 0 || p >= LK_PARAMETERS) { snprintf(to, room, "?"); return; }
    if (p == LK_AT_BYPASS || p == LK_AT_PARTNER || p == LK_AT_PANEL) { snprintf(to, room, "%s", v >= 0.5 ? "on" : "off"); return; }
    if (p == LK_AT_PROGRAM || p == LK_AT_STATUS) {
        os_lock(&k->lock);
        int n = (int)lrint(fmin(fmax(v, 0), 1) * 127);
        if (p == LK_AT_STATUS) snprintf(to, room, "%s", k->notice);
        else if (*k->names[n]) snprintf(to, room, "%s", k->names[n]);
        else snprintf(to, room, "(%d)", n);
        os_unlock(&k->lock);
        return;
    }
    if (is_place(p) && atomic_load(&k->no_map)) { snprintf(to, room, "no map"); return; }
    double plain = plain_of(p, v), size = fabs(plain);
    if (LK_PARAMETER[p].text == LK_DECIBELS) snprintf(to, room, "%.1f", plain);
    else if (LK_PARAMETER[p].text == LK_NUMBER) snprintf(to, room, "%.*f", size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3, size < 0.0005 ? 0 : plain);
    else if (LK_PARAMETER[p].text == LK_BALANCE) snprintf(to, room, "%.0f", fmax(-100, (v * 127 - 64) / 0.63));
    else snprintf(to, room, "%.0f", plain * 100);
    to_points(to);
}
int lk_from_text(lk *k, int p, const char *text, double *value) {
    if (p < 0 || p >= LK_PARAMETERS || p == LK_AT_STATUS) return 0;
    if (p == LK_AT_BYPASS || p == LK_AT_PARTNER || p == LK_AT_PANEL) { *value = !strcmp(text, "on") || read_number(text, NULL) >= 0.5; return 1; }
    if (p == LK_AT_PROGRAM) {
        char name[NAME];
        for (int i = 0; i < 128; i++) {
            lk_text(k, p, i / 127.0, name, sizeof name);
            if (!strcmp(name, text)) { *value = i / 127.0; return 1; }
        }
        return 0;
    }
    const char *end;
    double x = read_number(text, &end);
    if (end == text || !isfinite(x)) return 0;
    if (LK_PARAMETER[p].text == LK_BALANCE) x = (x * 0.63 + 64) / 127;
    else if (LK_PARAMETER[p].text == LK_PERCENT) x = place_of(p, x / 100);
    else x = place_of(p, x);
    *value = fmin(fmax(x, 0), 1);
    return 1;
}


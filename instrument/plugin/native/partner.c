/* The partner's rings and its place in the song. */
#include "partner.h"
#include <math.h>
#include <string.h>

static const double JUMP_BEATS = 0.25, SAME_BEATS = 1e-4; /* more is another place in the song; less is the same one */
static const double LATE_SECONDS = 0.1; /* strikes that should have been so long ago are left out */

static void put(partner *p, partner_fact fact) {
    unsigned in = atomic_load_explicit(&p->heard_in, memory_order_relaxed);
    if (in - atomic_load_explicit(&p->heard_out, memory_order_acquire) == PARTNER_HEARD) return; /* nobody listens */
    fact.run = p->run;
    p->heard[in % PARTNER_HEARD] = fact;
    atomic_store_explicit(&p->heard_in, in + 1, memory_order_release);
}
int partner_take_fact(partner *p, partner_fact *to) {
    unsigned out = atomic_load_explicit(&p->heard_out, memory_order_relaxed);
    if (out == atomic_load_explicit(&p->heard_in, memory_order_acquire)) return 0;
    *to = p->heard[out % PARTNER_HEARD];
    atomic_store_explicit(&p->heard_out, out + 1, memory_order_release);
    return 1;
}
void partner_plan(partner *p, const partner_note *note) {
    unsigned in = atomic_load_explicit(&p->planned_in, memory_order_relaxed);
    if (in - atomic_load_explicit(&p->planned_out, memory_order_acquire) == PARTNER_PLANNED) return;
    p->planned[in % PARTNER_PLANNED] = *note;
    atomic_store_explicit(&p->planned_in, in + 1, memory_order_release);
}

void partner_tell(partner *p, double beats, double bpm, double bar_start, double bar) {
    if (!(bpm >= 1 && bpm <= 1000) || !(fabs(beats) < 1e6)) return;
    int has_bar = bar >= 0.25 && bar <= 64 && fabs(bar_start) < 1e6;
    p->beats = has_bar ? beats - bar_start + rint(bar_start / bar) * bar : beats; /* a bar line is a multiple of a bar */
    p->bpm = bpm;
    p->bar = has_bar ? bar : 0;
    p->is_told = 1;
}
static void stop(partner *p) {
    p->run++;
    p->is_running = 0;
    p->lets_go = 1;
    p->waiting_count = 0;
    put(p, (partner_fact){.kind = PARTNER_STOP});
}
int partner_begin(partner *p, int is_on, int frames, double rate) {
    int ready = atomic_load(&p->is_ready), told = p->is_told;
    p->is_told = 0;
    p->out_count = 0;
    p->now = p->until;
    if (!is_on || !told || !ready || frames <= 0) {
        if (p->is_running && frames > 0) stop(p);
        return 0;
    }
    double expected = p->said.beats + (double)(p->now - p->said.frame) * p->said.bpm / (60 * rate);
    if (!p->is_running || ready != p->ready || p->bar != p->said.bar || fabs(p->beats - expected) > JUMP_BEATS) {
        if (p->is_running) stop(p);
        p->run++;
        p->is_running = 1;
        p->ready = ready;
        p->now = 0;
        put(p, (partner_fact){.kind = PARTNER_RUN, .beats = p->beats, .bpm = p->bpm, .bar = p->bar});
    } else if (p->bpm != p->said.bpm || fabs(p->beats - expected) > SAME_BEATS)
        put(p, (partner_fact){.kind = PARTNER_TEMPO, .frame = p->now, .beats = p->beats, .bpm = p->bpm});
    else { p->until = p->now + frames; return 1; }
    p->said.beats = p->beats;
    p->said.bpm = p->bpm;
    p->said.bar = p->bar;
    p->said.frame = p->now;
    p->until = p->now + frames;
    return 1;
}
void partner_hear(partner *p, int offset, int status, int data1, int data2) {
    int kind = status & 0xF0;
    if (kind != 0x80 && kind != 0x90 && kind != 0xB0) return;
    put(p, (partner_fact){.kind = PARTNER_HEAR, .frame = p->now + offset, .data = {(uint8_t)status, (uint8_t)(data1 & 127), (uint8_t)(data2 & 127)}});
}
void partner_heard_all(partner *p) { put(p, (partner_fact){.kind = PARTNER_UNTIL, .frame = p->until}); }
int partner_has_lived(partner *p) { return atomic_load(&p->lived_run) == p->run && atomic_load(&p->lived) >= p->until; } /* the run is written last */
static void take_planned(partner *p) {
    unsigned out = atomic_load_explicit(&p->planned_out, memory_order_relaxed), in = atomic_load_explicit(&p->planned_in, memory_order_acquire);
    for (; out != in && p->waiting_count < PARTNER_WAITING; out++) {
        partner_note *note = &p->planned[out % PARTNER_PLANNED];
        if (note->run != p->run) continue;
        int at = p->waiting_count++;
        for (; at && p->waiting[at - 1].frame > note->frame; at--) p->waiting[at] = p->waiting[at - 1];
        p->waiting[at] = *note;
    }
    atomic_store_explicit(&p->planned_out, out, memory_order_release);
}
static int let_one_go(partner *p, partner_note *to) {
    uint8_t *key = memchr(p->sounding, 1, sizeof p->sounding);
    if (!key) return p->lets_go = 0;
    int at = (int)(key - &p->sounding[0][0][0]);
    *key = 0;
    *to = (partner_note){.to = at / 2048, .data = {(uint8_t)(0x80 | (at / 128 & 15)), (uint8_t)(at & 127), 64}};
    return 1;
}
int partner_next(partner *p, partner_note *to, double rate) {
    if (p->lets_go && let_one_go(p, to)) return 1;
    if (!p->is_running) return 0;
    take_planned(p);
    while (p->waiting_count && p->waiting[0].frame < p->until) {
        *to = p->waiting[0];
        memmove(p->waiting, p->waiting + 1, (size_t)--p->waiting_count * sizeof *p->waiting);
        int kind = to->data[0] & 0xF0, is_strike = kind == 0x90 && to->data[2];
        if (is_strike && to->frame < p->now - (int64_t)(LATE_SECONDS * rate)) continue;
        if (kind == 0x80 || kind == 0x90) {
            uint8_t *key = &p->sounding[to->to][to->data[0] & 15][to->data[1]];
            if (!is_strike && !*key) continue;
            *key = (uint8_t)is_strike;
        }
        to->frame = to->frame > p->now ? to->frame - p->now : 0;
        return 1;
    }
    return 0;
}
void partner_reset(partner *p) {
    memset(p->sounding[TO_VOICES], 0, sizeof p->sounding[TO_VOICES]);
    if (p->is_running) stop(p);
}

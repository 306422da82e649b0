/* The panel's end in the helper's thread, the lock not held: pages play and choose, and see what sounds. */
#include "instance.h"

enum { LOOK_MS = 33 };

static void ask_panel(lk *k, int shows) {
    panel *p = &k->panel;
    p->is_open = p->is_asked = 1;
    *p->seen = 0;
    say_line(k, "PANEL %d %d %s\n", shows, p->port, *p->token ? p->token : "-");
}
static void look(lk *k) { /* what sounds, and how it goes */
    uint8_t keys[LK_PITCHES + 1] = {0};
    double v[LK_FIGURES];
    char line[sizeof k->panel.seen];
    os_lock(&k->lock);
    int is_there = k->state && k->own.placed;
    if (is_there) k->code->lk_look(k->state, k->own.bank, partner_is_on(k) ? k->channels : 0, keys, v);
    os_unlock(&k->lock);
    if (!is_there) return;
    snprintf(line, sizeof line, "SEEN %.0f %.0f %.0f %.0f %.4f %.4f %s\n", v[0], v[1], v[2], v[3], v[4], v[5], (char *)keys);
    to_points(line);
    if (strcmp(line, k->panel.seen) && say_line(k, "%s", line)) memcpy(k->panel.seen, line, sizeof line);
}
void panel_follow(lk *k) {
    panel *p = &k->panel;
    if (atomic_exchange(&p->is_wished, 0)) {
        atomic_store(&k->value[LK_AT_PANEL], 0);
        atomic_store(&k->moved, 1);
        tell_host(k, 1);
        if (k->service_version >= 3) ask_panel(k, 1);
        else {
            os_lock(&k->lock);
            notice(k, "The service is of an earlier version and shows no panel");
            os_unlock(&k->lock);
        }
    } else if (p->is_open && !p->is_asked && k->service_version >= 3) ask_panel(k, 0);
    if (p->is_asked && os_now_ms() >= p->look_at) {
        p->look_at = os_now_ms() + LOOK_MS;
        look(k);
    }
}
static void let_hear(panel *p, unsigned status, unsigned data1, unsigned data2) {
    unsigned in = atomic_load_explicit(&p->keys_in, memory_order_relaxed), kind = status & 0xF0;
    if (kind == 0x80 || kind == 0x90) p->held[status & 15][data1] = kind == 0x90 && data2;
    if (in - atomic_load_explicit(&p->keys_out, memory_order_acquire) == PANEL_KEYS) return; /* nothing processes */
    memcpy(p->keys[in % PANEL_KEYS], (uint8_t[]){(uint8_t)status, (uint8_t)data1, (uint8_t)data2}, 3);
    atomic_store_explicit(&p->keys_in, in + 1, memory_order_release);
}
int panel_next_key(panel *p, uint8_t data[3]) {
    unsigned out = atomic_load_explicit(&p->keys_out, memory_order_relaxed);
    if (out == atomic_load_explicit(&p->keys_in, memory_order_acquire)) return 0;
    memcpy(data, p->keys[out % PANEL_KEYS], 3);
    atomic_store_explicit(&p->keys_out, out + 1, memory_order_release);
    return 1;
}
static void command(lk *k, int command, int data) {
    os_lock(&k->lock);
    if (k->state) k->code->lk_command(k->state, command, data, 0);
    os_unlock(&k->lock);
}
static void let_go(lk *k) { /* of what its pages hold */
    for (int at = 0; at < 16 * 128; at++)
        if (k->panel.held[at / 128][at % 128]) let_hear(&k->panel, 0x80u | (unsigned)at / 128, (unsigned)at % 128, 64);
    command(k, LK_LET_GO, LK_PANEL_SOURCE);
}
void panel_lost(lk *k) { /* its pages hold no key any more */
    k->panel.is_asked = k->panel.is_shaping = 0;
    if (k->panel.has_played) let_go(k);
    k->panel.has_played = 0;
}
static void turn(lk *k, unsigned id, double value) { /* a parameter: as the panel has it, so that nothing is asked of the service */
    for (int p = 0; p < LK_PARAMETERS; p++)
        if (LK_PARAMETER[p].id == id && value >= 0 && value <= 1 && p != LK_AT_PANEL && p != LK_AT_STATUS && !is_field(p)) {
            atomic_store(&k->value[p], value);
            atomic_store(&k->resend, 1);
            atomic_store(&k->moved, 1);
            tell_host(k, 3);
        }
}
int panel_take(lk *k, const char *line) {
    unsigned d[3];
    char token[64];
    int port;
    if (sscanf(line, "NOTE %u %u %u", &d[0], &d[1], &d[2]) == 3) {
        if (d[0] < 0x80 || d[0] >= 0xF0 || d[1] > 127 || d[2] > 127) return 1;
        os_lock(&k->lock);
        if (k->state) k->code->lk_press(k->state, d[0], d[1], d[2]);
        os_unlock(&k->lock);
        let_hear(&k->panel, d[0], d[1], d[2]);
        k->panel.has_played = 1;
        tell_host(k, 4);
    } else if (sscanf(line, "TURN %u", &d[0]) == 1) {
        const char *value = strchr(line + 5, ' ');
        if (value) turn(k, d[0], read_number(value + 1, NULL));
    } else if (sscanf(line, "PANEL_AT %d %63s", &port, token) == 2) {
        k->panel.port = port;
        memcpy(k->panel.token, token, sizeof token);
    } else if (!strcmp(line, "LET_GO")) let_go(k);
    else if (!strcmp(line, "PANIC")) command(k, LK_PANIC, 0);
    else return 0;
    return 1;
}
void panel_shape(lk *k, const char *line, char *preset, size_t bytes) { /* locked; the preset that plays has been changed */
    keep_preset(k, preset, bytes);
    come_home(k);
    k->panel.is_shaping = 1;
    k->panel.carries = strrchr(line, ' ')[1] == '1';
    tell_host(k, 2);
}
int panel_take_sound(lk *k, const uint8_t *sound, const char *recipe) { /* locked; 1: what plays has it, and its tones are the same */
    if (!k->panel.is_shaping) return 0;
    k->panel.is_shaping = 0;
    for (int p = 0; p < LK_PARAMETERS; p++)
        if (is_field(p) && memcmp(sound + LK_PARAMETER[p].field, k->own.sound + LK_PARAMETER[p].field, 4)) atomic_store(&k->is_given[p], 0);
    if (strcmp(recipe, k->own.recipe) || !k->state || k->own.placed != k->own.serial) { k->carries = k->panel.carries; return 0; }
    memcpy(k->own.sound, sound, LK_SOUND_BYTES);
    follow_sound(k);
    uint8_t whole[LK_SOUND_BYTES];
    moved_sound(k, whole);
    for (size_t i = 0; i < LK_SOUND_BYTES; i += 4) { /* the kernel reads it meanwhile, word by word */
        uint32_t word;
        memcpy(&word, whole + i, 4);
        atomic_store_explicit((_Atomic uint32_t *)(k->state + LK_SOUNDS_AT + k->own.bank * LK_SOUND_BYTES + i), word, memory_order_relaxed);
    }
    tell_host(k, 1);
    return 1;
}

/* A sound as text and as numbers. */
#include "instance.h"

/* -- numbers as text: the host's language may have a comma, a song has a point */
static char decimal_point(void) {
    char half[8];
    snprintf(half, sizeof half, "%.1f", 0.5);
    return half[1];
}
void to_points(char *text) {
    for (char point = decimal_point(); *text; text++) if (*text == point) *text = '.';
}
double read_number(const char *text, const char **end) {
    char copy[64], *stop;
    size_t n = 0;
    for (; n < sizeof copy - 1 && text[n]; n++) copy[n] = text[n] == '.' || text[n] == ',' ? decimal_point() : text[n];
    copy[n] = 0;
    double value = strtod(copy, &stop);
    if (end) *end = text + (stop - copy);
    return value;
}

/* -- a sound, as lines of a field's name and its value */
void sound_line(uint8_t *sound, const char *name, double value) {
    for (size_t i = 0; i < sizeof LK_SOUND / sizeof *LK_SOUND; i++)
        if (!strcmp(LK_SOUND[i].name, name) && isfinite(value) && fabs(value) < 1e9) {
            if (LK_SOUND[i].kind == 'f') memcpy(sound + LK_SOUND[i].at, &(float){(float)value}, 4);
            else memcpy(sound + LK_SOUND[i].at, &(int32_t){(int32_t)value}, 4);
        }
}
size_t sound_lines(const uint8_t *sound, char *to, size_t room) {
    size_t n = 0;
    for (size_t i = 0; i < sizeof LK_SOUND / sizeof *LK_SOUND; i++) {
        float f;
        int32_t v;
        memcpy(&f, sound + LK_SOUND[i].at, 4);
        memcpy(&v, sound + LK_SOUND[i].at, 4);
        n += (size_t)snprintf(to + n, room - n, "sound %s %.9g\n", LK_SOUND[i].name, LK_SOUND[i].kind == 'f' ? f : v);
    }
    return n;
}
double plain_of(int p, double v) { return LK_PARAMETER[p].low + (LK_PARAMETER[p].high - LK_PARAMETER[p].low) * pow(v, LK_PARAMETER[p].curve); }
double place_of(int p, double plain) {
    double share = (plain - LK_PARAMETER[p].low) / (LK_PARAMETER[p].high - LK_PARAMETER[p].low);
    return pow(fmin(fmax(share, 0), 1), 1 / LK_PARAMETER[p].curve);
}
int is_field(int p) { return LK_PARAMETER[p].kind == LK_SOUND_FIELD; }
int is_place(int p) { return LK_PARAMETER[p].kind == LK_MORPH; }
int place_code(lk *k) {
    if (!atomic_load(&k->is_given[LK_AT_MORPH]) || atomic_load(&k->no_map)) return PRESETS_OWN;
    int x = (int)lrint(atomic_load(&k->value[LK_AT_MORPH]) * LK_PLACES), y = (int)lrint(atomic_load(&k->value[LK_AT_MORPH + 1]) * LK_PLACES);
    return x << 8 | y;
}
int read_place(const char *text) {
    unsigned x, y;
    return sscanf(text, "%u %u", &x, &y) == 2 && x <= LK_PLACES && y <= LK_PLACES ? (int)(x << 8 | y) : PRESETS_OWN;
}
void come_home(lk *k) {
    atomic_store(&k->is_given[LK_AT_MORPH], 0);
    atomic_store(&k->is_given[LK_AT_MORPH + 1], 0);
    atomic_store(&k->place, PRESETS_OWN);
    atomic_store(&k->placed_at, PRESETS_OWN);
    k->told_place = PRESETS_OWN;
}
void write_field(lk *k, uint8_t *sound, int p) {
    memcpy(sound + LK_PARAMETER[p].field, &(float){(float)plain_of(p, atomic_load(&k->value[p]))}, 4);
}
void moved_sound(lk *k, uint8_t *to) {
    memcpy(to, k->own.sound, LK_SOUND_BYTES);
    for (int p = 0; p < LK_PARAMETERS; p++) if (is_field(p) && atomic_load(&k->is_given[p])) write_field(k, to, p);
}
void follow_sound(lk *k) {
    atomic_store(&k->moved, 1);
    for (int p = 0; p < LK_PARAMETERS; p++) {
        float plain;
        if (!is_field(p) || atomic_load(&k->is_given[p])) continue;
        memcpy(&plain, k->own.sound + LK_PARAMETER[p].field, 4);
        atomic_store(&k->value[p], place_of(p, plain));
    }
}
int next_line(const char **at, const char *end, char *to, size_t room) {
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    if (!stop || (size_t)(stop - *at) >= room || memchr(*at, 0, (size_t)(stop - *at))) return 0;
    memcpy(to, *at, (size_t)(stop - *at));
    to[stop - *at] = 0;
    *at = stop + 1;
    return 1;
}
void take_sound(uint8_t *sound, char *recipe, const char *at, const char *end) {
    char line[200], name[64], word[64];
    while (next_line(&at, end, line, sizeof line)) {
        if (sscanf(line, "%63s %63s", name, word) != 2) continue;
        if (!strcmp(name, "recipe")) snprintf(recipe, 33, "%s", word);
        else sound_line(sound, name, read_number(word, NULL));
    }
}
int is_recipe(const char *r) { return strlen(r) == 32 && strspn(r, "0123456789abcdef") == 32; }

#include "lk.h"
#include "os.h"
#include "code.h"
#include "partner.h"
#include "tables.h"
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>

enum { MOST_PRESET = 1 << 20, MOST_CHUNK = 1 << 22, NAME = 64, MOST_QUEUED = 3500, MOST_WAITING = 256 };
#define WAIT_OFFLINE_MS 60000
#define HANGS_MS 8000 /* who answers nothing for so long is taken for one that hangs */
#define PING_MS 2000

typedef struct { /* what plays from a bank of its own */
    uint8_t sound[LK_SOUND_BYTES];
    char recipe[33]; /* "" : not known yet */
    unsigned serial, placed;
    int bank, is_whole, is_wrong; /* wrong: its table was damaged, and nobody has been asked for another one */
} part;

struct lk {
    const lk_code *code;
    /* the audio thread's, or the main thread's while nothing is active */
    uint8_t *state;
    float *left, *right, bypassed;
    int frames, done, queued, sounding_bank;
    double sent[LK_PARAMETERS], tempo;
    float expressed[LK_EXPRESSIONS][16][128]; /* what has been asked for of each note */
    struct { int kind, channel, key; float value; } waiting[MOST_WAITING]; /* for the note of the same frame to begin */
    int waiting_count, waiting_at;
    int was_playing, is_clean; /* nothing has been played since the last reset */
    int64_t position; /* where the song goes on, if it goes on */
    int is_listening; /* the block's events are for the partner, which hears them before they are played */
    partner partner;
    /* everybody's */
    _Atomic double value[LK_PARAMETERS];
    atomic_int is_given[LK_PARAMETERS]; /* a field of the sound: somebody has moved it away from the preset's */
    atomic_uint full; /* counts: no bank is free before a block has been played */
    atomic_int active, resend, moved, settled, tired, offline, wished_program, changed, quit;
    /* under the lock: main and helper */
    os_mutex lock;
    double rate;
    char *preset; size_t preset_bytes;
    char *foreign; size_t foreign_bytes; /* a chunk of a later version: kept as it is */
    part own, second; /* the partner's, while it has a sound of its own */
    int channels;     /* bit c: channel c is the partner's */
    char notice[400], names[128][NAME];
    unsigned asked, rate_serial;
    int has_failed, has_no_partner;
    int waits;        /* the audio thread does, for us: nothing processes */
    table *tables[LK_BANKS];
    /* the helper's */
    os_thread helper; int has_helper;
    os_socket socket;
    int service_version, is_deaf; /* the service is there and says nothing */
    long service_pid;
    int64_t heard_at, pinged_at; /* 0: it has answered */
    int64_t next_try, gave_up_at;
    int wanted_pitch, told, answered; /* a key; program changes that the service knows of */
    unsigned partner_asked; /* the preset whose partner it is asked for; 0: for none */
    int64_t owed, partner_progress; /* up to which frame it shall live, and when it has last lived on */
    uint32_t owed_run;
    char in[4096]; size_t in_at, in_end;
    void (*on_change)(void *); void *on_change_argument;
};

static void tell(lk *k, int bits) {
    atomic_fetch_or(&k->changed, bits);
    if (k->on_change) k->on_change(k->on_change_argument);
}
static void notice(lk *k, const char *text) { /* locked */
    if (strncmp(k->notice, text, sizeof k->notice - 1)) {
        snprintf(k->notice, sizeof k->notice, "%s", text);
        tell(k, 1);
    }
}

/* -- numbers as text: the host's language may have a comma, a song has a point */
static char decimal_point(void) {
    char half[8];
    snprintf(half, sizeof half, "%.1f", 0.5);
    return half[1];
}
static void to_points(char *text) {
    for (char point = decimal_point(); *text; text++) if (*text == point) *text = '.';
}
static double read_number(const char *text, const char **end) {
    char copy[64], *stop;
    size_t n = 0;
    for (; n < sizeof copy - 1 && text[n]; n++) copy[n] = text[n] == '.' || text[n] == ',' ? decimal_point() : text[n];
    copy[n] = 0;
    double value = strtod(copy, &stop);
    if (end) *end = text + (stop - copy);
    return value;
}

/* -- a sound, as lines of a field's name and its value */
static void sound_line(uint8_t *sound, const char *name, double value) {
    for (size_t i = 0; i < sizeof LK_SOUND / sizeof *LK_SOUND; i++)
        if (!strcmp(LK_SOUND[i].name, name) && isfinite(value) && fabs(value) < 1e9) {
            if (LK_SOUND[i].kind == 'f') memcpy(sound + LK_SOUND[i].at, &(float){(float)value}, 4);
            else memcpy(sound + LK_SOUND[i].at, &(int32_t){(int32_t)value}, 4);
        }
}
static double plain_of(int p, double v) { return LK_PARAMETER[p].low + (LK_PARAMETER[p].high - LK_PARAMETER[p].low) * pow(v, LK_PARAMETER[p].curve); }
static double place_of(int p, double plain) {
    double share = (plain - LK_PARAMETER[p].low) / (LK_PARAMETER[p].high - LK_PARAMETER[p].low);
    return pow(fmin(fmax(share, 0), 1), 1 / LK_PARAMETER[p].curve);
}
static int is_field(int p) { return LK_PARAMETER[p].kind == LK_SOUND_FIELD; }
static void write_field(lk *k, uint8_t *sound, int p) {
    memcpy(sound + LK_PARAMETER[p].field, &(float){(float)plain_of(p, atomic_load(&k->value[p]))}, 4);
}
static void follow_sound(lk *k) { /* what nobody has moved stands where the preset has it; locked */
    atomic_store(&k->moved, 1);
    for (int p = 0; p < LK_PARAMETERS; p++) {
        float plain;
        if (!is_field(p) || atomic_load(&k->is_given[p])) continue;
        memcpy(&plain, k->own.sound + LK_PARAMETER[p].field, 4);
        atomic_store(&k->value[p], place_of(p, plain));
    }
}
static int next_line(const char **at, const char *end, char *to, size_t room) {
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    if (!stop || (size_t)(stop - *at) >= room || memchr(*at, 0, (size_t)(stop - *at))) return 0;
    memcpy(to, *at, (size_t)(stop - *at));
    to[stop - *at] = 0;
    *at = stop + 1;
    return 1;
}
static void take_sound(uint8_t *sound, char *recipe, const char *at, const char *end) {
    char line[200], name[64], word[64];
    while (next_line(&at, end, line, sizeof line)) {
        if (sscanf(line, "%63s %63s", name, word) != 2) continue;
        if (!strcmp(name, "recipe")) snprintf(recipe, 33, "%s", word);
        else sound_line(sound, name, read_number(word, NULL));
    }
}
static int is_recipe(const char *r) { return strlen(r) == 32 && strspn(r, "0123456789abcdef") == 32; }

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
    for (int i = 0; i < 128; i++) snprintf(k->names[i], NAME, "%s", LK_PROGRAMS[i] ? LK_PROGRAMS[i] : "");
    atomic_init(&k->wished_program, -1);
    k->own.serial = 1;
    snprintf(k->notice, sizeof k->notice, "%s", k->code ? "Starting" : "This processor is too old for latentkeys");
    return k;
}

/* -- the block */
static void write_defaults(uint8_t *state, uint32_t from, uint32_t to) {
    for (size_t i = 0; i < sizeof LK_DEFAULTS / sizeof *LK_DEFAULTS; i++) {
        uint32_t a = LK_DEFAULTS[i].at, b = a + LK_DEFAULTS[i].count;
        uint32_t begin = a > from ? a : from, end = b < to ? b : to;
        if (begin < end) memcpy(state + begin, LK_DEFAULTS[i].bytes + (begin - a), end - begin);
    }
}
static void clear(uint8_t *at, size_t bytes) { /* what is clear stays unwritten: untouched pages take no memory */
    static const uint8_t nothing[4096];
    for (size_t n; bytes; at += n, bytes -= n) {
        n = bytes < sizeof nothing ? bytes : sizeof nothing;
        if (memcmp(at, nothing, n)) memset(at, 0, n);
    }
}
enum { NOW = 1, SOON = 2 }; /* nothing processes; the block that comes does it, after what has been asked before */
static void use_banks(lk *k, int way);
void lk_reset(lk *k) {
    if (!k->state) return;
    for (size_t i = 0; i < sizeof LK_RESET / sizeof *LK_RESET && !k->is_clean; i++) {
        clear(k->state + LK_RESET[i].at, LK_RESET[i].count);
        write_defaults(k->state, LK_RESET[i].at, LK_RESET[i].at + LK_RESET[i].count);
    }
    k->is_clean = 1;
    use_banks(k, NOW);
    partner_reset(&k->partner);
    for (int p = 0; p < LK_PARAMETERS; p++) k->sent[p] = LK_PARAMETER[p].normal;
    memset(k->expressed, 0, sizeof k->expressed);
    k->waiting_count = 0;
    k->tempo = 120;
    k->was_playing = 0;
    atomic_store(&k->resend, 1);
}
static void drop_block(lk *k) { /* nothing is active */
    if (k->state) os_give_back(k->state, LK_STATE_BYTES);
    for (int b = 0; b < LK_BANKS; b++) { table_close(k->tables[b]); k->tables[b] = NULL; }
    k->state = NULL;
}

/* -- tables; all of these with the lock held */
static void map_table(lk *k, part *of, const char *path) { /* into a bank without one: nobody reads it yet */
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
static void follow_table(lk *k, part *of) {
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
static void use_banks(lk *k, int way) { /* the player's on every channel but the partner's */
    if (!k->second.placed || !k->channels) use_bank(k, way, k->own.bank, LK_ALL_CHANNELS);
    else for (int c = 0; c < 16; c++) use_bank(k, way, k->channels >> c & 1 ? k->second.bank : k->own.bank, c);
}
static int place_part(lk *k, part *of, int way) { /* give it a bank and, if it is in the cache, its table */
    part *other = of == &k->own ? &k->second : &k->own;
    int own_bank = way & NOW ? -1 : k->own.bank;
    int bank = (int)k->code->lk_free_bank(k->state, own_bank, other->placed ? other->bank : -1);
    if (bank < 0) { /* all of them sound: what is not played lets go */
        for (int b = LK_FIRST_BANK; b < LK_FIRST_BANK + 3; b++)
            if (b != k->own.bank && !(k->second.placed && b == k->second.bank)) k->code->lk_command(k->state, LK_FADE_BANK, b, 0);
        atomic_fetch_add(&k->full, 1);
        return 0;
    }
    uint8_t sound[LK_SOUND_BYTES];
    memcpy(sound, of->sound, sizeof sound);
    for (int p = 0; p < LK_PARAMETERS; p++) if (of == &k->own && is_field(p) && atomic_load(&k->is_given[p])) write_field(k, sound, p);
    k->code->lk_clear_bank(k->state, bank, sound);
    table_close(k->tables[bank]);
    k->tables[bank] = NULL;
    of->bank = bank;
    of->placed = of->serial;
    of->is_whole = 0;
    char rest[96], path[OS_PATH];
    snprintf(rest, sizeof rest, "tables/%s-%ld.table", of->recipe, lrint(k->rate));
    if (is_recipe(of->recipe) && os_folder(path, rest, 0)) map_table(k, of, path);
    use_banks(k, way);
    follow_table(k, of);
    return 1;
}
static void place(lk *k, int way) {
    if (!k->state) return;
    if (k->waits) way = NOW | SOON;
    if (k->own.placed != k->own.serial && place_part(k, &k->own, way) && !k->own.is_whole) notice(k, "Rendering the sound");
    if (*k->second.recipe && k->second.placed != k->second.serial) place_part(k, &k->second, way);
}
static void drop_partners_sound(lk *k) { /* it plays with the player's from now on */
    if (k->second.placed && k->state) { k->second.placed = 0; use_banks(k, k->waits ? NOW | SOON : SOON); }
    *k->second.recipe = 0;
    k->second.placed = 0;
}
static int partner_is_on(lk *k) { return atomic_load(&k->value[LK_AT_PARTNER]) >= 0.5; }
static int partner_is_settled(lk *k) { /* it is there, and its tones are; or neither will be */
    if (!partner_is_on(k) || k->has_no_partner) return 1;
    return k->partner_asked == k->own.serial && atomic_load(&k->partner.is_ready) && (!*k->second.recipe || (k->second.placed == k->second.serial && k->second.is_whole));
}
static void settle(lk *k) {
    int ready = !k->state || (k->own.placed == k->own.serial && (k->has_failed || (k->own.is_whole && partner_is_settled(k))));
    if (ready) atomic_store(&k->tired, 0);
    atomic_store(&k->settled, ready && atomic_load(&k->wished_program) < 0);
}

/* -- the service: helper's thread, the lock not held */
static void hang_up(lk *k) {
    if (k->socket != OS_NO_SOCKET) os_close(k->socket);
    k->socket = OS_NO_SOCKET;
    k->in_at = k->in_end = 0;
    k->pinged_at = 0;
    k->asked = 0;
    k->wanted_pitch = k->told = k->answered = -1;
    k->partner_asked = 0;
    atomic_store(&k->partner.is_ready, 0);
}
static int say(lk *k, const char *text, size_t bytes) {
    while (bytes && k->socket != OS_NO_SOCKET) {
        long n = (long)send(k->socket, text, bytes, OS_SEND);
        if (n <= 0) { k->is_deaf = os_is_late(); hang_up(k); return 0; }
        text += n;
        bytes -= (size_t)n;
    }
    return !bytes;
}
static int say_line(lk *k, const char *format, ...) {
    char line[300];
    va_list more;
    va_start(more, format);
    int n = vsnprintf(line, sizeof line, format, more);
    va_end(more);
    return say(k, line, (size_t)n);
}
static int hear(lk *k, char *to, size_t bytes) { /* waits a bounded time for the rest of what has begun */
    while (bytes) {
        if (k->in_at == k->in_end) {
            k->is_deaf = !os_readable(k->socket, HANGS_MS);
            long n = k->is_deaf ? 0 : (long)recv(k->socket, k->in, sizeof k->in, 0);
            if (n <= 0) { hang_up(k); return 0; }
            k->heard_at = os_now_ms();
            k->pinged_at = 0;
            k->in_at = 0;
            k->in_end = (size_t)n;
        }
        size_t n = k->in_end - k->in_at < bytes ? k->in_end - k->in_at : bytes;
        memcpy(to, k->in + k->in_at, n);
        k->in_at += n;
        to += n;
        bytes -= n;
    }
    return 1;
}
static int hear_line(lk *k, char *to, size_t room) {
    for (size_t n = 0; n + 1 < room && hear(k, to + n, 1); n++)
        if (to[n] == '\n') { to[n] = 0; return 1; }
    hang_up(k);
    return 0;
}
static char *hear_text(lk *k, size_t bytes) {
    char *text = bytes <= MOST_PRESET ? malloc(bytes + 1) : NULL;
    if (text && hear(k, text, bytes)) { text[bytes] = 0; return text; }
    free(text);
    hang_up(k);
    return NULL;
}
static int read_file(const char *name, int config, char *to, size_t room) {
    char path[OS_PATH];
    FILE *f = os_folder(path, name, config) ? fopen(path, "rb") : NULL;
    if (!f) return 0;
    size_t n = fread(to, 1, room - 1, f);
    fclose(f);
    to[n] = 0;
    return n > 0;
}
static char *next_word(char **rest, const char *ends) { /* strtok has one memory for all threads of the host */
    char *word = *rest + strspn(*rest, ends), *end = word + strcspn(word, ends);
    *rest = *end ? end + 1 : end;
    *end = 0;
    return end > word ? word : NULL;
}
static _Atomic int64_t launched_at; /* by any instance of this process; 0: a service has answered since */
static atomic_int launches;          /* since then: each is given twice the time of the one before */
enum { LAUNCH_MS = 1500 };
static int launch(int64_t launched, int is_starting) { /* words of the command line, one on each line; 0 if there is none */
    char text[4 * OS_PATH], *words[16];
    if (!read_file("plugin-launch", 1, text, sizeof text)) return 0;
    if (is_starting || !atomic_compare_exchange_strong(&launched_at, &launched, os_now_ms())) return 1;
    if (atomic_load(&launches) < 3) atomic_fetch_add(&launches, 1);
    int n = 0;
    for (char *rest = text, *word; n < 15 && (word = next_word(&rest, "\r\n"));) words[n++] = word;
    words[n] = NULL;
    return n > 0 && os_launch(words);
}
static void give_up(lk *k, const char *why) {
    os_lock(&k->lock);
    k->has_failed = 1;
    if (!k->own.is_whole) notice(k, why);
    settle(k);
    os_unlock(&k->lock);
}
static void connect_now(lk *k) {
    int64_t now = os_now_ms();
    if (now < k->next_try) return;
    int64_t launched = atomic_load(&launched_at);
    int is_starting = launched && now < launched + (LAUNCH_MS << atomic_load(&launches)) / 2;
    k->next_try = now + 50;
    char text[2 * OS_PATH], *token, line[300];
    if (read_file("plugin/service", 0, text, sizeof text) && (token = strchr(text, '\n'))) {
        *token++ = 0;
        size_t length = strcspn(token, "\r\n");
        k->service_pid = strtol(token + length, NULL, 10);
        token[length] = 0;
        k->socket = os_connect(text);
    }
    if (k->socket == OS_NO_SOCKET) {
        const char *why = NULL;
        if (!launch(launched, is_starting)) why = "Only sounds from the cache. In a terminal: latentkeys plugin install";
        else if (k->gave_up_at && now > k->gave_up_at) why = "The service does not start: latentkeys plugin status";
        if (why) { give_up(k, why); k->next_try = now + 1000; }
        if (!k->gave_up_at) k->gave_up_at = now + 20000;
        return;
    }
    os_lock(&k->lock);
    double rate = k->rate;
    k->rate_serial = 0;
    os_unlock(&k->lock);
    k->gave_up_at = 0;
    k->next_try = now + 500;
    if (!say_line(k, "HELLO 1 %s %ld %016llx\n", token, lrint(rate), (unsigned long long)LK_LAYOUT) || !hear_line(k, line, sizeof line)) return;
    if (strncmp(line, "OK", 2)) { give_up(k, strlen(line) > 3 ? line + 3 : "The service is of another version"); hang_up(k); k->next_try = now + 2000; }
    else {
        k->service_version = atoi(line + 2);
        atomic_store(&launches, 0);
        atomic_store(&launched_at, 0);
        k->next_try = 0;
        os_lock(&k->lock);
        if (k->own.is_whole) notice(k, "Ready");
        os_unlock(&k->lock);
    }
}
static void check_service(lk *k) { /* one that hangs is ended, and the next try starts another */
    int64_t now = os_now_ms();
    if (k->socket != OS_NO_SOCKET && k->service_version >= 2) {
        if (k->pinged_at && now > k->pinged_at + HANGS_MS) { k->is_deaf = 1; hang_up(k); }
        else if (!k->pinged_at && now > k->heard_at + PING_MS && say_line(k, "PING 1\n")) k->pinged_at = now;
    }
    if (!k->is_deaf) return;
    k->is_deaf = 0;
    k->next_try = 0;
    os_end(k->service_pid);
    os_lock(&k->lock);
    notice(k, "The service hangs: another one is started");
    os_unlock(&k->lock);
}
static void ask(lk *k) { /* tell the service which preset it is about */
    os_lock(&k->lock);
    unsigned serial = k->own.serial;
    int is_asked = k->asked == serial;
    if (!is_asked) k->own.is_wrong = 0;
    size_t n = k->preset_bytes;
    char *copy = is_asked ? NULL : malloc(n + 1);
    if (copy) memcpy(copy, k->preset, n);
    os_unlock(&k->lock);
    if (copy && say_line(k, "PRESET %zu\n", n) && say(k, copy, n)) k->asked = serial;
    free(copy);
}
static void take_names(lk *k, char *text) {
    os_lock(&k->lock);
    for (char *line; (line = next_word(&text, "\n"));) {
        char *name;
        long n = strtol(line, &name, 10);
        if (n >= 0 && n < 128 && *name == ' ') snprintf(k->names[n], NAME, "%s", name + 1);
    }
    os_unlock(&k->lock);
    tell(k, 1);
}
static void take_table(lk *k, part *of, const char *path) { /* locked */
    place(k, SOON);
    follow_table(k, of);
    table *t = of->placed == of->serial && !of->is_whole ? k->tables[of->bank] : NULL;
    if (t && strcmp(t->path, path)) {
        of->serial++; /* the one before does not grow any more: another bank */
        if (of == &k->own) k->asked = of->serial;
        place(k, SOON);
    }
    if (of->placed == of->serial && !of->is_whole) { map_table(k, of, path); follow_table(k, of); }
}
static void give_up_partner(lk *k, const char *why) { /* locked */
    k->has_no_partner = 1;
    atomic_store(&k->partner.is_ready, 0);
    notice(k, why);
}
static void take_partner(lk *k, const char *line, const char *text, size_t n) { /* locked */
    static atomic_int count;
    if (!strncmp(line, "SOUND ", 6)) { /* which channels are its own, and what they play */
        uint8_t sound[LK_SOUND_BYTES] = {0};
        char recipe[33] = "";
        const char *at = text, *end = text + n;
        char first[64];
        k->channels = next_line(&at, end, first, sizeof first) ? (int)(strtol(first, NULL, 10) & 0xFFFF) : 0;
        take_sound(sound, recipe, at, end);
        if (!is_recipe(recipe)) { drop_partners_sound(k); return; }
        if (strcmp(recipe, k->second.recipe) || memcmp(sound, k->second.sound, sizeof sound)) {
            memcpy(k->second.sound, sound, sizeof sound);
            memcpy(k->second.recipe, recipe, sizeof recipe);
            k->second.serial++;
        }
        place(k, SOON);
    } else if (!strncmp(line, "TABLE ", 6)) {
        if (*k->second.recipe) take_table(k, &k->second, line + 6);
    } else if (!strcmp(line, "READY")) {
        k->has_no_partner = 0;
        atomic_store(&k->partner.is_ready, atomic_fetch_add(&count, 1) + 1);
    } else if (!strcmp(line, "GONE")) { /* another one comes */
        atomic_store(&k->partner.is_ready, 0);
    } else if (!strncmp(line, "FAILED ", 7)) give_up_partner(k, line + 7);
}
static int take_music(lk *k, const char *line) { /* what the partner plays; the lock not held */
    unsigned run, d[3];
    long long frame;
    int to;
    if (sscanf(line, "LIVED %u %lld", &run, &frame) == 2) {
        atomic_store(&k->partner.lived, frame);
        atomic_store(&k->partner.lived_run, run);
        k->partner_progress = os_now_ms();
        if (run == k->owed_run && frame >= k->owed) k->owed = 0;
        return 1;
    }
    if (sscanf(line, "PLAY %u %lld %d %u %u %u", &run, &frame, &to, &d[0], &d[1], &d[2]) != 6) return 0;
    if (to >= 0 && to < PLACES && d[0] >= 0x80 && d[0] < 0xF0 && d[1] < 128 && d[2] < 128)
        partner_plan(&k->partner, &(partner_note){run, frame, to, {(uint8_t)d[0], (uint8_t)d[1], (uint8_t)d[2]}});
    return 1;
}
static void take_reply(lk *k, const char *line) {
    if (take_music(k, line)) return;
    size_t n = 0;
    char *text = NULL;
    const char *space = strchr(line, ' ');
    if (!strncmp(line, "NAMES ", 6) || !strncmp(line, "PRESET ", 7) || !strncmp(line, "SOUND ", 6) || !strncmp(line, "PARTNER_SOUND ", 14)) {
        n = strtoul(space, NULL, 10);
        if (!(text = hear_text(k, n))) return;
    }
    if (!strncmp(line, "NAMES ", 6)) { take_names(k, text); free(text); return; }
    if (!strncmp(line, "PONG ", 5)) return;
    os_lock(&k->lock);
    if (!strncmp(line, "PRESET ", 7)) { /* another one, because of a program change */
        free(k->preset);
        k->preset = text;
        k->preset_bytes = n;
        text = NULL;
        free(k->foreign);
        k->foreign = NULL;
        k->own.recipe[0] = 0;
        k->has_failed = 0;
        k->answered = k->told;
        notice(k, "Loading the preset");
        for (int p = 0; p < LK_PARAMETERS; p++) atomic_store(&k->is_given[p], 0);
        tell(k, 2);
    } else if (!strncmp(line, "SOUND ", 6)) {
        uint8_t sound[LK_SOUND_BYTES] = {0};
        char recipe[33] = "";
        take_sound(sound, recipe, text, text + n);
        k->has_failed = 0;
        if (strcmp(recipe, k->own.recipe) || memcmp(sound, k->own.sound, sizeof sound)) {
            memcpy(k->own.sound, sound, sizeof sound);
            memcpy(k->own.recipe, recipe, sizeof recipe);
            k->own.serial++;
            follow_sound(k);
            tell(k, 1);
        }
        if (!k->own.is_wrong) k->asked = k->own.serial;
        if (k->answered >= 0) atomic_compare_exchange_strong(&k->wished_program, &k->answered, -1);
        k->answered = k->told = -1;
        place(k, SOON);
    } else if (!strncmp(line, "TABLE ", 6)) {
        take_table(k, &k->own, line + 6);
    } else if (!strncmp(line, "PARTNER_", 8)) {
        take_partner(k, line + 8, text, n);
    } else if (!strncmp(line, "NOTICE ", 7)) {
        notice(k, line + 7);
    } else if (!strncmp(line, "FAILED ", 7)) {
        notice(k, line + 7);
        k->has_failed = 1;
        if (k->told >= 0) atomic_compare_exchange_strong(&k->wished_program, &(int){k->told}, -1);
        k->told = -1;
    }
    settle(k);
    os_unlock(&k->lock);
    free(text);
}
static void want(lk *k) { /* what was struck comes first */
    os_lock(&k->lock);
    int pitch = k->state && !k->own.is_whole && k->tables[k->own.bank] ? (int)k->code->lk_wanted(k->state, k->own.bank) : -1;
    os_unlock(&k->lock);
    if (pitch >= 0 && pitch != k->wanted_pitch) say_line(k, "WANT %d\n", pitch);
    k->wanted_pitch = pitch;
}
static void ask_partner(lk *k) { /* have one for the preset that plays, or none */
    unsigned wanted = partner_is_on(k) && k->asked ? k->asked : 0;
    if (k->owed && os_now_ms() > k->partner_progress + HANGS_MS) k->partner_asked = 0; /* it hangs: another one */
    if (k->second.is_wrong) k->second.is_wrong = k->partner_asked = 0;
    if (wanted == k->partner_asked) return;
    os_lock(&k->lock);
    k->has_no_partner = 0;
    atomic_store(&k->partner.is_ready, 0);
    if (!wanted) drop_partners_sound(k);
    if (wanted && k->service_version < 2) give_up_partner(k, "The service is of an earlier version and knows no partner");
    os_unlock(&k->lock);
    k->owed = 0;
    if (k->service_version < 2) k->partner_asked = wanted;
    else if (say_line(k, "PARTNER %d\n", wanted != 0)) k->partner_asked = wanted;
}
static void tell_partner(lk *k) { /* what the audio thread has heard */
    char text[4000];
    size_t n = 0;
    partner_fact f;
    while (n < sizeof text - 200 && partner_take_fact(&k->partner, &f)) {
        char *at = text + n;
        size_t room = sizeof text - n;
        switch (f.kind) {
        case PARTNER_RUN: n += (size_t)snprintf(at, room, "RUN %u %.17g %.17g %.17g\n", f.run, f.beats, f.bpm, f.bar); break;
        case PARTNER_TEMPO: n += (size_t)snprintf(at, room, "TEMPO %lld %.17g %.17g\n", (long long)f.frame, f.beats, f.bpm); break;
        case PARTNER_HEAR: n += (size_t)snprintf(at, room, "HEAR %lld %u %u %u\n", (long long)f.frame, f.data[0], f.data[1], f.data[2]); break;
        case PARTNER_UNTIL: n += (size_t)snprintf(at, room, "UNTIL %lld\n", (long long)f.frame); break;
        default: n += (size_t)snprintf(at, room, "STOP 0\n");
        }
        if (f.kind == PARTNER_UNTIL) {
            if (!k->owed) k->partner_progress = os_now_ms();
            k->owed = f.frame;
            k->owed_run = f.run;
        }
        to_points(at);
    }
    if (n && k->partner_asked) say(k, text, n);
}
static OS_THREAD help(void *self) {
    lk *k = self;
    char line[OS_PATH + 16];
    while (!atomic_load(&k->quit)) {
        os_lock(&k->lock);
        if (k->state) {
            int program = (int)k->code->lk_program(k->state);
            if (program >= 0) {
                atomic_store(&k->value[LK_AT_PROGRAM], program / 127.0);
                atomic_store(&k->wished_program, program);
            }
        }
        place(k, SOON);
        follow_table(k, &k->own);
        follow_table(k, &k->second);
        settle(k);
        int is_other_rate = k->rate_serial != 0, is_busy = !atomic_load(&k->settled);
        os_unlock(&k->lock);
        if (is_other_rate) hang_up(k);
        if (k->socket == OS_NO_SOCKET) connect_now(k);
        if (k->socket == OS_NO_SOCKET) { check_service(k); os_sleep_ms(is_busy ? 20 : 100); continue; }
        int program = atomic_load(&k->wished_program);
        if (program < 0) ask(k);
        else if (program != k->told && say_line(k, "PROGRAM %d\n", program)) k->told = program;
        want(k);
        if (k->socket != OS_NO_SOCKET) ask_partner(k);
        tell_partner(k);
        if (k->socket == OS_NO_SOCKET) { check_service(k); continue; }
        int ms = k->partner_asked ? 1 : is_busy ? 5 : 50; /* an answer is heard at once, what the audio thread says only so often */
        while (k->socket != OS_NO_SOCKET && (k->in_at < k->in_end || os_readable(k->socket, ms))) {
            if (hear_line(k, line, sizeof line)) take_reply(k, line);
            if (k->partner_asked) ms = 0;
        }
        check_service(k);
    }
    hang_up(k);
    return 0;
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
        if (!k->has_helper) k->has_helper = os_start(&k->helper, help, k);
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
    k->on_change = NULL;
    if (k->has_helper) os_join(k->helper);
    drop_block(k);
    free(k->preset);
    free(k->foreign);
    free(k);
}
void lk_on_change(lk *k, void (*call)(void *), void *argument) { k->on_change_argument = argument; k->on_change = call; }
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
            if (!is_field(p) || atomic_load(&k->is_given[p]))
                n += (size_t)snprintf(out + n, room - n, "parameter %u %.17g\n", LK_PARAMETER[p].id, atomic_load(&k->value[p]));
        for (size_t i = 0; i < sizeof LK_SOUND / sizeof *LK_SOUND; i++) {
            float f;
            int32_t v;
            memcpy(&f, k->own.sound + LK_SOUND[i].at, 4);
            memcpy(&v, k->own.sound + LK_SOUND[i].at, 4);
            n += (size_t)snprintf(out + n, room - n, "sound %s %.9g\n", LK_SOUND[i].name, LK_SOUND[i].kind == 'f' ? f : v);
        }
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
    int is_given[LK_PARAMETERS] = {0};
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
                if (LK_PARAMETER[p].id == id && v >= 0 && v <= 1) { value[p] = v; is_given[p] = 1; }
        } else if (!strcmp(name, "sound")) {
            char *rest = strchr(line + 6, ' ');
            if (rest) sound_line(sound, word, read_number(rest, NULL));
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
    free(k->foreign);
    k->foreign = kept;
    k->foreign_bytes = kept ? bytes : 0;
    for (int p = 0; p < LK_PARAMETERS; p++) { atomic_store(&k->is_given[p], is_given[p]); atomic_store(&k->value[p], value[p]); }
    if (preset) {
        free(k->preset);
        k->preset = preset;
        k->preset_bytes = n;
        memcpy(k->own.recipe, recipe, sizeof recipe);
        memcpy(k->own.sound, sound, sizeof sound);
        k->own.serial++;
        k->has_failed = 0;
        atomic_store(&k->wished_program, -1);
    }
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
    if (p == LK_AT_BYPASS || p == LK_AT_PARTNER) { snprintf(to, room, "%s", v >= 0.5 ? "on" : "off"); return; }
    if (p == LK_AT_PROGRAM || p == LK_AT_STATUS) {
        os_lock(&k->lock);
        int n = (int)lrint(fmin(fmax(v, 0), 1) * 127);
        if (p == LK_AT_STATUS) snprintf(to, room, "%s", k->notice);
        else if (*k->names[n]) snprintf(to, room, "%s", k->names[n]);
        else snprintf(to, room, "(%d)", n);
        os_unlock(&k->lock);
        return;
    }
    double plain = plain_of(p, v), size = fabs(plain);
    if (LK_PARAMETER[p].text == LK_DECIBELS) snprintf(to, room, "%.1f", plain);
    else if (LK_PARAMETER[p].text == LK_NUMBER) snprintf(to, room, "%.*f", size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3, size < 0.0005 ? 0 : plain);
    else if (LK_PARAMETER[p].text == LK_BALANCE) snprintf(to, room, "%.0f", fmax(-100, (v * 127 - 64) / 0.63));
    else snprintf(to, room, "%.0f", plain * 100);
    to_points(to);
}
int lk_from_text(lk *k, int p, const char *text, double *value) {
    if (p < 0 || p >= LK_PARAMETERS || p == LK_AT_STATUS) return 0;
    if (p == LK_AT_BYPASS || p == LK_AT_PARTNER) { *value = !strcmp(text, "on") || read_number(text, NULL) >= 0.5; return 1; }
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

/* -- the audio thread */
static void render(lk *k, int until) {
    if (until <= k->done) return;
    k->code->process_block(k->state, k->left + k->done, k->right + k->done, 1, until - k->done);
    k->done = until;
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
static int offset_of(lk *k, int offset) { /* of an event, from what has been rendered on */
    if (offset >= k->frames) offset = k->frames - 1;
    if (offset > k->waiting_at) express_now(k);
    if (offset < k->done) offset = k->done;
    if (k->queued >= MOST_QUEUED) render(k, offset);
    k->queued++;
    return offset - k->done;
}
void lk_message(lk *k, int offset, int status, int d1, int d2) {
    if (!k->state || status < 0x80 || status > 0xFF) return;
    if (k->is_listening) { partner_hear(&k->partner, offset < 0 ? 0 : offset < k->frames ? offset : k->frames - 1, status, d1, d2); return; }
    offset = offset_of(k, offset);
    if ((status & 0xF0) == 0x90 && d2 & 127)
        for (int kind = 0; kind < LK_EXPRESSIONS; kind++) k->expressed[kind][status & 15][d1 & 127] = 0;
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
    double before = atomic_exchange(&k->value[p], v);
    if (p == LK_AT_PROGRAM) {
        if (lrint(before * 127) == lrint(v * 127)) return;
        atomic_store(&k->settled, 0);
        atomic_store(&k->wished_program, (int)lrint(v * 127));
    } else if (p == LK_AT_PARTNER) {
        if ((before >= 0.5) != (v >= 0.5)) atomic_store(&k->settled, 0);
    } else if (k->state && k->frames > 0) apply(k, offset, p, v);
    else atomic_store(&k->resend, 1);
}
static void wait_offline(lk *k, int (*is_there)(lk *)) { /* once: a service that never answers makes a bounce late, not endless */
    if (!atomic_load(&k->offline) || is_there(k) || atomic_load(&k->tired)) return;
    os_lock(&k->lock);
    k->waits = 1;
    os_unlock(&k->lock);
    unsigned full = atomic_load(&k->full);
    for (int64_t until = os_now_ms() + WAIT_OFFLINE_MS; !is_there(k) && !atomic_load(&k->tired) && full == atomic_load(&k->full); os_nap())
        if (os_now_ms() > until) atomic_store(&k->tired, 1);
    os_lock(&k->lock);
    k->waits = 0;
    os_unlock(&k->lock);
}
static int is_settled(lk *k) { return atomic_load(&k->settled); }
static int has_lived(lk *k) { return partner_has_lived(&k->partner) || atomic_load(&k->partner.is_ready) != k->partner.ready; }
void lk_begin_block(lk *k, float *left, float *right, int frames) {
    k->left = left;
    k->right = right;
    k->frames = frames;
    k->done = k->queued = 0;
    k->waiting_at = frames;
    if (!k->state) return;
    k->is_clean = 0;
    wait_offline(k, is_settled);
    int bank = (int)k->code->lk_bank(k->state), is_other = bank != k->sounding_bank;
    k->sounding_bank = bank;
    if (frames > 0 && (atomic_exchange(&k->resend, 0) || is_other))
        for (int p = 0; p < LK_PARAMETERS; p++) apply(k, 0, p, atomic_load(&k->value[p]));
}
void lk_beats(lk *k, double beats, double bpm, double bar_start, double bar) { partner_tell(&k->partner, beats, bpm, bar_start, bar); }
static void play_partner(lk *k) {
    partner_note note;
    while (partner_next(&k->partner, &note, k->rate)) {
        if (note.to == TO_VOICES) { k->code->lk_midi(k->state, note.frame, note.data[0], note.data[1], note.data[2]); k->queued++; }
        else if (k->partner.out_count < PARTNER_OUT)
            k->partner.out[k->partner.out_count++] = (partner_out){(int)note.frame, {note.data[0], note.data[1], note.data[2]}};
    }
}
int lk_listen(lk *k) {
    if (!k->state) return 0;
    int is_on = partner_is_on(k) && atomic_load(&k->value[LK_AT_BYPASS]) < 0.5;
    k->is_listening = partner_begin(&k->partner, is_on, k->frames, k->rate);
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
    if (k->state) { express_now(k); render(k, k->frames); }
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

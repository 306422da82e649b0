/* The instance and its service: one connection, held by the helper's thread, the lock not held. */
#include "instance.h"
#include <stdarg.h>

#define HANGS_MS 8000 /* who answers nothing for so long is taken for one that hangs */
#define PING_MS 2000
#define PLACE_MS 250 /* a sound that goes over its map is rendered so often */

static void hang_up(lk *k) {
    if (k->socket != OS_NO_SOCKET) os_close(k->socket);
    k->socket = OS_NO_SOCKET;
    k->in_at = k->in_end = 0;
    k->pinged_at = 0;
    k->asked = 0;
    k->wanted_pitch = k->told = k->answered = -1;
    k->partner_asked = 0;
    k->told_place = PRESETS_OWN;
    atomic_store(&k->partner.is_ready, 0);
    panel_lost(k);
    streams_lost(k);
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
int say_line(lk *k, const char *format, ...) {
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
    atomic_store(&k->placed_at, atomic_load(&k->place));
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
        atomic_store(&k->has_no_streams, k->service_version < 5);
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
static void name_place(lk *k, char *to, size_t room) { /* where on its map the preset shall sound, for the service */
    int place = k->told_place = atomic_load(&k->place);
    if (k->service_version < 4) { atomic_store(&k->placed_at, place); *to = 0; } /* it knows none */
    else if (place == PRESETS_OWN) snprintf(to, room, " -");
    else snprintf(to, room, " %d %d", place >> 8, place & 255);
}
static void follow_place(lk *k) {
    if (!k->asked || atomic_load(&k->place) == k->told_place) return;
    os_lock(&k->lock);
    int is_offline = atomic_load(&k->offline) && !atomic_load(&k->tired), waits = k->waits;
    os_unlock(&k->lock);
    if (is_offline ? !waits : os_now_ms() < k->next_place) return; /* in a bounce it changes between two blocks */
    k->next_place = os_now_ms() + PLACE_MS;
    char place[16];
    name_place(k, place, sizeof place);
    if (*place) say_line(k, "MORPH%s\n", place);
}
static void take_place(lk *k, const char *text) { /* where the preset itself lies */
    const char *rest;
    double x = read_number(text, &rest), y = read_number(rest, NULL);
    int has_map = rest > text && x >= 0 && x <= 1 && y >= 0 && y <= 1;
    atomic_store(&k->no_map, !has_map);
    if (!has_map) atomic_store(&k->placed_at, atomic_load(&k->place)); /* nobody waits for it */
    if (has_map && !atomic_load(&k->is_given[LK_AT_MORPH])) {
        atomic_store(&k->value[LK_AT_MORPH], x);
        atomic_store(&k->value[LK_AT_MORPH + 1], y);
    }
    atomic_store(&k->moved, 1);
    tell_host(k, 1);
}
static void ask(lk *k) { /* tell the service which preset it is about */
    os_lock(&k->lock);
    unsigned serial = k->own.serial;
    int is_asked = k->asked == serial;
    if (!is_asked) { k->own.is_wrong = 0; k->asked_loads = k->loads; }
    size_t n = k->preset_bytes;
    char *copy = is_asked ? NULL : malloc(n + 1);
    if (copy) memcpy(copy, k->preset, n);
    os_unlock(&k->lock);
    char place[16];
    if (copy) name_place(k, place, sizeof place);
    if (copy && say_line(k, "PRESET %zu%s\n", n, place) && say(k, copy, n)) k->asked = serial;
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
    tell_host(k, 1);
}
static void take_table(lk *k, part *of, const char *path) { /* locked */
    snprintf(of->table, sizeof of->table, "%s", path);
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
            *k->second.table = 0;
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
    if (take_music(k, line) || panel_take(k, line)) return;
    if (!strncmp(line, "AT ", 3)) { take_place(k, line + 3); return; }
    size_t n = 0;
    char *text = NULL;
    const char *space = strchr(line, ' ');
    if (!strncmp(line, "NAMES ", 6) || !strncmp(line, "PRESET ", 7) || !strncmp(line, "SOUND ", 6) || !strncmp(line, "PARTNER_SOUND ", 14) || !strncmp(line, "SHAPED ", 7)) {
        n = strtoul(space, NULL, 10);
        if (!(text = hear_text(k, n))) return;
    }
    if (!strncmp(line, "NAMES ", 6)) { take_names(k, text); free(text); return; }
    if (!strncmp(line, "PONG ", 5)) return;
    os_lock(&k->lock);
    if (k->asked_loads != k->loads && (!strncmp(line, "PRESET ", 7) || !strncmp(line, "SHAPED ", 7) || !strncmp(line, "SOUND ", 6) || !strncmp(line, "TABLE ", 6))) {
        os_unlock(&k->lock); /* of what the host has just replaced by a song: that is asked about next */
        free(text);
        return;
    }
    if (!strncmp(line, "PRESET ", 7)) { /* another one, because of a program change */
        keep_preset(k, text, n);
        text = NULL;
        k->own.recipe[0] = 0;
        k->answered = k->told;
        notice(k, "Loading the preset");
        for (int p = 0; p < LK_PARAMETERS; p++) atomic_store(&k->is_given[p], 0);
        come_home(k);
        tell_host(k, 2);
    } else if (!strncmp(line, "SHAPED ", 7)) {
        panel_shape(k, line, text, n);
        text = NULL;
    } else if (!strncmp(line, "SOUND ", 6)) {
        uint8_t sound[LK_SOUND_BYTES] = {0};
        char recipe[33] = "";
        take_sound(sound, recipe, text, text + n);
        const char *found = strstr(text, "\nplace ");
        int there = found ? read_place(found + 7) : PRESETS_OWN, is_other = memcmp(sound, k->own.sound, sizeof sound);
        k->has_failed = 0;
        atomic_store(&k->settled, UNSETTLED); /* before whoever waits knows the place */
        if (!panel_take_sound(k, sound, recipe) && (strcmp(recipe, k->own.recipe) || is_other)) {
            memcpy(k->own.sound, sound, sizeof sound);
            memcpy(k->own.recipe, recipe, sizeof recipe);
            *k->own.table = 0;
            k->wanted_pitch = -1; /* the next table does not know of it */
            k->own.serial++;
            if (there != atomic_load(&k->placed_at)) k->carries = 1;
            if (is_other) { follow_sound(k); tell_host(k, 1); }
        }
        atomic_store(&k->placed_at, there);
        if (!k->own.is_wrong) k->asked = k->own.serial;
        if (k->answered >= 0) atomic_compare_exchange_strong(&k->wished_program, &k->answered, -1);
        k->answered = k->told = -1;
        place(k, SOON);
    } else if (!strncmp(line, "TABLE ", 6)) {
        take_table(k, &k->own, line + 6);
    } else if (!strncmp(line, "PARTNER_", 8)) {
        take_partner(k, line + 8, text, n);
    } else if (!strncmp(line, "STREAMS ", 8)) {
        if (atoi(line + 8)) atomic_store(&k->streams_are_served, k->told_shared);
        else atomic_store(&k->has_no_streams, 1);
    } else if (!strncmp(line, "NOTICE ", 7)) {
        notice(k, line + 7);
    } else if (!strncmp(line, "FAILED ", 7)) {
        notice(k, line + 7);
        k->has_failed = 1;
        atomic_store(&k->placed_at, atomic_load(&k->place));
        if (k->told >= 0) atomic_compare_exchange_strong(&k->wished_program, &(int){k->told}, -1);
        k->told = -1;
    }
    settle(k);
    os_unlock(&k->lock);
    free(text);
}
static void want(lk *k) { /* what was struck comes first */
    os_lock(&k->lock);
    int needed = atomic_load(&k->needed), is_growing = k->state && !k->own.is_whole && k->tables[k->own.bank];
    int pitch = !is_growing ? -1 : needed >= 0 ? needed : (int)k->code->lk_wanted(k->state, k->own.bank);
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
OS_THREAD lk_help(void *self) {
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
        int is_other_rate = k->rate_serial != 0, is_busy = atomic_load(&k->settled) != SETTLED;
        os_unlock(&k->lock);
        if (is_other_rate) hang_up(k);
        if (k->socket == OS_NO_SOCKET) connect_now(k);
        if (k->socket == OS_NO_SOCKET) { check_service(k); os_sleep_ms(is_busy ? 20 : 100); continue; }
        int program = atomic_load(&k->wished_program);
        if (program < 0) ask(k);
        else if (program != k->told) {
            os_lock(&k->lock);
            k->asked_loads = k->loads;
            os_unlock(&k->lock);
            if (say_line(k, "PROGRAM %d\n", program)) k->told = program;
        }
        if (program < 0) follow_place(k);
        want(k);
        if (k->asked) streams_tell(k);
        if (k->socket != OS_NO_SOCKET) ask_partner(k);
        tell_partner(k);
        if (k->socket != OS_NO_SOCKET) panel_follow(k);
        if (k->socket == OS_NO_SOCKET) { check_service(k); continue; }
        int ms = k->partner_asked || atomic_load(&k->needed) >= 0 ? 1 : is_busy ? 5 : k->panel.is_open ? 20 : 50; /* an answer is heard at once, what the audio thread says only so often */
        while (k->socket != OS_NO_SOCKET && (k->in_at < k->in_end || os_readable(k->socket, ms))) {
            if (hear_line(k, line, sizeof line)) take_reply(k, line);
            if (k->partner_asked) ms = 0;
        }
        check_service(k);
    }
    hang_up(k);
    return 0;
}

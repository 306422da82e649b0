/* Table files, mapped once for all instances of a process; and the built-in tone, made once per rate. */
#include "tables.h"
#include "os.h"

typedef struct { char magic[8]; uint64_t layout; double rate; int64_t stride, bytes, is_whole; } header;
static os_mutex lock = OS_MUTEX_INIT;
static table *all;
static tone *tones;

static int is_right(const header *h, size_t bytes, double rate) {
    if (bytes < LK_AUDIO_AT || memcmp(h->magic, "lktable1", 8) || h->layout != LK_LAYOUT || h->rate != rate) return 0;
    if (h->stride <= 0 || h->stride > 1 << 24 || h->bytes != (int64_t)bytes) return 0;
    return (int64_t)bytes == LK_AUDIO_AT + LK_SLOTS * h->stride * 4;
}

table *table_open(const char *path, double rate) {
    os_lock(&lock);
    table *t = all;
    while (t && (t->is_damaged || strcmp(t->path, path))) t = t->next;
    if (t) t->users++;
    else {
        size_t bytes = 0;
        uint8_t *at = os_map(path, &bytes);
        if (at && !is_right((header *)at, bytes, rate)) { os_unmap(at, bytes); at = NULL; }
        if (at && (t = calloc(1, sizeof *t))) {
            *t = (table){.at = at, .bytes = bytes, .stride = ((header *)at)->stride, .users = 1, .next = all};
            snprintf(t->path, sizeof t->path, "%s", path);
            all = t;
        }
    }
    os_unlock(&lock);
    return t;
}

void table_close(table *t) {
    if (!t) return;
    os_lock(&lock);
    if (!--t->users) {
        table **p = &all;
        while (*p != t) p = &(*p)->next;
        *p = t->next;
        os_unmap(t->at, t->bytes);
        free(t);
    }
    os_unlock(&lock);
}

void table_distrust(table *t) {
    os_lock(&lock);
    t->is_damaged = 1;
    os_unlock(&lock);
}

int table_is_whole(const table *t) { return (int)((volatile header *)t->at)->is_whole; }

void table_touch(const table *t) { /* pages are there before the audio thread asks for them */
    volatile uint8_t *at = t->at;
    for (size_t i = 0; i < t->bytes; i += 4096) (void)at[i];
}

int tone_fill(const lk_code *code, void *state, double rate) {
    os_lock(&lock);
    tone *t = tones;
    while (t && t->rate != rate) t = t->next;
    int is_there = t != NULL;
    if (!t && (t = calloc(1, sizeof *t))) {
        t->audio = os_memory((size_t)code->lk_tone_stride(rate) * 4 * LK_SLOTS);
        t->rate = rate;
        if (!t->audio) { free(t); t = NULL; }
        else { t->next = tones; tones = t; } /* kept: a few hundred kilobytes for each rate */
    }
    if (t) code->lk_tone(state, (uint64_t)(uintptr_t)t->audio, is_there);
    os_unlock(&lock);
    return t != NULL;
}

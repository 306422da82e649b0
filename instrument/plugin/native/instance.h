/* One instance's inside, for the files that it is made of. */
#ifndef LK_INSTANCE_H
#define LK_INSTANCE_H
#include "lk.h"
#include "os.h"
#include "generated.h"
#include "panel.h"
#include "partner.h"
#include "tables.h"
#include <math.h>
#include <stdatomic.h>

enum { WAIT_OFFLINE_MS = 60000, MOST_PRESET = 1 << 20, NAME = 64, MOST_WAITING = 256, PRESETS_OWN = -1, LONG_AGO = 1 << 28 };
enum { UNSETTLED, SETTLED, HALF_SETTLED }; /* half: a bounce waits for each tone that it needs */
typedef struct { /* what plays from a bank of its own */
    uint8_t sound[LK_SOUND_BYTES];
    char recipe[33]; /* "" : not known yet */
    char table[OS_PATH]; /* that the service has named, "" : none yet */
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
    int since_step, goes_on, is_open; /* frames since the sound went to another place of its map; it may go now; no note has begun in this block */
    int struck_channel, struck_key; /* whose tone a bounce waits for */
    int64_t position; /* where the song goes on, if it goes on */
    int is_listening; /* the block's events are for the partner, which hears them before they are played */
    partner partner;
    panel panel;
    int streams_are_open, streams_are_tired; /* held notes ask; a bounce has waited in vain */
    /* everybody's */
    _Atomic double value[LK_PARAMETERS];
    atomic_int is_given[LK_PARAMETERS]; /* a field of the sound: somebody has moved it away from the preset's */
    atomic_uint full; /* counts: no bank is free before a block has been played */
    atomic_int active, resend, moved, settled, tired, offline, wished_program, changed, quit;
    atomic_int place, placed_at, no_map; /* of the map: where the sound shall be and where it is, as `place_code` has it, or PRESETS_OWN */
    atomic_int streams_are_served, has_no_streams; /* by the service that there was, or is */
    atomic_int needed;        /* a pitch that a bounce waits for, or -1 */
    /* under the lock: main and helper */
    os_mutex lock;
    double rate;
    char *preset; size_t preset_bytes;
    char *foreign; size_t foreign_bytes; /* a chunk of a later version: kept as it is */
    part own, second; /* the partner's, while it has a sound of its own */
    int channels;     /* bit c: channel c is the partner's */
    int carries;      /* notes that sound go over to what comes */
    char notice[400], names[128][NAME];
    unsigned asked, rate_serial;
    unsigned loads, asked_loads; /* songs' chunks so far; when the service was asked last */
    int has_failed, has_no_partner;
    int waits;        /* the audio thread does, for us: nothing processes */
    table *tables[LK_BANKS];
    os_shared shared;         /* with those who render held notes on (streams.c) */
    int64_t stream_of[LK_BANKS], last_stream; /* a number for each sound that a bank has had */
    /* the helper's */
    os_thread helper; int has_helper;
    os_socket socket;
    int service_version, is_deaf; /* the service is there and says nothing */
    long service_pid;
    int64_t heard_at, pinged_at; /* 0: it has answered */
    int64_t next_try, gave_up_at;
    int wanted_pitch, told, answered; /* a key; program changes that the service knows of */
    int told_place;           /* to the service; PRESETS_OWN while it knows of none */
    int64_t next_place;
    int told_shared; int64_t told_stream[LK_BANKS]; /* to the service */
    unsigned partner_asked; /* the preset whose partner it is asked for; 0: for none */
    int64_t owed, partner_progress; /* up to which frame it shall live, and when it has last lived on */
    uint32_t owed_run;
    char in[4096]; size_t in_at, in_end;
    void (*_Atomic on_change)(void *); void *on_change_argument;
};

/* lk.c; all of these with the lock held, but for the first */
void tell_host(lk *, int bits);          /* by `lk_on_change`, whoever has the lock */
void notice(lk *, const char *text);
enum { NOW = 1, SOON = 2 };              /* nothing processes; the block that comes does it, after what has been asked before */
void use_banks(lk *, int way);           /* the player's on every channel but the partner's */
void map_table(lk *, part *, const char *path); /* into a bank without one: nobody reads it yet */
void follow_table(lk *, part *);
void place(lk *, int way);               /* give the sounds their banks and, if they are in the cache, their tables */
int has_room(lk *);                      /* not locked: another sound finds a bank; if not, what rings there fades */
void drop_partners_sound(lk *);          /* it plays with the player's from now on */
void keep_preset(lk *, char *preset, size_t bytes); /* malloc'ed: it is the instance's now */
int partner_is_on(lk *);                 /* with or without the lock */
void settle(lk *);
/* streams.c */
void streams_drop(lk *);
void streams_of_bank(lk *, int bank);
int streams_are_settled(lk *, const part *);
void streams_tell(lk *);
void streams_lost(lk *);
void streams_open(lk *);
void streams_reset(lk *);
int streams_follow(lk *, int frames);
/* sound.c */
void to_points(char *text);
double read_number(const char *text, const char **end);
int next_line(const char **at, const char *end, char *to, size_t room);
double plain_of(int parameter, double value);
double place_of(int parameter, double plain);
int is_field(int parameter);
int is_place(int parameter);
int place_code(lk *);                    /* where the parameters have put the sound, or PRESETS_OWN */
int read_place(const char *text);        /* "12 34"; PRESETS_OWN if it is none */
void come_home(lk *);                    /* another preset stands where it is itself; locked */
void write_field(lk *, uint8_t *sound, int parameter);
void moved_sound(lk *, uint8_t *to);     /* the player's, with what has been moved; locked */
void follow_sound(lk *);                 /* what nobody has moved stands where the preset has it; locked */
void sound_line(uint8_t *sound, const char *name, double value);
void take_sound(uint8_t *sound, char *recipe, const char *at, const char *end); /* lines of a field's name and its value */
size_t sound_lines(const uint8_t *sound, char *to, size_t room);
int is_recipe(const char *);
/* service.c: the helper's thread */
OS_THREAD lk_help(void *self);
int say_line(lk *, const char *format, ...);
/* panel.c: the helper's thread */
void panel_follow(lk *);
void panel_lost(lk *);
int panel_take(lk *, const char *line);  /* 1: it was the panel's */
void panel_shape(lk *, const char *line, char *preset, size_t bytes);
int panel_take_sound(lk *, const uint8_t *sound, const char *recipe);
#endif

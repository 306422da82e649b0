/* The partner as the audio thread knows it: what it hears goes out, what it plays comes in, without a lock. */
#ifndef LK_PARTNER_H
#define LK_PARTNER_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Frames of a partner count from the beginning of its run: since the song has started, or jumped. */
enum { PARTNER_HEARD = 4096, PARTNER_PLANNED = 2048, PARTNER_WAITING = 512, PARTNER_OUT = 512 };
enum { PARTNER_RUN, PARTNER_TEMPO, PARTNER_HEAR, PARTNER_UNTIL, PARTNER_STOP };
enum { TO_VOICES, TO_OUT, PLACES };
typedef struct { int kind; uint32_t run; int64_t frame; double beats, bpm, bar; uint8_t data[3]; } partner_fact;
typedef struct { uint32_t run; int64_t frame; int to; uint8_t data[3]; } partner_note; /* a message of it */
typedef struct { int offset; uint8_t data[3]; } partner_out;

typedef struct {
    /* the audio thread's */
    uint32_t run;
    int is_running, is_told, lets_go, ready;
    int64_t now, until;       /* frames of this run: the block's first one, and the one after its last */
    double beats, bpm, bar;   /* the host's, in this block; a bar of 0 is not known */
    struct { double beats, bpm, bar; int64_t frame; } said;
    partner_note waiting[PARTNER_WAITING]; /* in order of their frames */
    int waiting_count;
    uint8_t sounding[PLACES][16][128];
    partner_out out[PARTNER_OUT];
    int out_count;
    /* between it and the helper */
    partner_fact heard[PARTNER_HEARD];
    atomic_uint heard_in, heard_out;
    partner_note planned[PARTNER_PLANNED];
    atomic_uint planned_in, planned_out;
    atomic_int is_ready;      /* which partner it is, counted from 1; 0: none is there */
    _Atomic uint32_t lived_run;
    _Atomic int64_t lived;    /* frames of that run that the partner has lived through */
} partner;

/* the audio thread */
void partner_tell(partner *, double beats, double bpm, double bar_start, double bar); /* of a song that plays, in quarter notes */
int partner_begin(partner *, int is_on, int frames, double rate); /* of a block: 1 if it is to hear the block's events */
void partner_hear(partner *, int offset, int status, int data1, int data2);
void partner_heard_all(partner *);       /* what this block brings has been heard */
int partner_has_lived(partner *);        /* up to the end of this block */
int partner_next(partner *, partner_note *, double rate); /* the next message of this block, its frame counted from the block's; 0: no more */
void partner_reset(partner *);           /* our voices are silent already, and a song begins anew */
/* the helper's thread */
int partner_take_fact(partner *, partner_fact *);
void partner_plan(partner *, const partner_note *);
#endif

/* One instance of the instrument inside a host: the kernel, its block, its tables, the service. */
#ifndef LK_H
#define LK_H
#include <stddef.h>
#include <stdint.h>

typedef struct lk lk;
lk *lk_new(void);
void lk_free(lk *);
/* the main thread */
int lk_activate(lk *, double rate_hz);
void lk_deactivate(lk *);
void lk_offline(lk *, int offline);      /* blocks wait, bounded, for the tones that they need */
char *lk_save(lk *, size_t *bytes);      /* malloc'ed */
int lk_load(lk *, const char *chunk, size_t bytes);
double lk_get(lk *, int parameter);
void lk_text(lk *, int parameter, double value, char *to, size_t room);
int lk_from_text(lk *, int parameter, const char *text, double *value);
int lk_changed(lk *);                    /* the preset or the status is another one since the last call */
void lk_on_change(lk *, void (*call)(void *), void *argument); /* called on the helper's thread */
/* the audio thread, or nobody processes */
int lk_moved(lk *);                      /* values of parameters are others since the last call, and no host has moved them */
void lk_set(lk *, int offset, int parameter, double value);
void lk_message(lk *, int offset, int status, int data1, int data2);
/* of one note, the way that `lk_express` in entry_points.py has them: semitones, a factor, -1 to 1, -1 to 1 */
enum { LK_TUNING, LK_VOLUME, LK_PAN, LK_BRIGHTNESS, LK_EXPRESSIONS };
void lk_express(lk *, int offset, int kind, int channel, int key, double value);
void lk_tempo(lk *, int offset, double bpm);
void lk_transport(lk *, int is_playing, int64_t position); /* once for each block, first of all */
void lk_beats(lk *, double beats, double bpm, double bar_start, double bar); /* of a song that plays, in quarter notes; a bar of 0 is not known */
void lk_begin_block(lk *, float *left, float *right, int frames);
int lk_listen(lk *);                     /* 1: the partner has to hear the block's events; then `lk_heard`, and all of them once more */
void lk_heard(lk *);
int lk_out(lk *, int i, int *offset, unsigned char data[3]); /* what the partner plays at the host's other instruments; 0: no more */
void lk_end_block(lk *);
void lk_reset(lk *);                     /* as new: the same notes sound the same, to the bit */
int lk_is_sounding(lk *);
double lk_tail_seconds(void);
#endif

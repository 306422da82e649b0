/* The web panel of one instance, as the plug-in has it: the service shows it, and is told what there is to see. */
#ifndef LK_PANEL_H
#define LK_PANEL_H
#include <stdatomic.h>
#include <stdint.h>

enum { PANEL_KEYS = 256 };
typedef struct {
    atomic_int is_wished;     /* somebody has turned "Open panel" */
    /* the helper's */
    int is_open, is_asked;    /* there is one; this service knows of it */
    int has_played, port;     /* its pages have played something; where they are, whichever service shows them */
    int is_shaping, carries;  /* the sound that comes is the one that plays, changed; notes that sound go over to it */
    char token[64];
    uint8_t held[16][128];    /* by its pages, as the partner knows it */
    int64_t look_at;
    char seen[200];           /* what the service was told last */
    /* from the helper to the audio thread: what pages play, for the partner to hear */
    uint8_t keys[PANEL_KEYS][3];
    atomic_uint keys_in, keys_out;
} panel;
int panel_next_key(panel *, uint8_t data[3]); /* the audio thread; 0: no more */
#endif

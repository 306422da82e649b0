/* The web panel of one instance, as the plug-in has it: the service shows it, and is told what there is to see. */
#ifndef LK_PANEL_H
#define LK_PANEL_H
#include <stdatomic.h>
#include <stdint.h>

typedef struct {
    atomic_int is_wished;     /* somebody has turned "Open panel" */
    /* the helper's */
    int is_open, is_asked;    /* there is one; this service knows of it */
    int has_played, port;     /* its pages have played something; where they are, whichever service shows them */
    int is_shaping, carries;  /* the sound that comes is the one that plays, changed; notes that sound go over to it */
    char token[64];
    int64_t look_at;
    char seen[200];           /* what the service was told last */
} panel;
#endif

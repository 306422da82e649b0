#ifndef LK_TABLES_H
#define LK_TABLES_H
#include <stddef.h>
#include <stdint.h>
#include "generated.h"
typedef struct table { char path[1024]; uint8_t *at; size_t bytes; int64_t stride; int users, is_damaged; struct table *next; } table;
typedef struct tone { double rate; void *audio; struct tone *next; } tone;
table *table_open(const char *path, double rate_hz); /* NULL: not there, damaged, of another version */
void table_close(table *);
void table_distrust(table *); /* nobody else maps it */
int table_is_whole(const table *);
void table_touch(const table *);
int tone_fill(const lk_code *, void *state, double rate_hz);
#endif

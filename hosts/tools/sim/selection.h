/* Some numbers, as people write them: "3,7-12,20-" (from 20 on, all). */
#ifndef PS_SIM_SELECTION_H
#define PS_SIM_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SELECTION_MAX 1000000u

/* Starts as zeros: nothing is chosen. */
typedef struct selection {
    bool *chosen; /* [0 .. len): the numbers from 1 on, */
    uint32_t len;
    bool rest; /* and all that follow. */
} selection;

bool selection_has(const selection *s, uint32_t number);
/* Up to SELECTION_MAX; false: no memory. */
bool selection_set(selection *s, uint32_t number, bool chosen);
bool selection_copy(selection *to, const selection *from);
void selection_invert(selection *s);
/* @return NULL; or what is wrong with the text, a clause. `s` is to be freed in any case. */
const char *selection_parse(selection *s, const char *text);
/* As selection_parse() reads it, cut where it does not fit; "" when nothing is chosen. */
void selection_print(const selection *s, char *out, size_t cap);
void selection_free(selection *s);

#endif

/* A piece in memory: filled from a stream; then a worker hashes it and, where the hash is what the
 * content's root has proven it must be, writes it at once, so that a piece costs one hand-over, and
 * counts at its machine only when it is kept; or leaves it to the worker who is writing to the same
 * file. Nothing else is ever written. */
#ifndef PEERSYNC_DATA_PIECE_H
#define PEERSYNC_DATA_PIECE_H

#include "download.h"

struct piece {
    struct work work;
    struct turn turn;           /* At its download's file. */
    struct piece *next, **link; /* In the list of its courier; `link` NULL: in none. */
    struct courier *courier;    /* NULL: gone. */
    struct download *download;  /* NULL: nobody wants it any more. */
    struct data *data;
    ps_content content;
    uint32_t file; /* Of the courier's stream. */
    uint32_t index;
    uint32_t len;
    bool busy;            /* A worker has it. */
    bool stored;          /* It is in the download's file. */
    bool refused;         /* It should be, but could not be written. */
    ps_node expect;       /* What its hash must be, */
    ps_node hash;         /* and what it is. */
    ps_posix_error error; /* Why it was refused. */
    uint8_t *bytes;
};

/* Room for a piece, under an allowance of the courier. */
struct piece *piece_new(struct courier *k, struct download *dl, uint32_t file, uint32_t index,
                        const ps_content *content);
/* Its bytes are all there: checks and stores it. */
void piece_check(struct piece *p, const ps_node *expect);
/* The courier is gone. Frees it, if no worker has it. */
void piece_leave(struct piece *p);

#endif

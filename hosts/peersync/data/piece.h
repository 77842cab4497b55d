/* A piece in memory: filled from a stream, hashed on a worker, and, once it is verified, written on
 * a worker. Nothing that is not verified is written. */
#ifndef PEERSYNC_DATA_PIECE_H
#define PEERSYNC_DATA_PIECE_H

#include "download.h"

struct piece {
    struct work work;
    struct piece *next, **link; /* In the list of its courier; `link` NULL: in none. */
    struct courier *courier;    /* NULL: gone. */
    struct download *download;  /* NULL: nobody wants it any more. */
    struct data *data;
    ps_content content;
    uint32_t file; /* Of the courier's stream. */
    uint32_t index;
    uint32_t len;
    bool busy;     /* A worker has it. */
    bool verified; /* It is what it should be. */
    bool stored;   /* It is in the download's file. */
    ps_node hash;
    ps_posix_error error; /* Why it could not be written. */
    uint8_t *bytes;
};

/* Room for a piece, under an allowance of the courier. */
struct piece *piece_new(struct courier *k, struct download *dl, uint32_t file, uint32_t index,
                        const ps_content *content);
/* Its bytes are all there: hashes it and, where that is the whole file, stores it. */
void piece_check(struct piece *p);
/* It was verified: writes it. */
void piece_write(struct piece *p);
/* The courier is gone. Frees it, if no worker has it. */
void piece_leave(struct piece *p);

#endif

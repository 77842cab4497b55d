/* Memory for pieces on their way from a stream to the disk: one budget for all downloads. A
 * connection asks before it reads; when there is none left it does not read, and TCP holds the
 * sender back. Whoever holds nothing is always allowed one piece, so every connection goes on
 * sooner or later, and the whole is bounded by the budget and a piece a connection.
 *
 * Buffers of a whole piece are kept for the next one while any is in use: fresh pages cost as much
 * as a third of the hash. Any thread. */
#ifndef PEERSYNC_DATA_BUFFERS_H
#define PEERSYNC_DATA_BUFFERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffers {
    pthread_mutex_t lock;
    uint64_t limit;
    uint64_t used;       /* Taken and allowed. */
    uint64_t most;       /* The most that was ever used. */
    struct spare *spare; /* Kept ones, of PS_PIECE_BYTES each. */
    uint64_t spare_bytes;
};

void buffers_init(struct buffers *b, uint64_t limit);
/* All are given back before. */
void buffers_destroy(struct buffers *b);
/* Asks for one piece more. `first`: the asker holds none. An allowance that is still open is as
 * good. @return false: not now; ask again when one has been given back. */
bool buffers_allow(struct buffers *b, uint32_t *allowance, bool first);
/* Gives an allowance back that was not used. */
void buffers_disallow(struct buffers *b, uint32_t *allowance);
/* `len` bytes, at most a piece, under an allowance where there is one. Not zeroed. */
uint8_t *buffers_take(struct buffers *b, uint32_t len, uint32_t *allowance);
void buffers_give(struct buffers *b, uint8_t *bytes, uint32_t len);

#endif

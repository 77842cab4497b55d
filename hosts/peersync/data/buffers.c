#include "buffers.h"

#include "alloc.h"
#include "peersync/transfer.h"

#include <stdlib.h>

struct spare {
    struct spare *next;
};

void buffers_init(struct buffers *b, uint64_t limit)
{
    *b = (struct buffers){.limit = limit};
    pthread_mutex_init(&b->lock, NULL);
}

/* Nothing is in use: nothing is kept either. */
static void free_spares(struct buffers *b)
{
    while (b->spare) {
        struct spare *next = b->spare->next;
        free(b->spare);
        b->spare = next;
    }
    b->spare_bytes = 0;
}

void buffers_destroy(struct buffers *b)
{
    free_spares(b);
    pthread_mutex_destroy(&b->lock);
}

static void add_used(struct buffers *b, uint64_t bytes)
{
    b->used += bytes;
    b->most = b->used > b->most ? b->used : b->most;
}

bool buffers_allow(struct buffers *b, uint32_t *allowance, bool first)
{
    if (*allowance > 0) {
        return true;
    }
    pthread_mutex_lock(&b->lock);
    if (first || b->used + PS_PIECE_BYTES <= b->limit) {
        add_used(b, PS_PIECE_BYTES);
        *allowance = PS_PIECE_BYTES;
    }
    pthread_mutex_unlock(&b->lock);
    return *allowance > 0;
}

/* Under the lock. */
static void give_room(struct buffers *b, uint64_t bytes)
{
    b->used -= bytes;
    if (b->used == 0) {
        free_spares(b);
    }
}

void buffers_disallow(struct buffers *b, uint32_t *allowance)
{
    if (*allowance > 0) {
        pthread_mutex_lock(&b->lock);
        give_room(b, *allowance);
        pthread_mutex_unlock(&b->lock);
        *allowance = 0;
    }
}

uint8_t *buffers_take(struct buffers *b, uint32_t len, uint32_t *allowance)
{
    uint8_t *bytes = NULL;
    pthread_mutex_lock(&b->lock);
    b->used -= *allowance;
    add_used(b, len);
    if (len == PS_PIECE_BYTES && b->spare) {
        bytes = (uint8_t *)b->spare;
        b->spare = b->spare->next;
        b->spare_bytes -= PS_PIECE_BYTES;
    }
    pthread_mutex_unlock(&b->lock);
    *allowance = 0;
    return bytes ? bytes : data_grow(NULL, len, 1);
}

void buffers_give(struct buffers *b, uint8_t *bytes, uint32_t len)
{
    pthread_mutex_lock(&b->lock);
    if (len == PS_PIECE_BYTES && b->used + b->spare_bytes <= b->limit) {
        struct spare *spare = (struct spare *)(void *)bytes;
        spare->next = b->spare;
        b->spare = spare;
        b->spare_bytes += len;
        bytes = NULL;
    }
    give_room(b, len);
    pthread_mutex_unlock(&b->lock);
    free(bytes);
}

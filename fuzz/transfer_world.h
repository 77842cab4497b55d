/* What the targets of the two ends of a stream share: files, and tickets for them as a server seals
 * them for the one uploader. */
#ifndef PS_FUZZ_TRANSFER_WORLD_H
#define PS_FUZZ_TRANSFER_WORLD_H

#include "channel/file_ticket.h"
#include "harness.h"
#include "peersync/crypto_sodium.h"

#define WORLD_FILES  8u
#define WORLD_WALL_S UINT64_C(1700000000)
/* One more, whose bytes nobody has: long enough that looking for a piece of it takes steps. */
#define WORLD_LONG        WORLD_FILES
#define WORLD_LONG_PIECES 33001u
/* File k's ticket ends so many seconds after that. */
#define WORLD_LIFE_S(k) (60u * (uint64_t)((k) + 1))

typedef struct transfer_file {
    ps_content content;
    uint8_t *bytes;
    ps_node *tree;
    uint8_t ticket[PS_FILE_TICKET_MAX];
    size_t ticket_len;
    uint8_t key[PS_KEY_BYTES];
} transfer_file;

static inline ps_file_keys transfer_keys(void)
{
    ps_file_keys keys = {.first_epoch = WORLD_WALL_S / PS_FILE_EPOCH_S, .count = 1};
    memset(keys.keys[0], 0x3c, sizeof keys.keys[0]);
    return keys;
}

static inline void transfer_file_ticket(transfer_file *f, uint32_t k)
{
    const ps_file_keys keys = transfer_keys();
    ps_file_ticket t = {.expires_s = WORLD_WALL_S + WORLD_LIFE_S(k), .downloader = {.len = 1}};
    uint8_t salt[PS_FILE_TICKET_SALT] = {(uint8_t)k};
    t.content = f->content;
    memset(t.key, (int)k + 1, sizeof t.key);
    memcpy(f->key, t.key, sizeof f->key);
    f->ticket_len = ps_file_ticket_seal(ps_crypto_sodium(), keys.keys[0], keys.first_epoch, salt,
                                        &t, f->ticket);
}

static inline void transfer_file_make(transfer_file *f, uint32_t k)
{
    static const uint32_t lengths[WORLD_FILES] = {1,       64,      16384,   16385,
                                                  1048576, 1048577, 2097200, 300};
    const uint32_t length = lengths[k];
    ps_hasher h;
    f->bytes = calloc(length, 1);
    f->tree = calloc(ps_tree_nodes(length) + 1, sizeof *f->tree);
    must(f->bytes && f->tree);
    for (uint32_t i = 0; i < length; i += 97) {
        f->bytes[i] = (uint8_t)(i * 31u + k + 1u);
    }
    must(ps_hasher_init(&h, ps_crypto_sodium(), length, f->tree) == PS_OK);
    must(ps_hasher_update(&h, f->bytes, length) == PS_OK);
    must(ps_hasher_final(&h, &f->content) == PS_OK);
    transfer_file_ticket(f, k);
}

/* A root that no hashes lead to, so that no piece of it is ever right. */
static inline void transfer_file_make_long(transfer_file *f)
{
    f->content.length = (uint64_t)WORLD_LONG_PIECES * PS_PIECE_BYTES - 5;
    memset(f->content.root, 0x77, sizeof f->content.root);
    f->tree = calloc(ps_tree_nodes(f->content.length), sizeof *f->tree);
    must(f->tree);
    transfer_file_ticket(f, WORLD_LONG);
}

/* Made once: hashing them for every input would be most of the work. */
static inline const transfer_file *transfer_file_of(uint32_t k)
{
    static transfer_file files[WORLD_FILES + 1];
    if (!files[0].bytes) {
        for (uint32_t i = 0; i < WORLD_FILES; i++) {
            transfer_file_make(&files[i], i);
        }
        transfer_file_make_long(&files[WORLD_LONG]);
    }
    return &files[k == WORLD_LONG ? k : k % WORLD_FILES];
}

static inline const transfer_file *transfer_file_find(const ps_content *content)
{
    for (uint32_t k = 0; k <= WORLD_LONG; k++) {
        if (ps_content_equal(content, &transfer_file_of(k)->content)) {
            return transfer_file_of(k);
        }
    }
    return NULL;
}

/* Room of exactly one step, or one unit less in what `missing` names, in blocks of their own. */
static inline ps_stream_output stream_output_of(unsigned missing)
{
    ps_stream_output out = {.bytes_cap = PS_STREAM_STEP_BYTES - (missing & 1u),
                            .segments_cap = PS_STREAM_STEP_SEGMENTS - (missing >> 1 & 1u),
                            .events_cap = PS_STREAM_STEP_EVENTS - (missing >> 2 & 1u)};
    out.bytes = malloc(out.bytes_cap);
    out.segments = malloc(out.segments_cap * sizeof *out.segments);
    out.events = malloc(out.events_cap * sizeof *out.events);
    must(out.bytes && out.segments && out.events);
    return out;
}

static inline void stream_output_free(const ps_stream_output *out)
{
    free(out->bytes);
    free(out->segments);
    free(out->events);
}

/* Bytes on their way. */
typedef struct byte_queue {
    uint8_t *bytes;
    size_t at, len, cap;
} byte_queue;

static inline void queue_put(byte_queue *q, const void *bytes, size_t len)
{
    if (q->len + len > q->cap) {
        q->cap = (q->len + len) * 2;
        q->bytes = realloc(q->bytes, q->cap);
        must(q->bytes);
    }
    if (len > 0) {
        memcpy(q->bytes + q->len, bytes, len);
        q->len += len;
    }
}

/* A copy of the next `n` bytes, in a block of exactly their size. */
static inline uint8_t *queue_copy(const byte_queue *q, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    must(copy && n <= q->len - q->at);
    if (n > 0) {
        memcpy(copy, q->bytes + q->at, n);
    }
    return copy;
}

#endif

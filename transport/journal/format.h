/* A journal's bytes, big-endian throughout.
 *
 *   head    text, PREAMBLE bytes: magic, a line for people, spaces, a newline
 *           version u16 | kind u8 | scrubbed u8 | config length u16 | config | checksum u64
 *   config  kind of cryptography u32 | the configuration's fields, but for pointers
 *   record  length u32 | status u8 | digest u64 | count u32 | input ... | checksum u64
 *   input   now_us u64 | type u8 | fields by type
 *
 * A record's length counts what stands between it and the checksum. Checksums are FNV-1a over all
 * bytes of their head or record before them. A span is a length u32 and its bytes; an address is
 * family, port, scope, 16 bytes; a truth is 0 or 1. */
#ifndef PS_JOURNAL_FORMAT_H
#define PS_JOURNAL_FORMAT_H

#include "peersync/journal.h"

#include <string.h>

#define PREAMBLE 256u
/* Version, kind, scrubbed, config length. */
#define HEAD_FIXED   6u
#define CONFIG_MAX   256u
#define CHECKSUM     8u
#define HEAD_MAX     (PREAMBLE + HEAD_FIXED + CONFIG_MAX + CHECKSUM)
#define LENGTH       4u
#define RECORD_FIXED 13u

/* Fowler, Noll, Vo: FNV-1a, 64 bit (draft-eastlake-fnv). */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static inline uint64_t fnv(uint64_t hash, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * FNV_PRIME;
    }
    return hash;
}

/* Writes to the front of a buffer; `full` when something did not fit, and then nothing counts. */
typedef struct sheet {
    uint8_t *base;
    size_t cap, len;
    bool full;
} sheet;

static inline void put_bytes(sheet *s, const void *bytes, size_t len)
{
    if (s->full || len > s->cap - s->len) {
        s->full = true;
    } else if (len > 0) {
        memcpy(s->base + s->len, bytes, len);
        s->len += len;
    }
}

/* The low `bytes` bytes of v. */
static inline void put_number(sheet *s, uint64_t v, size_t bytes)
{
    uint8_t b[8];
    for (size_t i = 0; i < bytes; i++) {
        b[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
    put_bytes(s, b, bytes);
}

static inline void put_span(sheet *s, ps_span span)
{
    const size_t len = span.data == NULL ? 0 : span.len;
    if (len > UINT32_MAX) {
        s->full = true;
        return;
    }
    put_number(s, len, 4);
    put_bytes(s, span.data, len);
}

/* Reads from the front; `bad` when there was not enough, and then everything is zero. */
typedef struct strip {
    uint8_t *at;
    size_t left;
    bool bad;
} strip;

static inline uint8_t *get_bytes(strip *s, size_t len)
{
    if (s->bad || len > s->left) {
        s->bad = true;
        return NULL;
    }
    uint8_t *p = s->at;
    s->at += len;
    s->left -= len;
    return p;
}

static inline uint64_t get_number(strip *s, size_t bytes)
{
    const uint8_t *p = get_bytes(s, bytes);
    uint64_t v = 0;
    for (size_t i = 0; p != NULL && i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

static inline bool get_truth(strip *s)
{
    const uint64_t v = get_number(s, 1);
    s->bad = s->bad || v > 1;
    return v == 1;
}

static inline void get_copy(strip *s, uint8_t *to, size_t len)
{
    const uint8_t *p = get_bytes(s, len);
    if (p != NULL) {
        memcpy(to, p, len);
    } else {
        memset(to, 0, len);
    }
}

static inline ps_span get_span(strip *s)
{
    const size_t len = (size_t)get_number(s, 4);
    const uint8_t *p = get_bytes(s, len);
    return p != NULL ? (ps_span){p, len} : (ps_span){NULL, 0};
}

/* head.c: the whole head, checksum included. */
void ps_journal_head_put(sheet *s, const ps_journal_head *head);
/* What follows the config's length. False: a field is wrong. */
bool ps_journal_config_get(ps_span config, ps_journal_head *head);

/* inputs.c */
void ps_journal_input_put(sheet *s, const ps_input *in);
/* Sets s->bad where it is malformed. */
void ps_journal_input_get(strip *s, ps_input *in);

#endif

/* Big-endian loads and stores, and readers and writers that check every bound once. Base and index,
 * one pass: proof tools can follow it. Shifts rather than `* 256u +`, because gcc makes one
 * instruction of the former and seven of the latter. */
#ifndef PS_UTIL_BYTES_H
#define PS_UTIL_BYTES_H

#include "peersync/base.h"

#include <string.h>

static inline uint16_t ps_load16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t ps_load32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t ps_load64(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | p[7];
}

static inline void ps_store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void ps_store32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void ps_store64(uint8_t *p, uint64_t v)
{
    ps_store32(p, (uint32_t)(v >> 32));
    ps_store32(p + 4, (uint32_t)v);
}

/* Reads from the front. A read past the end sets `bad`, yields zeros and moves no further, so that
 * a decoder reads all its fields and looks at `bad` once. */
typedef struct ps_reader {
    const uint8_t *at;
    size_t left;
    bool bad;
} ps_reader;

static inline ps_reader ps_reader_of(ps_span bytes)
{
    return (ps_reader){.at = bytes.data, .left = bytes.len, .bad = false};
}

/* The next n bytes in place, or NULL with `bad` set. n == 0 gives a non-null pointer. */
static inline const uint8_t *ps_read(ps_reader *r, size_t n)
{
    if (r->bad || n > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at = p + n;
    r->left -= n;
    return p;
}

static inline uint8_t ps_read8(ps_reader *r)
{
    const uint8_t *p = ps_read(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t ps_read16(ps_reader *r)
{
    const uint8_t *p = ps_read(r, 2);
    return p ? ps_load16(p) : (uint16_t)0;
}

static inline uint32_t ps_read32(ps_reader *r)
{
    const uint8_t *p = ps_read(r, 4);
    return p ? ps_load32(p) : 0;
}

static inline uint64_t ps_read64(ps_reader *r)
{
    const uint8_t *p = ps_read(r, 8);
    return p ? ps_load64(p) : 0;
}

static inline void ps_read_copy(ps_reader *r, uint8_t *to, size_t n)
{
    const uint8_t *p = ps_read(r, n);
    if (p) {
        memcpy(to, p, n);
    } else {
        memset(to, 0, n);
    }
}

/* One length byte, then as many bytes, in place. */
static inline ps_span ps_read_span8(ps_reader *r)
{
    size_t n = ps_read8(r);
    const uint8_t *p = ps_read(r, n);
    return p ? (ps_span){p, n} : (ps_span){NULL, 0};
}

/* Writes to the front of a buffer. A write past the end sets `full` and changes nothing. */
typedef struct ps_writer {
    uint8_t *base;
    size_t cap;
    size_t len;
    bool full;
} ps_writer;

static inline uint8_t *ps_write(ps_writer *w, size_t n)
{
    if (w->full || n > w->cap - w->len) {
        w->full = true;
        return NULL;
    }
    uint8_t *p = w->base + w->len;
    w->len += n;
    return p;
}

static inline void ps_write8(ps_writer *w, uint8_t v)
{
    uint8_t *p = ps_write(w, 1);
    if (p) {
        p[0] = v;
    }
}

static inline void ps_write16(ps_writer *w, uint16_t v)
{
    uint8_t *p = ps_write(w, 2);
    if (p) {
        ps_store16(p, v);
    }
}

static inline void ps_write32(ps_writer *w, uint32_t v)
{
    uint8_t *p = ps_write(w, 4);
    if (p) {
        ps_store32(p, v);
    }
}

static inline void ps_write64(ps_writer *w, uint64_t v)
{
    uint8_t *p = ps_write(w, 8);
    if (p) {
        ps_store64(p, v);
    }
}

static inline void ps_write_bytes(ps_writer *w, const uint8_t *from, size_t n)
{
    uint8_t *p = ps_write(w, n);
    if (p && n > 0) {
        memcpy(p, from, n);
    }
}

/* One length byte, then the bytes; the caller has checked that they are at most 255. */
static inline void ps_write_span8(ps_writer *w, ps_span s)
{
    ps_write8(w, (uint8_t)s.len);
    ps_write_bytes(w, s.data, s.len);
}

#endif

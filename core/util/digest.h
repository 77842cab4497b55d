/* The digest of a log: what peer and server compare to know that they agree on what a device
 * publishes. Each publication falls into one of 256 buckets by its name; a bucket's digest is the
 * sum, modulo 2^64, of its publications' marks, and the log's digest is the sum of all. A sum can
 * be kept up to date in both directions, whatever the order (an incremental multiset hash: Bellare,
 * Micciancio, "A New Paradigm for Collision-Free Hashing", 1997, here against mistakes only: a
 * device that wants to deceive deceives about its own files).
 *
 *   key    = the device id, as SipHash's key
 *   place  = SipHash-2-4(key, name)                                  bucket = place mod 256
 *   mark   = SipHash-2-4(key, place u64 | length u64 | root)         big-endian, 48 bytes */
#ifndef PS_UTIL_DIGEST_H
#define PS_UTIL_DIGEST_H

#include "util/siphash.h"

#define PS_BUCKETS 256u
#define PS_BUCKET_BYTES                                                                            \
    (PS_BUCKETS / 8u) /* A set of buckets: bucket b is bit b % 8 of byte b / 8. */

typedef struct ps_mark {
    uint8_t bucket;
    uint64_t mark;
} ps_mark;

/* A device's key. */
ps_sipkey ps_digest_key(const uint8_t device[PS_DEVICE_BYTES]);
uint8_t ps_digest_bucket(const ps_sipkey *key, ps_span name);
ps_mark ps_digest_mark(const ps_sipkey *key, ps_span name, const ps_content *content);

static inline bool ps_bucket_in(const uint8_t set[PS_BUCKET_BYTES], uint8_t bucket)
{
    return (set[bucket / 8] >> (bucket % 8) & 1) != 0;
}

static inline void ps_bucket_add(uint8_t set[PS_BUCKET_BYTES], uint8_t bucket)
{
    set[bucket / 8] = (uint8_t)(set[bucket / 8] | 1u << (bucket % 8));
}

#endif

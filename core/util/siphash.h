/* SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): keyed hashing of
 * tables, and the pseudo-random function under the generator and the receiver ids. */
#ifndef PS_UTIL_SIPHASH_H
#define PS_UTIL_SIPHASH_H

#include "peersync/base.h"

typedef struct ps_sipkey {
    uint64_t k0, k1;
} ps_sipkey;

/* 64-bit tag of len bytes. The key's words are little-endian halves of the paper's 16-byte key. */
uint64_t ps_siphash(const ps_sipkey *key, const uint8_t *data, size_t len);
/* The tag of one 64-bit word (its eight bytes, little-endian). */
uint64_t ps_siphash_u64(const ps_sipkey *key, uint64_t word);

#endif

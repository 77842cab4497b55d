/* What the tests of this folder share: content from a seed, as tests/vectors/bep52.h says. */
#ifndef PS_TESTS_TRANSFER_CONTENT_H
#define PS_TESTS_TRANSFER_CONTENT_H

#include "peersync/crypto_sodium.h"
#include "peersync/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A generator's next bytes; *x is the seed at first. */
static inline void content_next(uint32_t *x, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *x = (UINT32_C(1103515245) * *x + 12345u) & UINT32_C(0x7fffffff);
        to[i] = (uint8_t)(*x >> 16);
    }
}

/* Content in a block of exactly its size (one byte where it is empty). */
static inline uint8_t *content_make(uint64_t length, uint32_t seed)
{
    uint8_t *bytes = malloc(length > 0 ? (size_t)length : 1);
    if (!bytes) {
        abort();
    }
    content_next(&seed, bytes, (size_t)length);
    return bytes;
}

static inline void content_hex(const uint8_t *bytes, size_t len, char *text)
{
    for (size_t i = 0; i < len; i++) {
        (void)sprintf(text + 2 * i, "%02x", bytes[i]);
    }
}

static inline void content_sha256(const void *data, size_t len, char hex[65])
{
    const ps_crypto *c = ps_crypto_sodium();
    ps_sha256 sha;
    uint8_t digest[32];
    c->sha256_init(&sha);
    c->sha256_update(&sha, data, len);
    c->sha256_final(&sha, digest);
    content_hex(digest, 32, hex);
}

/* Hashes `length` bytes in parts of `split`; the tree (NULL when none) is the caller's to free. */
static inline ps_content content_hash(const uint8_t *bytes, uint64_t length, size_t split,
                                      ps_node **tree)
{
    ps_hasher h;
    ps_content content;
    size_t nodes = ps_tree_nodes(length);
    *tree = nodes > 0 ? malloc(nodes * sizeof(ps_node)) : NULL;
    if (ps_hasher_init(&h, ps_crypto_sodium(), length, *tree) != PS_OK) {
        abort();
    }
    for (uint64_t at = 0; at < length;) {
        size_t n = length - at < split ? (size_t)(length - at) : split;
        if (ps_hasher_update(&h, bytes + at, n) != PS_OK) {
            abort();
        }
        at += n;
    }
    if (ps_hasher_final(&h, &content) != PS_OK) {
        abort();
    }
    return content;
}

#endif

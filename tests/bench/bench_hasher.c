/* A file's hashing against SHA-256 alone: ps_hasher over one buffer, then OpenSSL's functions over
 * the same bytes in blocks of a leaf, taking turns on one core. The ratio is what the tree costs.
 *
 *     bench_hasher [--mib=N] [--rounds=N] */
#include "peersync/crypto_openssl.h"
#include "peersync/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

/* A buffer that stays in the cache, so that memory is not what is measured. */
#define BUFFER_BYTES ((size_t)1048576)

static uint64_t bare_ns(const uint8_t *buffer, uint64_t length)
{
    const ps_crypto *crypto = ps_crypto_openssl();
    uint8_t digest[32];
    uint64_t start = bench_cpu_ns();
    for (uint64_t at = 0; at < length; at += PS_LEAF_BYTES) {
        ps_sha256 sha;
        crypto->sha256_init(&sha);
        crypto->sha256_update(&sha, buffer + at % BUFFER_BYTES, PS_LEAF_BYTES);
        crypto->sha256_final(&sha, digest);
    }
    return bench_cpu_ns() - start;
}

static uint64_t hasher_ns(const uint8_t *buffer, uint64_t length, ps_node *tree)
{
    static ps_hasher hasher;
    ps_content content;
    uint64_t start = bench_cpu_ns();
    if (ps_hasher_init(&hasher, ps_crypto_openssl(), length, tree) != PS_OK) {
        abort();
    }
    for (uint64_t at = 0; at < length; at += BUFFER_BYTES) {
        if (ps_hasher_update(&hasher, buffer, BUFFER_BYTES) != PS_OK) {
            abort();
        }
    }
    if (ps_hasher_final(&hasher, &content) != PS_OK) {
        abort();
    }
    return bench_cpu_ns() - start;
}

int main(int argc, char **argv)
{
    uint64_t length = bench_option(argc, argv, "mib", 512) * BUFFER_BYTES;
    uint64_t rounds = bench_option(argc, argv, "rounds", 7);
    uint8_t *buffer = malloc(BUFFER_BYTES);
    ps_node *tree = malloc((ps_tree_nodes(length) + 1) * sizeof *tree);
    if (!buffer || !tree || length == 0) {
        return 1;
    }
    uint64_t random = 1;
    for (size_t i = 0; i < BUFFER_BYTES; i++) {
        buffer[i] = (uint8_t)bench_random(&random);
    }
    bench_pin(0);
    uint64_t bare = UINT64_MAX;
    uint64_t tree_ns = UINT64_MAX;
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t a = bare_ns(buffer, length);
        uint64_t b = hasher_ns(buffer, length, tree);
        bare = a < bare ? a : bare;
        tree_ns = b < tree_ns ? b : tree_ns;
    }
    printf("hasher: %.0f MiB/s a core, SHA-256 alone %.0f MiB/s, ratio %.3f (best of %" PRIu64
           ")\n",
           (double)length / 1048576.0 * 1e9 / (double)tree_ns,
           (double)length / 1048576.0 * 1e9 / (double)bare, (double)bare / (double)tree_ns, rounds);
    free(buffer);
    free(tree);
    return 0;
}

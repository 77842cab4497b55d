/* Writes the content of a vector of tests/vectors/bep52.h to stdout. Usage: make_content LENGTH
 * SEED; without arguments it lists the vectors: length, seed, SHA-256 of the content, root. */
#include "vectors/bep52.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc == 1) {
#define VECTOR(length, seed, sha256, root, hashes, layer)                                          \
    printf("%d %d %s %s\n", (length), (seed), (sha256), (root));
        PS_BEP52_VECTORS(VECTOR)
#undef VECTOR
        return 0;
    }
    if (argc != 3) {
        return 2;
    }
    uint32_t x = (uint32_t)strtoul(argv[2], NULL, 10);
    for (uint64_t left = strtoull(argv[1], NULL, 10); left > 0; left--) {
        x = (UINT32_C(1103515245) * x + 12345u) & 0x7fffffffu;
        if (putchar((int)(x >> 16 & 255u)) == EOF) {
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

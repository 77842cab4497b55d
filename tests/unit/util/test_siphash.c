/* SipHash-2-4 against the vectors of its authors: key 00 01 .. 0f, message 00 01 .. of each length
 * ("SipHash: a fast short-input PRF", appendix A, has the one of 15 bytes; the reference code the
 * others). */
#include "unit.h"

#include "exact.h"
#include "util/siphash.h"

#include <stdlib.h>

static const ps_sipkey paper_key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static const struct {
    size_t len;
    uint8_t tag[8]; /* Little-endian, as published. */
} vectors[] = {
    {0, {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72}},
    {1, {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74}},
    {2, {0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d}},
    {3, {0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85}},
    {4, {0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf}},
    {5, {0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18}},
    {6, {0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb}},
    {7, {0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab}},
    {8, {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93}},
    {9, {0xb0, 0xe4, 0xa9, 0x0b, 0xdf, 0x82, 0x00, 0x9e}},
    {10, {0xf3, 0xb9, 0xdd, 0x94, 0xc5, 0xbb, 0x5d, 0x7a}},
    {11, {0xa7, 0xad, 0x6b, 0x22, 0x46, 0x2f, 0xb3, 0xf4}},
    {12, {0xfb, 0xe5, 0x0e, 0x86, 0xbc, 0x8f, 0x1e, 0x75}},
    {13, {0x90, 0x3d, 0x84, 0xc0, 0x27, 0x56, 0xea, 0x14}},
    {14, {0xee, 0xf2, 0x7a, 0x8e, 0x90, 0xca, 0x23, 0xf7}},
    {15, {0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1}},
    {16, {0xdb, 0x9b, 0xc2, 0x57, 0x7f, 0xcc, 0x2a, 0x3f}},
    {31, {0x42, 0xc3, 0x41, 0xd8, 0xfa, 0x92, 0xd8, 0x32}},
    {32, {0xce, 0x7c, 0xf2, 0x72, 0x2f, 0x51, 0x27, 0x71}},
    {63, {0x72, 0x45, 0x06, 0xeb, 0x4c, 0x32, 0x8a, 0x95}},
};

static void gives_the_published_tags(void **state)
{
    (void)state;
    uint8_t message[64];
    for (unsigned i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)i;
    }
    for (size_t v = 0; v < sizeof vectors / sizeof vectors[0]; v++) {
        uint8_t *exact = exact_copy(message, vectors[v].len);
        uint64_t tag = ps_siphash(&paper_key, exact, vectors[v].len);
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal((tag >> (8 * i)) & 0xff, vectors[v].tag[i]);
        }
        free(exact);
    }
}

static void hashes_no_bytes_at_null(void **state)
{
    (void)state;
    assert_true(ps_siphash(&paper_key, NULL, 0) == UINT64_C(0x726fdb47dd0e0e31));
}

static void a_word_is_its_little_endian_bytes(void **state)
{
    (void)state;
    const uint64_t words[] = {0, 1, UINT64_MAX, UINT64_C(0x0706050403020100), UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint8_t bytes[8];
        for (unsigned b = 0; b < 8; b++) {
            bytes[b] = (uint8_t)(words[i] >> (8 * b));
        }
        assert_true(ps_siphash_u64(&paper_key, words[i]) == ps_siphash(&paper_key, bytes, 8));
    }
    assert_true(ps_siphash_u64(&paper_key, UINT64_C(0x0706050403020100)) ==
                UINT64_C(0x93f5f5799a932462));
}

static void both_halves_of_the_key_count(void **state)
{
    (void)state;
    const uint8_t byte = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        ps_sipkey low = paper_key, high = paper_key;
        low.k0 ^= UINT64_C(1) << bit;
        high.k1 ^= UINT64_C(1) << bit;
        uint64_t tag = ps_siphash(&paper_key, &byte, 1);
        assert_true(ps_siphash(&low, &byte, 1) != tag);
        assert_true(ps_siphash(&high, &byte, 1) != tag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_tags),
        cmocka_unit_test(hashes_no_bytes_at_null),
        cmocka_unit_test(a_word_is_its_little_endian_bytes),
        cmocka_unit_test(both_halves_of_the_key_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

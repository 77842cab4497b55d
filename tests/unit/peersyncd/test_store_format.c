#include "records.h"

#include "exact.h"
#include "peersync/crypto_openssl.h"
#include "peersyncd/store_format.h"

#include <stdlib.h>
#include <string.h>

static size_t make(uint8_t out[PS_STORE_RECORD_MAX], const change *c)
{
    const ps_input_restore r = change_record(c);
    return ps_store_record_write(ps_crypto_openssl(), &r, out);
}

/* From a copy of exactly these bytes: a read of one more is seen. */
static size_t read_exact(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = exact_copy(bytes, len);
    ps_input_restore r;
    const size_t n = ps_store_record_read(ps_crypto_openssl(), (ps_span){exact, len}, &r);
    free(exact);
    return n;
}

/* The bytes of a record are for ever. SHA-256 by another program. */
static void the_bytes_are_fixed(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0,    0,    0,    73,                              /* length */
        0x3c, 0x35, 0x56, 0x18, 0xd7, 0x9c, 0x9f, 0x9c,    /* check */
        0,    0,    0,    0,    0,    0,    0,    1,       /* generation */
        0xec, 0xa7, 0x70, 0x79, 0x8c, 0x71, 0xac, 0xdd,    /* device */
        0x24, 0x6f, 0x2c, 0x64, 0xe5, 0x86, 0x7d, 0xef, 1, /* published */
        0,    0,    0,    0,    0,    0,    0,    3,       /* file length */
        0x98, 0xea, 0x6e, 0x4f, 0x21, 0x6f, 0x2f, 0xb4, 0xb6, 0x9f, 0xff, 0x9b, 0x3a, 0x44,
        0x84, 0x2c, 0x38, 0x68, 0x6c, 0xa6, 0x85, 0xf3, 0xf5, 0x5d, 0xc4, 0x8c, 0x5d, 0x3f,
        0xb1, 0x10, 0x7b, 0xe4, 5,    1,    'a',  'l',  'i',  'c',  'e',  'f'};
    ps_input_restore r;
    uint8_t again[PS_STORE_RECORD_MAX];
    assert_int_equal(
        ps_store_record_read(ps_crypto_openssl(), (ps_span){expected, sizeof expected}, &r),
        sizeof expected);
    assert_true(r.generation == 1 && r.published && r.content.length == 3);
    assert_memory_equal(r.device, expected + 20, PS_DEVICE_BYTES);
    assert_memory_equal(r.content.root, expected + 45, PS_ROOT_BYTES);
    assert_true(span_equal(r.user, span_of("alice")) && span_equal(r.name, span_of("f")));
    assert_int_equal(ps_store_record_write(ps_crypto_openssl(), &r, again), sizeof expected);
    assert_memory_equal(again, expected, sizeof expected);
}

static void records_come_back(void **state)
{
    (void)state;
    uint8_t bytes[PS_STORE_RECORD_MAX];
    for (uint8_t device = 0; device < DEVICES; device++) {
        for (uint8_t name = 0; name < NAMES; name++) {
            const change c = {.device = device,
                              .name = name,
                              .published = name % 2 == 0,
                              .generation = UINT64_MAX - name,
                              .length = 200};
            const size_t n = make(bytes, &c);
            known k = {0};
            ps_input_restore r;
            assert_int_equal(
                ps_store_record_read(ps_crypto_openssl(), (ps_span){bytes, sizeof bytes}, &r), n);
            known_restore(&k, &r);
            assert_true(r.generation == c.generation && r.published == c.published);
        }
    }
}

/* Whatever a crash makes of a record, it is not taken for one. */
static void damage_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[PS_STORE_RECORD_MAX];
    const change c = {.device = 1, .name = 3, .published = true, .generation = 7, .length = 9};
    const size_t n = make(bytes, &c);
    for (size_t len = 0; len < n; len++) {
        assert_int_equal(read_exact(bytes, len), 0);
    }
    assert_int_equal(read_exact(bytes, n), n);
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(read_exact(bytes, n), 0);
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(read_exact(bytes, sizeof bytes), 0);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(read_exact(bytes, sizeof bytes), 0);
}

static void headers_are_told_apart(void **state)
{
    (void)state;
    uint8_t head[PS_STORE_HEADER];
    ps_store_header_write(head);
    assert_memory_equal(head, "PEERSYNC\0\0\0\1PUBS", PS_STORE_HEADER);
    assert_int_equal(ps_store_header_read((ps_span){head, sizeof head}), PS_STORE_OURS);
    for (size_t len = 0; len < sizeof head; len++) {
        uint8_t *exact = exact_copy(head, len);
        assert_int_equal(ps_store_header_read((ps_span){exact, len}), PS_STORE_CUT);
        if (len > 0) {
            exact[len - 1] ^= 1;
            assert_int_equal(ps_store_header_read((ps_span){exact, len}), PS_STORE_FOREIGN);
        }
        free(exact);
    }
    head[11] = 2;
    assert_int_equal(ps_store_header_read((ps_span){head, sizeof head}), PS_STORE_NEWER);
    head[8] = 0xff;
    assert_int_equal(ps_store_header_read((ps_span){head, sizeof head}), PS_STORE_NEWER);
    head[8] = head[11] = 0;
    assert_int_equal(ps_store_header_read((ps_span){head, sizeof head}), PS_STORE_FOREIGN);
    head[15] = 'X';
    head[11] = 1;
    assert_int_equal(ps_store_header_read((ps_span){head, sizeof head}), PS_STORE_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_fixed),
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(headers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

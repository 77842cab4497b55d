/* Bytes through an agreed stream: records, back-pressure, the end. */
#include "rig.h"
#include "tls/tls_internal.h"

#include <stdlib.h>
#include <string.h>

#define BIG (3u << 20)

static uint8_t *random_bytes(size_t len)
{
    uint8_t *bytes = malloc(len);
    test_random random = test_random_of(3);
    assert_non_null(bytes);
    test_random_bytes(&random, bytes, len);
    return bytes;
}

static void test_large_both_ways(void **state)
{
    (void)state;
    rig r;
    uint8_t *bytes = random_bytes(BIG);
    rig_open(&r);
    rig_connect(&r);
    rig_send(&r, r.server, r.client, bytes, BIG);
    rig_send(&r, r.client, r.server, bytes, BIG);
    for (uint64_t seed = 0; seed < 8; seed++) {
        r.pipe.split = true;
        r.pipe.random = test_random_of(seed);
        r.pipe.way[1].limit = (size_t)test_random_range(&r.pipe.random, 1000, 300000);
        rig_connect(&r);
        rig_send(&r, r.server, r.client, bytes, BIG);
    }
    rig_close(&r);
    free(bytes);
}

static void test_a_byte_at_a_time(void **state)
{
    (void)state;
    rig r;
    uint8_t *bytes = random_bytes(40000);
    rig_open(&r);
    rig_connect(&r);
    r.pipe.most = 1;
    rig_send(&r, r.server, r.client, bytes, 40000);
    r.pipe.most = 0;
    for (size_t i = 0; i < 300; i++) {
        rig_send(&r, r.client, r.server, bytes + i, 1);
    }
    rig_close(&r);
    free(bytes);
}

/* Eight full records go down with one write and come up with one read. */
static void test_many_records_a_call(void **state)
{
    (void)state;
    enum { LEN = 8 * 16384 };
    rig r;
    uint8_t *bytes = random_bytes(LEN);
    uint8_t *got = malloc(LEN);
    assert_non_null(got);
    rig_open(&r);
    rig_connect(&r);
    test_pipe_way *way = &r.pipe.way[1];
    const uint64_t writes = way->writes;
    const uint64_t reads = way->reads;
    size_t n = 0;
    const ps_span part = {bytes, LEN};
    assert_int_equal(ps_tls_write(r.server, &part, 1, &n), PS_OK);
    assert_int_equal(n, LEN);
    assert_int_equal(way->writes, writes);
    assert_int_equal(ps_tls_wants(r.server), PS_WRITABLE);
    assert_int_equal(ps_tls_flush(r.server), PS_OK);
    assert_int_equal(way->writes, writes + 1);
    assert_int_equal(ps_tls_wants(r.server), 0);
    assert_int_equal(way->len, LEN + 8 * 22); /* A header, a type and a tag each. */
    assert_int_equal(ps_tls_read(r.client, got, LEN, &n), PS_OK);
    assert_int_equal(n, LEN);
    assert_int_equal(way->reads, reads + 1);
    assert_memory_equal(got, bytes, LEN);
    assert_false(ps_tls_holds(r.client));
    rig_close(&r);
    free(got);
    free(bytes);
}

/* Small parts and the beginning of large ones share records; empty ones are nothing. */
static void test_parts_fill_records(void **state)
{
    (void)state;
    rig r;
    uint8_t *bytes = random_bytes(60000);
    uint8_t got[60000];
    rig_open(&r);
    rig_connect(&r);
    const ps_span parts[] = {{bytes, 0},          {bytes, 8},         {bytes + 8, 40000},
                             {bytes + 40008, 0},  {bytes + 40008, 1}, {bytes + 40009, 7000},
                             {bytes + 47009, 91}, {NULL, 0}};
    size_t n = 0;
    const size_t before = r.pipe.way[0].len;
    assert_int_equal(ps_tls_write(r.client, parts, 8, &n), PS_OK);
    assert_int_equal(n, 47100);
    assert_int_equal(ps_tls_flush(r.client), PS_OK);
    assert_int_equal(r.pipe.way[0].len - before, 47100 + 3 * 22);
    assert_int_equal(ps_tls_read(r.server, got, sizeof got, &n), PS_OK);
    assert_int_equal(n, 47100);
    assert_memory_equal(got, bytes, 47100);
    assert_int_equal(ps_tls_write(r.client, parts, 1, &n), PS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(ps_tls_wants(r.client), 0);
    rig_close(&r);
    free(bytes);
}

/* What the caller has no room for waits inside, and is told of. */
static void test_holds(void **state)
{
    (void)state;
    rig r;
    uint8_t *bytes = random_bytes(50000);
    uint8_t got[50000];
    rig_open(&r);
    rig_connect(&r);
    size_t n = 0;
    size_t read = 0;
    const ps_span part = {bytes, 50000};
    assert_int_equal(ps_tls_write(r.server, &part, 1, &n), PS_OK);
    assert_int_equal(ps_tls_flush(r.server), PS_OK);
    assert_false(ps_tls_holds(r.client));
    while (read < 50000) {
        const size_t cap = 777 < 50000 - read ? 777 : 50000 - read;
        assert_int_equal(ps_tls_read(r.client, got + read, cap, &n), PS_OK);
        read += n;
        assert_int_equal(ps_tls_holds(r.client), read < 50000);
        assert_int_equal(r.pipe.way[1].len, 0);
    }
    assert_memory_equal(got, bytes, 50000);
    rig_expect(r.client, PS_AGAIN);
    assert_int_equal(ps_tls_wants(r.client), PS_READABLE);
    rig_close(&r);
    free(bytes);
}

/* The writer stops when the reader does; the parts may differ when it goes on. */
static void test_back_pressure(void **state)
{
    (void)state;
    rig r;
    uint8_t *bytes = random_bytes(BIG);
    uint8_t *got = malloc(BIG);
    assert_non_null(got);
    rig_open(&r);
    rig_connect(&r);
    r.pipe.way[1].limit = 100000;
    size_t written = 0;
    size_t read = 0;
    size_t n = 0;
    size_t len = BIG;
    unsigned stops = 0;
    while (written < BIG) {
        const ps_span part = {bytes + written, len < BIG - written ? len : BIG - written};
        const ps_status status = ps_tls_write(r.server, &part, 1, &n);
        written += n;
        if (status == PS_AGAIN) {
            stops++;
            assert_int_equal(n, 0);
            assert_int_equal(ps_tls_wants(r.server), PS_WRITABLE);
            assert_int_equal(ps_tls_flush(r.server), PS_AGAIN);
            assert_int_equal(ps_tls_read(r.client, got + read, 90000, &n), PS_OK);
            read += n;
            len = 1 + read % 20000; /* Shorter than what was refused. */
        }
    }
    assert_true(stops > 3);
    while (read < BIG) {
        assert_int_not_equal(ps_tls_flush(r.server), PS_FAILED);
        assert_int_equal(ps_tls_read(r.client, got + read, BIG - read, &n), PS_OK);
        read += n;
    }
    assert_memory_equal(got, bytes, BIG);
    rig_close(&r);
    free(got);
    free(bytes);
}

static void test_finish_leaves_the_other_direction(void **state)
{
    (void)state;
    rig r;
    uint8_t got[8];
    size_t n = 0;
    rig_open(&r);
    rig_connect(&r);
    const ps_span part = {(const uint8_t *)"last", 4};
    assert_int_equal(ps_tls_write(r.client, &part, 1, &n), PS_OK);
    assert_int_equal(ps_tls_finish(r.client), PS_OK);
    assert_int_equal(ps_tls_finish(r.client), PS_OK);
    assert_true(r.pipe.way[0].finished);
    assert_int_equal(ps_tls_write(r.client, &part, 1, &n), PS_FAILED);
    assert_string_equal(ps_tls_error(r.client), "nothing more is written to it");
    assert_int_equal(ps_tls_read(r.server, got, sizeof got, &n), PS_OK);
    assert_int_equal(n, 4);
    assert_true(ps_tls_holds(r.server)); /* That it has ended. */
    rig_expect(r.server, PS_OK);
    assert_false(ps_tls_holds(r.server));
    rig_expect(r.server, PS_OK);
    rig_send(&r, r.server, r.client, "back", 4);
    assert_int_equal(ps_tls_finish(r.server), PS_OK);
    rig_expect(r.client, PS_OK);
    rig_close(&r);
}

/* A full stream delays the goodbye; the stream below is finished after it only. */
static void test_finish_of_a_full_stream(void **state)
{
    (void)state;
    rig r;
    uint8_t got[100];
    size_t n = 0;
    rig_open(&r);
    rig_connect(&r);
    r.pipe.way[0].limit = 10;
    const ps_span part = {(const uint8_t *)"last", 4};
    assert_int_equal(ps_tls_write(r.client, &part, 1, &n), PS_OK);
    assert_int_equal(ps_tls_finish(r.client), PS_AGAIN);
    assert_int_equal(ps_tls_wants(r.client), PS_WRITABLE);
    assert_false(r.pipe.way[0].finished);
    r.pipe.way[0].limit = 1000;
    assert_int_equal(ps_tls_finish(r.client), PS_OK);
    assert_int_equal(ps_tls_read(r.server, got, sizeof got, &n), PS_OK);
    assert_int_equal(n, 4);
    rig_expect(r.server, PS_OK);
    rig_close(&r);
}

/* The stream below ends without a goodbye, between records or within one. */
static void test_truncation(void **state)
{
    (void)state;
    rig r;
    uint8_t got[8];
    size_t n = 0;
    rig_open(&r);
    for (size_t keep = 0; keep <= 26; keep++) {
        rig_connect(&r);
        const ps_span part = {(const uint8_t *)"last", 4};
        assert_int_equal(ps_tls_write(r.server, &part, 1, &n), PS_OK);
        assert_int_equal(ps_tls_flush(r.server), PS_OK);
        r.pipe.way[1].len = keep;
        r.pipe.way[1].finished = true;
        if (keep == 26) { /* First the bytes, then the bad news, and that again. */
            assert_int_equal(ps_tls_read(r.client, got, sizeof got, &n), PS_OK);
            assert_int_equal(n, 4);
            assert_string_equal(ps_tls_error(r.client), "");
        }
        for (unsigned i = 0; i < 2; i++) {
            rig_expect(r.client, PS_FAILED);
            assert_string_equal(ps_tls_error(r.client), "the other side hung up in the middle");
            assert_false(ps_tls_holds(r.client));
        }
        assert_int_equal(ps_tls_write(r.client, &part, 1, &n), PS_FAILED);
    }
    rig_close(&r);
}

/* One bit changed on the way: the records before it count, the rest never. */
static void test_altered(void **state)
{
    (void)state;
    rig r;
    uint8_t got[20000];
    uint8_t *bytes = random_bytes(20000);
    size_t n = 0;
    rig_open(&r);
    rig_connect(&r);
    const ps_span part = {bytes, 20000};
    assert_int_equal(ps_tls_write(r.server, &part, 1, &n), PS_OK);
    assert_int_equal(ps_tls_flush(r.server), PS_OK);
    test_pipe_way *way = &r.pipe.way[1];
    way->bytes[way->at + 17000] ^= 1u;
    assert_int_equal(ps_tls_read(r.client, got, sizeof got, &n), PS_OK);
    assert_int_equal(n, 16384);
    assert_memory_equal(got, bytes, 16384);
    assert_true(ps_tls_holds(r.client));
    rig_expect(r.client, PS_FAILED);
    assert_string_equal(ps_tls_error(r.client), "bytes were altered on the way");
    assert_false(ps_tls_holds(r.client));
    rig_expect(r.server, PS_FAILED); /* It is told by an alert. */
    assert_string_equal(ps_tls_error(r.server), "bytes were altered on the way");
    rig_close(&r);
    free(bytes);
}

static void test_broken_stream(void **state)
{
    (void)state;
    rig r;
    size_t n = 0;
    const ps_span part = {(const uint8_t *)"last", 4};
    rig_open(&r);
    rig_connect(&r);
    assert_int_equal(ps_tls_write(r.server, &part, 1, &n), PS_OK);
    r.pipe.broken = true;
    assert_int_equal(ps_tls_flush(r.server), PS_FAILED);
    assert_string_equal(ps_tls_error(r.server), "the connection broke");
    rig_expect(r.client, PS_FAILED);
    assert_string_equal(ps_tls_error(r.client), "the connection broke");
    rig_connect(&r);
    r.pipe.broken = true;
    assert_int_equal(ps_tls_finish(r.server), PS_FAILED);
    rig_close(&r);
}

/* A key that has sealed its share is replaced on the way: one more record, and all goes on. */
static void test_a_key_wears_out(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    rig_connect(&r);
    rig_send(&r, r.server, r.client, "before", 6);
    r.server->records = PS_TLS_KEY_RECORDS;
    rig_send(&r, r.server, r.client, "after", 5);
    assert_int_equal(r.server->records, 1);
    assert_int_equal(r.client->updates, 1);
    rig_send(&r, r.client, r.server, "back", 4);
    assert_int_equal(r.server->updates, 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_both_ways),
        cmocka_unit_test(test_a_byte_at_a_time),
        cmocka_unit_test(test_many_records_a_call),
        cmocka_unit_test(test_parts_fill_records),
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_finish_leaves_the_other_direction),
        cmocka_unit_test(test_finish_of_a_full_stream),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_broken_stream),
        cmocka_unit_test(test_a_key_wears_out),
    };
    return cmocka_run_group_tests_name("tls move", tests, NULL, NULL);
}

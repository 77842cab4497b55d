#include "fake_disk.h"
#include "records.h"

#include "peersync/crypto_openssl.h"
#include "peersyncd/store_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAP ((size_t)4 << 20)

static const uint8_t salt[PS_STORE_SALT];
static fake_disk disk;
static ps_store_files files;
static known back;
static ps_store_summary found;

static ps_store_result load(void)
{
    memset(&back, 0, sizeof back);
    return ps_store_load(&files, ps_crypto_openssl(), salt, known_restore, &back, &found);
}

static void begin(uint64_t seed)
{
    fake_disk_make(&disk, CAP, seed);
    disk.error = EIO;
    files = fake_files(&disk);
}

/* Appends by hand what a store would have. */
static void put(const void *bytes, size_t len)
{
    fake_file *f = &disk.files[PS_STORE_LOG];
    assert_true(f->now_len + len <= CAP);
    f->exists = true;
    memcpy(f->now + f->now_len, bytes, len);
    memcpy(f->durable + f->now_len, bytes, len);
    f->now_len += len;
    f->durable_len = f->now_len;
}

static void put_header(void)
{
    uint8_t head[PS_STORE_HEADER];
    ps_store_header_write(head);
    put(head, sizeof head);
}

static size_t put_change(const change *c)
{
    uint8_t bytes[PS_STORE_RECORD_MAX];
    const ps_input_restore r = change_record(c);
    const size_t n = ps_store_record_write(ps_crypto_openssl(), &r, bytes);
    put(bytes, n);
    return n;
}

/* Without a log one is made, durable and empty. */
static void a_missing_log_is_made(void **state)
{
    (void)state;
    begin(1);
    assert_int_equal(load(), PS_STORE_OK);
    assert_true(found.good == PS_STORE_HEADER && found.records == 0 && found.cut == 0);
    fake_crash(&disk);
    assert_int_equal(disk.files[PS_STORE_LOG].now_len, PS_STORE_HEADER);
    assert_int_equal(load(), PS_STORE_OK);
    assert_int_equal(found.kind, PS_STORE_OURS);
    fake_disk_free(&disk);
}

/* Whatever call fails: a start that is refused says so, and the next one is as if nothing was. */
static void making_fails_at_every_call(void **state)
{
    (void)state;
    bool fired = true;
    for (unsigned k = 1; fired; k++) {
        for (fake_fault fault = FAKE_ERROR; fault <= FAKE_ZERO; fault++) {
            begin(k);
            disk.fail_at = k;
            disk.fault = fault;
            const ps_store_result result = load();
            fired = disk.failed > 0;
            assert_int_equal(result, fired ? PS_STORE_FAILED : PS_STORE_OK);
            if (fired) {
                ps_store_words words;
                assert_int_equal(found.error, EIO);
                assert_non_null(strstr(ps_store_refusal(result, &found, words), strerror(EIO)));
            }
            fake_crash(&disk);
            assert_int_equal(load(), PS_STORE_OK);
            assert_true(found.good == PS_STORE_HEADER);
            fake_disk_free(&disk);
        }
    }
}

static void other_files_are_refused_and_untouched(void **state)
{
    (void)state;
    ps_store_words words;
    begin(1);
    put("alice password123\n", 18);
    assert_int_equal(load(), PS_STORE_REFUSED);
    assert_int_equal(found.kind, PS_STORE_FOREIGN);
    assert_non_null(strstr(ps_store_refusal(PS_STORE_REFUSED, &found, words), "--state"));
    assert_memory_equal(disk.files[PS_STORE_LOG].now, "alice password123\n", 18);
    fake_disk_free(&disk);
    begin(1);
    put("PEERSYNC\0\0\0\2PUBS....", 20);
    assert_int_equal(load(), PS_STORE_REFUSED);
    assert_int_equal(found.kind, PS_STORE_NEWER);
    assert_non_null(strstr(ps_store_refusal(PS_STORE_REFUSED, &found, words), "newer"));
    assert_int_equal(disk.files[PS_STORE_LOG].now_len, 20);
    fake_disk_free(&disk);
}

/* A log cut anywhere, or with any byte wrong, gives the whole records before that, and ends there
 * from then on. */
static void every_cut_keeps_the_records_before_it(void **state)
{
    (void)state;
    enum { CHANGES = 12 };
    size_t ends[CHANGES + 1] = {PS_STORE_HEADER};
    known at[CHANGES + 1];
    test_random random = test_random_of(7);
    memset(at, 0, sizeof at);
    begin(7);
    put_header();
    for (size_t i = 0; i < CHANGES; i++) {
        at[i + 1] = at[i];
        const change c = change_next(&at[i + 1], &random);
        ends[i + 1] = ends[i] + put_change(&c);
    }
    const size_t whole = ends[CHANGES];
    uint8_t *log = malloc(whole);
    assert_non_null(log);
    memcpy(log, disk.files[PS_STORE_LOG].now, whole);
    for (size_t cut = 0; cut <= whole; cut++) {
        for (int flip = 0; flip < (cut < whole && cut >= PS_STORE_HEADER ? 2 : 1); flip++) {
            const size_t len = flip ? whole : cut;
            size_t n = 0;
            disk.files[PS_STORE_LOG].now_len = disk.files[PS_STORE_LOG].durable_len = 0;
            put(log, len);
            disk.files[PS_STORE_LOG].now[cut] ^= flip ? 0x10 : 0;
            while (n < CHANGES && ends[n + 1] <= cut) {
                n++;
            }
            assert_int_equal(ps_store_examine(&files, ps_crypto_openssl(), salt, &found),
                             PS_STORE_OK);
            assert_true(found.records == n);
            assert_int_equal(disk.files[PS_STORE_LOG].now_len, len);
            assert_int_equal(load(), PS_STORE_OK);
            known_assert_equal(&back, &at[n]);
            assert_true(found.records == n && found.good == ends[n]);
            assert_true(found.cut == (cut < PS_STORE_HEADER ? cut : len - ends[n]));
            assert_int_equal(disk.files[PS_STORE_LOG].now_len, ends[n]);
            assert_int_equal(disk.files[PS_STORE_LOG].durable_len, ends[n]);
        }
    }
    free(log);
    fake_disk_free(&disk);
}

/* A log of many changes; *state is what is known after them. */
static void put_many(uint64_t seed, size_t bytes, known *after)
{
    test_random random = test_random_of(seed);
    memset(after, 0, sizeof *after);
    put_header();
    while (disk.files[PS_STORE_LOG].now_len <= bytes) {
        const change c = change_next(after, &random);
        put_change(&c);
    }
}

/* Below the bound nothing is written anew, above it the result is exactly what is known. */
static void compaction_keeps_what_counts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        known after;
        begin(seed);
        put_many(seed, PS_STORE_COMPACT_BYTES - PS_STORE_RECORD_MAX, &after);
        assert_int_equal(load(), PS_STORE_OK);
        assert_false(found.compacted);
        known_assert_equal(&back, &after);
        fake_disk_free(&disk);

        begin(seed);
        put_many(seed, PS_STORE_COMPACT_BYTES, &after);
        assert_int_equal(load(), PS_STORE_OK);
        assert_true(found.compacted);
        known_assert_equal(&back, &after);
        assert_true(found.good == disk.files[PS_STORE_LOG].now_len);
        assert_true(found.good == PS_STORE_HEADER + found.counting_bytes);
        assert_true(found.counting <= DEVICES * (NAMES + 1));
        fake_crash(&disk);
        assert_int_equal(load(), PS_STORE_OK);
        assert_false(found.compacted);
        assert_true(found.records == found.counting);
        known_assert_equal(&back, &after);
        fake_disk_free(&disk);
    }
}

/* A log of which most still counts stays, however large. */
static void what_counts_is_not_written_anew(void **state)
{
    (void)state;
    begin(1);
    put_header();
    uint8_t bytes[PS_STORE_RECORD_MAX];
    char name[16];
    change c = {.published = true, .length = 1};
    while (disk.files[PS_STORE_LOG].now_len < 2 * PS_STORE_COMPACT_BYTES) {
        c.generation++;
        ps_input_restore r = change_record(&c);
        snprintf(name, sizeof name, "%u", (unsigned)c.generation);
        r.name = (ps_span){(const uint8_t *)name, strlen(name)};
        put(bytes, ps_store_record_write(ps_crypto_openssl(), &r, bytes));
    }
    assert_int_equal(ps_store_examine(&files, ps_crypto_openssl(), salt, &found), PS_STORE_OK);
    assert_true(found.counting == c.generation && found.records == c.generation);
    fake_disk_free(&disk);
}

/* Compaction that fails at every call, with a crash behind it: nothing is lost, and what can go on
 * with the old log does. */
static void compaction_fails_at_every_call(void **state)
{
    (void)state;
    bool fired = true;
    for (unsigned k = 1; fired; k++) {
        bool differs = true; /* What kind of failure it is. */
        for (fake_fault fault = FAKE_ERROR; differs && fault <= FAKE_ZERO; fault++) {
            known after;
            begin(k);
            put_many(3, PS_STORE_COMPACT_BYTES, &after);
            disk.fail_at = k;
            disk.fault = fault;
            disk.random = test_random_of(k);
            const ps_store_result result = load();
            fired = disk.failed > 0;
            differs = disk.failed_write;
            if (result == PS_STORE_OK) {
                known_assert_equal(&back, &after);
                assert_true(fired == (found.compact_error != 0));
                assert_true(found.compacted == !fired);
                assert_true(found.good == disk.files[PS_STORE_LOG].now_len);
            } else {
                assert_int_equal(result, PS_STORE_FAILED);
            }
            assert_false(disk.files[PS_STORE_FRESH].exists);
            fake_crash(&disk);
            assert_int_equal(load(), PS_STORE_OK);
            known_assert_equal(&back, &after);
            fake_disk_free(&disk);
        }
    }
}

/* No room for the copy: the old log goes on, and says why. */
static void compaction_on_a_full_disk(void **state)
{
    (void)state;
    known after;
    begin(1);
    put_many(1, PS_STORE_COMPACT_BYTES, &after);
    disk.room = 100;
    assert_int_equal(load(), PS_STORE_OK);
    assert_int_equal(found.compact_error, ENOSPC);
    known_assert_equal(&back, &after);
    fake_disk_free(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_log_is_made),
        cmocka_unit_test(making_fails_at_every_call),
        cmocka_unit_test(other_files_are_refused_and_untouched),
        cmocka_unit_test(every_cut_keeps_the_records_before_it),
        cmocka_unit_test(compaction_keeps_what_counts),
        cmocka_unit_test(what_counts_is_not_written_anew),
        cmocka_unit_test(compaction_fails_at_every_call),
        cmocka_unit_test(compaction_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

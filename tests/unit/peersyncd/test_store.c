/* The store at work, on a disk that fails. */
#include "fake_disk.h"
#include "records.h"

#include "peersync/crypto_openssl.h"
#include "peersyncd/store.h"
#include "peersyncd/store_load.h"

#include <errno.h>
#include <string.h>

#define CAP     ((size_t)1 << 20)
#define CHANGES 60u

static const uint8_t salt[PS_STORE_SALT];
static fake_disk disk;
static ps_store_files files;
static ps_store store;
static known back;
static ps_store_summary found;

/* What was appended, in order, and what was known after each. */
static known after[CHANGES + 1];
static change changes[CHANGES];
static size_t appended;
static test_random random_;

static ps_store_result load(void)
{
    memset(&back, 0, sizeof back);
    return ps_store_load(&files, ps_crypto_openssl(), salt, known_restore, &back, &found);
}

static void begin(uint64_t seed, size_t pending_max)
{
    fake_disk_make(&disk, CAP, seed);
    disk.error = EIO;
    files = fake_files(&disk);
    assert_int_equal(load(), PS_STORE_OK);
    disk.calls = 0;
    assert_true(ps_store_init(&store, &files, ps_crypto_openssl(), found.good, pending_max));
    memset(after, 0, sizeof after);
    random_ = test_random_of(seed);
    appended = 0;
}

static void end(void)
{
    ps_store_free(&store);
    fake_disk_free(&disk);
}

static void append(void)
{
    assert_true(appended < CHANGES);
    after[appended + 1] = after[appended];
    changes[appended] = change_next(&after[appended + 1], &random_);
    const ps_event_record e = change_event(&changes[appended], appended + 1);
    assert_true(ps_store_append(&store, &e));
    appended++;
}

static ps_store_news work(void)
{
    assert_true(ps_store_begin(&store));
    assert_false(ps_store_begin(&store)); /* One at a time. */
    ps_store_work(&store);
    return ps_store_end(&store);
}

/* After a crash now, all that was committed is there, and nothing that was not said. */
static void assert_kept(void)
{
    assert_true(store.committed <= appended);
    fake_crash(&disk);
    assert_int_equal(load(), PS_STORE_OK);
    assert_true(found.records >= store.committed && found.records <= appended);
    known_assert_equal(&back, &after[found.records]);
}

static void commits_come_in_order_and_together(void **state)
{
    (void)state;
    begin(1, 65536);
    assert_false(ps_store_begin(&store));
    append();
    append();
    append();
    assert_true(store.committed == 0);
    assert_true(ps_store_begin(&store));
    append(); /* While the worker writes: it goes with the next. */
    ps_store_work(&store);
    append();
    assert_true(store.committed == 0);
    assert_int_equal(ps_store_end(&store), PS_STORE_COMMITTED);
    assert_true(store.committed == 3);
    assert_int_equal(disk.calls, 2); /* One write, one sync. */
    assert_int_equal(work(), PS_STORE_COMMITTED);
    assert_true(store.committed == 5);
    assert_int_equal(disk.calls, 4);
    assert_false(ps_store_begin(&store));
    assert_true(ps_store_pending(&store) == 0);
    assert_kept();
    end();
}

/* A store goes on behind what an earlier life has left. */
static void lives_follow_each_other(void **state)
{
    (void)state;
    uint64_t counting = 0;
    begin(2, 65536);
    for (unsigned life = 0; life < 6; life++) {
        for (unsigned i = 0; i < 5; i++) {
            append();
        }
        assert_int_equal(work(), PS_STORE_COMMITTED);
        append(); /* Never written: the crash takes it. */
        ps_store_free(&store);
        fake_crash(&disk);
        assert_int_equal(load(), PS_STORE_OK);
        appended--;
        assert_true(found.records == counting + 5);
        counting = found.counting;
        known_assert_equal(&back, &after[appended]);
        assert_true(ps_store_init(&store, &files, ps_crypto_openssl(), found.good, 65536));
        store.committed = appended;
    }
    end();
}

/* The k-th call fails, in every way, for k until none does; then it works again. */
static void every_call_fails(void **state)
{
    (void)state;
    for (fake_fault fault = FAKE_ERROR; fault <= FAKE_ZERO; fault++) {
        bool fired = true;
        for (unsigned k = 1; fired; k++) {
            for (unsigned times = 1; times <= 3; times++) {
                begin(k, 65536);
                disk.fail_at = k;
                disk.fail_for = times;
                disk.fault = fault;
                unsigned told = 0;
                while (store.committed < 20) {
                    for (unsigned i = 0; i < 5 && appended < 20; i++) {
                        append();
                    }
                    const uint64_t before = store.committed;
                    const bool failed_before = store.failed;
                    const ps_store_news news = work();
                    if (news == PS_STORE_BROKEN || news == PS_STORE_STILL) {
                        assert_true(failed_before == (news == PS_STORE_STILL));
                        assert_int_equal(ps_store_retry_ms(&store), PS_STORE_RETRY_MS);
                        assert_true(store.committed == before);
                        assert_int_equal(store.error, EIO);
                        told += news == PS_STORE_BROKEN;
                    } else {
                        assert_true(store.committed > before);
                        assert_true(failed_before == (news == PS_STORE_RECOVERED));
                        assert_int_equal(ps_store_retry_ms(&store), 0);
                    }
                }
                fired = disk.failed > 0;
                assert_true(told == 0 || fired);
                assert_true(ps_store_pending(&store) == 0);
                assert_kept();
                assert_true(found.records == 20 && found.cut == 0);
                end();
            }
        }
    }
}

/* The same with a crash at every place: what was committed is there. */
static void every_call_fails_and_then_the_power(void **state)
{
    (void)state;
    for (fake_fault fault = FAKE_ERROR; fault <= FAKE_ZERO; fault++) {
        for (unsigned k = 1; k < 16; k++) {
            for (unsigned works = 1; works < 10; works++) {
                begin(k * 100 + works, 65536);
                disk.fail_at = k;
                disk.fail_for = 2;
                disk.fault = fault;
                for (unsigned i = 0; i < works; i++) {
                    append();
                    append();
                    (void)work();
                }
                append();
                assert_kept();
                end();
            }
        }
    }
}

/* Full is told with its own word, and as often as it is news. */
static void a_full_disk_is_waited_for(void **state)
{
    (void)state;
    begin(3, 65536);
    append();
    assert_int_equal(work(), PS_STORE_COMMITTED);
    disk.room = disk.files[PS_STORE_LOG].now_len + 10;
    append();
    assert_int_equal(work(), PS_STORE_BROKEN);
    assert_int_equal(store.error, ENOSPC);
    assert_string_equal(store.what, "write");
    append();
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(work(), PS_STORE_STILL);
        assert_true(disk.files[PS_STORE_LOG].now_len <= disk.room);
    }
    disk.fail_at = disk.calls + 1;
    assert_int_equal(work(), PS_STORE_BROKEN); /* Another cause. */
    assert_string_equal(store.what, "truncate");
    disk.room = CAP;
    assert_int_equal(work(), PS_STORE_RECOVERED);
    assert_true(store.committed == 2);
    assert_int_equal(work(), PS_STORE_COMMITTED);
    assert_true(store.committed == 3);
    assert_kept();
    end();
}

/* Too much in memory: BUSY until half of it is written. Nothing is refused meanwhile. */
static void a_slow_disk_is_busy(void **state)
{
    (void)state;
    begin(4, 1000);
    while (ps_store_pending(&store) <= 1000) {
        assert_int_equal(ps_store_retry_ms(&store), 0);
        append();
    }
    assert_int_equal(ps_store_retry_ms(&store), PS_STORE_RETRY_MS);
    append();
    assert_true(ps_store_begin(&store));
    while (store.filling.len <= 500) {
        append();
    }
    ps_store_work(&store);
    assert_int_equal(ps_store_end(&store), PS_STORE_COMMITTED);
    assert_int_equal(ps_store_retry_ms(&store), PS_STORE_RETRY_MS); /* More than half waits. */
    assert_int_equal(work(), PS_STORE_COMMITTED);
    assert_int_equal(ps_store_retry_ms(&store), 0);
    assert_true(store.committed == appended);
    assert_kept();
    end();
}

/* More than the room that was set aside is still taken. */
static void memory_grows_where_it_must(void **state)
{
    (void)state;
    begin(5, 0);
    const size_t cap = store.filling.cap;
    uint64_t seq = 0;
    change c = {.name = NAMES - 1, .published = true, .length = 1};
    while (store.filling.cap == cap) {
        c.generation++;
        const ps_event_record e = change_event(&c, ++seq);
        assert_true(ps_store_append(&store, &e));
    }
    disk.room = CAP;
    assert_int_equal(work(), PS_STORE_COMMITTED);
    assert_true(store.committed == seq);
    assert_int_equal(load(), PS_STORE_OK);
    assert_true(found.records == seq);
    end();
}

/* Any sequence of appends, works, failures and crashes. */
static void what_was_committed_is_found(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        begin(seed, 2000);
        disk.error_chance = (unsigned)(seed % 60);
        while (appended < CHANGES) {
            if (test_random_chance(&random_, 60)) {
                append();
            } else if (ps_store_begin(&store)) {
                disk.fault = (fake_fault)test_random_below(&random_, 3);
                disk.error = test_random_chance(&random_, 50) ? EIO : ENOSPC;
                if (appended < CHANGES && test_random_chance(&random_, 50)) {
                    append();
                }
                ps_store_work(&store);
                if (test_random_chance(&random_, 5)) {
                    break; /* The power fails before anybody hears of it. */
                }
                (void)ps_store_end(&store);
            }
        }
        assert_kept();
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_come_in_order_and_together),
        cmocka_unit_test(lives_follow_each_other),
        cmocka_unit_test(every_call_fails),
        cmocka_unit_test(every_call_fails_and_then_the_power),
        cmocka_unit_test(a_full_disk_is_waited_for),
        cmocka_unit_test(a_slow_disk_is_busy),
        cmocka_unit_test(memory_grows_where_it_must),
        cmocka_unit_test(what_was_committed_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

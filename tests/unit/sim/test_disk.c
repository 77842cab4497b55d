/* Disks: times, failures, lies. */
#include "disk_fixture.h"

static const ps_sim_disk_config good = {.size = sizeof good};

static void what_is_written_is_read(void **state)
{
    (void)state;
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &good, &disk);
    assert_true(disk_holds(disk, "a", NULL));
    disk_append(disk, "a", "hello");
    disk_append(disk, "a", " world");
    assert_true(disk_holds(disk, "a", "hello world"));
    assert_int_equal(ps_sim_disk_write(disk, "a", 1, "EL", 2), PS_SIM_DISK_OK);
    assert_true(disk_holds(disk, "a", "hELlo world"));
    assert_int_equal(ps_sim_disk_truncate(disk, "a", 3), PS_SIM_DISK_OK);
    assert_int_equal(ps_sim_disk_write(disk, "a", 5, "x", 1), PS_SIM_DISK_OK);
    char buf[8];
    size_t n;
    uint64_t len;
    assert_int_equal(ps_sim_disk_read(disk, "a", 2, buf, 8, &n, NULL), PS_SIM_DISK_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(buf, "L\0\0x", 4); /* The gap is zeros. */
    assert_int_equal(ps_sim_disk_read(disk, "a", 9, buf, 8, &n, NULL), PS_SIM_DISK_OK);
    assert_int_equal(n, 0);
    assert_int_equal(ps_sim_disk_length(disk, "a", &len), PS_SIM_DISK_OK);
    assert_int_equal(len, 6);
    assert_int_equal(ps_sim_disk_length(disk, "b", &len), PS_SIM_DISK_ABSENT);
    assert_int_equal(ps_sim_disk_truncate(disk, "b", 1), PS_SIM_DISK_ABSENT);
    assert_int_equal(ps_sim_disk_write(disk, "empty", 0, NULL, 0), PS_SIM_DISK_OK);
    assert_true(disk_holds(disk, "empty", ""));
    assert_string_equal(ps_sim_disk_name(disk, 0), "a");
    assert_string_equal(ps_sim_disk_name(disk, 1), "empty");
    assert_null(ps_sim_disk_name(disk, 2));
    assert_int_equal(disk_stats(disk).used_bytes, 6);
    ps_sim_destroy(sim);
}

static void a_bug_of_the_caller_is_told(void **state)
{
    (void)state;
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &good, &disk);
    ps_sim_disk_config wrong = good;
    wrong.size--;
    char name[PS_SIM_DISK_NAME_MAX + 2];
    memset(name, 'x', sizeof name);
    name[PS_SIM_DISK_NAME_MAX + 1] = '\0';
    assert_int_equal(ps_sim_disk_set(disk, &wrong), PS_INVALID);
    assert_int_equal(ps_sim_disk_create(sim, &wrong, &disk), PS_INVALID);
    assert_int_equal(ps_sim_disk_write(disk, name, 0, "x", 1), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_write(disk, "", 0, "x", 1), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_write(disk, "a", 0, NULL, 1), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_truncate(disk, "", 1), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_rename(disk, "a", ""), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_remove(disk, NULL), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_read(disk, "a", 0, NULL, 1, NULL, NULL), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_length(disk, "a", NULL), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_sync(disk, NULL, NULL), PS_SIM_DISK_INVALID);
    assert_int_equal(ps_sim_disk_synced(NULL, 0), PS_SIM_DISK_INVALID);
    name[PS_SIM_DISK_NAME_MAX] = '\0'; /* Just short enough. */
    disk_append(disk, name, "x");
    assert_true(disk_holds(disk, name, "x"));
    ps_sim_destroy(sim);
}

static void reads_and_syncs_take_their_time_in_turn(void **state)
{
    (void)state;
    const ps_sim_disk_config slow = {
        .size = sizeof slow, .rate_bytes_s = 1000000, .read_us = 10, .sync_us = 500};
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &slow, &disk);
    char buf[200] = {0};
    size_t n;
    uint64_t done_us;
    assert_int_equal(ps_sim_disk_write(disk, "a", 0, buf, 200), PS_SIM_DISK_OK); /* Free. */
    assert_int_equal(ps_sim_disk_read(disk, "a", 0, buf, 100, &n, &done_us), PS_SIM_DISK_OK);
    assert_int_equal(done_us, START_US + 110);
    ps_sim_disk_ticket one;
    ps_sim_disk_ticket two;
    assert_int_equal(ps_sim_disk_sync(disk, "a", &one), PS_SIM_DISK_OK);
    assert_int_equal(one.done_us, START_US + 110 + 700);
    assert_int_equal(ps_sim_disk_sync(disk, NULL, &two), PS_SIM_DISK_OK);
    assert_int_equal(two.done_us, START_US + 110 + 700 + 500);
    ps_sim_run_until(sim, one.done_us - 1);
    assert_int_equal(ps_sim_disk_synced(disk, one.id), PS_SIM_DISK_AGAIN);
    assert_int_equal(disk_stats(disk).unsynced_bytes, 200);
    ps_sim_run_until(sim, one.done_us);
    assert_int_equal(ps_sim_disk_synced(disk, two.id), PS_SIM_DISK_AGAIN);
    assert_int_equal(ps_sim_disk_synced(disk, one.id), PS_SIM_DISK_OK);
    assert_int_equal(ps_sim_disk_synced(disk, one.id), PS_SIM_DISK_ABSENT); /* Asked already. */
    assert_int_equal(disk_stats(disk).unsynced_bytes, 0);
    ps_sim_run_until(sim, two.done_us);
    assert_int_equal(ps_sim_disk_synced(disk, two.id), PS_SIM_DISK_OK);
    assert_int_equal(ps_sim_disk_sync(disk, "b", &two), PS_SIM_DISK_ABSENT);
    ps_sim_destroy(sim);
}

static void a_full_disk_takes_nothing_more(void **state)
{
    (void)state;
    ps_sim_disk_config small = {.size = sizeof small, .capacity_bytes = 10};
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &small, &disk);
    disk_append(disk, "a", "12345678");
    disk_append(disk, "b", "12");
    assert_int_equal(ps_sim_disk_write(disk, "b", 2, "3", 1), PS_SIM_DISK_FULL);
    assert_int_equal(ps_sim_disk_truncate(disk, "b", 3), PS_SIM_DISK_FULL);
    assert_int_equal(ps_sim_disk_write(disk, "b", 1, "x", 1), PS_SIM_DISK_OK); /* Over it. */
    assert_true(disk_holds(disk, "b", "1x"));
    assert_int_equal(disk_stats(disk).full, 2);
    small.capacity_bytes = 5; /* Less than there is. */
    assert_int_equal(ps_sim_disk_set(disk, &small), PS_OK);
    assert_int_equal(ps_sim_disk_write(disk, "b", 2, "3", 1), PS_SIM_DISK_FULL);
    assert_int_equal(ps_sim_disk_remove(disk, "a"), PS_SIM_DISK_OK);
    disk_append(disk, "b", "345");
    assert_int_equal(ps_sim_disk_write(disk, "b", UINT64_MAX - 1, "xyz", 3), PS_SIM_DISK_FULL);
    ps_sim_destroy(sim);
}

/* One operation of each kind; whether it went well. */
static bool does(ps_sim *sim, ps_sim_disk *disk, ps_sim_disk_op op)
{
    size_t n;
    char c;
    switch (op) {
    case PS_SIM_DISK_READ:
        return ps_sim_disk_read(disk, "a", 0, &c, 1, &n, NULL) == PS_SIM_DISK_OK;
    case PS_SIM_DISK_WRITE:
        return ps_sim_disk_write(disk, "a", 0, "y", 1) == PS_SIM_DISK_OK;
    case PS_SIM_DISK_NAME:
        return ps_sim_disk_rename(disk, "a", "a") == PS_SIM_DISK_OK;
    case PS_SIM_DISK_SYNC:
    case PS_SIM_DISK_OPS:
        break;
    }
    return disk_sync(sim, disk, "a") == PS_SIM_DISK_OK;
}

static void each_operation_fails_where_it_should(void **state)
{
    (void)state;
    for (int op = 0; op < PS_SIM_DISK_OPS; op++) {
        ps_sim_disk_config bad = good;
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(1, &bad, &disk);
        disk_append(disk, "a", "x");
        bad.fail_at[op] = 3;
        assert_int_equal(ps_sim_disk_set(disk, &bad), PS_OK);
        const uint64_t hash = ps_sim_hash(sim);
        for (int i = 1; i <= 5; i++) {
            for (int other = 0; other < PS_SIM_DISK_OPS; other++) {
                assert_int_equal(does(sim, disk, (ps_sim_disk_op)other), i != 3 || other != op);
            }
        }
        assert_true(ps_sim_hash(sim) != hash); /* It is in the trace. */
        assert_int_equal(disk_stats(disk).failed[op], 1);
        bad = good;
        bad.fail_ppm[op] = 500000;
        assert_int_equal(ps_sim_disk_set(disk, &bad), PS_OK);
        for (int i = 0; i < 400; i++) {
            (void)does(sim, disk, (ps_sim_disk_op)op);
        }
        assert_in_range(disk_stats(disk).failed[op], 150, 250);
        bad = good;
        bad.fails_until_us = ps_sim_now_us(sim) + 1000;
        assert_int_equal(ps_sim_disk_set(disk, &bad), PS_OK);
        assert_false(does(sim, disk, (ps_sim_disk_op)op));
        ps_sim_run_until(sim, bad.fails_until_us);
        assert_true(does(sim, disk, (ps_sim_disk_op)op));
        assert_true(disk_holds(disk, "a", "y"));
        ps_sim_destroy(sim);
    }
}

static void a_file_that_cannot_be_made_is_not_there(void **state)
{
    (void)state;
    ps_sim_disk_config bad = good;
    bad.fail_at[PS_SIM_DISK_NAME] = 1;
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &bad, &disk);
    assert_int_equal(ps_sim_disk_write(disk, "a", 0, "x", 1), PS_SIM_DISK_FAILED);
    assert_true(disk_holds(disk, "a", NULL));
    disk_append(disk, "a", "x");
    ps_sim_destroy(sim);
}

/* What a sync that failed, lied or was forgotten leaves when the power goes, and after a sync more.
 */
static void failed_syncs_and_lies_are_no_syncs(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        for (int again = 0; again < 2; again++) {
            ps_sim_disk_config cfg = good;
            ps_sim_disk *disk;
            ps_sim *sim = disk_network(1, &cfg, &disk);
            disk_append(disk, "a", "old ");
            assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
            assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
            disk_append(disk, "a", "new");
            cfg.lies = how == 1;
            cfg.forgets = how == 2;
            cfg.fail_at[PS_SIM_DISK_SYNC] = how == 0 || how == 2 ? 1 : 0;
            assert_int_equal(ps_sim_disk_set(disk, &cfg), PS_OK);
            const ps_sim_disk_result result = disk_sync(sim, disk, "a");
            assert_int_equal(result, how % 2 == 1 ? PS_SIM_DISK_OK : PS_SIM_DISK_FAILED);
            assert_int_equal(ps_sim_disk_set(disk, &good), PS_OK);
            if (again) {
                assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
            }
            assert_true(disk_holds(disk, "a", "old new"));
            ps_sim_disk_cut(disk, PS_SIM_DISK_LOST);
            const bool kept = how == 3 || (again && how != 2);
            assert_true(disk_holds(disk, "a", kept ? "old new" : "old "));
            assert_int_equal(disk_stats(disk).lied, how == 1);
            ps_sim_destroy(sim);
        }
    }
}

static void a_cut_ends_syncs(void **state)
{
    (void)state;
    const ps_sim_disk_config slow = {.size = sizeof slow, .sync_us = 100};
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &slow, &disk);
    disk_append(disk, "a", "x");
    assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
    ps_sim_disk_ticket ticket[2];
    assert_int_equal(ps_sim_disk_sync(disk, "a", &ticket[0]), PS_SIM_DISK_OK);
    ps_sim_run_until(sim, ticket[0].done_us - 1);
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST);
    assert_int_equal(ps_sim_disk_synced(disk, ticket[0].id), PS_SIM_DISK_ABSENT);
    assert_true(disk_holds(disk, "a", ""));
    disk_append(disk, "a", "y");
    assert_int_equal(ps_sim_disk_sync(disk, "a", &ticket[1]), PS_SIM_DISK_OK);
    assert_true(ticket[1].id != ticket[0].id);
    disk_append(disk, "a", "z"); /* After the sync began: not a part of it. */
    ps_sim_run_until(sim, ticket[1].done_us);
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST); /* At its end: it counts, though nobody asked. */
    assert_true(disk_holds(disk, "a", "y"));
    assert_int_equal(disk_stats(disk).cuts, 2);
    assert_int_equal(disk_stats(disk).lost_bytes, 2);
    ps_sim_destroy(sim);
}

/* Equal seeds tear alike; disks do not touch each other's chance, nor the network's. */
static void chance_is_the_disks_own(void **state)
{
    (void)state;
    uint64_t draws[2];
    uint64_t lost[2][2];
    for (int i = 0; i < 2; i++) {
        ps_sim_disk *disk[2];
        ps_sim *sim = disk_network(5, &good, &disk[0]);
        assert_int_equal(ps_sim_disk_create(sim, &good, &disk[1]), PS_OK);
        for (int k = 0; k < 64; k++) {
            disk_append(disk[0], "a", "0123456789abcdef");
            disk_append(disk[1], "a", "0123456789abcdef");
        }
        if (i == 1) {
            disk_append(disk[0], "b", "more");
        }
        ps_sim_disk_cut(disk[0], PS_SIM_DISK_TORN);
        ps_sim_disk_cut(disk[1], PS_SIM_DISK_TORN);
        lost[i][0] = disk_stats(disk[0]).lost_bytes;
        lost[i][1] = disk_stats(disk[1]).lost_bytes;
        draws[i] = ps_sim_random(sim, UINT64_MAX);
        ps_sim_destroy(sim);
    }
    assert_true(draws[0] == draws[1]);
    assert_true(lost[0][1] == lost[1][1]);
    assert_true(lost[0][0] != lost[0][1]);
}

/* A host that starts waits for its syncs, one after the other. */
static void a_flush_says_at_once_how_it_ends(void **state)
{
    (void)state;
    ps_sim_disk_config slow = {.size = sizeof slow, .rate_bytes_s = 1000000, .sync_us = 500};
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &slow, &disk);
    uint64_t done_us = 0;
    ps_sim_disk_ticket ticket;
    disk_append(disk, "a", "0123456789");
    assert_int_equal(ps_sim_disk_sync(disk, "a", &ticket), PS_SIM_DISK_OK);
    assert_int_equal(ps_sim_disk_flush(disk, "a", &done_us), PS_SIM_DISK_OK);
    assert_int_equal(done_us, START_US + 2 * 510);
    assert_int_equal(ps_sim_disk_synced(disk, ticket.id), PS_SIM_DISK_AGAIN);
    assert_int_equal(disk_stats(disk).unsynced_bytes, 0);
    assert_int_equal(ps_sim_disk_flush(disk, NULL, NULL), PS_SIM_DISK_OK);
    disk_append(disk, "a", "lost");
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST);
    assert_true(disk_holds(disk, "a", "0123456789"));
    slow.fail_at[PS_SIM_DISK_SYNC] = 1;
    assert_int_equal(ps_sim_disk_set(disk, &slow), PS_OK);
    disk_append(disk, "a", "lost");
    assert_int_equal(ps_sim_disk_flush(disk, "a", NULL), PS_SIM_DISK_FAILED);
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST);
    assert_true(disk_holds(disk, "a", "0123456789"));
    assert_int_equal(ps_sim_disk_flush(disk, "b", NULL), PS_SIM_DISK_ABSENT);
    assert_int_equal(ps_sim_disk_flush(disk, "", NULL), PS_SIM_DISK_INVALID);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_bug_of_the_caller_is_told),
        cmocka_unit_test(reads_and_syncs_take_their_time_in_turn),
        cmocka_unit_test(a_flush_says_at_once_how_it_ends),
        cmocka_unit_test(a_full_disk_takes_nothing_more),
        cmocka_unit_test(each_operation_fails_where_it_should),
        cmocka_unit_test(a_file_that_cannot_be_made_is_not_there),
        cmocka_unit_test(failed_syncs_and_lies_are_no_syncs),
        cmocka_unit_test(a_cut_ends_syncs),
        cmocka_unit_test(chance_is_the_disks_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

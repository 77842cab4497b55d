/* What a cut leaves of files and of names. */
#include "disk_fixture.h"

static const ps_sim_disk_config good = {.size = sizeof good};

static void names_are_synced_apart(void **state)
{
    (void)state;
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &good, &disk);
    disk_append(disk, "a", "1");
    assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST); /* Its bytes are safe, and nobody finds them. */
    assert_true(disk_holds(disk, "a", NULL));
    disk_append(disk, "a", "22");
    assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST); /* The other way round. */
    assert_true(disk_holds(disk, "a", ""));
    ps_sim_destroy(sim);
}

/* Written beside, synced, renamed: afterwards there is the old one or the new one, whole. */
static void a_rename_replaces_at_a_stroke(void **state)
{
    (void)state;
    uint32_t seen[2] = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(seed, &good, &disk);
        disk_append(disk, "a", "old");
        assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
        assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        disk_append(disk, "a.new", "newer");
        assert_int_equal(disk_sync(sim, disk, "a.new"), PS_SIM_DISK_OK);
        assert_int_equal(ps_sim_disk_rename(disk, "a.new", "a"), PS_SIM_DISK_OK);
        assert_true(disk_holds(disk, "a", "newer"));
        assert_true(disk_holds(disk, "a.new", NULL));
        if (seed % 4 == 0) {
            assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        }
        ps_sim_disk_cut(disk, (ps_sim_disk_tail)(seed % 3));
        const bool is_new = disk_holds(disk, "a", "newer");
        assert_true(is_new || disk_holds(disk, "a", "old"));
        assert_true(is_new || seed % 4 != 0);
        assert_true(!is_new || disk_holds(disk, "a.new", NULL));
        seen[is_new]++;
        ps_sim_destroy(sim);
    }
    assert_true(seen[0] > 50 && seen[1] > 50);
}

/* Names whose sync failed and was forgotten stay in use: as many again find room. */
static void forgotten_names_have_room(void **state)
{
    (void)state;
    ps_sim_disk_config cfg = good;
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &cfg, &disk);
    char name[3] = "a";
    cfg.forgets = true;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++) {
            name[0] = (char)('a' + i);
            name[1] = (char)('0' + round);
            disk_append(disk, name, name);
        }
        cfg.fail_at[PS_SIM_DISK_SYNC] = 1;
        assert_int_equal(ps_sim_disk_set(disk, &cfg), PS_OK);
        assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_FAILED);
    }
    assert_true(disk_holds(disk, "a0", "a0") && disk_holds(disk, "h2", "h2"));
    ps_sim_disk_cut(disk, PS_SIM_DISK_LOST);
    assert_true(disk_holds(disk, "a0", NULL) && disk_holds(disk, "h2", NULL));
    ps_sim_destroy(sim);
}

static void what_is_removed_comes_back_unless_synced(void **state)
{
    (void)state;
    for (int synced = 0; synced < 2; synced++) {
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(1, &good, &disk);
        disk_append(disk, "a", "x");
        assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
        assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        assert_int_equal(ps_sim_disk_remove(disk, "a"), PS_SIM_DISK_OK);
        assert_int_equal(ps_sim_disk_remove(disk, "a"), PS_SIM_DISK_ABSENT);
        assert_int_equal(ps_sim_disk_rename(disk, "a", "b"), PS_SIM_DISK_ABSENT);
        assert_int_equal(disk_stats(disk).used_bytes, 0);
        if (synced) {
            assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        }
        ps_sim_disk_cut(disk, PS_SIM_DISK_LOST);
        assert_true(disk_holds(disk, "a", synced ? NULL : "x"));
        disk_append(disk, "a", "y"); /* A new one, or the old one that goes on. */
        assert_true(disk_holds(disk, "a", synced ? "y" : "xy"));
        ps_sim_destroy(sim);
    }
}

/* A torn log is a beginning of what was written: everything that was synced, and no gap. */
static void a_torn_tail_is_a_beginning(void **state)
{
    (void)state;
    char whole[401];
    uint32_t lengths[401] = {0};
    uint32_t different = 0;
    for (size_t i = 0; i < 400; i++) {
        whole[i] = (char)('a' + i % 26);
    }
    whole[400] = '\0';
    for (uint64_t seed = 0; seed < 300; seed++) {
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(seed, &good, &disk);
        for (size_t i = 0; i < 40; i++) {
            char piece[11] = {0};
            memcpy(piece, whole + 10 * i, 10);
            disk_append(disk, "log", piece);
            if (i == 9) {
                assert_int_equal(disk_sync(sim, disk, "log"), PS_SIM_DISK_OK);
                assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
            }
        }
        ps_sim_disk_cut(disk, PS_SIM_DISK_TORN);
        char buf[500];
        size_t n;
        assert_int_equal(ps_sim_disk_read(disk, "log", 0, buf, 500, &n, NULL), PS_SIM_DISK_OK);
        assert_in_range(n, 100, 400);
        assert_memory_equal(buf, whole, n);
        assert_true(disk_stats(disk).lost_bytes == 400 - n);
        different += lengths[n]++ == 0 ? 1u : 0u;
        ps_sim_destroy(sim);
    }
    assert_true(different > 100);
}

static void scattered_sectors_are_whole(void **state)
{
    (void)state;
    uint32_t kept = 0;
    uint32_t lost = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(seed, &good, &disk);
        static uint8_t data[4 * PS_SIM_DISK_SECTOR];
        memset(data, 'o', sizeof data);
        assert_int_equal(ps_sim_disk_write(disk, "a", 0, data, sizeof data), PS_SIM_DISK_OK);
        assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
        assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        memset(data, 'n', sizeof data);
        /* From the middle of the first sector to the middle of the last one. */
        const size_t len = 3 * PS_SIM_DISK_SECTOR;
        assert_int_equal(ps_sim_disk_write(disk, "a", 256, data, len), PS_SIM_DISK_OK);
        ps_sim_disk_cut(disk, PS_SIM_DISK_SCATTERED);
        size_t n;
        assert_int_equal(ps_sim_disk_read(disk, "a", 0, data, sizeof data, &n, NULL),
                         PS_SIM_DISK_OK);
        assert_int_equal(n, sizeof data);
        for (size_t i = 0; i < sizeof data; i++) {
            const bool inside = i >= 256 && i < 256 + len;
            const bool first = i % PS_SIM_DISK_SECTOR == 0 || i == 256 || i == 256 + len;
            assert_true(inside || data[i] == 'o');
            assert_true(first || data[i] == data[i - 1]);
            kept += inside && data[i] == 'n' ? 1u : 0u;
            lost += inside && data[i] == 'o' ? 1u : 0u;
        }
        ps_sim_destroy(sim);
    }
    assert_true(kept > 20000 && lost > 20000);
}

/* A file that was cut short is so for good after a sync, and perhaps without. */
static void lengths_are_changes_too(void **state)
{
    (void)state;
    uint32_t seen[3][2] = {{0}};
    for (uint64_t seed = 0; seed < 60; seed++) {
        const ps_sim_disk_tail tail = (ps_sim_disk_tail)(seed % 3);
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(seed, &good, &disk);
        disk_append(disk, "a", "12345");
        assert_int_equal(disk_sync(sim, disk, "a"), PS_SIM_DISK_OK);
        assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        assert_int_equal(ps_sim_disk_truncate(disk, "a", 2), PS_SIM_DISK_OK);
        ps_sim_disk_cut(disk, tail);
        const bool cut = disk_holds(disk, "a", "12");
        assert_true(cut || disk_holds(disk, "a", "12345"));
        seen[tail][cut]++;
        ps_sim_destroy(sim);
    }
    assert_int_equal(seen[PS_SIM_DISK_LOST][0], 20);
    assert_int_equal(seen[PS_SIM_DISK_TORN][1], 20); /* It comes before all bytes: none. */
    assert_true(seen[PS_SIM_DISK_SCATTERED][0] > 3 && seen[PS_SIM_DISK_SCATTERED][1] > 3);
}

/* A log as one would write it over the disk: what was said to be durable is there after every cut,
 * however the disk fails as long as it is honest. */
static void a_careful_log_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        ps_sim_disk_config cfg = good;
        cfg.fail_ppm[PS_SIM_DISK_SYNC] = 200000;
        cfg.fail_ppm[PS_SIM_DISK_WRITE] = 100000;
        ps_sim_disk *disk;
        ps_sim *sim = disk_network(seed, &cfg, &disk);
        uint32_t durable = 0;
        uint32_t written = 0;
        assert_int_equal(ps_sim_disk_set(disk, &good), PS_OK);
        assert_int_equal(ps_sim_disk_write(disk, "log", 0, "", 0), PS_SIM_DISK_OK);
        assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        assert_int_equal(ps_sim_disk_set(disk, &cfg), PS_OK);
        for (int step = 0; step < 200; step++) {
            const uint64_t what = ps_sim_random(sim, 10);
            const uint8_t record[4] = {(uint8_t)written, (uint8_t)(written >> 8), 'o', 'k'};
            if (what < 6) {
                written += ps_sim_disk_write(disk, "log", (uint64_t)written * 4, record, 4) ==
                                   PS_SIM_DISK_OK
                               ? 1u
                               : 0u;
            } else if (what < 9) {
                durable = disk_sync(sim, disk, "log") == PS_SIM_DISK_OK ? written : durable;
            } else {
                ps_sim_disk_cut(disk, (ps_sim_disk_tail)ps_sim_random(sim, 3));
                uint64_t len;
                assert_int_equal(ps_sim_disk_length(disk, "log", &len), PS_SIM_DISK_OK);
                assert_true(len >= (uint64_t)durable * 4);
                uint8_t buf[1024];
                size_t n;
                assert_int_equal(ps_sim_disk_read(disk, "log", 0, buf, sizeof buf, &n, NULL),
                                 PS_SIM_DISK_OK);
                for (uint32_t i = 0; i < durable; i++) {
                    assert_int_equal(buf[4 * i], (uint8_t)i);
                    assert_int_equal(buf[4 * i + 3], 'k');
                }
                written = durable; /* What is behind it is written over. */
            }
        }
        assert_true(disk_stats(disk).failed[PS_SIM_DISK_SYNC] > 0);
        assert_true(durable > 0);
        ps_sim_destroy(sim);
    }
}

/* Files come and go: places of those that nothing names any more are used again. */
static void names_come_and_go(void **state)
{
    (void)state;
    ps_sim_disk *disk;
    ps_sim *sim = disk_network(1, &good, &disk);
    for (int i = 0; i < 500; i++) {
        char name[8] = {'f', (char)('0' + i % 10), '\0'};
        char other[8] = {'g', (char)('0' + i % 7), '\0'};
        disk_append(disk, name, "content");
        assert_int_equal(ps_sim_disk_rename(disk, name, other), PS_SIM_DISK_OK);
        if (i % 5 == 0) {
            assert_int_equal(disk_sync(sim, disk, NULL), PS_SIM_DISK_OK);
        }
        if (i % 11 == 0) {
            ps_sim_disk_cut(disk, (ps_sim_disk_tail)(i % 3));
        }
    }
    size_t names = 0;
    while (ps_sim_disk_name(disk, names)) {
        const char *name = ps_sim_disk_name(disk, names++);
        assert_true(name[0] == 'g' || name[0] == 'f');
        for (size_t i = 0; i + 1 < names; i++) {
            assert_string_not_equal(ps_sim_disk_name(disk, i), name);
        }
    }
    assert_in_range(names, 1, 17);
    ps_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_synced_apart),
        cmocka_unit_test(a_rename_replaces_at_a_stroke),
        cmocka_unit_test(forgotten_names_have_room),
        cmocka_unit_test(what_is_removed_comes_back_unless_synced),
        cmocka_unit_test(a_torn_tail_is_a_beginning),
        cmocka_unit_test(scattered_sectors_are_whole),
        cmocka_unit_test(lengths_are_changes_too),
        cmocka_unit_test(a_careful_log_loses_nothing),
        cmocka_unit_test(names_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

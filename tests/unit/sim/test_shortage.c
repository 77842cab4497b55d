/* Without memory the simulator says so and stays whole: the k-th allocation fails, for k = 1, 2, 3
 * ... until none is left. */
#include "disk_fixture.h"

#include "peersync/sim_nat.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned until_failure; /* Allocations; 0: none fails. */
static bool failed;

static bool fails_now(void)
{
    const bool now = until_failure == 1;
    until_failure -= until_failure > 0 ? 1 : 0;
    failed = failed || now;
    return now;
}

void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_malloc(size_t len)
{
    return fails_now() ? NULL : __real_malloc(len);
}

void *__real_calloc(size_t count, size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_calloc(size_t count, size_t len)
{
    return fails_now() ? NULL : __real_calloc(count, len);
}

void *__real_realloc(void *block, size_t len);
void *__wrap_realloc(void *block, size_t len);
void *__wrap_realloc(void *block, size_t len)
{
    return fails_now() ? NULL : __real_realloc(block, len);
}

/* Grows every table of a disk. @return whether all of it went well. */
static bool use_disk(ps_sim_disk *disk)
{
    static const uint8_t bytes[20000];
    bool good = true;
    for (unsigned i = 0; i < 20; i++) {
        char name[8];
        ps_sim_disk_ticket ticket;
        (void)snprintf(name, sizeof name, "f%u", i);
        good = ps_sim_disk_write(disk, name, 0, bytes, 10 + 999 * i) == PS_SIM_DISK_OK && good;
        good = ps_sim_disk_write(disk, name, 5, "again", 5) == PS_SIM_DISK_OK && good;
        good = ps_sim_disk_truncate(disk, name, 30000) == PS_SIM_DISK_OK && good;
        good = ps_sim_disk_sync(disk, name, &ticket) == PS_SIM_DISK_OK && good;
    }
    good = ps_sim_disk_rename(disk, "f1", "g1") == PS_SIM_DISK_OK && good;
    good = ps_sim_disk_remove(disk, "f2") == PS_SIM_DISK_OK && good;
    return good;
}

static bool use_network(ps_sim *sim)
{
    bool good = true;
    uint32_t id;
    for (uint32_t i = 0; i < 20; i++) {
        good = ps_sim_add_node(sim, &(ps_sim_node_config){0}, &id) == PS_OK && good;
        good = ps_sim_set_link(sim, i, 0, &(ps_sim_link){0}) == PS_OK && good;
        good = ps_sim_set_link(sim, 0, i, &(ps_sim_link){0}) == PS_OK && good;
        good = ps_sim_partition(sim, &(uint32_t){0}, 1, &(uint32_t){0}, 1, false, &id) == PS_OK &&
               good;
    }
    return good;
}

/* All of it once. @return whether all of it went well. */
static bool run(void)
{
    const ps_sim_config cfg = test_config(1, (ps_sim_link){0});
    const ps_sim_disk_config manners = {.size = sizeof manners};
    ps_sim *sim;
    ps_sim_disk *disk;
    if (ps_sim_create(&cfg, &sim) != PS_OK) {
        return false;
    }
    bool good = use_network(sim);
    if (ps_sim_disk_create(sim, &manners, &disk) == PS_OK) {
        good = use_disk(disk) && good;
    } else {
        good = false;
    }
    until_failure = 0;
    ps_sim_destroy(sim);
    return good;
}

static void each_allocation_is_missed_and_told(void **state)
{
    (void)state;
    unsigned k = 0;
    do {
        failed = false;
        until_failure = ++k;
        const bool good = run();
        assert_true(good != failed);
    } while (failed);
    assert_true(k > 50); /* The loop did see them. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_is_missed_and_told),
    };
    return cmocka_run_group_tests_name("sim/shortage", tests, NULL, NULL);
}

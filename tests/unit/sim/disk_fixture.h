/* What the tests of disks share: a disk, and calls without ceremony. */
#ifndef PS_TESTS_SIM_DISK_FIXTURE_H
#define PS_TESTS_SIM_DISK_FIXTURE_H

#include "fixture.h"

#include "peersync/sim_disk.h"

static inline ps_sim *disk_network(uint64_t seed, const ps_sim_disk_config *cfg, ps_sim_disk **disk)
{
    const ps_sim_config sc = test_config(seed, (ps_sim_link){0});
    ps_sim *sim = test_network(&sc, 0);
    assert_int_equal(ps_sim_disk_create(sim, cfg, disk), PS_OK);
    return sim;
}

static inline void disk_append(ps_sim_disk *disk, const char *name, const char *text)
{
    const ps_sim_disk_result result =
        ps_sim_disk_write(disk, name, PS_SIM_DISK_END, text, strlen(text));
    assert_int_equal(result, PS_SIM_DISK_OK);
}

/* Whether the file holds exactly this; NULL: whether it is not there. */
static inline bool disk_holds(ps_sim_disk *disk, const char *name, const char *text)
{
    char buf[4096];
    size_t n;
    const ps_sim_disk_result result = ps_sim_disk_read(disk, name, 0, buf, sizeof buf, &n, NULL);
    if (!text) {
        return result == PS_SIM_DISK_ABSENT;
    }
    return result == PS_SIM_DISK_OK && n == strlen(text) && memcmp(buf, text, n) == 0;
}

/* A sync (NULL: of the names) from its beginning to its end. */
static inline ps_sim_disk_result disk_sync(ps_sim *sim, ps_sim_disk *disk, const char *name)
{
    ps_sim_disk_ticket ticket;
    assert_int_equal(ps_sim_disk_sync(disk, name, &ticket), PS_SIM_DISK_OK);
    ps_sim_run_until(sim, ticket.done_us);
    return ps_sim_disk_synced(disk, ticket.id);
}

static inline ps_sim_disk_stats disk_stats(ps_sim_disk *disk)
{
    ps_sim_disk_stats stats;
    ps_sim_disk_stats_get(disk, &stats);
    return stats;
}

#endif

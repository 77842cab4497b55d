/* Scenarios as they are played: what happens in the swarm is what the file says. */
#include "unit.h"

#include "scenario.h"
#include "swarm.h"

#include <string.h>

#define S UINT64_C(1000000)

static scenario sc;

static void parse(const char *text)
{
    scenario_error wrong;
    if (!scenario_parse(text, strlen(text), &sc, &wrong)) {
        fail_msg("line %u: %s", (unsigned)wrong.line, wrong.text);
    }
}

typedef struct second {
    ps_sim_disk_config disk;
    uint64_t used;
    bool runs;
} second;

#define SECONDS 120u

static second seconds[SECONDS];

/* How the server and its disk are in the middle of each second, before anything is mended. */
static void watch(void *ctx, const swarm *s, uint64_t us)
{
    (void)ctx;
    world *w = s->w;
    const uint64_t until_us = world_now_us(w) + us;
    for (uint64_t i = 0; i < SECONDS && !s->quiet; i++) {
        const uint64_t at_us = s->begun_us + i * S + S / 2;
        if (at_us >= world_now_us(w) && at_us < until_us) {
            ps_sim_disk_stats stats;
            world_run(w, at_us - world_now_us(w));
            ps_sim_disk_stats_get(w->server.store.disk, &stats);
            seconds[i] =
                (second){w->server.store.manners, stats.used_bytes, s->faults.server_us == 0};
        }
    }
    world_run(w, until_us - world_now_us(w));
}

static void play(const char *text)
{
    swarm_config cfg;
    parse(text);
    swarm_config_default(&cfg);
    cfg.seed = sc.seed;
    cfg.peers = sc.peers;
    cfg.length_us = sc.length_us;
    cfg.scenario = &sc;
    cfg.run = watch;
    (void)swarm_run(&cfg);
    scenario_free(&sc);
}

static void the_disk_does_what_the_file_says(void **state)
{
    (void)state;
    const ps_sim_disk_config good = faults_good_disk();
    play("swarm peers=2 seconds=20 users=idle\n"
         "at 2s publish nodes=0 file=1\n"
         "at 4s disk sync=200ms rate=9k for=4s\n"
         "at 5s disk room=100 for=2s\n"
         "at 9s disk fail=100% forgets for=4s\n"
         "at 10s crash nodes=server tail=torn for=1s\n"
         "at 15s disk lies\n"
         "at 16s fault kind=slow-disk\n"
         "at 18s disk sync=3ms\n");
    assert_memory_equal(&seconds[3].disk, &good, sizeof good);
    assert_true(seconds[3].used > 0);
    assert_int_equal(seconds[4].disk.sync_us, 200000);
    assert_int_equal(seconds[4].disk.rate_bytes_s, 9000);
    assert_int_equal(seconds[6].disk.capacity_bytes, seconds[4].used + 100);
    assert_int_equal(seconds[6].disk.sync_us, good.sync_us); /* The last one alone counts. */
    assert_int_equal(seconds[7].disk.sync_us, 200000);       /* And then the one before it. */
    assert_int_equal(seconds[7].disk.capacity_bytes, 0);
    assert_memory_equal(&seconds[8].disk, &good, sizeof good);
    assert_int_equal(seconds[9].disk.fail_ppm[PS_SIM_DISK_READ], PS_SIM_PPM);
    assert_true(seconds[9].disk.forgets && seconds[9].runs);
    assert_false(seconds[10].runs || seconds[12].runs); /* It cannot read its log. */
    assert_true(seconds[14].runs);
    assert_true(seconds[15].disk.lies);
    assert_true(seconds[16].disk.lies && seconds[16].disk.rate_bytes_s > 0);
    assert_false(seconds[18].disk.lies);
    assert_int_equal(seconds[18].disk.sync_us, 3000);
    assert_int_equal(seconds[18].disk.rate_bytes_s, 0);
}

/* What a server's start calls durable is lost, too, where the disk lied to that start. */
static void a_start_may_be_lied_to(void **state)
{
    (void)state;
    play("swarm peers=3 minutes=1 users=idle\n"
         "at 4s disk lies for=6s\n"
         "at 5s publish nodes=0 file=1\n"
         "at 7s crash nodes=server for=100ms\n"
         "at 20s crash nodes=server tail=lost for=1s\n");
    assert_true(seconds[18].runs);
    assert_false(seconds[20].runs);
}

/* Its first sector was never written: the program refuses it, and somebody moves it away. */
static void a_log_without_a_beginning_is_moved_away(void **state)
{
    (void)state;
    play("swarm seed=6 peers=6 minutes=2\n"
         "at 20s disk lies\n"
         "at 21s crash nodes=server forget for=1s\n"
         "at 40s crash nodes=server tail=scattered for=1s\n"
         "at 60s crash nodes=server tail=scattered for=1s\n");
    assert_false(seconds[60].runs || seconds[61].runs);
    assert_true(seconds[59].used > 0);
    assert_int_equal(seconds[61].used, 0);
    assert_true(seconds[62].runs && seconds[62].used > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_does_what_the_file_says),
        cmocka_unit_test(a_start_may_be_lied_to),
        cmocka_unit_test(a_log_without_a_beginning_is_moved_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

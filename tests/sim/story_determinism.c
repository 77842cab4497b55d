/* One scenario, shortened from the storm's hour: the same trace for every batch, and everywhere.
 * The constants are recorded; builds of other compilers, levels and word sizes that pass this test
 * have shown the same trace. A change of the protocol's bytes or times changes them: look at what
 * the test prints, be sure that the change was meant, and record it. */
#include "story.h"
#include "swarm.h"

#include <inttypes.h>

#define RECORDED_APART   UINT64_C(0x06779f29a459b2ed)
#define RECORDED_IN_STEP UINT64_C(0x6f8eccb885243a37)
#define RECORDED_CRUEL   UINT64_C(0xe890eb075c0a3fac)

static uint64_t run(uint64_t seed, uint32_t batch, bool in_step, bool cruel)
{
    swarm_config cfg;
    swarm_config_default(&cfg);
    cfg.seed = seed;
    cfg.batch = batch;
    cfg.length_us = cfg.cruel_us = cruel ? 120 * S : 10 * S;
    cfg.faults = cruel;
    cfg.model = false;
    cfg.in_step = in_step;
    const swarm result = swarm_run(&cfg);
    print_message("seed %" PRIu64 ", batch %" PRIu32 "%s: %016" PRIx64 "\n", seed, batch,
                  in_step ? ", in step"
                  : cruel ? ", cruel"
                          : "",
                  result.hash);
    assert_true(cruel || result.live_evictions == 0);
    assert_true(!cruel || result.counts.fetched > 0); /* Streams are in the trace too. */
    return result.hash;
}

static void the_batch_does_not_show_and_the_hash_is_recorded(void **state)
{
    (void)state;
    const uint64_t one = run(1, 1, false, false);
    assert_true(one == run(1, 64, false, false));
    assert_true(one == RECORDED_APART);
}

/* Dozens of datagrams arrive at the server in the same instant. */
static void nor_does_it_when_many_arrive_together(void **state)
{
    (void)state;
    const uint64_t one = run(1, 1, true, false);
    assert_true(one == run(1, 64, true, false));
    assert_true(one == run(1, 7, true, false));
    assert_true(one == RECORDED_IN_STEP);
}

/* Processes that die and stand still, clocks that jump, disks that fail, work that takes time. */
static void nor_does_it_under_faults(void **state)
{
    (void)state;
    const uint64_t one = run(1, 1, false, true);
    assert_true(one == run(1, 64, false, true));
    assert_true(one == RECORDED_CRUEL);
}

static void another_seed_is_another_trace(void **state)
{
    (void)state;
    assert_true(run(2, 64, false, false) != RECORDED_APART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_batch_does_not_show_and_the_hash_is_recorded),
        cmocka_unit_test(nor_does_it_when_many_arrive_together),
        cmocka_unit_test(nor_does_it_under_faults),
        cmocka_unit_test(another_seed_is_another_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One scenario, shortened from the storm's hour: the same trace for every batch, and everywhere.
 * The constants are recorded; builds of other compilers, levels and word sizes that pass this test
 * have shown the same trace. A change of the protocol's bytes or times changes them: look at what
 * the test prints, be sure that the change was meant, and record it. */
#include "storm_run.h"
#include "story.h"

#include <inttypes.h>

#define RECORDED_APART   UINT64_C(0x97574c331519e02b)
#define RECORDED_IN_STEP UINT64_C(0x4f4bbd26d434b98a)

static uint64_t run(uint64_t seed, uint32_t batch, bool in_step)
{
    storm_config cfg;
    storm_config_default(&cfg);
    cfg.seed = seed;
    cfg.batch = batch;
    cfg.storm_us = 10 * S;
    cfg.in_step = in_step;
    const storm_result result = storm_run(&cfg);
    print_message("seed %" PRIu64 ", batch %" PRIu32 "%s: %016" PRIx64 "\n", seed, batch,
                  in_step ? ", in step" : "", result.hash);
    assert_int_equal(result.live_evictions, 0);
    return result.hash;
}

static void the_batch_does_not_show_and_the_hash_is_recorded(void **state)
{
    (void)state;
    const uint64_t one = run(1, 1, false);
    assert_true(one == run(1, 64, false));
    assert_true(one == RECORDED_APART);
}

/* Dozens of datagrams arrive at the server in the same instant. */
static void nor_does_it_when_many_arrive_together(void **state)
{
    (void)state;
    const uint64_t one = run(1, 1, true);
    assert_true(one == run(1, 64, true));
    assert_true(one == run(1, 7, true));
    assert_true(one == RECORDED_IN_STEP);
}

static void another_seed_is_another_trace(void **state)
{
    (void)state;
    assert_true(run(2, 64, false) != RECORDED_APART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_batch_does_not_show_and_the_hash_is_recorded),
        cmocka_unit_test(nor_does_it_when_many_arrive_together),
        cmocka_unit_test(another_seed_is_another_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

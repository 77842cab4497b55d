/* The story of a million with a few thousand: it comes to its end, and the same way however many
 * datagrams a machine gets at a time. */
#include "million.h"
#include "story.h"

#define PEERS 3000u

static uint64_t run(uint64_t seed, uint32_t batch, FILE *out)
{
    const million_config cfg = {.peers = PEERS, .seed = seed, .batch = batch, .out = out};
    return million_run(&cfg);
}

static void a_small_crowd_stays_and_costs_something(void **state)
{
    char text[2048] = {0};
    (void)state;
    FILE *out = tmpfile();
    assert_non_null(out);
    (void)run(1, 64, out);
    rewind(out);
    assert_true(fread(text, 1, sizeof text - 1, out) > 0);
    assert_int_equal(fclose(out), 0);
    print_message("%s", text);
    assert_non_null(strstr(text, "million: 3,000 peers and a server, 14 virtual seconds, seed 1"));
    assert_non_null(strstr(text, "  logged in    3,000; "));
    assert_non_null(strstr(text, "  heartbeats   15,000 in 10 virtual seconds, none lost; "));
    assert_non_null(strstr(text, "  datagrams    30,000 in "));
}

static void the_batch_does_not_show(void **state)
{
    (void)state;
    const uint64_t one = run(2, 1, NULL);
    assert_true(one == run(2, 64, NULL));
    assert_true(one != run(3, 64, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_crowd_stays_and_costs_something),
        cmocka_unit_test(the_batch_does_not_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

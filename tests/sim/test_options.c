/* The command line of peersync-sim. What is refused is the program's test (program.sh). */
#include "unit.h"

#include "options.h"

#include <string.h>

static sim_options o;

/* Reads a line that is right, divided by spaces. */
static void read_line(const char *text)
{
    static char line[512];
    char *argv[32] = {(char[]){"peersync-sim"}};
    int argc = 1;
    char *rest = NULL;
    strcpy(line, text);
    for (char *at = strtok_r(line, " ", &rest); at; at = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < 32);
        argv[argc++] = at;
    }
    assert_int_equal(sim_options_read(argc, argv, &o), -1);
}

/* (Not as memory: there is padding.) */
static void same_swarm(const swarm_config *a, const swarm_config *b)
{
    assert_int_equal(a->batch, b->batch);
    assert_int_equal(a->peers, b->peers);
    assert_int_equal(a->check_every, b->check_every);
    assert_int_equal(a->pace, b->pace);
    for (uint32_t n = 1; n < 30; n++) {
        assert_true(selection_has(&a->left_out, n) == selection_has(&b->left_out, n));
    }
    assert_int_equal(a->length_us, b->length_us);
    assert_int_equal(a->cruel_us, b->cruel_us);
    assert_int_equal(a->faults, b->faults);
    assert_int_equal(a->in_step, b->in_step);
    assert_int_equal(a->model, b->model);
}

static void nothing_is_the_default_swarm(void **state)
{
    (void)state;
    swarm_config cfg;
    swarm_config_default(&cfg);
    read_line("");
    same_swarm(&o.swarm, &cfg);
    assert_int_equal(o.swarm.seed, cfg.seed);
    assert_int_equal(o.seeds, 0);
    assert_null(o.story);
    assert_false(o.watch);
    assert_false(o.quiet);
}

static void every_option_counts(void **state)
{
    (void)state;
    read_line("--seed 7 --seeds=9 --peers 30 --hours 2 --minutes 5 --mix storm --batch 3 "
              "--check-every 16 --quiet");
    assert_int_equal(o.swarm.seed, 7);
    assert_int_equal(o.seeds, 9);
    assert_int_equal(o.swarm.peers, 30);
    assert_int_equal(o.swarm.length_us, 125 * 60 * UINT64_C(1000000));
    assert_false(o.swarm.faults);
    assert_int_equal(o.swarm.batch, 3);
    assert_int_equal(o.swarm.check_every, 16);
    assert_true(o.quiet);
    read_line("--watch --story flash-crowd --seed 18446744073709551614 --batch 1");
    assert_true(o.watch);
    assert_non_null(o.story);
    assert_string_equal(o.story->name, "flash-crowd");
    assert_true(o.swarm.seed == UINT64_MAX - 1);
    read_line("--mix cruel --hours 1");
    assert_true(o.swarm.faults);
    assert_int_equal(o.swarm.length_us, 3600 * UINT64_C(1000000));
}

/* The command that repeats a run is read as the same configuration. */
static void what_repeats_is_the_same_run(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "--seed 3 --peers 1000 --hours 10000 --batch 1 --check-every 4294967295 --mix storm",
        "--seeds 4 --minutes 7 --quiet",
        "--seconds 61 --skip-faults 3,7-12,20-",
        "--peers 200 --hours 24 --only-faults 4",
        "--skip-faults 1-",
        "--story flash-crowd --seed 5 --batch 9",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char repeat[SIM_REPEAT_BYTES];
        read_line(lines[i]);
        const sim_options first = o;
        sim_options_repeat(&first, first.swarm.seed + 2, repeat);
        assert_memory_equal(repeat, "peersync-sim ", 13);
        read_line(repeat + 13);
        assert_int_equal(o.swarm.seed, first.swarm.seed + 2);
        same_swarm(&o.swarm, &first.swarm);
        assert_ptr_equal(o.story, first.story);
        sim_options_free(&o);
        o = first;
        sim_options_free(&o);
    }
}

/* A file's name may hold anything: the command can be pasted, and does not steer a terminal. */
static void the_command_quotes_a_file(void **state)
{
    (void)state;
    char repeat[SIM_REPEAT_BYTES];
    static char name[2 * SIM_REPEAT_BYTES];
    scenario any = {.seed = 1};
    const sim_options with = {.scenario = &any, .file = "it's a\x1b[2J.scenario"};
    sim_options_repeat(&with, 3, repeat);
    assert_non_null(strstr(repeat, "--scenario 'it'\\''s a?[2J.scenario' --seed 3 "));
    memset(name, '\'', sizeof name - 1);
    const sim_options with_long = {.scenario = &any, .file = name};
    sim_options_repeat(&with_long, 3, repeat);
    assert_non_null(strstr(repeat, "'\\''' --seed 3 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_the_default_swarm),
        cmocka_unit_test(every_option_counts),
        cmocka_unit_test(what_repeats_is_the_same_run),
        cmocka_unit_test(the_command_quotes_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

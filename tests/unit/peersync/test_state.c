#include "unit.h"

#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char base[64], place[128], why[512];

static int enter(void **state)
{
    (void)state;
    strcpy(base, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(base) == NULL) {
        return -1;
    }
    snprintf(place, sizeof place, "%s/state", base);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    return rmdir(base);
}

static bool there(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", place, name);
    return access(path, F_OK) == 0;
}

static void open_state(struct state *s)
{
    assert_int_equal(state_open(s, place, "alice", why, sizeof why), PS_EXIT_DONE);
    assert_true(there("device"));
}

static void make_known_servers(char path[256])
{
    snprintf(path, 256, "%s/known_servers", place);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
}

static void what_was_fresh_is_discarded(void **state)
{
    (void)state;
    struct state s;
    open_state(&s);
    state_close(&s, true);
    assert_int_not_equal(access(place, F_OK), 0);
}

static void an_accepted_key_outlives_a_refused_login(void **state)
{
    (void)state;
    struct state s;
    char path[256];
    open_state(&s);
    make_known_servers(path);
    state_close(&s, true);
    assert_true(there("known_servers"));
    assert_false(there("device"));
    assert_false(there("lock"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(place), 0);
}

/* What lacks is the system's: the state is as good as it was. */
static void a_lack_of_descriptors_is_not_the_states_fault(void **state)
{
    (void)state;
    struct state s;
    struct rlimit all;
    unsigned failures = 0;
    ps_exit code = PS_EXIT_SYSTEM;
    open_state(&s); /* It has its device. */
    state_close(&s, false);
    const int lowest = dup(0);
    assert_return_code(lowest, errno);
    assert_return_code(close(lowest), errno);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &all), errno);
    for (rlim_t room = 0; code == PS_EXIT_SYSTEM; room++) {
        const struct rlimit some = {.rlim_cur = (rlim_t)lowest + room, .rlim_max = all.rlim_max};
        assert_return_code(setrlimit(RLIMIT_NOFILE, &some), errno);
        code = state_open(&s, place, "alice", why, sizeof why);
        failures += code == PS_EXIT_SYSTEM ? 1u : 0u;
    }
    assert_return_code(setrlimit(RLIMIT_NOFILE, &all), errno);
    assert_int_equal(code, PS_EXIT_DONE);
    assert_int_equal(failures, 3); /* The directory, its lock, the device. */
    state_close(&s, false);
    char path[256];
    snprintf(path, sizeof path, "rm -r %s", place);
    assert_int_equal(system(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_fresh_is_discarded, enter, leave),
        cmocka_unit_test_setup_teardown(a_lack_of_descriptors_is_not_the_states_fault, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(an_accepted_key_outlives_a_refused_login, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

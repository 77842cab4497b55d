#include "unit.h"

#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_fresh_is_discarded, enter, leave),
        cmocka_unit_test_setup_teardown(an_accepted_key_outlives_a_refused_login, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "common/state_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64];
static ps_state_dir first;
static ps_state_dir second;

static int enter(void **state)
{
    (void)state;
    strcpy(base, "/tmp/peersync-unit.XXXXXX");
    return mkdtemp(base) != NULL ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    char path[128];
    static const char *const made[] = {"a/b/lock", "a/b", "a", "file"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", base, made[i]);
        (void)remove(path);
    }
    return rmdir(base);
}

static void the_default_follows_the_environment(void **state)
{
    (void)state;
    char path[128];
    setenv("HOME", "/home/x", 1);
    setenv("XDG_STATE_HOME", "/state", 1);
    assert_int_equal(ps_state_dir_default(path, sizeof path, NULL), 0);
    assert_string_equal(path, "/state/peersync");
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_int_equal(ps_state_dir_default(path, sizeof path, "alice"), 0);
    assert_string_equal(path, "/home/x/.local/state/peersync/alice");
    unsetenv("XDG_STATE_HOME");
    const size_t len = strlen("/home/x/.local/state/peersync");
    assert_int_equal(ps_state_dir_default(path, len, NULL), -1);
    assert_int_equal(ps_state_dir_default(path, len + 1, NULL), 0);
    assert_int_equal(ps_state_dir_of(path, sizeof path, "peersyncd", NULL), 0);
    assert_string_equal(path, "/home/x/.local/state/peersyncd");
    unsetenv("HOME");
    assert_int_equal(ps_state_dir_default(path, sizeof path, NULL), -1);
}

static void parents_are_made_for_nobody_else(void **state)
{
    (void)state;
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/a/b", base);
    assert_int_equal(ps_state_dir_open(&first, path), PS_STATE_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    ps_state_dir_close(&first);
    assert_int_equal(ps_state_dir_open(&first, path), PS_STATE_OK);
    ps_state_dir_close(&first);
}

static void one_holds_the_lock(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/a/b", base);
    assert_int_equal(ps_state_dir_open(&first, path), PS_STATE_OK);
    assert_int_equal(ps_state_dir_lock(&first), PS_STATE_OK);
    assert_int_equal(ps_state_dir_open(&second, path), PS_STATE_OK);
    assert_int_equal(ps_state_dir_lock(&second), PS_STATE_IN_USE);
    assert_non_null(strstr(second.error, path));
    ps_state_dir_close(&first);
    assert_int_equal(ps_state_dir_open(&second, path), PS_STATE_OK);
    assert_int_equal(ps_state_dir_lock(&second), PS_STATE_OK);
    ps_state_dir_close(&second);
}

static void what_is_no_directory_is_said(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/file", base);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(ps_state_dir_open(&first, path), PS_STATE_FAILED);
    assert_non_null(strstr(first.error, path));
    strcat(path, "/below");
    assert_int_equal(ps_state_dir_open(&first, path), PS_STATE_FAILED);
    assert_int_equal(ps_state_dir_open(&first, ""), PS_STATE_FAILED);
    static char longest[PS_STATE_PATH_MAX + 1];
    memset(longest, 'a', sizeof longest - 1);
    assert_int_equal(ps_state_dir_open(&first, longest), PS_STATE_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_default_follows_the_environment, enter, leave),
        cmocka_unit_test_setup_teardown(parents_are_made_for_nobody_else, enter, leave),
        cmocka_unit_test_setup_teardown(one_holds_the_lock, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_no_directory_is_said, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

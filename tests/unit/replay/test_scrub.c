#include "rig.h"

#include <sys/stat.h>
#include <unistd.h>

static tape t;
static tape copy;
static char dir[64];
static char path[128];

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/scrubbed", dir);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static const char *scrub(void)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    static char why[256];
    ps_journal_memory memory = {.data = t.bytes, .len = t.len};
    return replay_scrub(ps_journal_read_memory, &memory, buffer, path, why, sizeof why);
}

static void load_copy(void)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    copy.len = fread(copy.bytes, 1, sizeof copy.bytes, file);
    fclose(file);
}

static void the_copy_is_equal_but_for_the_passwords(void)
{
    static replay_result result;
    const replay_lines no_lines = {.to = NULL};
    assert_int_not_equal(place_of(&t, 0, PASSWORD), SIZE_MAX);
    assert_null(scrub());
    load_copy();
    assert_int_equal(copy.len, t.len);
    assert_int_equal(place_of(&copy, PREAMBLE, "password"), SIZE_MAX);
    assert_int_not_equal(place_of(&copy, PREAMBLE, "***********"), SIZE_MAX);
    assert_int_not_equal(place_of(&copy, PREAMBLE, "alice"), SIZE_MAX);
    assert_true(replays(&copy, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_true(result.head.scrubbed);
    assert_true(replays(&t, &no_lines, &result));
    assert_false(result.head.scrubbed);
}

static void a_servers_passwords_are_overwritten(void **state)
{
    (void)state;
    record_server(&t);
    the_copy_is_equal_but_for_the_passwords();
}

static void a_peers_password_is_overwritten(void **state)
{
    (void)state;
    record_peer(&t);
    the_copy_is_equal_but_for_the_passwords();
}

static void a_cut_journal_is_copied_up_to_the_cut(void **state)
{
    (void)state;
    static replay_result result;
    const replay_lines no_lines = {.to = NULL};
    record_server(&t);
    t.len -= 3;
    assert_null(scrub());
    load_copy();
    assert_true(replays(&copy, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_int_equal(result.inputs, 9);
}

static void what_cannot_be_done_is_told(void **state)
{
    (void)state;
    record_server(&t);
    strcat(path, "/nowhere");
    assert_non_null(scrub());
    snprintf(path, sizeof path, "%s/scrubbed", dir);
    t.bytes[0] = 'X';
    assert_non_null(scrub());
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_servers_passwords_are_overwritten, enter, leave),
        cmocka_unit_test_setup_teardown(a_peers_password_is_overwritten, enter, leave),
        cmocka_unit_test_setup_teardown(a_cut_journal_is_copied_up_to_the_cut, enter, leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_done_is_told, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

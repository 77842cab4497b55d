/* verify: a local file against a root, or against what is published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_planes.h"

#include <string.h>

#define VERIFY(...) fake_run((const char *const[]){"verify", __VA_ARGS__, NULL})

static void hashed(uint64_t length, uint8_t byte)
{
    struct data_event e = {.type = DATA_HASHED, .content = {.length = length}};
    memset(e.content.root, byte, sizeof e.content.root);
    fake_event(e);
}

static void a_root_needs_no_server(void **state)
{
    (void)state;
    fake_open();
    VERIFY("dir/song.ogg", "--root", "aAaA");
    assert_string_equal(fake_jobs->name, "dir/song.ogg");
    hashed(1000, 0xaa);
    assert_int_equal(fake_code, PS_EXIT_DONE);
    VERIFY("dir/song.ogg", "--root", "ab");
    hashed(1000, 0xaa);
    assert_int_equal(fake_code, PS_EXIT_DIFFERENT);
    assert_int_equal(fake_request_count, 0);
    assert_string_equal(fake_close(), "right: the root of dir/song.ogg begins with aAaA\n"
                                      "wrong: the root of dir/song.ogg does not begin with ab\n");
}

static void it_is_looked_up_by_its_base_name(void **state)
{
    (void)state;
    fake_open();
    VERIFY("dir/song.ogg");
    hashed(1000, 0xaa);
    assert_int_equal(fake_requests->type, PS_INPUT_LOCATE);
    assert_string_equal(fake_requests->text, "song.ogg");
    fake_source("alice", 1000, 0xbb, 1);
    fake_source("me", 1000, 0xaa, 1); /* One's own counts as well. */
    fake_source("bob", 1000, 0xaa, 0);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_code, PS_EXIT_DONE);
    assert_string_equal(fake_close(), "dir/song.ogg is the song.ogg of me and bob\n");
}

static void another_name_can_be_given(void **state)
{
    (void)state;
    fake_open();
    VERIFY("dir/song.ogg", "hymn.ogg");
    hashed(1000, 0xaa);
    assert_string_equal(fake_requests->text, "hymn.ogg");
    fake_done(PS_E_NOT_FOUND);
    assert_int_equal(fake_code, PS_EXIT_NOT_FOUND);
    assert_string_equal(fake_close(), "nobody publishes hymn.ogg\n");
}

static void what_differs_is_said(void **state)
{
    (void)state;
    fake_open();
    VERIFY("song.ogg");
    hashed(1000, 0xaa);
    fake_source("alice", 999, 0xaa, 1); /* The length counts, too. */
    fake_source("bob", 1000, 0xbb, 0);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_code, PS_EXIT_DIFFERENT);
    assert_string_equal(fake_close(),
                        "song.ogg (1000 B) differs from what is published as song.ogg:\n"
                        "  --root aaaaaaaaaaaa  999 B, of alice\n"
                        "  --root bbbbbbbbbbbb  1000 B, of bob (away)\n");
}

static void what_cannot_be_read_or_meant_is_said(void **state)
{
    (void)state;
    fake_open();
    VERIFY("song.ogg");
    fake_event((struct data_event){
        .type = DATA_HASH_FAILED, .error = PS_E_IO, .text = "no such file or directory"});
    assert_int_equal(fake_code, PS_EXIT_LOCAL_FILE);
    VERIFY("song.ogg", "name", "--root", "aa");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    VERIFY("song.ogg", "--root", "xy");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    VERIFY("dir/");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    assert_int_equal(fake_job_count, 0);
    assert_non_null(
        strstr(fake_close(), "song.ogg cannot be verified: no such file or directory\n"));
}

static void a_signal_ends_the_hashing(void **state)
{
    (void)state;
    fake_open();
    VERIFY("song.ogg");
    assert_true(run_stop_all(&fake_app));
    assert_true(fake_jobs->cancelled);
    fake_event((struct data_event){.type = DATA_HASH_FAILED, .error = PS_E_CANCELLED});
    assert_int_equal(fake_code, PS_EXIT_INTERRUPTED);
    assert_string_equal(fake_close(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_needs_no_server),
        cmocka_unit_test(it_is_looked_up_by_its_base_name),
        cmocka_unit_test(another_name_can_be_given),
        cmocka_unit_test(what_differs_is_said),
        cmocka_unit_test(what_cannot_be_read_or_meant_is_said),
        cmocka_unit_test(a_signal_ends_the_hashing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

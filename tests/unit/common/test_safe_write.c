#include "unit.h"

#include "common/safe_write.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char path[128];

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    char link_path[128];
    snprintf(link_path, sizeof link_path, "%s/link", dir);
    unlink(path);
    unlink(link_path);
    /* Fails, and the test with it, when anything else is left. */
    return rmdir(dir);
}

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static void assert_content(const char *expected)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(ps_file_read(path, 1u << 20, &bytes, &len), 0);
    assert_int_equal(len, strlen(expected));
    assert_string_equal((char *)bytes, expected);
    free(bytes);
}

static void content_is_replaced_with_its_mode(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(ps_file_replace(path, span("first"), 0600), 0);
    assert_content("first");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(ps_file_replace(path, span(""), 0600), 0);
    assert_content("");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    char link_path[128];
    struct stat st;
    snprintf(link_path, sizeof link_path, "%s/link", dir);
    assert_int_equal(ps_file_replace(path, span("old"), 0600), 0);
    assert_int_equal(symlink("file", link_path), 0);
    assert_int_equal(ps_file_replace(link_path, span("new"), 0600), 0);
    assert_content("new");
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static int first_lock;
static unsigned waits;

static void give_way(const char *what)
{
    assert_non_null(what);
    waits++;
    close(first_lock);
}

/* Through whatever name a file is reached, its editors exclude each other. */
static void editors_lock_the_directory_of_the_file_itself(void **state)
{
    (void)state;
    char elsewhere[] = "/tmp/peersync-unit-link.XXXXXX";
    char link_path[128];
    assert_non_null(mkdtemp(elsewhere));
    snprintf(link_path, sizeof link_path, "%s/link", elsewhere);
    assert_int_equal(ps_file_replace(path, span("old"), 0600), 0);
    assert_int_equal(symlink(path, link_path), 0);
    waits = 0;
    first_lock = ps_file_lock(path, give_way);
    assert_true(first_lock >= 0);
    assert_int_equal(waits, 0);
    const int second = ps_file_lock(link_path, give_way);
    assert_true(second >= 0);
    assert_int_equal(waits, 1);
    close(second);
    assert_int_equal(ps_file_lock("/nonexistent/file", NULL), -1);
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(rmdir(elsewhere), 0);
}

static void what_root_replaces_keeps_its_owner(void **state)
{
    (void)state;
    struct stat st;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(dir, 12345, 12346), 0);
    assert_int_equal(ps_file_replace(path, span("new"), 0600), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_uid == 12345 && st.st_gid == 12346);
    assert_int_equal(chown(path, 12347, 12348), 0);
    assert_int_equal(ps_file_replace(path, span("newer"), 0600), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_uid == 12347 && st.st_gid == 12348);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_failure_leaves_the_old_file_alone(void **state)
{
    (void)state;
    static char large[8192];
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(ps_file_replace(path, span("old"), 0600), 0);
    /* A limit on file sizes stands for the full disk. */
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const int rc = ps_file_replace(path, span(large), 0600);
    const int error = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, -1);
    assert_int_equal(error, EFBIG);
    assert_content("old");
    assert_int_equal(ps_file_replace("/nonexistent/file", span("x"), 0600), -1);
    assert_int_equal(errno, ENOENT);
}

static void reading_has_a_limit(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t len = 0;
    static char text[20001];
    memset(text, 'y', sizeof text - 1);
    assert_int_equal(ps_file_replace(path, span(text), 0600), 0);
    assert_content(text);
    assert_int_equal(ps_file_read(path, sizeof text - 1, &bytes, &len), 0);
    free(bytes);
    assert_int_equal(ps_file_read(path, sizeof text - 2, &bytes, &len), -1);
    assert_int_equal(errno, EFBIG);
}

/* What free() is given is looked at first: of what was read, nothing may be left in it. */
static bool watching;
static unsigned freed;
void __real_free(void *block);
void *__real_malloc(size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_malloc(size_t len)
{
    void *block = __real_malloc(len);
    if (watching && block != NULL) {
        memset(block, 0,
               malloc_usable_size(block)); /* Else what was never set would be looked at. */
    }
    return block;
}

void __wrap_free(void *block);
void __wrap_free(void *block)
{
    if (watching && block != NULL) {
        freed++;
        assert_null(memchr(block, 'q', malloc_usable_size(block)));
    }
    __real_free(block);
}

static void what_was_read_is_not_left_behind(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t len = 0;
    static char text[20001];
    memset(text, 'q', sizeof text - 1);
    assert_int_equal(ps_file_replace(path, span(text), 0600), 0);
    watching = true;
    const int whole = ps_file_read(path, sizeof text, &bytes, &len);
    const unsigned grown = freed;
    const int cut = ps_file_read(path, 10000, &(uint8_t *){NULL}, &len);
    watching = false;
    free(bytes);
    assert_int_equal(whole, 0);
    assert_int_equal(cut, -1);
    assert_int_equal(grown, 3);
    assert_true(freed > grown);
}

static void only_regular_files_are_read(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t len = 0;
    assert_int_equal(ps_file_read(dir, 10, &bytes, &len), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(ps_file_read(path, 10, &bytes, &len), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(ps_file_read("/nonexistent", 10, &bytes, &len), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(content_is_replaced_with_its_mode, enter, leave),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, enter, leave),
        cmocka_unit_test_setup_teardown(editors_lock_the_directory_of_the_file_itself, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(what_root_replaces_keeps_its_owner, enter, leave),
        cmocka_unit_test_setup_teardown(a_failure_leaves_the_old_file_alone, enter, leave),
        cmocka_unit_test_setup_teardown(reading_has_a_limit, enter, leave),
        cmocka_unit_test_setup_teardown(what_was_read_is_not_left_behind, enter, leave),
        cmocka_unit_test_setup_teardown(only_regular_files_are_read, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

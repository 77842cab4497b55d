/* Names of one folder, through the newest calls and through what stands in for them. */
#include "posix/files_internal.h"
#include "scratch.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

/* Error numbers that openat2() and renameat2() give; 0: they are asked. */
static int openat2_fails;
static int rename_fails;
static unsigned openat2_calls;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    const int dir = va_arg(list, int);
    const char *name = va_arg(list, const char *);
    void *how = va_arg(list, void *);
    const size_t size = va_arg(list, size_t);
    va_end(list);
    openat2_calls++;
    if (openat2_fails != 0) {
        errno = openat2_fails;
        if (openat2_fails == EAGAIN) { /* Once: the call is then made again. */
            openat2_fails = 0;
        }
        return -1;
    }
    return __real_syscall(number, dir, name, how, size);
}

int __real_renameat2(int a, const char *from, int b, const char *to, unsigned flags);
int __wrap_renameat2(int a, const char *from, int b, const char *to, unsigned flags);
int __wrap_renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    if (rename_fails != 0) {
        errno = rename_fails;
        return -1;
    }
    return __real_renameat2(a, from, b, to, flags);
}

static const char *const bad_names[] = {"",     ".",           "..",       "/",
                                        "a/b",  "/etc/passwd", "../x",     "x/..",
                                        "a\\b", "new\nline",   "\xff\xfe", "tab\t"};

static void every_function_refuses(const scratch *s, const char *name)
{
    int fd = -1;
    ps_posix_error why = {0};
    assert_int_equal(ps_posix_open_beneath(s->dir, name, &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, EINVAL);
    why.number = 0;
    assert_int_equal(ps_posix_create_beneath(s->dir, name, 0600, &fd, &why), PS_FAILED);
    assert_int_equal(why.number, EINVAL);
    why.number = 0;
    assert_int_equal(ps_posix_rename_new(s->dir, "from", name, &why), PS_FAILED);
    assert_int_equal(why.number, EINVAL);
    why.number = 0;
    assert_int_equal(ps_posix_rename_new(s->dir, name, "to", &why), PS_FAILED);
    assert_int_equal(why.number, EINVAL);
    why.number = 0;
    assert_int_equal(ps_posix_remove(s->dir, name, &why), PS_FAILED);
    assert_int_equal(why.number, EINVAL);
    assert_int_equal(fd, -1);
}

static void test_bad_names(void **state)
{
    const scratch *s = *state;
    scratch_write(s, "from", "x");
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        every_function_refuses(s, bad_names[i]);
    }
    char name[PS_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[PS_NAME_MAX + 1] = '\0';
    every_function_refuses(s, name);
    name[PS_NAME_MAX] = '\0';
    scratch_write(s, name, "longest");
    scratch_expect(s, name, "longest");
    scratch_expect(s, "from", "x");
}

/* What must hold of opening and creating, whichever call does it. */
static void open_and_create(const scratch *s)
{
    int fd = -1;
    ps_posix_error why;
    ps_posix_file file;
    scratch_write(s, "file", "twelve bytes");
    scratch_expect(s, "file", "twelve bytes");
    assert_int_equal(ps_posix_open_beneath(s->dir, "file", &fd, &file, &why), PS_OK);
    assert_int_equal(file.size, 12);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);

    assert_int_equal(ps_posix_open_beneath(s->dir, "absent", &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, ENOENT);
    assert_int_equal(ps_posix_create_beneath(s->dir, "file", 0600, &fd, &why), PS_FAILED);
    assert_int_equal(why.number, EEXIST);
    scratch_expect(s, "file", "twelve bytes");

    /* Links are not followed, neither to read nor to make what they point at. */
    assert_int_equal(symlinkat("file", s->dir, "link"), 0);
    assert_int_equal(symlinkat("made", s->dir, "dangling"), 0);
    assert_int_equal(ps_posix_open_beneath(s->dir, "link", &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, ELOOP);
    assert_int_equal(ps_posix_create_beneath(s->dir, "dangling", 0600, &fd, &why), PS_FAILED);
    assert_false(scratch_has(s, "made"));

    /* A folder and a FIFO are not files, and a FIFO without a writer makes nobody wait. */
    assert_int_equal(mkdirat(s->dir, "folder", 0700), 0);
    assert_int_equal(ps_posix_open_beneath(s->dir, "folder", &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, 0);
    assert_int_equal(mkfifoat(s->dir, "fifo", 0600), 0);
    assert_int_equal(ps_posix_open_beneath(s->dir, "fifo", &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, 0);
    assert_string_equal(why.text, "not a regular file");
}

static void test_open_and_create(void **state)
{
    openat2_fails = 0;
    openat2_calls = 0;
    open_and_create(*state);
#if defined(SYS_openat2)
    assert_true(openat2_calls > 0);
#endif
}

static void test_open_and_create_on_an_old_kernel(void **state)
{
    openat2_fails = ENOSYS;
    open_and_create(*state);
    openat2_fails = 0;
}

static void test_open_and_create_in_a_sandbox(void **state)
{
    openat2_fails = EPERM;
    open_and_create(*state);
    openat2_fails = 0;
}

static void test_a_race_is_tried_again(void **state)
{
    const scratch *s = *state;
    openat2_fails = EAGAIN;
    scratch_write(s, "file", "bytes");
    openat2_fails = EAGAIN;
    scratch_expect(s, "file", "bytes");
}

static void test_temporaries(void **state)
{
    const scratch *s = *state;
    char names[8][PS_POSIX_TEMPORARY];
    for (size_t i = 0; i < 8; i++) {
        int fd = -1;
        struct stat st;
        assert_int_equal(ps_posix_create_temporary(s->dir, names[i], &fd, NULL), PS_OK);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_size, 0);
        close(fd);
        assert_true(scratch_has(s, names[i]));
        assert_int_equal(strncmp(names[i], ".peersync-", 10), 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(names[i], names[j]);
        }
    }
}

static void rename_and_keep(const scratch *s)
{
    ps_posix_error why;
    scratch_write(s, "part", "new");
    scratch_write(s, "taken", "old");
    assert_int_equal(symlinkat("nowhere", s->dir, "link"), 0);
    assert_int_equal(ps_posix_rename_new(s->dir, "part", "taken", &why), PS_FAILED);
    assert_int_equal(why.number, EEXIST);
    assert_int_equal(ps_posix_rename_new(s->dir, "part", "link", &why), PS_FAILED);
    assert_int_equal(why.number, EEXIST);
    assert_int_equal(ps_posix_rename_new(s->dir, "absent", "x", &why), PS_FAILED);
    assert_int_equal(why.number, ENOENT);
    scratch_expect(s, "taken", "old");
    scratch_expect(s, "part", "new");
    assert_int_equal(ps_posix_rename_new(s->dir, "part", "whole", &why), PS_OK);
    scratch_expect(s, "whole", "new");
    assert_false(scratch_has(s, "part"));
}

static void test_rename(void **state)
{
    rename_and_keep(*state);
}

static void test_rename_on_an_old_system(void **state)
{
    rename_fails = EINVAL;
    rename_and_keep(*state);
    rename_fails = 0;
}

static void test_remove(void **state)
{
    const scratch *s = *state;
    ps_posix_error why;
    scratch_write(s, "file", "x");
    assert_int_equal(ps_posix_remove(s->dir, "file", &why), PS_OK);
    assert_false(scratch_has(s, "file"));
    assert_int_equal(ps_posix_remove(s->dir, "file", &why), PS_FAILED);
    assert_int_equal(why.number, ENOENT);
}

/* Nothing can be seen of it until it has its name, which never replaces. */
static void test_nameless(void **state)
{
    const scratch *s = *state;
    ps_posix_error why;
    int fd = -1, other = -1;
    if (ps_posix_create_nameless(s->dir, &fd, &why) != PS_OK) {
        assert_int_equal(why.number, EOPNOTSUPP);
        skip();
    }
    assert_int_equal(ps_posix_write_at(fd, "bytes", 5, 0, &why), PS_OK);
    assert_int_equal(ps_posix_remove(s->dir, "name", &why), PS_FAILED);
    assert_int_equal(ps_posix_name_new(fd, s->dir, "a/b", &why), PS_FAILED);
    assert_int_equal(ps_posix_name_new(fd, s->dir, "name", &why), PS_OK);
    assert_int_equal(ps_posix_create_nameless(s->dir, &other, &why), PS_OK);
    assert_int_equal(ps_posix_name_new(other, s->dir, "name", &why), PS_FAILED);
    assert_int_equal(why.number, EEXIST);
    close(other);
    close(fd);
    assert_int_equal(ps_posix_open_beneath(s->dir, "name", &fd, NULL, &why), PS_OK);
    char got[8];
    assert_int_equal(read(fd, got, sizeof got), 5);
    close(fd);
    assert_int_equal(ps_posix_remove(s->dir, "name", &why), PS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_bad_names),
        SCRATCH_TEST(test_open_and_create),
        SCRATCH_TEST(test_open_and_create_on_an_old_kernel),
        SCRATCH_TEST(test_open_and_create_in_a_sandbox),
        SCRATCH_TEST(test_a_race_is_tried_again),
        SCRATCH_TEST(test_temporaries),
        SCRATCH_TEST(test_rename),
        SCRATCH_TEST(test_rename_on_an_old_system),
        SCRATCH_TEST(test_nameless),
        SCRATCH_TEST(test_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Files by resolved paths, through the newest call and through what stands in for it. */
#include "posix/files_internal.h"
#include "scratch.h"

#include <errno.h>
#include <stdarg.h>

/* The error number that openat2() gives; 0: it is asked. */
static int openat2_fails;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list list;
    va_start(list, number);
    const int dir = va_arg(list, int);
    const char *path = va_arg(list, const char *);
    void *how = va_arg(list, void *);
    const size_t size = va_arg(list, size_t);
    va_end(list);
    if (openat2_fails != 0) {
        errno = openat2_fails;
        if (openat2_fails == EAGAIN) { /* Once: the call is then made again. */
            openat2_fails = 0;
        }
        return -1;
    }
    return __real_syscall(number, dir, path, how, size);
}

static const int ways[] = {0, EAGAIN, ENOSYS, EPERM};
#define WAYS (sizeof ways / sizeof ways[0])

static const char *below(const scratch *s, const char *name)
{
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", s->path, name);
    return path;
}

static void refused(const char *path, int number)
{
    for (size_t i = 0; i < WAYS; i++) {
        int fd = -1;
        ps_posix_error why = {0};
        openat2_fails = ways[i];
        assert_int_equal(ps_posix_open_exact(path, &fd, NULL, &why), PS_FAILED);
        assert_int_equal(why.number, number);
        assert_int_equal(fd, -1);
    }
    openat2_fails = 0;
}

static void what_was_not_resolved_is_refused(void **state)
{
    static const char *const bad[] = {
        "",       "f",       "./f",      "/",      "//tmp",
        "/tmp/",  "/tmp//f", "/tmp/./f", "/tmp/.", "/tmp/../etc/passwd",
        "/tmp/.."};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refused(bad[i], EINVAL);
    }
}

static void a_file_is_opened(void **state)
{
    const scratch *s = *state;
    scratch_write(s, "..f", "bytes");
    for (size_t i = 0; i < WAYS; i++) {
        int fd = -1;
        ps_posix_file file;
        openat2_fails = ways[i];
        assert_int_equal(ps_posix_open_exact(below(s, "..f"), &fd, &file, NULL), PS_OK);
        assert_int_equal(file.size, 5);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(close(fd), 0);
    }
    openat2_fails = 0;
}

static void links_are_not_followed(void **state)
{
    const scratch *s = *state;
    scratch_write(s, "f", "bytes");
    assert_int_equal(symlinkat("f", s->dir, "link"), 0);
    assert_int_equal(symlinkat(".", s->dir, "way"), 0);
    refused(below(s, "link"), ELOOP);
    refused(below(s, "way/f"), ELOOP);
}

static void what_is_no_file_is_refused(void **state)
{
    const scratch *s = *state;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    scratch_write(s, "f", "bytes");
    assert_int_equal(mkdirat(s->dir, "folder", 0700), 0);
    assert_int_equal(mkfifoat(s->dir, "fifo", 0600), 0);
    refused(below(s, "folder"), 0);
    refused(below(s, "fifo"), 0);
    refused(below(s, "f/f"), ENOTDIR);
    refused(below(s, "none"), ENOENT);
    refused(below(s, "none/f"), ENOENT);
    refused(below(s, name), ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_was_not_resolved_is_refused),
        SCRATCH_TEST(a_file_is_opened),
        SCRATCH_TEST(links_are_not_followed),
        SCRATCH_TEST(what_is_no_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

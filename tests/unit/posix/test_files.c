/* Open files, their space and their bytes; the system's refusals are scripted. */
#include "scratch.h"

#include <errno.h>

static int fallocate_fails;
static bool fallocate_interrupted;
static int pwrite_fails;
static size_t pwrite_limit; /* Bytes that one call takes; 0: all. */
static bool pwrite_interrupted;
static int fsync_fails;

int __real_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
    if (fallocate_interrupted || fallocate_fails != 0) {
        errno = fallocate_interrupted ? EINTR : fallocate_fails;
        fallocate_interrupted = false;
        return -1;
    }
    return __real_fallocate(fd, mode, offset, len);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (pwrite_interrupted || pwrite_fails != 0) {
        errno = pwrite_interrupted ? EINTR : pwrite_fails;
        pwrite_interrupted = false;
        return -1;
    }
    return __real_pwrite(fd, bytes, pwrite_limit != 0 && pwrite_limit < len ? pwrite_limit : len,
                         offset);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (fsync_fails != 0) {
        errno = fsync_fails;
        fsync_fails = fsync_fails == EINTR ? 0 : fsync_fails;
        return -1;
    }
    return __real_fsync(fd);
}

static const char *path_of(const scratch *s, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", s->path, name);
    return path;
}

static void test_open_what_a_person_names(void **state)
{
    const scratch *s = *state;
    int fd = -1;
    ps_posix_file file;
    ps_posix_error why;
    struct stat st;
    scratch_write(s, "file", "bytes");
    assert_int_equal(symlinkat("file", s->dir, "link"), 0);
    assert_int_equal(ps_posix_open_file(path_of(s, "link"), &fd, &file, &why), PS_OK);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(file.size, 5);
    assert_true(file.inode == st.st_ino && file.device == st.st_dev);
    assert_true(file.mtime_ns == (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    assert_true(file.ctime_ns == (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    assert_int_equal(ps_posix_open_file(path_of(s, "file"), &fd, NULL, NULL), PS_OK);
    close(fd);
}

static void test_only_regular_files(void **state)
{
    const scratch *s = *state;
    int fd = -1;
    ps_posix_error why;
    assert_int_equal(mkfifoat(s->dir, "fifo", 0600), 0);
    assert_int_equal(ps_posix_open_file(path_of(s, "fifo"), &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, 0);
    assert_string_equal(why.text, "not a regular file");
    assert_int_equal(ps_posix_open_file(s->path, &fd, NULL, &why), PS_FAILED);
    assert_string_equal(why.text, "it is a folder");
    assert_int_equal(ps_posix_open_file("/dev/null", &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, 0);
    assert_int_equal(ps_posix_open_file(path_of(s, "absent"), &fd, NULL, &why), PS_FAILED);
    assert_int_equal(why.number, ENOENT);
    assert_int_equal(fd, -1);
}

static void test_open_dir(void **state)
{
    const scratch *s = *state;
    int dir = -1;
    ps_posix_error why;
    scratch_write(s, "file", "");
    assert_int_equal(ps_posix_open_dir(path_of(s, "file"), &dir, &why), PS_FAILED);
    assert_int_equal(why.number, ENOTDIR);
    assert_int_equal(ps_posix_open_dir(path_of(s, "absent"), &dir, &why), PS_FAILED);
    assert_int_equal(why.number, ENOENT);
}

static void test_stat_tells_changes(void **state)
{
    const scratch *s = *state;
    int fd = -1;
    ps_posix_file before;
    ps_posix_file after;
    assert_int_equal(ps_posix_create_beneath(s->dir, "file", 0600, &fd, NULL), PS_OK);
    assert_int_equal(ps_posix_stat_file(fd, &before, NULL), PS_OK);
    assert_int_equal(ps_posix_write_at(fd, "xyz", 3, 7, NULL), PS_OK);
    assert_int_equal(ps_posix_stat_file(fd, &after, NULL), PS_OK);
    assert_int_equal(before.size, 0);
    assert_int_equal(after.size, 10);
    assert_true(after.inode == before.inode && after.mtime_ns >= before.mtime_ns);
    close(fd);
    ps_posix_error why;
    assert_int_equal(ps_posix_stat_file(-1, &after, &why), PS_FAILED);
    assert_int_equal(why.number, EBADF);
}

static uint64_t size_of(int fd)
{
    ps_posix_file file;
    assert_int_equal(ps_posix_stat_file(fd, &file, NULL), PS_OK);
    return file.size;
}

static void test_reserve(void **state)
{
    const scratch *s = *state;
    int fd = -1;
    ps_posix_error why;
    assert_int_equal(ps_posix_create_beneath(s->dir, "file", 0600, &fd, NULL), PS_OK);
    assert_int_equal(ps_posix_reserve(fd, 0, &why), PS_OK);
    assert_int_equal(size_of(fd), 0);
    fallocate_interrupted = true;
    assert_int_equal(ps_posix_reserve(fd, 100001, &why), PS_OK);
    assert_int_equal(size_of(fd), 100001);
    assert_int_equal(ps_posix_reserve(fd, 10, &why), PS_OK); /* Shorter again. */
    assert_int_equal(size_of(fd), 10);
    fallocate_fails = EOPNOTSUPP; /* The length at least. */
    assert_int_equal(ps_posix_reserve(fd, 5000, &why), PS_OK);
    assert_int_equal(size_of(fd), 5000);
    assert_int_equal(ps_posix_reserve(fd, UINT64_C(1) << 62, &why), PS_FAILED); /* No such disk. */
    assert_int_equal(why.number, ENOSPC);
    assert_int_equal(size_of(fd), 5000);
    fallocate_fails = ENOSPC;
    assert_int_equal(ps_posix_reserve(fd, 6000, &why), PS_FAILED);
    assert_int_equal(why.number, ENOSPC);
    assert_int_equal(size_of(fd), 5000); /* As it was: what is there is kept. */
    fallocate_fails = 0;
    assert_int_equal(ps_posix_reserve(fd, UINT64_MAX, &why), PS_FAILED);
    assert_int_equal(why.number, EFBIG);
    close(fd);
}

static void test_write_and_read_all(void **state)
{
    const scratch *s = *state;
    int fd = -1;
    char got[32];
    size_t n = 0;
    ps_posix_error why;
    assert_int_equal(ps_posix_create_beneath(s->dir, "file", 0600, &fd, NULL), PS_OK);
    pwrite_limit = 3;
    pwrite_interrupted = true;
    assert_int_equal(ps_posix_write_at(fd, "0123456789", 10, 5, &why), PS_OK);
    pwrite_limit = 0;
    assert_int_equal(ps_posix_read_at(fd, got, 10, 5, &n, &why), PS_OK);
    assert_int_equal(n, 10);
    assert_memory_equal(got, "0123456789", 10);
    assert_int_equal(ps_posix_read_at(fd, got, sizeof got, 12, &n, &why), PS_OK);
    assert_int_equal(n, 3); /* The end of the file. */
    assert_int_equal(ps_posix_read_at(fd, got, sizeof got, 1000, &n, &why), PS_OK);
    assert_int_equal(n, 0);
    assert_int_equal(ps_posix_write_at(fd, "", 0, 0, &why), PS_OK);
    pwrite_fails = ENOSPC;
    assert_int_equal(ps_posix_write_at(fd, "x", 1, 0, &why), PS_FAILED);
    assert_int_equal(why.number, ENOSPC);
    assert_string_equal(why.text, "write: No space left on device");
    pwrite_fails = 0;
    close(fd);
    assert_int_equal(ps_posix_read_at(-1, got, 1, 0, &n, &why), PS_FAILED);
    assert_int_equal(why.number, EBADF);
}

static void test_sync(void **state)
{
    const scratch *s = *state;
    ps_posix_error why;
    assert_int_equal(ps_posix_sync(s->dir, &why), PS_OK);
    fsync_fails = EINTR;
    assert_int_equal(ps_posix_sync(s->dir, &why), PS_OK);
    fsync_fails = EIO;
    assert_int_equal(ps_posix_sync(s->dir, &why), PS_FAILED);
    assert_int_equal(why.number, EIO);
    fsync_fails = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_open_what_a_person_names),
        SCRATCH_TEST(test_only_regular_files),
        SCRATCH_TEST(test_open_dir),
        SCRATCH_TEST(test_stat_tells_changes),
        SCRATCH_TEST(test_reserve),
        SCRATCH_TEST(test_write_and_read_all),
        SCRATCH_TEST(test_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

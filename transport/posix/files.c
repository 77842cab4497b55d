/* Open files: what they are, their bytes, and what makes them last. */
#include "posix/files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

_Static_assert(sizeof(off_t) == 8, "files of 2 GiB and more: _FILE_OFFSET_BITS=64");

#if defined(__APPLE__)
#define MTIME(st) ((st).st_mtimespec)
#define CTIME(st) ((st).st_ctimespec)
#else
#define MTIME(st) ((st).st_mtim)
#define CTIME(st) ((st).st_ctim)
#endif

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

ps_status ps_posix_stat_file(int fd, ps_posix_file *file, ps_posix_error *why)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return ps_posix_fail(why, errno, "stat");
    }
    if (!S_ISREG(st.st_mode)) {
        return ps_posix_fail(why, 0, S_ISDIR(st.st_mode) ? "it is a folder" : "not a regular file");
    }
    if (file) {
        *file = (ps_posix_file){.size = (uint64_t)st.st_size,
                                .device = (uint64_t)st.st_dev,
                                .inode = (uint64_t)st.st_ino,
                                .mtime_ns = nanoseconds(MTIME(st)),
                                .ctime_ns = nanoseconds(CTIME(st))};
    }
    return PS_OK;
}

ps_status ps_posix_keep_regular(int opened, int *fd, ps_posix_file *file, ps_posix_error *why)
{
    if (ps_posix_stat_file(opened, file, why) != PS_OK) {
        close(opened);
        return PS_FAILED;
    }
    const int flags = fcntl(opened, F_GETFL);
    if (flags >= 0) {
        (void)fcntl(opened, F_SETFL, flags & ~O_NONBLOCK);
    }
    *fd = opened;
    return PS_OK;
}

ps_status ps_posix_open_file(const char *path, int *fd, ps_posix_file *file, ps_posix_error *why)
{
    /* Without O_NONBLOCK a FIFO would wait for its writer. */
    const int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened < 0) {
        return ps_posix_fail(why, errno, "open");
    }
    return ps_posix_keep_regular(opened, fd, file, why);
}

ps_status ps_posix_open_dir(const char *path, int *dir, ps_posix_error *why)
{
    const int opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) {
        return ps_posix_fail(why, errno, "open");
    }
    *dir = opened;
    return PS_OK;
}

/* Sets space aside. 0, or an error number; EOPNOTSUPP where the file system cannot. */
static int set_aside(int fd, off_t len)
{
#if defined(__linux__)
    /* In memory, setting aside means clearing every page, only to be written over later. */
    struct statfs system;
    if (fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC) {
        return EOPNOTSUPP;
    }
    /* posix_fallocate() of glibc writes into every block where the file system cannot. */
    int result = 0;
    do {
        result = fallocate(fd, 0, 0, len);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
#elif defined(__APPLE__)
    (void)fd;
    (void)len;
    return EOPNOTSUPP;
#else
    return posix_fallocate(fd, 0, len);
#endif
}

/* Where nothing can be set aside, room that is there now is the best that can be asked for. */
static bool has_room(int fd, uint64_t len, const struct stat *before)
{
    struct statvfs disk;
    const uint64_t has = (uint64_t)before->st_blocks * 512;
    return len <= has || fstatvfs(fd, &disk) != 0 || disk.f_frsize == 0 ||
           (len - has + disk.f_frsize - 1) / disk.f_frsize <= disk.f_bavail;
}

ps_status ps_posix_reserve(int fd, uint64_t len, ps_posix_error *why)
{
    if (len > INT64_MAX) {
        return ps_posix_fail(why, EFBIG, "reserve");
    }
    struct stat before;
    if (fstat(fd, &before) != 0) {
        return ps_posix_fail(why, errno, "reserve");
    }
    int number = len > 0 ? set_aside(fd, (off_t)len) : 0;
    if (number == EOPNOTSUPP || number == ENOSYS || number == EINVAL) {
        number = has_room(fd, len, &before) ? 0 : ENOSPC;
    }
    if (number == 0 && ftruncate(fd, (off_t)len) != 0) {
        number = errno;
    }
    if (number != 0) {
        (void)ftruncate(fd, before.st_size);
        return ps_posix_fail(why, number, "reserve");
    }
    return PS_OK;
}

ps_status ps_posix_write_at(int fd, const void *bytes, size_t len, uint64_t offset,
                            ps_posix_error *why)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t put = pwrite(fd, at, len, (off_t)offset);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return ps_posix_fail(why, put < 0 ? errno : ENOSPC, "write");
        }
        at += put;
        len -= (size_t)put;
        offset += (uint64_t)put;
    }
    return PS_OK;
}

ps_status ps_posix_read_at(int fd, void *buf, size_t len, uint64_t offset, size_t *n,
                           ps_posix_error *why)
{
    uint8_t *at = buf;
    *n = 0;
    while (*n < len) {
        ssize_t got = pread(fd, at + *n, len - *n, (off_t)(offset + *n));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return ps_posix_fail(why, errno, "read");
        }
        if (got == 0) {
            break;
        }
        *n += (size_t)got;
    }
    return PS_OK;
}

ps_status ps_posix_sync(int fd, ps_posix_error *why)
{
    int result = 0;
#if defined(__APPLE__)
    /* fsync() leaves the drive's cache full there. */
    result = fcntl(fd, F_FULLFSYNC);
    if (result == 0) {
        return PS_OK;
    }
#endif
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? PS_OK : ps_posix_fail(why, errno, "sync");
}

#include "peersyncd/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRESH_NAME PS_STORE_NAME ".new"

int ps_store_posix_open(ps_store_posix *p, int dir_fd, bool read_only)
{
    struct stat st;
    *p = (ps_store_posix){.dir_fd = dir_fd, .fresh_fd = -1};
    /* Not blocking: opening a FIFO would wait for a writer. */
    p->fd = openat(dir_fd, PS_STORE_NAME,
                   (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (p->fd < 0) {
        return errno == ENOENT ? 0 : errno;
    }
    const int error = fstat(p->fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
    if (error != 0) {
        ps_store_posix_close(p);
    }
    return error;
}

void ps_store_posix_close(ps_store_posix *p)
{
    if (p->fd >= 0) {
        close(p->fd);
        p->fd = -1;
    }
    if (p->fresh_fd >= 0) {
        close(p->fresh_fd);
        p->fresh_fd = -1;
    }
}

static int posix_read(void *ctx, uint64_t at, void *to, size_t cap, size_t *n)
{
    const ps_store_posix *p = ctx;
    ssize_t got = 0;
    *n = 0;
    if (p->fd < 0) {
        return 0;
    }
    do {
        got = pread(p->fd, to, cap, (off_t)at);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno;
    }
    *n = (size_t)got;
    return 0;
}

static int posix_write(void *ctx, ps_store_which which, uint64_t at, const void *from, size_t len,
                       size_t *n)
{
    const ps_store_posix *p = ctx;
    ssize_t put = 0;
    *n = 0;
    do {
        put = pwrite(which == PS_STORE_LOG ? p->fd : p->fresh_fd, from, len, (off_t)at);
    } while (put < 0 && errno == EINTR);
    if (put < 0) {
        return errno;
    }
    *n = (size_t)put;
    return 0;
}

static int posix_sync(void *ctx, ps_store_which which)
{
    const ps_store_posix *p = ctx;
    return fdatasync(which == PS_STORE_LOG ? p->fd : p->fresh_fd) != 0 ? errno : 0;
}

static int posix_truncate(void *ctx, uint64_t len)
{
    const ps_store_posix *p = ctx;
    int rc = 0;
    do {
        rc = ftruncate(p->fd, (off_t)len);
    } while (rc != 0 && errno == EINTR);
    return rc != 0 ? errno : 0;
}

static int posix_create(void *ctx)
{
    ps_store_posix *p = ctx;
    /* One process a directory: what is there was left by a crash. */
    if (unlinkat(p->dir_fd, FRESH_NAME, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    p->fresh_fd =
        openat(p->dir_fd, FRESH_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->fresh_fd < 0) {
        return errno;
    }
    /* One start by root does not take the log from the user that the server has. */
    struct stat old;
    const bool other = p->fd >= 0 && fstat(p->fd, &old) == 0 && old.st_uid != geteuid();
    return other && geteuid() == 0 && fchown(p->fresh_fd, old.st_uid, old.st_gid) != 0 ? errno : 0;
}

static int posix_adopt(void *ctx)
{
    ps_store_posix *p = ctx;
    if (renameat(p->dir_fd, FRESH_NAME, p->dir_fd, PS_STORE_NAME) != 0) {
        return errno;
    }
    if (p->fd >= 0) {
        close(p->fd);
    }
    p->fd = p->fresh_fd;
    p->fresh_fd = -1;
    return 0;
}

static int posix_sync_name(void *ctx)
{
    const ps_store_posix *p = ctx;
    return fsync(p->dir_fd) != 0 ? errno : 0;
}

static void posix_discard(void *ctx)
{
    ps_store_posix *p = ctx;
    if (p->fresh_fd >= 0) {
        close(p->fresh_fd);
        p->fresh_fd = -1;
        unlinkat(p->dir_fd, FRESH_NAME, 0);
    }
}

ps_store_files ps_store_posix_files(ps_store_posix *p)
{
    return (ps_store_files){.ctx = p,
                            .read = posix_read,
                            .write = posix_write,
                            .sync = posix_sync,
                            .truncate = posix_truncate,
                            .create = posix_create,
                            .adopt = posix_adopt,
                            .sync_name = posix_sync_name,
                            .discard = posix_discard};
}

#include "common/safe_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, ps_span content)
{
    while (content.len > 0) {
        const ssize_t n = write(fd, content.data, content.len);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -1;
        }
        content.data += n;
        content.len -= (size_t)n;
    }
    return 0;
}

/* The directory that the file is in. */
static int directory_of(const char *file, char out[PATH_MAX])
{
    const char *slash = strrchr(file, '/');
    const size_t len = slash == NULL ? 0 : slash == file ? 1 : (size_t)(slash - file);
    if (len >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(out, len > 0 ? file : ".", len > 0 ? len : 1);
    out[len > 0 ? len : 1] = '\0';
    return 0;
}

static int open_directory(const char *file)
{
    char dir[PATH_MAX];
    return directory_of(file, dir) == 0 ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* The directory's entry is durable only when the directory itself is synced. */
static int sync_directory(const char *file)
{
    const int fd = open_directory(file);
    if (fd < 0) {
        return -1;
    }
    const int rc = fsync(fd);
    close(fd);
    return rc;
}

/* Follows links, so that a link to the file stays one. A file that is not there yet keeps its
 * name. */
static int final_path(const char *path, char out[PATH_MAX])
{
    if (realpath(path, out) != NULL) {
        return 0;
    }
    const size_t len = strlen(path);
    if (errno != ENOENT || len >= PATH_MAX) {
        return -1;
    }
    memcpy(out, path, len + 1);
    return 0;
}

int ps_file_lock(const char *path, void (*waiting)(const char *path))
{
    char real[PATH_MAX];
    const int fd = final_path(path, real) == 0 ? open_directory(real) : -1;
    int how = LOCK_EX | LOCK_NB;
    while (fd >= 0 && flock(fd, how) != 0) {
        if (errno == EWOULDBLOCK) {
            how = LOCK_EX;
            if (waiting != NULL) {
                waiting(path);
            }
        } else if (errno != EINTR) {
            const int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
    }
    return fd;
}

/* What root edits for somebody else stays his. */
static int keep_owner(int fd, const char *target)
{
    char dir[PATH_MAX];
    struct stat own;
    struct stat st;
    if (geteuid() != 0) {
        return 0;
    }
    if (fstat(fd, &own) != 0 ||
        (stat(target, &st) != 0 && (directory_of(target, dir) != 0 || stat(dir, &st) != 0))) {
        return -1;
    }
    return own.st_uid == st.st_uid && own.st_gid == st.st_gid ? 0
                                                              : fchown(fd, st.st_uid, st.st_gid);
}

static int fill(int fd, const char *target, ps_span content, mode_t mode)
{
    if (keep_owner(fd, target) != 0 || fchmod(fd, mode) != 0 || write_all(fd, content) != 0) {
        return -1;
    }
    return fsync(fd);
}

int ps_file_replace(const char *path, ps_span content, mode_t mode)
{
    char target[PATH_MAX];
    char temporary[PATH_MAX + 16];
    if (final_path(path, target) != 0) {
        return -1;
    }
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", target);
    const int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int rc = fill(fd, target, content, mode);
    int error = errno;
    if (close(fd) != 0 && rc == 0) {
        rc = -1;
        error = errno;
    }
    if (rc == 0) {
        rc = rename(temporary, target);
        error = errno;
    }
    if (rc != 0) {
        unlink(temporary);
        errno = error;
        return -1;
    }
    return sync_directory(target);
}

/* What is read may be secret: nothing of it is left in memory that is given back. */
static void wipe(uint8_t *buf, size_t len)
{
    if (buf != NULL) {
        explicit_bzero(buf, len);
    }
    free(buf);
}

/* As realloc(), which leaves a copy behind. On failure the old buffer stays. */
static uint8_t *grow(uint8_t *buf, size_t len, size_t cap)
{
    uint8_t *larger = malloc(cap);
    if (larger != NULL) {
        memcpy(larger, buf, len);
        wipe(buf, len);
    }
    return larger;
}

static int read_all(int fd, size_t limit, uint8_t **out, size_t *len)
{
    size_t cap = 4096;
    size_t at = 0;
    uint8_t *buf = malloc(cap + 1);
    while (buf != NULL) {
        const ssize_t n = read(fd, buf + at, cap - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            break;
        }
        at += (size_t)n;
        if (at > limit) {
            errno = EFBIG;
            break;
        }
        if (n == 0) {
            buf[at] = 0;
            *out = buf;
            *len = at;
            return 0;
        }
        if (at == cap) {
            uint8_t *larger = grow(buf, at, cap * 2 + 1);
            if (larger == NULL) {
                break;
            }
            buf = larger;
            cap *= 2;
        }
    }
    const int error = errno;
    wipe(buf, at);
    errno = error;
    return -1;
}

int ps_file_read(const char *path, size_t limit, uint8_t **out, size_t *len)
{
    struct stat st;
    /* Not blocking: opening a FIFO would wait for a writer. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return -1;
    }
    int rc = fstat(fd, &st);
    if (rc == 0 && !S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        rc = -1;
    }
    if (rc == 0) {
        rc = read_all(fd, limit, out, len);
    }
    const int error = errno;
    close(fd);
    errno = error;
    return rc;
}

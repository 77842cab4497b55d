/* Files by a path that was resolved before: no link is followed, in none of its parts. */
#include "posix/files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

/* Only looked through, where the system knows that. */
#if defined(O_PATH)
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#else
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#endif

/* The file alone: never waits, never becomes the controlling terminal. */
#define FILE_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)

/* True for "/a/b": absolute, no empty, "." or ".." parts. */
static bool is_canonical(const char *path)
{
    if (path[0] != '/') {
        return false;
    }
    for (const char *part = path + 1;;) {
        const size_t len = strcspn(part, "/");
        if (len == 0 || (part[0] == '.' && (len == 1 || (len == 2 && part[1] == '.')))) {
            return false;
        }
        if (part[len] == '\0') {
            return true;
        }
        part += len + 1;
    }
}

/* A link where a folder should be is ENOTDIR to open(), as O_DIRECTORY is looked at first, and
 * ELOOP to openat2(): the caller hears the same of both. */
static int open_folder(int folder, const char *name)
{
    const int next = openat(folder, name, FOLDER_FLAGS);
    struct stat s;
    if (next < 0 && errno == ENOTDIR) {
        const bool link = fstatat(folder, name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode);
        errno = link ? ELOOP : ENOTDIR;
    }
    return next;
}

int ps_posix_open_exact_portable(const char *path)
{
    char part[256]; /* NAME_MAX and a NUL. */
    int folder = open("/", FOLDER_FLAGS);
    for (const char *at = path + 1; folder >= 0;) {
        const size_t len = strcspn(at, "/");
        int next = -1;
        if (len >= sizeof part) {
            errno = ENAMETOOLONG;
        } else {
            memcpy(part, at, len);
            part[len] = '\0';
            next = at[len] == '/' ? open_folder(folder, part) : openat(folder, part, FILE_FLAGS);
        }
        const int number = errno;
        (void)close(folder);
        errno = number;
        if (next < 0 || at[len] == '\0') {
            return next;
        }
        folder = next;
        at += len + 1;
    }
    return -1;
}

static int open_exact(const char *path)
{
#if defined(__linux__) && defined(SYS_openat2)
    struct open_how how = {.flags = FILE_FLAGS,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    for (;;) {
        const long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    /* An older kernel, or a sandbox that does not know the call. */
    if (errno != ENOSYS && errno != EPERM && errno != E2BIG) {
        return -1;
    }
#endif
    return ps_posix_open_exact_portable(path);
}

ps_status ps_posix_open_exact(const char *path, int *fd, ps_posix_file *file, ps_posix_error *why)
{
    if (!is_canonical(path)) {
        return ps_posix_fail(why, EINVAL, "open");
    }
    const int opened = open_exact(path);
    if (opened < 0) {
        return ps_posix_fail(why, errno, "open");
    }
    return ps_posix_keep_regular(opened, fd, file, why);
}

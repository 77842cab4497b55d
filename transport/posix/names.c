/* Files of one folder, by single-part names: nothing here can leave the folder or follow a link. */
#include "posix/files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

static bool is_single_part(const char *name)
{
    return ps_name_check((ps_span){(const uint8_t *)name, strlen(name)}) == PS_NAME_OK;
}

int ps_posix_openat_portable(int dir, const char *name, int flags, unsigned mode)
{
    return openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
}

/* Where the kernel can, it holds the path below the folder by itself too. */
static int open_below(int dir, const char *name, int flags, unsigned mode)
{
#if defined(__linux__) && defined(SYS_openat2)
    struct open_how how = {.flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC),
                           .mode = (flags & O_CREAT) != 0 ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    for (;;) {
        long fd = syscall(SYS_openat2, dir, name, &how, sizeof how);
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
    return ps_posix_openat_portable(dir, name, flags, mode);
}

ps_status ps_posix_open_beneath(int dir, const char *name, int *fd, ps_posix_file *file,
                                ps_posix_error *why)
{
    if (!is_single_part(name)) {
        return ps_posix_fail(why, EINVAL, "open");
    }
    const int opened = open_below(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (opened < 0) {
        return ps_posix_fail(why, errno, "open");
    }
    return ps_posix_keep_regular(opened, fd, file, why);
}

ps_status ps_posix_create_beneath(int dir, const char *name, unsigned mode, int *fd,
                                  ps_posix_error *why)
{
    if (!is_single_part(name)) {
        return ps_posix_fail(why, EINVAL, "create");
    }
    const int opened = open_below(dir, name, O_RDWR | O_CREAT | O_EXCL, mode);
    if (opened < 0) {
        return ps_posix_fail(why, errno, "create");
    }
    *fd = opened;
    return PS_OK;
}

ps_status ps_posix_create_temporary(int dir, char name[PS_POSIX_TEMPORARY], int *fd,
                                    ps_posix_error *why)
{
    uint64_t random = 0;
    if (ps_posix_entropy(&random, sizeof random) != PS_OK) {
        return ps_posix_fail(why, errno, "getentropy");
    }
    snprintf(name, PS_POSIX_TEMPORARY, ".peersync-%016llx.part", (unsigned long long)random);
    return ps_posix_create_beneath(dir, name, 0600, fd, why);
}

#if defined(O_TMPFILE)
/* What stands for a descriptor: linkat() by AT_EMPTY_PATH is not allowed to everybody. */
static const char *path_of(int fd, char path[static 32])
{
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
    return path;
}

ps_status ps_posix_create_nameless(int dir, int *fd, ps_posix_error *why)
{
    char path[32];
    const int made = openat(dir, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (made < 0) {
        /* Kernels that do not know the flag see a folder that is opened for writing. */
        const bool unknown = errno == EISDIR || errno == EINVAL || errno == ENOENT;
        return ps_posix_fail(why, unknown ? EOPNOTSUPP : errno, "create");
    }
    if (access(path_of(made, path), F_OK) != 0) {
        (void)close(made);
        return ps_posix_fail(why, EOPNOTSUPP, "create");
    }
    *fd = made;
    return PS_OK;
}

ps_status ps_posix_name_new(int fd, int dir, const char *name, ps_posix_error *why)
{
    char path[32];
    if (!is_single_part(name)) {
        return ps_posix_fail(why, EINVAL, "name");
    }
    if (linkat(AT_FDCWD, path_of(fd, path), dir, name, AT_SYMLINK_FOLLOW) != 0) {
        return ps_posix_fail(why, errno, "name");
    }
    return PS_OK;
}
#else
ps_status ps_posix_create_nameless(int dir, int *fd, ps_posix_error *why)
{
    (void)dir;
    (void)fd;
    return ps_posix_fail(why, EOPNOTSUPP, "create");
}

ps_status ps_posix_name_new(int fd, int dir, const char *name, ps_posix_error *why)
{
    (void)fd;
    (void)dir;
    (void)name;
    return ps_posix_fail(why, EOPNOTSUPP, "name");
}
#endif

int ps_posix_rename_portable(int dir, const char *from, const char *to)
{
    /* link() refuses a name that is taken. Between the two calls the file has both names; should
     * the second one fail, it keeps them: the new name is there, which is what was asked. */
    if (linkat(dir, from, dir, to, 0) != 0) {
        return -1;
    }
    (void)unlinkat(dir, from, 0);
    return 0;
}

static int rename_new(int dir, const char *from, const char *to)
{
#if defined(__linux__) && defined(RENAME_NOREPLACE)
    if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    /* EINVAL: this file system cannot promise it. */
    if (errno != ENOSYS && errno != EINVAL && errno != EPERM) {
        return -1;
    }
#endif
    return ps_posix_rename_portable(dir, from, to);
}

ps_status ps_posix_rename_new(int dir, const char *from, const char *to, ps_posix_error *why)
{
    if (!is_single_part(from) || !is_single_part(to)) {
        return ps_posix_fail(why, EINVAL, "rename");
    }
    if (rename_new(dir, from, to) != 0) {
        return ps_posix_fail(why, errno, "rename");
    }
    return PS_OK;
}

ps_status ps_posix_remove(int dir, const char *name, ps_posix_error *why)
{
    if (!is_single_part(name)) {
        return ps_posix_fail(why, EINVAL, "remove");
    }
    return unlinkat(dir, name, 0) == 0 ? PS_OK : ps_posix_fail(why, errno, "remove");
}

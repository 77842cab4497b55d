/* Calls about descriptors, names and threads, and what else a program asks or sets. */
#include "fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_MODE(flags, last)                                                                     \
    mode_t mode = 0;                                                                               \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                  \
        va_list args;                                                                              \
        va_start(args, last);                                                                      \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

FAULT_EXPORT int open(const char *path, int flags, ...)
{
    FAULT_NEXT(open);
    OPEN_MODE(flags, flags)
    FAULT_HERE(FAULT_OPEN, "open", -1);
    return next(path, flags, mode);
}

FAULT_EXPORT int open64(const char *path, int flags, ...)
{
    FAULT_NEXT(open64);
    OPEN_MODE(flags, flags)
    FAULT_HERE(FAULT_OPEN, "open64", -1);
    return next(path, flags, mode);
}

FAULT_EXPORT int openat(int dir, const char *path, int flags, ...)
{
    FAULT_NEXT(openat);
    OPEN_MODE(flags, flags)
    FAULT_HERE(FAULT_OPEN, "openat", -1);
    return next(dir, path, flags, mode);
}

/* openat2() has no wrapper of its own. Others pass. */
FAULT_EXPORT long syscall(long number, ...)
{
    FAULT_NEXT(syscall);
    long a[6];
    va_list args;
    va_start(args, number);
    for (size_t i = 0; i < 6; i++) {
        a[i] = va_arg(args, long);
    }
    va_end(args);
    if (number == SYS_openat2) {
        FAULT_HERE(FAULT_OPEN, "openat2", -1);
    }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

FAULT_CALL(FAULT_OPEN, mkostemp, (char *pattern, int flags), (pattern, flags))
FAULT_CALL(FAULT_OPEN, mkdir, (const char *path, mode_t mode), (path, mode))
FAULT_CALL(FAULT_OPEN, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode))
FAULT_CALL(FAULT_OPEN, rename, (const char *from, const char *to), (from, to))
FAULT_CALL(FAULT_OPEN, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
FAULT_CALL(FAULT_OPEN, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
           (a, from, b, to, flags))
FAULT_CALL(FAULT_OPEN, link, (const char *from, const char *to), (from, to))
FAULT_CALL(FAULT_OPEN, linkat, (int a, const char *from, int b, const char *to, int flags),
           (a, from, b, to, flags))
FAULT_CALL(FAULT_OPEN, unlink, (const char *path), (path))
FAULT_CALL(FAULT_OPEN, unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
FAULT_CALL(FAULT_OPEN, rmdir, (const char *path), (path))
FAULT_CALL(FAULT_OPEN, socket, (int domain, int type, int protocol), (domain, type, protocol))
FAULT_CALL(FAULT_OPEN, bind, (int fd, __CONST_SOCKADDR_ARG to, socklen_t len), (fd, to, len))
FAULT_CALL(FAULT_OPEN, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t len), (fd, to, len))
FAULT_CALL(FAULT_OPEN, listen, (int fd, int backlog), (fd, backlog))
FAULT_CALL(FAULT_OPEN, accept, (int fd, __SOCKADDR_ARG from, socklen_t *len), (fd, from, len))
FAULT_CALL(FAULT_OPEN, accept4, (int fd, __SOCKADDR_ARG from, socklen_t *len, int flags),
           (fd, from, len, flags))
FAULT_CALL(FAULT_OPEN, epoll_create1, (int flags), (flags))
FAULT_CALL(FAULT_OPEN, eventfd, (unsigned value, int flags), (value, flags))
FAULT_CALL(FAULT_OPEN, pipe, (int fds[2]), (fds))

/* The first is libuv's, which aborts without it. */
FAULT_EXPORT int pipe2(int fds[2], int flags)
{
    static atomic_flag first = ATOMIC_FLAG_INIT;
    FAULT_NEXT(pipe2);
    if (atomic_flag_test_and_set(&first)) {
        FAULT_HERE(FAULT_OPEN, "pipe2", -1);
    }
    return next(fds, flags);
}

FAULT_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                                void *(*body)(void *), void *arg)
{
    FAULT_NEXT(pthread_create);
    FAULT_HERE(FAULT_OPEN, "pthread_create", EAGAIN);
    return next(thread, attributes, body, arg);
}

FAULT_CALL(FAULT_OTHER, stat, (const char *path, struct stat *out), (path, out))
FAULT_CALL(FAULT_OTHER, lstat, (const char *path, struct stat *out), (path, out))
FAULT_CALL(FAULT_OTHER, fstat, (int fd, struct stat *out), (fd, out))
FAULT_CALL(FAULT_OTHER, fstatat, (int dir, const char *path, struct stat *out, int flags),
           (dir, path, out, flags))
FAULT_CALL(FAULT_OTHER, fstatfs, (int fd, struct statfs *out), (fd, out))
FAULT_CALL(FAULT_OTHER, access, (const char *path, int how), (path, how))
FAULT_CALL(FAULT_OTHER, flock, (int fd, int how), (fd, how))
FAULT_CALL(FAULT_OTHER, fchmod, (int fd, mode_t mode), (fd, mode))
FAULT_CALL(FAULT_OTHER, fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
FAULT_CALL(FAULT_OTHER, getsockname, (int fd, __SOCKADDR_ARG out, socklen_t *len), (fd, out, len))
FAULT_CALL(FAULT_OTHER, getsockopt, (int fd, int level, int name, void *out, socklen_t *len),
           (fd, level, name, out, len))
FAULT_CALL(FAULT_OTHER, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
           (fd, level, name, value, len))
FAULT_CALL(FAULT_OTHER, getentropy, (void *bytes, size_t len), (bytes, len))

FAULT_EXPORT char *realpath(const char *path, char *out)
{
    FAULT_NEXT(realpath);
    FAULT_HERE(FAULT_OTHER, "realpath", NULL);
    return next(path, out);
}

/* It is closed all the same, as Linux does. */
FAULT_EXPORT int close(int fd)
{
    FAULT_NEXT(close);
    const int rc = next(fd);
    FAULT_HERE(FAULT_OTHER, "close", -1);
    return rc;
}

/* The destructor does not run then. */
FAULT_EXPORT void _exit(int code)
{
    fault_tell_calls();
    (void)syscall(SYS_exit_group, code);
    __builtin_unreachable();
}

/* Makes the k-th call of a class fail in a program that loads this (LD_PRELOAD; Linux with glibc).
 *
 *   PEERSYNC_FAULT=CLASS:K:ERROR     the k-th call fails, from 1 on
 *   PEERSYNC_FAULT=CLASS:K:ERROR+    and all calls of the class after it
 *   PEERSYNC_FAULT_REPORT=FILE       gets a line when it fires, and at the program's end how many
 *                                    calls of the class there were
 *
 * Classes:
 *   alloc   what the program itself asks the allocator for, and mmap()
 *   libs    what libraries ask the allocator for on its behalf
 *   send    sockets are written to          recv    sockets are read
 *   write   regular files are written to, or given another length
 *   read    regular files are read          sync    files and folders are made durable
 *   open    descriptors, names and threads are made or taken away
 *   other   questions and settings of files and sockets, locks, close(), entropy
 *
 * ERROR is a name of errno's; SHORT makes a send or a write take half of the bytes. Calls that libc
 * makes within itself are not seen (fopen(), realpath() ...), nor is epoll_ctl() touched: libuv
 * ends the program where it fails. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* Not an errno: half of it is taken. */
#define SHORT (-1)

enum fault_class { ALLOC, LIBS, SEND, RECV, WRITE, READ, SYNC, OPEN, OTHER, CLASSES };
static const char *const class_names[CLASSES] = {"alloc", "libs", "send", "recv", "write",
                                                 "read",  "sync", "open", "other"};
static const struct {
    const char *name;
    int number;
} error_names[] = {{"EACCES", EACCES},
                   {"EAGAIN", EAGAIN},
                   {"ECONNREFUSED", ECONNREFUSED},
                   {"ECONNRESET", ECONNRESET},
                   {"EINTR", EINTR},
                   {"EIO", EIO},
                   {"EMFILE", EMFILE},
                   {"ENETUNREACH", ENETUNREACH},
                   {"ENOBUFS", ENOBUFS},
                   {"ENOMEM", ENOMEM},
                   {"ENOSPC", ENOSPC},
                   {"EPERM", EPERM},
                   {"EPIPE", EPIPE},
                   {"EROFS", EROFS},
                   {"SHORT", SHORT}};

static struct {
    bool armed;
    bool onward; /* All calls after it fail, too. */
    enum fault_class class;
    unsigned long at;
    int error;
    atomic_ulong calls;
    atomic_flag told;
    uintptr_t text, text_end; /* The program's own, without libraries. */
    int report;
} fault = {.report = -1, .told = ATOMIC_FLAG_INIT};

/* Past this library: what a call would have reached without it. */
#define NEXT(name)                                                                                 \
    static __typeof__(name) *next;                                                                 \
    if (next == NULL) {                                                                            \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
    }

static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void report(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0 && fault.report >= 0) {
        (void)syscall(SYS_write, fault.report, line, (size_t)len);
    }
}

static int on_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    /* The program comes first. */
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            fault.text = info->dlpi_addr + part->p_vaddr;
            fault.text_end = fault.text + part->p_memsz;
        }
    }
    return 1;
}

static bool read_order(const char *order)
{
    const char *colon = strchr(order, ':');
    size_t found = CLASSES;
    for (size_t i = 0; colon != NULL && i < CLASSES; i++) {
        const size_t len = (size_t)(colon - order);
        if (strlen(class_names[i]) == len && memcmp(class_names[i], order, len) == 0) {
            found = i;
        }
    }
    char *end = NULL;
    fault.at = found < CLASSES ? strtoul(colon + 1, &end, 10) : 0;
    if (fault.at == 0 || *end != ':') {
        return false;
    }
    fault.class = (enum fault_class)found;
    const char *name = end + 1;
    const size_t len = strcspn(name, "+");
    fault.onward = name[len] == '+';
    for (size_t i = 0; i < sizeof error_names / sizeof error_names[0]; i++) {
        if (strlen(error_names[i].name) == len && memcmp(error_names[i].name, name, len) == 0) {
            fault.error = error_names[i].number;
        }
    }
    return fault.error != 0;
}

__attribute__((constructor)) static void arm(void)
{
    const char *order = getenv("PEERSYNC_FAULT");
    const char *file = getenv("PEERSYNC_FAULT_REPORT");
    if (order == NULL) {
        return;
    }
    if (file != NULL) {
        /* High up: the program's own descriptors keep their numbers. */
        const int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        fault.report = fcntl(fd, F_DUPFD_CLOEXEC, 200);
        (void)syscall(SYS_close, fd);
    }
    (void)dl_iterate_phdr(on_object, NULL);
    if (!read_order(order)) {
        (void)fprintf(stderr, "bad PEERSYNC_FAULT: %s\n", order);
        _exit(125);
    }
    fault.armed = true;
}

static void tell_calls(void)
{
    if (fault.armed) {
        fault.armed = false;
        report("calls %lu\n", atomic_load(&fault.calls));
    }
}

__attribute__((destructor)) static void disarm(void)
{
    tell_calls();
}

/* Counts a call. @return the error that it shall have, or 0. */
static int count(enum fault_class class, const char *what, const void *caller)
{
    if (!fault.armed || fault.class != class) {
        return 0;
    }
    const unsigned long number = atomic_fetch_add(&fault.calls, 1) + 1;
    if (number != fault.at && (!fault.onward || number < fault.at)) {
        return 0;
    }
    if (!atomic_flag_test_and_set(&fault.told)) {
        const uintptr_t address = (uintptr_t)caller;
        const bool own = address >= fault.text && address < fault.text_end;
        report("fired %s:%lu %s from %s%#lx\n", class_names[class], number, what,
               own ? "the program's " : "a library at ",
               (unsigned long)(own ? address - fault.text : address));
    }
    return fault.error;
}

/* Leaves the enclosing function with `failed` when this call is to fail. */
#define FAIL_HERE(class, what, failed)                                                             \
    do {                                                                                           \
        const int injected = count(class, what, __builtin_return_address(0));                      \
        if (injected != 0) {                                                                       \
            errno = injected == SHORT ? EIO : injected;                                            \
            return failed;                                                                         \
        }                                                                                          \
    } while (0)

/* ---- Memory. glibc's own names: dlsym() itself allocates. */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static bool is_own(const void *caller)
{
    const uintptr_t address = (uintptr_t)caller;
    return address >= fault.text && address < fault.text_end;
}

#define FAIL_MEMORY(what, failed)                                                                  \
    FAIL_HERE(is_own(__builtin_return_address(0)) ? ALLOC : LIBS, what, failed)

EXPORT void *malloc(size_t size)
{
    FAIL_MEMORY("malloc", NULL);
    return __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
    FAIL_MEMORY("calloc", NULL);
    return __libc_calloc(n, size);
}

EXPORT void *realloc(void *old, size_t size)
{
    FAIL_MEMORY("realloc", NULL);
    return __libc_realloc(old, size);
}

EXPORT void *reallocarray(void *old, size_t n, size_t size)
{
    size_t bytes;
    FAIL_MEMORY("reallocarray", NULL);
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, bytes);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    FAIL_MEMORY("aligned_alloc", NULL);
    return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    FAIL_MEMORY("posix_memalign", ENOMEM);
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

EXPORT char *strdup(const char *text)
{
    FAIL_MEMORY("strdup", NULL);
    const size_t size = strlen(text) + 1;
    char *copy = __libc_malloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

EXPORT int vasprintf(char **out, const char *format, va_list args)
{
    NEXT(vasprintf);
    FAIL_MEMORY("vasprintf", -1);
    return next(out, format, args);
}

EXPORT FILE *open_memstream(char **text, size_t *size)
{
    NEXT(open_memstream);
    FAIL_MEMORY("open_memstream", NULL);
    return next(text, size);
}

EXPORT void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    FAIL_MEMORY("mmap", MAP_FAILED);
    /* Not by dlsym(): the allocator may want it from within. */
    return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset); // NOLINT
}

/* ---- Bytes. */

static mode_t kind_of(int fd)
{
    struct stat st;
    return syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 ? st.st_mode & S_IFMT : 0;
}

/* The class of a call on this descriptor; CLASSES: none. Standard streams are nobody's files. */
static enum fault_class class_of(int fd, enum fault_class socket, enum fault_class file)
{
    if (!fault.armed || (fault.class != socket && fault.class != file)) {
        return CLASSES;
    }
    const int error = errno;
    const mode_t kind = kind_of(fd);
    errno = error;
    return kind == S_IFSOCK ? socket : kind == S_IFREG && fd > 2 ? file : CLASSES;
}

/* As FAIL_HERE; SHORT halves `len` instead. */
#define FAIL_BYTES(class, what, len)                                                               \
    do {                                                                                           \
        const int injected = count(class, what, __builtin_return_address(0));                      \
        if (injected == SHORT) {                                                                   \
            (len) = (len) / 2 + (len) % 2;                                                         \
        } else if (injected != 0) {                                                                \
            errno = injected;                                                                      \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    NEXT(write);
    FAIL_BYTES(class_of(fd, SEND, WRITE), "write", len);
    return next(fd, bytes, len);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    NEXT(pwrite);
    FAIL_BYTES(class_of(fd, SEND, WRITE), "pwrite", len);
    return next(fd, bytes, len, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    NEXT(pwrite64);
    FAIL_BYTES(class_of(fd, SEND, WRITE), "pwrite64", len);
    return next(fd, bytes, len, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
    NEXT(writev);
    FAIL_BYTES(class_of(fd, SEND, WRITE), "writev", n);
    return next(fd, parts, n);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset)
{
    NEXT(pwritev);
    FAIL_BYTES(class_of(fd, SEND, WRITE), "pwritev", n);
    return next(fd, parts, n, offset);
}

EXPORT int ftruncate(int fd, off_t length)
{
    NEXT(ftruncate);
    FAIL_HERE(class_of(fd, SEND, WRITE), "ftruncate", -1);
    return next(fd, length);
}

EXPORT int ftruncate64(int fd, off64_t length)
{
    NEXT(ftruncate64);
    FAIL_HERE(class_of(fd, SEND, WRITE), "ftruncate64", -1);
    return next(fd, length);
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
    NEXT(fallocate);
    FAIL_HERE(class_of(fd, SEND, WRITE), "fallocate", -1);
    return next(fd, mode, offset, len);
}

EXPORT ssize_t read(int fd, void *bytes, size_t len)
{
    NEXT(read);
    FAIL_BYTES(class_of(fd, RECV, READ), "read", len);
    return next(fd, bytes, len);
}

EXPORT ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
    NEXT(pread);
    FAIL_BYTES(class_of(fd, RECV, READ), "pread", len);
    return next(fd, bytes, len, offset);
}

EXPORT ssize_t pread64(int fd, void *bytes, size_t len, off64_t offset)
{
    NEXT(pread64);
    FAIL_BYTES(class_of(fd, RECV, READ), "pread64", len);
    return next(fd, bytes, len, offset);
}

EXPORT ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    NEXT(send);
    FAIL_BYTES(SEND, "send", len);
    return next(fd, bytes, len, flags);
}

EXPORT ssize_t sendto(int fd, const void *bytes, size_t len, int flags, __CONST_SOCKADDR_ARG to,
                      socklen_t to_len)
{
    NEXT(sendto);
    FAIL_HERE(SEND, "sendto", -1);
    return next(fd, bytes, len, flags, to, to_len);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    FAIL_HERE(SEND, "sendmsg", -1);
    return next(fd, message, flags);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    NEXT(sendmmsg);
    FAIL_BYTES(SEND, "sendmmsg", n);
    return next(fd, messages, n, flags);
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t len)
{
    NEXT(sendfile);
    FAIL_BYTES(class_of(to, SEND, WRITE), "sendfile", len);
    return next(to, from, offset, len);
}

EXPORT ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    NEXT(recv);
    FAIL_BYTES(RECV, "recv", len);
    return next(fd, bytes, len, flags);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    NEXT(recvmsg);
    FAIL_HERE(RECV, "recvmsg", -1);
    return next(fd, message, flags);
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags, struct timespec *limit)
{
    NEXT(recvmmsg);
    FAIL_HERE(RECV, "recvmmsg", -1);
    return next(fd, messages, n, flags, limit);
}

/* ---- What makes bytes and names last. */

#define SYNC_CALL(name, list, pass)                                                                \
    EXPORT int name list                                                                           \
    {                                                                                              \
        NEXT(name);                                                                                \
        FAIL_HERE(SYNC, #name, -1);                                                                \
        return next pass;                                                                          \
    }
SYNC_CALL(fsync, (int fd), (fd))
SYNC_CALL(fdatasync, (int fd), (fd))
SYNC_CALL(syncfs, (int fd), (fd))
SYNC_CALL(sync_file_range, (int fd, off64_t offset, off64_t len, unsigned flags),
          (fd, offset, len, flags))

/* ---- Descriptors, names, threads. */

#define OPEN_MODE(flags, last)                                                                     \
    mode_t mode = 0;                                                                               \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                  \
        va_list args;                                                                              \
        va_start(args, last);                                                                      \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

EXPORT int open(const char *path, int flags, ...)
{
    NEXT(open);
    OPEN_MODE(flags, flags)
    FAIL_HERE(OPEN, "open", -1);
    return next(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    NEXT(open64);
    OPEN_MODE(flags, flags)
    FAIL_HERE(OPEN, "open64", -1);
    return next(path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
    NEXT(openat);
    OPEN_MODE(flags, flags)
    FAIL_HERE(OPEN, "openat", -1);
    return next(dir, path, flags, mode);
}

/* openat2() has no wrapper of its own. Others pass. */
EXPORT long syscall(long number, ...)
{
    NEXT(syscall);
    long a[6];
    va_list args;
    va_start(args, number);
    for (size_t i = 0; i < 6; i++) {
        a[i] = va_arg(args, long);
    }
    va_end(args);
    if (number == SYS_openat2) {
        FAIL_HERE(OPEN, "openat2", -1);
    }
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#define OPEN_CALL(name, list, pass)                                                                \
    EXPORT int name list                                                                           \
    {                                                                                              \
        NEXT(name);                                                                                \
        FAIL_HERE(OPEN, #name, -1);                                                                \
        return next pass;                                                                          \
    }
OPEN_CALL(mkostemp, (char *pattern, int flags), (pattern, flags))
OPEN_CALL(mkdir, (const char *path, mode_t mode), (path, mode))
OPEN_CALL(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode))
OPEN_CALL(rename, (const char *from, const char *to), (from, to))
OPEN_CALL(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
OPEN_CALL(renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
          (a, from, b, to, flags))
OPEN_CALL(link, (const char *from, const char *to), (from, to))
OPEN_CALL(linkat, (int a, const char *from, int b, const char *to, int flags),
          (a, from, b, to, flags))
OPEN_CALL(unlink, (const char *path), (path))
OPEN_CALL(unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
OPEN_CALL(rmdir, (const char *path), (path))
OPEN_CALL(socket, (int domain, int type, int protocol), (domain, type, protocol))
OPEN_CALL(bind, (int fd, __CONST_SOCKADDR_ARG to, socklen_t len), (fd, to, len))
OPEN_CALL(connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t len), (fd, to, len))
OPEN_CALL(listen, (int fd, int backlog), (fd, backlog))
OPEN_CALL(accept, (int fd, __SOCKADDR_ARG from, socklen_t *len), (fd, from, len))
OPEN_CALL(accept4, (int fd, __SOCKADDR_ARG from, socklen_t *len, int flags), (fd, from, len, flags))
OPEN_CALL(epoll_create1, (int flags), (flags))
OPEN_CALL(eventfd, (unsigned value, int flags), (value, flags))
OPEN_CALL(pipe, (int fds[2]), (fds))
OPEN_CALL(pipe2, (int fds[2], int flags), (fds, flags))

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*body)(void *), void *arg)
{
    NEXT(pthread_create);
    FAIL_HERE(OPEN, "pthread_create", EAGAIN);
    return next(thread, attributes, body, arg);
}

/* ---- The rest that can fail. */

#define OTHER_CALL(name, list, pass)                                                               \
    EXPORT int name list                                                                           \
    {                                                                                              \
        NEXT(name);                                                                                \
        FAIL_HERE(OTHER, #name, -1);                                                               \
        return next pass;                                                                          \
    }
OTHER_CALL(stat, (const char *path, struct stat *out), (path, out))
OTHER_CALL(lstat, (const char *path, struct stat *out), (path, out))
OTHER_CALL(fstat, (int fd, struct stat *out), (fd, out))
OTHER_CALL(fstatat, (int dir, const char *path, struct stat *out, int flags),
           (dir, path, out, flags))
OTHER_CALL(fstatfs, (int fd, struct statfs *out), (fd, out))
OTHER_CALL(access, (const char *path, int how), (path, how))
OTHER_CALL(flock, (int fd, int how), (fd, how))
OTHER_CALL(fchmod, (int fd, mode_t mode), (fd, mode))
OTHER_CALL(fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
OTHER_CALL(getsockname, (int fd, __SOCKADDR_ARG out, socklen_t *len), (fd, out, len))
OTHER_CALL(getsockopt, (int fd, int level, int name, void *out, socklen_t *len),
           (fd, level, name, out, len))
OTHER_CALL(setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
           (fd, level, name, value, len))
OTHER_CALL(getentropy, (void *bytes, size_t len), (bytes, len))

EXPORT char *realpath(const char *path, char *out)
{
    NEXT(realpath);
    FAIL_HERE(OTHER, "realpath", NULL);
    return next(path, out);
}

/* It is closed all the same, as Linux does. */
EXPORT int close(int fd)
{
    NEXT(close);
    const int rc = next(fd);
    FAIL_HERE(OTHER, "close", -1);
    return rc;
}

/* The destructor does not run then. */
EXPORT void _exit(int code)
{
    tell_calls();
    (void)syscall(SYS_exit_group, code);
    __builtin_unreachable();
}

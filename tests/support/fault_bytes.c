/* Calls that move bytes, and those that make them last. */
#include "fault.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static mode_t kind_of(int fd)
{
    struct stat st;
    return syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 ? st.st_mode & S_IFMT : 0;
}

/* The class of a call on this descriptor; FAULT_CLASSES: none. Standard streams are nobody's files.
 */
static enum fault_class class_of(int fd, enum fault_class socket, enum fault_class file)
{
    if (!fault_counts(socket) && !fault_counts(file)) {
        return FAULT_CLASSES;
    }
    const int error = errno;
    const mode_t kind = kind_of(fd);
    errno = error;
    return kind == S_IFSOCK ? socket : kind == S_IFREG && fd > 2 ? file : FAULT_CLASSES;
}

/* As FAULT_HERE; FAULT_SHORT halves `len` instead. */
#define FAIL_BYTES(class, what, len)                                                               \
    do {                                                                                           \
        const int injected = fault_count(class, what, __builtin_return_address(0));                \
        if (injected == FAULT_SHORT) {                                                             \
            (len) = (len) / 2 + (len) % 2;                                                         \
        } else if (injected != 0) {                                                                \
            errno = injected;                                                                      \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

FAULT_EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    FAULT_NEXT(write);
    FAIL_BYTES(class_of(fd, FAULT_SEND, FAULT_WRITE), "write", len);
    return next(fd, bytes, len);
}

FAULT_EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    FAULT_NEXT(pwrite);
    FAIL_BYTES(class_of(fd, FAULT_SEND, FAULT_WRITE), "pwrite", len);
    return next(fd, bytes, len, offset);
}

FAULT_EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
    FAULT_NEXT(pwrite64);
    FAIL_BYTES(class_of(fd, FAULT_SEND, FAULT_WRITE), "pwrite64", len);
    return next(fd, bytes, len, offset);
}

FAULT_EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
    FAULT_NEXT(writev);
    FAIL_BYTES(class_of(fd, FAULT_SEND, FAULT_WRITE), "writev", n);
    return next(fd, parts, n);
}

FAULT_EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset)
{
    FAULT_NEXT(pwritev);
    FAIL_BYTES(class_of(fd, FAULT_SEND, FAULT_WRITE), "pwritev", n);
    return next(fd, parts, n, offset);
}

FAULT_EXPORT int ftruncate(int fd, off_t length)
{
    FAULT_NEXT(ftruncate);
    FAULT_HERE(class_of(fd, FAULT_SEND, FAULT_WRITE), "ftruncate", -1);
    return next(fd, length);
}

FAULT_EXPORT int ftruncate64(int fd, off64_t length)
{
    FAULT_NEXT(ftruncate64);
    FAULT_HERE(class_of(fd, FAULT_SEND, FAULT_WRITE), "ftruncate64", -1);
    return next(fd, length);
}

FAULT_EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
    FAULT_NEXT(fallocate);
    FAULT_HERE(class_of(fd, FAULT_SEND, FAULT_WRITE), "fallocate", -1);
    return next(fd, mode, offset, len);
}

FAULT_EXPORT ssize_t read(int fd, void *bytes, size_t len)
{
    FAULT_NEXT(read);
    FAIL_BYTES(class_of(fd, FAULT_RECV, FAULT_READ), "read", len);
    return next(fd, bytes, len);
}

FAULT_EXPORT ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
    FAULT_NEXT(pread);
    FAIL_BYTES(class_of(fd, FAULT_RECV, FAULT_READ), "pread", len);
    return next(fd, bytes, len, offset);
}

FAULT_EXPORT ssize_t pread64(int fd, void *bytes, size_t len, off64_t offset)
{
    FAULT_NEXT(pread64);
    FAIL_BYTES(class_of(fd, FAULT_RECV, FAULT_READ), "pread64", len);
    return next(fd, bytes, len, offset);
}

FAULT_EXPORT ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    FAULT_NEXT(send);
    FAIL_BYTES(FAULT_SEND, "send", len);
    return next(fd, bytes, len, flags);
}

FAULT_EXPORT ssize_t sendto(int fd, const void *bytes, size_t len, int flags,
                            __CONST_SOCKADDR_ARG to, socklen_t to_len)
{
    FAULT_NEXT(sendto);
    FAULT_HERE(FAULT_SEND, "sendto", -1);
    return next(fd, bytes, len, flags, to, to_len);
}

FAULT_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    FAULT_NEXT(sendmsg);
    FAULT_HERE(FAULT_SEND, "sendmsg", -1);
    return next(fd, message, flags);
}

FAULT_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags)
{
    FAULT_NEXT(sendmmsg);
    FAIL_BYTES(FAULT_SEND, "sendmmsg", n);
    return next(fd, messages, n, flags);
}

FAULT_EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t len)
{
    FAULT_NEXT(sendfile);
    FAIL_BYTES(class_of(to, FAULT_SEND, FAULT_WRITE), "sendfile", len);
    return next(to, from, offset, len);
}

FAULT_EXPORT ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    FAULT_NEXT(recv);
    FAIL_BYTES(FAULT_RECV, "recv", len);
    return next(fd, bytes, len, flags);
}

FAULT_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    FAULT_NEXT(recvmsg);
    FAULT_HERE(FAULT_RECV, "recvmsg", -1);
    return next(fd, message, flags);
}

FAULT_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags,
                          struct timespec *limit)
{
    FAULT_NEXT(recvmmsg);
    FAULT_HERE(FAULT_RECV, "recvmmsg", -1);
    return next(fd, messages, n, flags, limit);
}

/* ---- What makes bytes and names last. */

FAULT_CALL(FAULT_SYNC, fsync, (int fd), (fd))
FAULT_CALL(FAULT_SYNC, fdatasync, (int fd), (fd))
FAULT_CALL(FAULT_SYNC, syncfs, (int fd), (fd))
FAULT_CALL(FAULT_SYNC, sync_file_range, (int fd, off64_t offset, off64_t len, unsigned flags),
           (fd, offset, len, flags))

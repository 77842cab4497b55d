/* File bytes into a stream. */
#include "posix/tcp_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__linux__)

#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>

#define SEND_FILE_MOST (UINT64_C(1) << 30) /* What one sendfile() takes on every kernel. */

/* sendfile() has no MSG_NOSIGNAL: the signal is held back around it and taken away again. */
static ssize_t send_range(int fd, int file, uint64_t offset, uint64_t len)
{
    sigset_t pipe_set;
    sigset_t old_set;
    sigset_t pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_set, &old_set);
    off_t at = (off_t)offset;
    ssize_t put = sendfile(fd, file, &at, (size_t)(len < SEND_FILE_MOST ? len : SEND_FILE_MOST));
    const int number = errno;
    if (put < 0 && number == EPIPE && !was_pending) {
        const struct timespec at_once = {0};
        while (sigtimedwait(&pipe_set, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &old_set, NULL);
    errno = number;
    return put;
}

#else

static ssize_t send_range(int fd, int file, uint64_t offset, uint64_t len)
{
    uint8_t buf[65536];
    ssize_t got = pread(file, buf, (size_t)(len < sizeof buf ? len : sizeof buf), (off_t)offset);
    if (got <= 0) {
        return got;
    }
#if defined(MSG_NOSIGNAL)
    return send(fd, buf, (size_t)got, MSG_NOSIGNAL);
#else
    return send(fd, buf, (size_t)got, 0);
#endif
}

#endif

/* Errors of reading the file: the stream itself still stands. */
static bool is_files_fault(int number)
{
    return number == EIO || number == EINVAL || number == EBADF || number == EOVERFLOW;
}

ps_status ps_posix_streams_send_file(ps_posix_streams *t, ps_stream s, int file, uint64_t offset,
                                     uint64_t len, uint64_t *n)
{
    *n = 0;
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (!stream) {
        return PS_FAILED;
    }
    ps_status status = ps_posix_streams_settle(t, stream);
    if (status != PS_OK || len == 0) {
        return status;
    }
    if (stream->finished) {
        return ps_posix_fail(&t->error, EPIPE, "write after finish");
    }
    ssize_t put = send_range(stream->fd, file, offset, len);
    if (put == 0) {
        return ps_posix_fail(&t->error, 0, "the file became shorter");
    }
    if (put < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS) {
            return PS_AGAIN;
        }
        return is_files_fault(errno) ? ps_posix_fail(&t->error, errno, "read the file")
                                     : ps_posix_streams_break(t, stream, errno, "write");
    }
    *n = (uint64_t)put;
    return PS_OK;
}

/* Bytes over connections that are made, or being made. */
#include "posix/tcp_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define TCP_PARTS 16u /* Parts of one write that are handed to the system at a time. */

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* Where SO_NOSIGPIPE says it instead. */
#endif

static bool would_block(int number)
{
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

ps_status ps_posix_streams_break(ps_posix_streams *t, tcp_stream *stream, int number,
                                 const char *what)
{
    if (stream->broken == 0) {
        stream->broken = number != 0 ? number : EIO;
    }
    return ps_posix_fail(&t->error, stream->broken, what);
}

ps_status ps_posix_streams_settle(ps_posix_streams *t, tcp_stream *stream)
{
    if (stream->broken != 0) {
        return ps_posix_fail(&t->error, stream->broken, "stream");
    }
    if (!stream->connecting) {
        return PS_OK;
    }
    struct pollfd p = {.fd = stream->fd, .events = POLLIN | POLLOUT};
    if (poll(&p, 1, 0) <= 0 || p.revents == 0) {
        return PS_AGAIN;
    }
    int number = 0;
    socklen_t len = sizeof number;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &number, &len) != 0) {
        number = errno;
    }
    if (number != 0) {
        return ps_posix_streams_break(t, stream, number, "connect");
    }
    stream->connecting = false;
    if (stream->finishing) {
        stream->finishing = false;
        (void)shutdown(stream->fd, SHUT_WR);
    }
    return PS_OK;
}

ps_status ps_posix_streams_read(void *ctx, ps_stream s, void *buf, size_t cap, size_t *n)
{
    ps_posix_streams *t = ctx;
    *n = 0;
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (!stream) {
        return PS_FAILED;
    }
    ps_status status = ps_posix_streams_settle(t, stream);
    if (status != PS_OK && stream->connecting) {
        return status;
    }
    /* What arrived before a write found the connection broken can still be read. */
    ssize_t got = recv(stream->fd, buf, cap, 0);
    if (got < 0 && would_block(errno) && stream->broken == 0) {
        return PS_AGAIN;
    }
    if (got < 0 || (got == 0 && stream->broken != 0)) {
        return ps_posix_streams_break(t, stream, errno, "read");
    }
    *n = (size_t)got;
    return PS_OK;
}

ps_status ps_posix_streams_write(void *ctx, ps_stream s, const ps_span parts[], size_t count,
                                 size_t *n)
{
    ps_posix_streams *t = ctx;
    *n = 0;
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (!stream) {
        return PS_FAILED;
    }
    ps_status status = ps_posix_streams_settle(t, stream);
    if (status != PS_OK) {
        return status;
    }
    if (stream->finished) {
        return ps_posix_fail(&t->error, EPIPE, "write after finish");
    }
    struct iovec iov[TCP_PARTS];
    size_t used = 0;
    for (size_t i = 0; i < count && used < TCP_PARTS; i++) {
        if (parts[i].len > 0) {
            iov[used++] = (struct iovec){.iov_base = (void *)(uintptr_t)parts[i].data,
                                         .iov_len = parts[i].len};
        }
    }
    if (used == 0) {
        return PS_OK;
    }
    struct msghdr m = {.msg_iov = iov};
    m.msg_iovlen = used;
    ssize_t put = sendmsg(stream->fd, &m, MSG_NOSIGNAL);
    if (put < 0) {
        return would_block(errno) || errno == ENOBUFS
                   ? PS_AGAIN
                   : ps_posix_streams_break(t, stream, errno, "write");
    }
    *n = (size_t)put;
    return PS_OK;
}

ps_status ps_posix_streams_finish(void *ctx, ps_stream s)
{
    ps_posix_streams *t = ctx;
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (!stream) {
        return PS_FAILED;
    }
    ps_status status = ps_posix_streams_settle(t, stream);
    if (status == PS_FAILED) {
        return PS_FAILED;
    }
    stream->finished = true;
    if (status == PS_AGAIN) {
        stream->finishing = true; /* To shut a connection down while it is made would break it. */
        return PS_OK;
    }
    if (shutdown(stream->fd, SHUT_WR) != 0) {
        return ps_posix_streams_break(t, stream, errno, "finish");
    }
    return PS_OK;
}

uint32_t ps_posix_streams_ready(void *ctx, ps_stream s, uint32_t interest)
{
    ps_posix_streams *t = ctx;
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (!stream) {
        return PS_BROKEN;
    }
    ps_status status = ps_posix_streams_settle(t, stream);
    if (status != PS_OK && stream->connecting) {
        return status == PS_FAILED ? PS_BROKEN : 0;
    }
    struct pollfd p = {.fd = stream->fd, .events = POLLIN | POLLOUT};
    if (poll(&p, 1, 0) < 0) {
        return 0;
    }
    const bool broken = stream->broken != 0 || (p.revents & (POLLERR | POLLNVAL)) != 0;
    uint32_t now = 0;
    if ((p.revents & (POLLIN | POLLHUP)) != 0) {
        now |= PS_READABLE;
    }
    if ((p.revents & POLLOUT) != 0 && !stream->finished && !broken) {
        now |= PS_WRITABLE;
    }
    return (now & interest) | (broken ? PS_BROKEN : 0u);
}

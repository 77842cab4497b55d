/* TCP connections behind the stream contract. */
#include "posix/tcp_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_BACKLOG 256

typedef union tcp_name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} tcp_name;

/* What every stream's socket is: never blocking, not inherited, without delay for small frames. */
static bool set_options(int fd)
{
    const int on = 1;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return false;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#if defined(SO_NOSIGPIPE)
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return true;
}

tcp_stream *ps_posix_streams_find(ps_posix_streams *t, ps_stream s)
{
    uint64_t slot = s & ((UINT64_C(1) << TCP_SLOT_BITS) - 1);
    if (s != 0 && slot < t->used && t->slots[slot].name == s) {
        return &t->slots[slot];
    }
    (void)ps_posix_fail(&t->error, 0, "no such stream");
    return NULL;
}

static bool has_slot(ps_posix_streams *t)
{
    if (t->first_free != 0 || t->used < t->max) {
        return true;
    }
    (void)ps_posix_fail(&t->error, 0, "as many streams are open as may be");
    return false;
}

/* Takes a slot, of which has_slot() has told that there is one. */
static tcp_stream *take_slot(ps_posix_streams *t, int fd)
{
    uint32_t index = t->used;
    if (t->first_free != 0) {
        index = t->first_free - 1;
        t->first_free = t->slots[index].next_free;
    } else {
        t->used++;
    }
    t->serial++;
    t->slots[index] = (tcp_stream){.name = (t->serial << TCP_SLOT_BITS) | index, .fd = fd};
    return &t->slots[index];
}

/* Forgets a name; the socket stays open. */
static void free_slot(ps_posix_streams *t, tcp_stream *stream)
{
    stream->name = 0;
    stream->fd = -1;
    stream->next_free = t->first_free;
    t->first_free = (uint32_t)(stream - t->slots) + 1;
}

static ps_status dial(void *ctx, const ps_addr *to, ps_stream *out)
{
    ps_posix_streams *t = ctx;
    tcp_name name;
    socklen_t len = (socklen_t)ps_addr_to_sockaddr(to, &name.any);
    if (len == 0) {
        return ps_posix_fail(&t->error, EAFNOSUPPORT, "connect");
    }
    if (!has_slot(t)) {
        return PS_FAILED;
    }
    int fd = socket(name.any.sa_family, SOCK_STREAM, 0);
    if (fd < 0) {
        return ps_posix_fail(&t->error, errno, "socket");
    }
    if (!set_options(fd) ||
        (connect(fd, &name.any, len) != 0 && errno != EINPROGRESS && errno != EINTR)) {
        const int number = errno;
        close(fd);
        return ps_posix_fail_at(&t->error, number, "connect", to);
    }
    tcp_stream *stream = take_slot(t, fd);
    stream->connecting = true;
    *out = stream->name;
    return PS_OK;
}

/* Connections that ended while they waited concern nobody. */
static bool is_gone(int number)
{
    return number == ECONNABORTED || number == EINTR || number == EPROTO;
}

static ps_status accept_one(void *ctx, ps_stream *out, ps_addr *from)
{
    ps_posix_streams *t = ctx;
    if (t->listener < 0) {
        return PS_AGAIN;
    }
    if (!has_slot(t)) {
        return PS_FAILED;
    }
    tcp_name name;
    int fd = -1;
    do {
        socklen_t len = sizeof name;
        fd = accept(t->listener, &name.any, &len);
    } while (fd < 0 && is_gone(errno));
    if (fd < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? PS_AGAIN
                                                       : ps_posix_fail(&t->error, errno, "accept");
    }
    if (!set_options(fd)) {
        const int number = errno;
        close(fd);
        return ps_posix_fail(&t->error, number, "accept");
    }
    (void)ps_addr_from_sockaddr(&name.any, from);
    *out = take_slot(t, fd)->name;
    return PS_OK;
}

static void close_stream(void *ctx, ps_stream s)
{
    ps_posix_streams *t = ctx;
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (stream) {
        close(stream->fd);
        free_slot(t, stream);
    }
}

static ps_addr listener(void *ctx)
{
    const ps_posix_streams *t = ctx;
    return t->listener_addr;
}

ps_stream_transport ps_posix_streams_transport(ps_posix_streams *streams)
{
    return (ps_stream_transport){.ctx = streams,
                                 .dial = dial,
                                 .accept = accept_one,
                                 .read = ps_posix_streams_read,
                                 .write = ps_posix_streams_write,
                                 .finish = ps_posix_streams_finish,
                                 .close = close_stream,
                                 .ready = ps_posix_streams_ready,
                                 .listener = listener};
}

static ps_status open_listener(ps_posix_streams *t, const ps_addr *listen_at, ps_posix_error *why)
{
    const int on = 1;
    tcp_name name;
    socklen_t len = (socklen_t)ps_addr_to_sockaddr(listen_at, &name.any);
    if (len == 0) {
        return ps_posix_fail(why, EAFNOSUPPORT, "listen");
    }
    t->listener = socket(name.any.sa_family, SOCK_STREAM, 0);
    if (t->listener < 0 || !set_options(t->listener)) {
        return ps_posix_fail(why, errno, "socket");
    }
    if (listen_at->family == PS_ADDR_V6 &&
        setsockopt(t->listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
        return ps_posix_fail(why, errno, "setsockopt IPV6_V6ONLY");
    }
    /* A restart must not wait for the connections of the last run to time out. */
    (void)setsockopt(t->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(t->listener, &name.any, len) != 0 || listen(t->listener, TCP_BACKLOG) != 0) {
        return ps_posix_fail_at(why, errno, "listen", listen_at);
    }
    len = sizeof name;
    if (getsockname(t->listener, &name.any, &len) != 0) {
        return ps_posix_fail(why, errno, "getsockname");
    }
    (void)ps_addr_from_sockaddr(&name.any, &t->listener_addr);
    return PS_OK;
}

ps_status ps_posix_streams_open(const ps_addr *listen_at, uint32_t max_streams,
                                ps_posix_streams **out, ps_posix_error *why)
{
    if (!out || max_streams == 0 || max_streams > 1u << 20) {
        return PS_INVALID;
    }
    ps_posix_streams *t = calloc(1, sizeof *t + max_streams * sizeof t->slots[0]);
    if (!t) {
        return ps_posix_fail(why, ENOMEM, "streams");
    }
    t->listener = -1;
    t->max = max_streams;
    if (listen_at && open_listener(t, listen_at, why) != PS_OK) {
        ps_posix_streams_close(t);
        return PS_FAILED;
    }
    *out = t;
    return PS_OK;
}

void ps_posix_streams_close(ps_posix_streams *t)
{
    if (!t) {
        return;
    }
    for (uint32_t i = 0; i < t->used; i++) {
        if (t->slots[i].name != 0) {
            close(t->slots[i].fd);
        }
    }
    if (t->listener >= 0) {
        close(t->listener);
    }
    free(t);
}

int ps_posix_streams_listener_fd(const ps_posix_streams *t)
{
    return t->listener;
}

int ps_posix_streams_fd(const ps_posix_streams *t, ps_stream s)
{
    uint64_t slot = s & ((UINT64_C(1) << TCP_SLOT_BITS) - 1);
    return s != 0 && slot < t->used && t->slots[slot].name == s ? t->slots[slot].fd : -1;
}

const ps_posix_error *ps_posix_streams_error(const ps_posix_streams *t)
{
    return &t->error;
}

int ps_posix_streams_release(ps_posix_streams *t, ps_stream s)
{
    tcp_stream *stream = ps_posix_streams_find(t, s);
    if (!stream) {
        return -1;
    }
    const int fd = stream->fd;
    free_slot(t, stream);
    return fd;
}

ps_status ps_posix_streams_adopt(ps_posix_streams *t, int socket, ps_stream *out)
{
    if (!has_slot(t)) {
        return PS_FAILED;
    }
    if (!set_options(socket)) {
        return ps_posix_fail(&t->error, errno, "adopt");
    }
    tcp_stream *stream = take_slot(t, socket);
    stream->connecting = true; /* It may be: the first use finds out. */
    *out = stream->name;
    return PS_OK;
}

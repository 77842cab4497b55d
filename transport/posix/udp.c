/* Opens and closes the sockets of the UDP adapter. */
#include "posix/udp_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ps_posix_udp_is_fatal(int number)
{
    return number == EBADF || number == ENOTSOCK || number == EFAULT;
}

static bool is_wildcard(const ps_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

/* Asks to be told which local address each datagram was sent to. Without it the system chooses the
 * source of answers, which is right on machines with one address. */
static void ask_packet_info(int fd, uint8_t family)
{
    const int on = 1;
    (void)on;
    if (family == PS_ADDR_V4) {
#if defined(IP_PKTINFO)
        (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
#endif
    } else {
#if defined(IPV6_RECVPKTINFO)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
#endif
    }
}

static bool set_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static ps_status open_socket(ps_posix_udp *udp, const ps_addr *listen, int buffer_bytes,
                             ps_posix_error *why)
{
    const int on = 1;
    udp_name name;
    socklen_t name_len = (socklen_t)ps_addr_to_sockaddr(listen, &name.any);
    if (name_len == 0) {
        return ps_posix_fail(why, EAFNOSUPPORT, "bind");
    }
    int fd = socket(name.any.sa_family, SOCK_DGRAM, 0);
    if (fd < 0) {
        return ps_posix_fail(why, errno, "socket");
    }
    const uint32_t index = udp->sockets++;
    udp->fds[index] = fd;
    if (!set_flags(fd)) {
        return ps_posix_fail(why, errno, "fcntl");
    }
    if (listen->family == PS_ADDR_V6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
        return ps_posix_fail(why, errno, "setsockopt IPV6_V6ONLY");
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    if (bind(fd, &name.any, name_len) != 0) {
        return ps_posix_fail_at(why, errno, "bind", listen);
    }
    name_len = sizeof name;
    udp_endpoint *endpoint = &udp->endpoints[udp->endpoints_len++];
    if (getsockname(fd, &name.any, &name_len) != 0 ||
        !ps_addr_from_sockaddr(&name.any, &endpoint->local)) {
        return ps_posix_fail_at(why, errno, "getsockname", listen);
    }
    endpoint->socket = index;
    udp->wildcard[index] = is_wildcard(listen);
    if (udp->wildcard[index]) {
        ask_packet_info(fd, listen->family);
    }
    return PS_OK;
}

/* Ties the parts of a batch together. */
static void tie(udp_batch *batch)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        struct msghdr *m = &batch->messages[i].msg_hdr;
        m->msg_name = &batch->names[i];
        m->msg_iov = &batch->parts[i];
        m->msg_iovlen = 1;
    }
}

ps_status ps_posix_udp_open(const ps_addr listen[], size_t count,
                            const ps_posix_udp_options *options, ps_posix_udp **out,
                            ps_posix_error *why)
{
    if (!listen || !out || count == 0 || count > UDP_SOCKETS ||
        (options && (options->size != sizeof *options || options->buffer_bytes > INT32_MAX))) {
        return PS_INVALID;
    }
    ps_posix_udp *udp = aligned_alloc(64, sizeof *udp);
    if (!udp) {
        return ps_posix_fail(why, ENOMEM, "datagram buffers");
    }
    memset(udp, 0, sizeof *udp);
    udp->plain = !UDP_BATCHES || (options && options->plain_calls);
    tie(&udp->rx);
    tie(&udp->tx);
    for (size_t i = 0; i < UDP_BATCH; i++) {
        udp->rx.parts[i] = (struct iovec){.iov_base = udp->buffers[i], .iov_len = UDP_ROOM};
    }
    const uint32_t asked = options ? options->buffer_bytes : 0;
    const int buffer_bytes = asked != 0 ? (int)asked : 4 << 20;
    for (size_t i = 0; i < count; i++) {
        if (open_socket(udp, &listen[i], buffer_bytes, why) != PS_OK) {
            ps_posix_udp_close(udp);
            return PS_FAILED;
        }
    }
    *out = udp;
    return PS_OK;
}

void ps_posix_udp_close(ps_posix_udp *udp)
{
    if (!udp) {
        return;
    }
    for (uint32_t i = 0; i < udp->sockets; i++) {
        close(udp->fds[i]);
    }
    free(udp);
}

static uint64_t now_us(void *ctx)
{
    (void)ctx;
    return ps_posix_now_us();
}

static uint64_t wall_s(void *ctx)
{
    (void)ctx;
    return ps_posix_wall_s();
}

static ps_status entropy(void *ctx, void *buf, size_t len)
{
    ps_posix_udp *udp = ctx;
    return ps_posix_entropy(buf, len) == PS_OK ? PS_OK
                                               : ps_posix_fail(&udp->error, errno, "getentropy");
}

static size_t endpoints(void *ctx, ps_addr out[], size_t cap)
{
    const ps_posix_udp *udp = ctx;
    for (size_t i = 0; i < udp->sockets && i < cap; i++) {
        out[i] = udp->endpoints[i].local;
    }
    return udp->sockets;
}

ps_transport ps_posix_udp_transport(ps_posix_udp *udp)
{
    return (ps_transport){.ctx = udp,
                          .receive = ps_posix_udp_receive,
                          .send = ps_posix_udp_send,
                          .now_us = now_us,
                          .wall_s = wall_s,
                          .entropy = entropy,
                          .endpoints = endpoints};
}

int ps_posix_udp_fd(const ps_posix_udp *udp, size_t index)
{
    return index < udp->sockets ? udp->fds[index] : -1;
}

const ps_posix_error *ps_posix_udp_error(const ps_posix_udp *udp)
{
    return &udp->error;
}

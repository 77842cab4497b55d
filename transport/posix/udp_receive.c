/* Receives datagrams in batches. */
#include "posix/udp_internal.h"

#include <errno.h>
#include <string.h>

/* Errors of single peers that one call skips before it lets the others have their turn. */
#define RECEIVE_TRIES 16u

/* Both give the number of messages, at least one, or -1 with errno. */
static int receive_plain(int fd, udp_message messages[], unsigned cap)
{
    unsigned n = 0;
    while (n < cap) {
        ssize_t got = recvmsg(fd, &messages[n].msg_hdr, 0);
        if (got < 0) {
            return n > 0 ? (int)n : -1;
        }
        messages[n++].msg_len = (unsigned)got;
    }
    return (int)n;
}

static int receive_messages(const ps_posix_udp *udp, int fd, udp_message messages[], unsigned cap)
{
#if UDP_BATCHES
    if (!udp->plain) {
        return (int)recvmmsg(fd, messages, cap, 0, NULL);
    }
#endif
    (void)udp;
    return receive_plain(fd, messages, cap);
}

/* The system overwrites these lengths, so they are set anew for each call. */
static void prepare(ps_posix_udp *udp, size_t at, size_t count, bool control)
{
    for (size_t i = at; i < at + count; i++) {
        struct msghdr *m = &udp->rx.messages[i].msg_hdr;
        m->msg_namelen = sizeof(udp_name);
        m->msg_control = control ? udp->rx.controls[i].bytes : NULL;
        m->msg_controllen = control ? UDP_CONTROL : 0;
    }
}

/* The local address that a datagram was sent to. False: not told, or not one to answer from. */
static bool local_address(struct msghdr *m, ps_addr *local)
{
    *local = (ps_addr){0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
#if defined(IP_PKTINFO)
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(local->ip, &info.ipi_spec_dst, 4);
            local->family = PS_ADDR_V4;
            return true;
        }
#endif
#if defined(IPV6_PKTINFO)
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(local->ip, &info.ipi6_addr, 16);
            local->family = PS_ADDR_V6;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
                local->scope = (uint32_t)info.ipi6_ifindex;
            }
            return !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
        }
#endif
    }
    return false;
}

/* The endpoint of a wildcard socket that answers from where the datagram was sent to: a known one,
 * or a new one while there is room, or the socket's own. */
static uint32_t learn(ps_posix_udp *udp, uint32_t socket, struct msghdr *m)
{
    ps_addr local;
    if (!local_address(m, &local)) {
        return socket;
    }
    local.port = udp->endpoints[socket].local.port;
    const udp_endpoint *recent = &udp->endpoints[udp->recent];
    if (recent->socket == socket && memcmp(&recent->local, &local, sizeof local) == 0) {
        return udp->recent;
    }
    for (uint32_t i = udp->sockets; i < udp->endpoints_len; i++) {
        const udp_endpoint *e = &udp->endpoints[i];
        if (e->socket == socket && memcmp(&e->local, &local, sizeof local) == 0) {
            udp->recent = i;
            return i;
        }
    }
    if (udp->endpoints_len == udp->sockets + UDP_LEARNED) {
        return socket;
    }
    udp->recent = udp->endpoints_len++;
    udp->endpoints[udp->recent] = (udp_endpoint){.socket = socket, .local = local};
    return udp->recent;
}

/* Takes what one socket has into in[at ..). @return how many; 0 with *failed where it is dead. */
static size_t receive_socket(ps_posix_udp *udp, uint32_t socket, ps_input in[], size_t at,
                             size_t count, bool *failed)
{
    const bool wildcard = udp->wildcard[socket];
    udp_message *messages = &udp->rx.messages[at];
    int got = -1;
    for (unsigned tries = 0; got < 0; tries++) {
        prepare(udp, at, count, wildcard);
        got = receive_messages(udp, udp->fds[socket], messages, (unsigned)count);
        if (got < 0 && ps_posix_udp_is_fatal(errno)) {
            (void)ps_posix_fail_at(&udp->error, errno, "receive", &udp->endpoints[socket].local);
            *failed = true;
            return 0;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || tries == RECEIVE_TRIES)) {
            return 0;
        }
    }
    for (size_t i = at; i < at + (size_t)got; i++) {
        ps_input_datagram *d = &in[i].u.datagram;
        (void)ps_addr_from_sockaddr(&udp->rx.names[i].any, &d->from);
        d->data = udp->buffers[i];
        d->len = udp->rx.messages[i].msg_len;
        d->endpoint = wildcard ? learn(udp, socket, &udp->rx.messages[i].msg_hdr) : socket;
    }
    return (size_t)got;
}

ps_status ps_posix_udp_receive(void *ctx, ps_input in[], size_t cap, size_t *n)
{
    ps_posix_udp *udp = ctx;
    const size_t limit = cap < UDP_BATCH ? cap : UDP_BATCH;
    bool failed = false;
    size_t taken = 0;
    for (uint32_t i = 0; i < udp->sockets && taken < limit; i++) {
        const uint32_t socket = (udp->turn + i) % udp->sockets;
        taken += receive_socket(udp, socket, in, taken, limit - taken, &failed);
    }
    udp->turn = (udp->turn + 1) % udp->sockets;
    *n = taken;
    if (taken == 0) {
        return failed ? PS_FAILED : PS_AGAIN;
    }
    const uint64_t now = ps_posix_now_us();
    for (size_t i = 0; i < taken; i++) {
        in[i].now_us = now;
        in[i].type = PS_INPUT_DATAGRAM;
    }
    return PS_OK;
}

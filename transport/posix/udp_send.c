/* Sends datagrams in batches. */
#include "posix/udp_internal.h"

#include <errno.h>
#include <string.h>

/* Both give the number of messages, at least one, or -1 with errno for the first. */
static int send_plain(int fd, udp_message messages[], unsigned count)
{
    unsigned n = 0;
    while (n < count) {
        if (sendmsg(fd, &messages[n].msg_hdr, 0) < 0) {
            return n > 0 ? (int)n : -1;
        }
        n++;
    }
    return (int)n;
}

static int send_messages(const ps_posix_udp *udp, int fd, udp_message messages[], unsigned count)
{
#if UDP_BATCHES
    if (!udp->plain) {
        return (int)sendmmsg(fd, messages, count, 0);
    }
#endif
    (void)udp;
    return send_plain(fd, messages, count);
}

/* Makes the datagram leave from the address of its endpoint. */
static void set_source(struct msghdr *m, udp_control *control, const ps_addr *local)
{
    memset(control, 0, sizeof *control);
    m->msg_control = control->bytes;
    m->msg_controllen = sizeof control->bytes;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (local->family == PS_ADDR_V4) {
#if defined(IP_PKTINFO)
        struct in_pktinfo info;
        memset(&info, 0, sizeof info);
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        m->msg_controllen = CMSG_SPACE(sizeof info);
#endif
    } else {
#if defined(IPV6_PKTINFO)
        struct in6_pktinfo info;
        memset(&info, 0, sizeof info);
        memcpy(&info.ipi6_addr, local->ip, 16);
        info.ipi6_ifindex = local->scope;
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        m->msg_controllen = CMSG_SPACE(sizeof info);
#endif
    }
}

static void prepare(ps_posix_udp *udp, size_t i, const uint8_t *slab, const ps_datagram *dg)
{
    struct msghdr *m = &udp->tx.messages[i].msg_hdr;
    /* sendmsg() only reads, but its iovec has no const. */
    udp->tx.parts[i] =
        (struct iovec){.iov_base = (void *)(uintptr_t)(slab + dg->offset), .iov_len = dg->len};
    m->msg_namelen = (socklen_t)ps_addr_to_sockaddr(&dg->to, &udp->tx.names[i].any);
    m->msg_control = NULL;
    m->msg_controllen = 0;
    if (dg->endpoint >= udp->sockets) {
        set_source(m, &udp->tx.controls[i], &udp->endpoints[dg->endpoint].local);
    }
}

/* How many of the datagrams leave through the same socket as the first, at most a batch. */
static size_t run_length(const ps_posix_udp *udp, const ps_datagram dg[], size_t n)
{
    const uint32_t socket = udp->endpoints[dg[0].endpoint].socket;
    size_t run = 1;
    while (run < n && run < UDP_BATCH && dg[run].endpoint < udp->endpoints_len &&
           udp->endpoints[dg[run].endpoint].socket == socket) {
        run++;
    }
    return run;
}

ps_status ps_posix_udp_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                            size_t *sent)
{
    ps_posix_udp *udp = ctx;
    size_t at = 0;
    *sent = 0;
    while (at < n) {
        if (dg[at].endpoint >= udp->endpoints_len) {
            return ps_posix_fail(&udp->error, 0, "send: no such endpoint");
        }
        const size_t run = run_length(udp, dg + at, n - at);
        const int fd = udp->fds[udp->endpoints[dg[at].endpoint].socket];
        for (size_t i = 0; i < run; i++) {
            prepare(udp, i, slab, &dg[at + i]);
        }
        int taken = send_messages(udp, fd, udp->tx.messages, (unsigned)run);
        if (taken < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return PS_AGAIN;
            }
            if (ps_posix_udp_is_fatal(errno)) {
                return ps_posix_fail(&udp->error, errno, "send");
            }
            taken = 1; /* Refused for itself: lost, as datagrams may be. */
        }
        at += (size_t)taken;
        *sent = at;
    }
    return PS_OK;
}

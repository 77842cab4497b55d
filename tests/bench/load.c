#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEGMENTS 32u
#define RECEIVE  256u
/* Idle rounds after which what is still in flight counts as lost. */
#define PATIENCE 200000u

#if !defined(UDP_SEGMENT)
#define UDP_SEGMENT 103
#endif

static struct sockaddr_in name_of(const ps_addr *addr)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
    memcpy(&name.sin_addr, addr->ip, 4);
    return name;
}

void bench_load_open(bench_load *load)
{
    const ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    struct sockaddr_in name = name_of(&any);
    socklen_t len = sizeof name;
    const int room = 4 << 20;
    load->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (load->fd < 0 || bind(load->fd, (struct sockaddr *)&name, sizeof name) != 0 ||
        getsockname(load->fd, (struct sockaddr *)&name, &len) != 0) {
        perror("bench: socket");
        exit(1);
    }
    (void)setsockopt(load->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)setsockopt(load->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    load->local = any;
    load->local.port = ntohs(name.sin_port);
}

void bench_load_close(bench_load *load)
{
    close(load->fd);
}

/* One batch of requests: as segments of one buffer, or one by one. @return how many were taken. */
static unsigned send_batch(bench_load *load, uint8_t *bytes, bool *segmented)
{
    struct sockaddr_in name = name_of(&load->target);
    if (*segmented) {
        const uint16_t size = BENCH_HEARTBEAT;
        struct iovec part = {.iov_base = bytes, .iov_len = (size_t)SEGMENTS * BENCH_HEARTBEAT};
        _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof size)];
        struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &part};
        m.msg_iovlen = 1;
        m.msg_control = control;
        m.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = IPPROTO_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(c), &size, sizeof size);
        if (sendmsg(load->fd, &m, 0) > 0) {
            return SEGMENTS;
        }
        *segmented = false;
    }
    unsigned n = 0;
    while (n < SEGMENTS && sendto(load->fd, bytes + n * BENCH_HEARTBEAT, BENCH_HEARTBEAT, 0,
                                  (struct sockaddr *)&name, sizeof name) > 0) {
        n++;
    }
    return n;
}

static void *run(void *arg)
{
    bench_load *load = arg;
    static uint8_t bytes[SEGMENTS * BENCH_HEARTBEAT];
    static uint8_t sink[RECEIVE][128];
    static struct mmsghdr messages[RECEIVE];
    static struct iovec parts[RECEIVE];
    uint32_t next = 0;
    uint64_t waiting = 0;
    uint32_t idle = 0;
    bool segmented = true;
    bench_pin(1);
    for (size_t i = 0; i < RECEIVE; i++) {
        parts[i] = (struct iovec){.iov_base = sink[i], .iov_len = sizeof sink[i]};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (!atomic_load_explicit(&load->stop, memory_order_relaxed)) {
        while (waiting + SEGMENTS <= load->in_flight) {
            for (unsigned i = 0; i < SEGMENTS; i++) {
                bench_heartbeat(load->crypto, bytes + i * BENCH_HEARTBEAT, &load->clients[next],
                                load->counter);
                next = (next + 1) % load->clients_len;
                load->counter += next == 0 ? 1 : 0;
            }
            const unsigned taken = send_batch(load, bytes, &segmented);
            waiting += taken;
            load->sent += taken;
            if (taken == 0) {
                break;
            }
        }
        int got = recvmmsg(load->fd, messages, RECEIVE, 0, NULL);
        if (got > 0) {
            load->answered += (uint64_t)got;
            waiting -= (uint64_t)got < waiting ? (uint64_t)got : waiting;
            idle = 0;
        } else if (++idle == PATIENCE) {
            waiting = 0;
            idle = 0;
        }
    }
    return NULL;
}

void bench_load_start(bench_load *load)
{
    atomic_store(&load->stop, false);
    load->sent = load->answered = 0;
    if (pthread_create(&load->thread, NULL, run, load) != 0) {
        fprintf(stderr, "bench: no thread\n");
        exit(1);
    }
}

void bench_load_stop(bench_load *load)
{
    atomic_store(&load->stop, true);
    (void)pthread_join(load->thread, NULL);
}

void bench_served_loop(bench_served *s, uint64_t start_ns, uint64_t end_ns, size_t requests)
{
    s->loops++;
    s->requests += requests;
    if (requests == 0) {
        s->idle_ns += end_ns - start_ns;
    }
}

#include "echo.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64u
#define ROOM  1280u

int bench_echo_open(ps_addr *at)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof name;
    const int room = 4 << 20;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &len) != 0) {
        perror("bench: socket");
        exit(1);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    *at = (ps_addr){.ip = {127, 0, 0, 1}, .port = ntohs(name.sin_port), .family = PS_ADDR_V4};
    return fd;
}

bench_served bench_echo_run(int fd, size_t answer, uint64_t run_ns)
{
    static uint8_t bytes[BATCH][ROOM];
    static struct sockaddr_in names[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    bench_served s = {0};
    const uint64_t start_ns = bench_wall_ns();
    const uint64_t start_cpu_ns = bench_cpu_ns();
    uint64_t now_ns = start_ns;
    while (now_ns - start_ns < run_ns) {
        for (size_t i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = ROOM};
            messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                                  .msg_namelen = sizeof names[i],
                                                  .msg_iov = &parts[i],
                                                  .msg_iovlen = 1};
        }
        int got = recvmmsg(fd, messages, BATCH, 0, NULL);
        for (int i = 0; i < got; i++) {
            parts[i].iov_len = answer;
        }
        for (int sent = 0; sent < got;) {
            int n = sendmmsg(fd, messages + sent, (unsigned)(got - sent), 0);
            sent += n > 0 ? n : 1;
        }
        const uint64_t end_ns = bench_wall_ns();
        bench_served_loop(&s, now_ns, end_ns, got > 0 ? (size_t)got : 0);
        now_ns = end_ns;
    }
    s.wall_ns = now_ns - start_ns;
    s.cpu_ns = bench_cpu_ns() - start_cpu_ns;
    return s;
}

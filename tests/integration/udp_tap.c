/* Stands between peers and a server on loopback and writes every datagram of both directions to a
 * file, one after another. Prints its own port. Usage: udp_tap SERVER_PORT FILE */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS_MAX = 32 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int on_loopback(uint16_t port, struct sockaddr_in *addr, int how_bound)
{
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || (how_bound ? bind(fd, (struct sockaddr *)addr, sizeof *addr)
                             : connect(fd, (struct sockaddr *)addr, sizeof *addr)) != 0) {
        die("socket");
    }
    return fd;
}

/* Which of the peers this is; a new one gets a socket of its own towards the server. */
static int peer_of(struct sockaddr_in peers[], struct pollfd fds[], int *len, uint16_t server,
                   const struct sockaddr_in *from)
{
    struct sockaddr_in unused;
    for (int i = 1; i < *len; i++) {
        if (peers[i].sin_port == from->sin_port) {
            return i;
        }
    }
    if (*len == PEERS_MAX) {
        die("too many peers");
    }
    peers[*len] = *from;
    fds[*len] = (struct pollfd){.fd = on_loopback(server, &unused, 0), .events = POLLIN};
    return (*len)++;
}

int main(int argc, char **argv)
{
    struct sockaddr_in own, peers[PEERS_MAX];
    struct pollfd fds[PEERS_MAX];
    socklen_t size = sizeof own;
    int len = 1;
    uint8_t bytes[2048];
    if (argc != 3) {
        return 2;
    }
    const uint16_t server = (uint16_t)atoi(argv[1]);
    FILE *file = fopen(argv[2], "wb");
    fds[0] = (struct pollfd){.fd = on_loopback(0, &own, 1), .events = POLLIN};
    if (file == NULL || getsockname(fds[0].fd, (struct sockaddr *)&own, &size) != 0) {
        die(argv[2]);
    }
    printf("%u\n", (unsigned)ntohs(own.sin_port));
    (void)fflush(stdout);
    while (poll(fds, (nfds_t)len, -1) > 0) {
        for (int i = 0; i < len; i++) {
            struct sockaddr_in from;
            size = sizeof from;
            if ((fds[i].revents & (POLLIN | POLLERR)) == 0) {
                continue;
            }
            const ssize_t n =
                recvfrom(fds[i].fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
            if (n < 0) {
                continue; /* The server is away. */
            }
            (void)fwrite(bytes, 1, (size_t)n, file);
            (void)fflush(file);
            if (i == 0) {
                const int peer = peer_of(peers, fds, &len, server, &from);
                (void)send(fds[peer].fd, bytes, (size_t)n, 0);
            } else {
                (void)sendto(fds[0].fd, bytes, (size_t)n, 0, (struct sockaddr *)&peers[i],
                             sizeof peers[i]);
            }
        }
    }
    return 1;
}

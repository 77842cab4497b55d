/* The insides of the UDP adapter, shared by udp.c (sockets), udp_receive.c and udp_send.c. */
#ifndef PS_POSIX_UDP_INTERNAL_H
#define PS_POSIX_UDP_INTERNAL_H

#include "posix/error.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define UDP_SOCKETS 16u /* Bound addresses. */
#define UDP_LEARNED 64u /* Further endpoints of wildcard sockets. */
#define UDP_BATCH   64u
/* One byte more than a datagram may have: what fills it was longer. Rounded up to cache lines. */
#define UDP_ROOM    (PS_DATAGRAM_MAX + 1u)
#define UDP_STRIDE  ((UDP_ROOM + 63u) & ~63u)
#define UDP_CONTROL 64u /* Holds either family's packet information. */

#if defined(__linux__) || defined(__FreeBSD__)
#define UDP_BATCHES 1
typedef struct mmsghdr udp_message;
#else
#define UDP_BATCHES 0
typedef struct udp_message {
    struct msghdr msg_hdr;
    unsigned int msg_len;
} udp_message;
#endif

typedef union udp_name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} udp_name;

typedef struct udp_control {
    _Alignas(struct cmsghdr) uint8_t bytes[UDP_CONTROL];
} udp_control;

/* The system's view of a batch; pointers between the parts are tied once at open. */
typedef struct udp_batch {
    udp_message messages[UDP_BATCH];
    struct iovec parts[UDP_BATCH];
    udp_name names[UDP_BATCH];
    udp_control controls[UDP_BATCH];
} udp_batch;

/* Endpoints 0 .. sockets - 1 are the bound ones; the learned ones follow and send from `local`. */
typedef struct udp_endpoint {
    uint32_t socket;
    ps_addr local;
} udp_endpoint;

struct ps_posix_udp {
    int fds[UDP_SOCKETS];
    bool wildcard[UDP_SOCKETS];
    bool plain;
    uint32_t sockets;
    uint32_t endpoints_len;
    uint32_t recent; /* The learned endpoint that the last datagram had. */
    uint32_t turn;   /* The socket that is asked first next time. */
    udp_endpoint endpoints[UDP_SOCKETS + UDP_LEARNED];
    ps_posix_error error;
    udp_batch rx;
    udp_batch tx;
    _Alignas(64) uint8_t buffers[UDP_BATCH][UDP_STRIDE];
};

ps_status ps_posix_udp_receive(void *ctx, ps_input in[], size_t cap, size_t *n);
ps_status ps_posix_udp_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                            size_t *sent);

/* True where an error number means that the socket itself is of no use any more; every other one
 * concerns a single datagram or passes by itself. */
bool ps_posix_udp_is_fatal(int number);

#endif

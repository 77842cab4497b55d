/* The POSIX adapter keeps the transports' contract, over loopback, with batches and without. */
#include "conformance.h"
#include "peersync/posix.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct world {
    ps_posix_udp *udp[CONFORMANCE_NODES];
    ps_posix_streams *tcp[CONFORMANCE_NODES];
    ps_transport datagrams[CONFORMANCE_NODES];
    ps_stream_transport streams[CONFORMANCE_NODES];
    int nobody; /* Bound to a port, so that nobody else gets it, and never listening. */
    ps_addr nobody_addr;
} world;

static bool plain_calls;
static const char *listen_text;

static void close_world(void *ctx)
{
    world *w = ctx;
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        ps_posix_udp_close(w->udp[i]);
        ps_posix_streams_close(w->tcp[i]);
    }
    if (w->nobody >= 0) {
        close(w->nobody);
    }
    free(w);
}

static bool open_nobody(world *w, const ps_addr *any)
{
    struct sockaddr_storage name;
    struct sockaddr *at = (struct sockaddr *)&name;
    socklen_t len = (socklen_t)ps_addr_to_sockaddr(any, at);
    w->nobody = socket(at->sa_family, SOCK_STREAM, 0);
    return w->nobody >= 0 && bind(w->nobody, at, len) == 0 &&
           getsockname(w->nobody, at, &len) == 0 && ps_addr_from_sockaddr(at, &w->nobody_addr);
}

static void *open_world(void)
{
    world *w = calloc(1, sizeof *w);
    if (!w) {
        return NULL;
    }
    ps_addr any[2];
    const ps_posix_udp_options options = {.size = sizeof options, .plain_calls = plain_calls};
    bool ok = ps_addr_parse(listen_text, &any[0]);
    any[1] = any[0];
    ok = ok && open_nobody(w, any);
    for (unsigned i = 0; ok && i < CONFORMANCE_NODES; i++) {
        ok = ps_posix_udp_open(any, i == 0 ? 2 : 1, &options, &w->udp[i], NULL) == PS_OK &&
             ps_posix_streams_open(any, 64, &w->tcp[i], NULL) == PS_OK;
        if (ok) {
            w->datagrams[i] = ps_posix_udp_transport(w->udp[i]);
            w->streams[i] = ps_posix_streams_transport(w->tcp[i]);
        }
    }
    if (!ok) {
        close_world(w);
        return NULL;
    }
    return w;
}

static const ps_transport *datagrams(void *ctx, unsigned node)
{
    return &((world *)ctx)->datagrams[node];
}

static const ps_stream_transport *streams(void *ctx, unsigned node)
{
    return &((world *)ctx)->streams[node];
}

static ps_addr nobody(void *ctx)
{
    return ((world *)ctx)->nobody_addr;
}

/* Until a datagram or a connection arrives. Streams are not in the set: at worst a change there is
 * seen a millisecond late. */
static void wait_world(void *ctx)
{
    const world *w = ctx;
    struct pollfd p[2 * CONFORMANCE_NODES + 1];
    nfds_t n = 0;
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        p[n++] = (struct pollfd){.fd = ps_posix_udp_fd(w->udp[i], 0), .events = POLLIN};
        p[n++] = (struct pollfd){.fd = ps_posix_streams_listener_fd(w->tcp[i]), .events = POLLIN};
    }
    p[n++] = (struct pollfd){.fd = ps_posix_udp_fd(w->udp[0], 1), .events = POLLIN};
    (void)poll(p, n, 1);
}

static int run(const char *name, const char *listen, bool plain)
{
    const conformance_adapter adapter = {
        .name = name,
        .ordered = true,
        .open = open_world,
        .close = close_world,
        .datagrams = datagrams,
        .streams = streams,
        .nobody = nobody,
        .wait = wait_world,
    };
    listen_text = listen;
    plain_calls = plain;
    return conformance_run(&adapter);
}

/* A machine without IPv6 on loopback cannot be asked about it. */
static bool has_v6(void)
{
    ps_addr any;
    ps_posix_udp *udp = NULL;
    if (!ps_addr_parse("[::1]:0", &any) || ps_posix_udp_open(&any, 1, NULL, &udp, NULL) != PS_OK) {
        return false;
    }
    ps_posix_udp_close(udp);
    return true;
}

int main(void)
{
    int failed = run("posix", "127.0.0.1:0", false);
    failed += run("posix, plain calls", "127.0.0.1:0", true);
    if (has_v6()) {
        failed += run("posix, IPv6", "[::1]:0", false);
    }
    return failed;
}

/* Streams under TLS keep the contract of streams. Each node of a simulated network wraps what it
 * dials and accepts; a stream is handed out when its handshake is done. */
#include "conformance.h"
#include "peersync/sim.h"
#include "peersync/tls.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS 128u

typedef struct sealed {
    ps_stream stream; /* 0: free. */
    ps_tls *tls;
    ps_addr from;
    bool waiting; /* Accepted below, not yet here. */
    bool made;
    bool finishing;
} sealed;

typedef struct node {
    const ps_stream_transport *io;
    ps_stream_transport face;
    ps_tls_context *context;
    sealed streams[STREAMS];
} node;

typedef struct world {
    ps_sim *sim;
    node nodes[CONFORMANCE_NODES];
} world;

static bool find_key(void *ctx, ps_span ticket, uint8_t key[PS_KEY_BYTES])
{
    (void)ctx;
    memset(key, 0x11, PS_KEY_BYTES);
    return ticket.len == 3;
}

static sealed *find(node *n, ps_stream s)
{
    for (unsigned i = 0; s != 0 && i < STREAMS; i++) {
        if (n->streams[i].stream == s && !n->streams[i].waiting) {
            return &n->streams[i];
        }
    }
    return NULL;
}

/* @return NULL when there is no room. */
static sealed *add(node *n, ps_stream s, ps_tls *tls)
{
    for (unsigned i = 0; tls && i < STREAMS; i++) {
        if (n->streams[i].stream == 0) {
            n->streams[i] = (sealed){.stream = s, .tls = tls};
            return &n->streams[i];
        }
    }
    ps_tls_free(tls);
    n->io->close(n->io->ctx, s);
    return NULL;
}

static void drop(node *n, sealed *s)
{
    ps_tls_free(s->tls);
    n->io->close(n->io->ctx, s->stream);
    *s = (sealed){0};
}

/* What goes on by itself: the handshake, and what waits inside. */
static ps_status go_on(sealed *s)
{
    ps_status status = s->made ? PS_OK : ps_tls_handshake(s->tls);
    if (status != PS_OK) {
        return status;
    }
    s->made = true;
    return s->finishing ? ps_tls_finish(s->tls) : ps_tls_flush(s->tls);
}

static ps_status face_dial(void *ctx, const ps_addr *to, ps_stream *out)
{
    node *n = ctx;
    uint8_t key[PS_KEY_BYTES];
    memset(key, 0x11, sizeof key);
    if (n->io->dial(n->io->ctx, to, out) != PS_OK) {
        return PS_FAILED;
    }
    const ps_span ticket = {(const uint8_t *)"any", 3};
    sealed *s = add(n, *out, ps_tls_fetch(n->context, n->io, *out, ticket, key));
    return s ? PS_OK : PS_FAILED;
}

static ps_status face_accept(void *ctx, ps_stream *out, ps_addr *from)
{
    node *n = ctx;
    ps_status status;
    while ((status = n->io->accept(n->io->ctx, out, from)) == PS_OK) {
        sealed *s = add(n, *out, ps_tls_serve(n->context, n->io, *out));
        if (s) {
            s->waiting = true;
            s->from = *from;
        }
    }
    for (unsigned i = 0; i < STREAMS; i++) {
        sealed *s = &n->streams[i];
        if (s->waiting && go_on(s) != PS_FAILED && s->made) {
            s->waiting = false;
            *out = s->stream;
            *from = s->from;
            return PS_OK;
        }
    }
    return status;
}

static ps_status face_read(void *ctx, ps_stream name, void *buf, size_t cap, size_t *n)
{
    sealed *s = find(ctx, name);
    if (!s || go_on(s) == PS_FAILED) {
        return PS_FAILED;
    }
    return s->made ? ps_tls_read(s->tls, buf, cap, n) : PS_AGAIN;
}

static ps_status face_write(void *ctx, ps_stream name, const ps_span parts[], size_t count,
                            size_t *n)
{
    sealed *s = find(ctx, name);
    if (!s || s->finishing || go_on(s) == PS_FAILED) {
        return PS_FAILED;
    }
    const ps_status status = s->made ? ps_tls_write(s->tls, parts, count, n) : PS_AGAIN;
    return status == PS_OK && ps_tls_flush(s->tls) == PS_FAILED ? PS_FAILED : status;
}

static ps_status face_finish(void *ctx, ps_stream name)
{
    sealed *s = find(ctx, name);
    if (!s) {
        return PS_FAILED;
    }
    s->finishing = true;
    return go_on(s) == PS_FAILED ? PS_FAILED : PS_OK;
}

static void face_close(void *ctx, ps_stream name)
{
    sealed *s = find(ctx, name);
    if (s) {
        drop(ctx, s);
    }
}

static uint32_t face_ready(void *ctx, ps_stream name, uint32_t interest)
{
    node *n = ctx;
    sealed *s = find(n, name);
    const ps_status status = s ? go_on(s) : PS_FAILED;
    const uint32_t below = s ? n->io->ready(n->io->ctx, name, interest) : PS_BROKEN;
    if (status == PS_FAILED || (below & PS_BROKEN) != 0) {
        return PS_BROKEN;
    }
    if (!s->made) {
        return 0;
    }
    uint32_t ready = below;
    if (ps_tls_holds(s->tls)) {
        ready |= interest & PS_READABLE;
    }
    return status == PS_OK ? ready : ready & ~(uint32_t)PS_WRITABLE;
}

static ps_addr face_listener(void *ctx)
{
    const node *n = ctx;
    return n->io->listener(n->io->ctx);
}

static void close_world(void *ctx)
{
    world *w = ctx;
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        for (unsigned k = 0; k < STREAMS; k++) {
            if (w->nodes[i].streams[k].stream != 0) {
                drop(&w->nodes[i], &w->nodes[i].streams[k]);
            }
        }
        ps_tls_context_free(w->nodes[i].context);
    }
    ps_sim_destroy(w->sim);
    free(w);
}

static bool open_node(world *w, unsigned i)
{
    uint32_t id;
    const ps_sim_node_config config = {.endpoints = i == 0 ? 2 : 1};
    node *n = &w->nodes[i];
    if (ps_sim_add_node(w->sim, &config, &id) != PS_OK) {
        return false;
    }
    n->io = ps_sim_stream_transport(w->sim, id);
    n->context = ps_tls_context_new(find_key, NULL);
    n->face = (ps_stream_transport){.ctx = n,
                                    .dial = face_dial,
                                    .accept = face_accept,
                                    .read = face_read,
                                    .write = face_write,
                                    .finish = face_finish,
                                    .close = face_close,
                                    .ready = face_ready,
                                    .listener = face_listener};
    return n->context != NULL;
}

static void *open_world(void)
{
    world *w = calloc(1, sizeof *w);
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = 1;
    cfg.start_wall_s = 1700000000;
    cfg.stream_reset_us = 5000000;
    bool ok = w && ps_sim_create(&cfg, &w->sim) == PS_OK;
    for (unsigned i = 0; ok && i < CONFORMANCE_NODES; i++) {
        ok = open_node(w, i);
    }
    return ok ? w : NULL; /* NULL fails the test. */
}

static const ps_transport *datagrams(void *ctx, unsigned i)
{
    return ps_sim_transport(((world *)ctx)->sim, i);
}

static const ps_stream_transport *streams(void *ctx, unsigned i)
{
    return &((world *)ctx)->nodes[i].face;
}

static ps_addr nobody(void *ctx)
{
    (void)ctx;
    return (ps_addr){.ip = {10, 255, 255, 255}, .port = 5000, .family = PS_ADDR_V4};
}

/* The next instant, or 10 ms without one; then what a host's loop would do. */
static void wait_world(void *ctx)
{
    world *w = ctx;
    const uint64_t latest = ps_sim_now_us(w->sim) + 10000;
    if (ps_sim_next_us(w->sim) <= latest) {
        (void)ps_sim_step(w->sim);
    } else {
        ps_sim_run_until(w->sim, latest);
    }
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        for (unsigned k = 0; k < STREAMS; k++) {
            if (w->nodes[i].streams[k].stream != 0) {
                (void)go_on(&w->nodes[i].streams[k]);
            }
        }
    }
}

int main(void)
{
    static const conformance_adapter adapter = {
        .name = "tls over sim",
        .ordered = true,
        .open = open_world,
        .close = close_world,
        .datagrams = datagrams,
        .streams = streams,
        .nobody = nobody,
        .wait = wait_world,
    };
    return conformance_run(&adapter);
}

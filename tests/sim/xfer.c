#include "xfer.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) WORLD_REQUIRE(NULL, condition)

static uint32_t asked(stream_end *e, const ps_content *content, const ps_node **tree)
{
    xfer *x = e->ctx;
    REQUIRE(ps_content_equal(content, &x->content));
    *tree = x->tree;
    e->bytes = x->served;
    return x->refusal;
}

static void wake(void *ctx, uint64_t now_us)
{
    stream_end *e = ctx;
    const xfer *x = e->ctx;
    const ps_stream_transport *t = ps_sim_stream_transport(e->sim, e->node);
    ps_addr from;
    (void)now_us;
    if (e->upload && e->stream == 0 && e->state == STREAM_END_RUNNING) {
        (void)t->accept(t->ctx, &e->stream, &from);
    }
    stream_end_work(e);
    if (e->download &&
        e->state == STREAM_END_DONE) { /* Invariant 3: whole means the exact bytes. */
        REQUIRE(memcmp(x->received, x->original, (size_t)x->length) == 0);
    }
    ps_sim_set_deadline(e->sim, e->node, stream_end_deadline_us(e));
}

static void *allocate(size_t len)
{
    void *p = malloc(len > 0 ? len : 1);
    REQUIRE(p != NULL);
    return p;
}

static void end_init(xfer *x, stream_end *e)
{
    const ps_sim_node_config node = {.wake = wake, .ctx = e};
    REQUIRE(ps_sim_add_node(x->sim, &node, &e->node) == PS_OK);
    e->sim = x->sim;
    e->length = x->length;
    e->ctx = x;
}

xfer *xfer_new(const ps_sim_config *cfg, const ps_crypto *crypto, uint64_t length)
{
    xfer *x = allocate(sizeof *x);
    memset(x, 0, sizeof *x);
    REQUIRE(ps_sim_create(cfg, &x->sim) == PS_OK);
    x->length = length;
    x->original = allocate((size_t)length);
    x->served = allocate((size_t)length);
    x->received = allocate((size_t)length);
    for (uint64_t i = 0; i < length; i++) {
        x->original[i] = (uint8_t)ps_sim_random(x->sim, 256);
    }
    memcpy(x->served, x->original, (size_t)length);
    memset(x->received, 0xee, (size_t)length);
    const size_t nodes = ps_tree_nodes(length);
    x->tree = nodes > 0 ? allocate(nodes * sizeof *x->tree) : NULL;
    ps_hasher h;
    REQUIRE(ps_hasher_init(&h, crypto, length, x->tree) == PS_OK &&
            ps_hasher_update(&h, x->original, (size_t)length) == PS_OK &&
            ps_hasher_final(&h, &x->content) == PS_OK);
    end_init(x, &x->source);
    end_init(x, &x->sink);
    x->source.asked = asked;
    x->sink.bytes = x->received;
    stream_end_upload(&x->source, crypto);
    stream_end_download(&x->sink, crypto, &x->content);
    return x;
}

void xfer_start(xfer *x)
{
    const ps_stream_transport *t = ps_sim_stream_transport(x->sim, x->sink.node);
    const ps_addr to = ps_sim_addr(x->sim, x->source.node);
    REQUIRE(t->dial(t->ctx, &to, &x->sink.stream) == PS_OK);
    ps_sim_set_deadline(x->sim, x->sink.node, 0);
}

void xfer_run(xfer *x, uint64_t us)
{
    const uint64_t end_us = ps_sim_now_us(x->sim) + us;
    while (x->sink.state == STREAM_END_RUNNING && ps_sim_next_us(x->sim) <= end_us) {
        (void)ps_sim_step(x->sim);
    }
}

void xfer_kill_source(xfer *x)
{
    ps_sim_crash(x->sim, x->source.node);
}

void xfer_free(xfer *x)
{
    stream_end_free(&x->source);
    stream_end_free(&x->sink);
    free(x->original);
    free(x->served);
    free(x->received);
    free(x->tree);
    ps_sim_destroy(x->sim);
    free(x);
}

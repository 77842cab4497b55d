/* A peer's data plane: serves the streams that come in, and fetches from others. */
#include "model_internal.h"

#include <stdlib.h>
#include <string.h>

/* A stream that was accepted. */
struct world_upload {
    world_upload *next;
    world_peer *p;
    world_file file; /* What it serves; before, and after a refusal, nothing. */
    bool has_slot;
    stream_end end;
};

static void *zeroed(const world *w, size_t bytes)
{
    void *p = calloc(1, bytes);
    WORLD_REQUIRE(w, p != NULL);
    return p;
}

static void end_init(world_peer *p, stream_end *e, ps_stream stream, void *ctx)
{
    e->w = p->w;
    e->sim = p->w->sim;
    e->node = p->node;
    e->stream = stream;
    e->ctx = ctx;
    e->crypto = p->w->cfg.crypto;
    e->binding.plain = true;
    for (size_t i = 0; i < sizeof e->binding.bytes; i++) {
        e->binding.bytes[i] = (uint8_t)ps_sim_random(p->w->sim, 256);
    }
}

/* What can end a transfer here: never that a side does what it must not. */
static void require_explained(const world *w, const stream_end *e)
{
    switch (e->error) {
    case PS_E_NONE:
    case PS_E_NOT_PUBLISHED:
    case PS_E_CHANGED:
    case PS_E_STALLED:
    case PS_E_CLOSED:
    case PS_E_SLOTS:
    case PS_E_CANCELLED:
    case PS_E_FILE_TICKET: /* It ended, or its uploader has no keys yet. */
        return;
    default:
        fprintf(stderr, "a transfer ended with %s\n", ps_error_name(e->error));
        world_fail(w, "a transfer's end can be explained", __FILE__, __LINE__);
    }
}

/* ---- serving ---- */

static uint32_t asked(stream_end *e, const ps_content *content, const ps_node **tree)
{
    world_upload *u = e->ctx;
    world_peer *p = u->p;
    if (p->slots >= WORLD_SLOTS) {
        return PS_E_SLOTS;
    }
    if (!p->w->cfg.serve || !p->w->cfg.serve(p->w, p, content, &u->file)) {
        return PS_E_NOT_PUBLISHED;
    }
    u->has_slot = true;
    p->slots++;
    e->bytes = u->file.bytes;
    e->length = content->length;
    *tree = u->file.tree;
    return PS_E_NONE;
}

static void release(world_upload *u)
{
    u->p->slots -= u->has_slot ? 1u : 0u;
    u->has_slot = false;
    free(u->file.bytes);
    free(u->file.tree);
    u->file = (world_file){.bytes = NULL};
}

static void served(stream_end *e)
{
    release(e->ctx);
}

static uint32_t fault(stream_end *e)
{
    world_upload *u = e->ctx;
    return u->p->w->cfg.serving ? u->p->w->cfg.serving(u->p->w, u->p, &e->question, &u->file)
                                : (uint32_t)PS_E_NONE;
}

static void accept_all(world_peer *p)
{
    const ps_stream_transport *t = ps_sim_stream_transport(p->w->sim, p->node);
    ps_stream stream;
    ps_addr from;
    while (t->accept(t->ctx, &stream, &from) == PS_OK) {
        world_upload *u = zeroed(p->w, sizeof *u);
        u->p = p;
        u->end.asked = asked;
        u->end.fault = fault;
        u->end.served = served;
        u->end.keys = &p->file_keys;
        end_init(p, &u->end, stream, u);
        stream_end_upload(&u->end);
        world_upload **link = &p->uploads;
        while (*link) {
            link = &(*link)->next;
        }
        *link = u;
    }
}

static void free_upload(world_upload *u)
{
    release(u);
    stream_end_free(&u->end);
    free(u);
}

static void serve(world_peer *p)
{
    world_upload **link = &p->uploads;
    accept_all(p);
    const uint64_t wall_s = *link ? world_peer_stats(p->w, p->index).wall_s : 0;
    while (*link) {
        world_upload *u = *link;
        u->end.wall_s = wall_s;
        stream_end_work(&u->end);
        if (u->end.stream != 0) {
            link = &u->next;
            continue;
        }
        require_explained(p->w, &u->end);
        *link = u->next;
        free_upload(u);
    }
}

/* ---- fetching ---- */

/* By what stays of its address when it moves. */
static uint32_t peer_at(const world *w, const ps_addr *addr)
{
    const uint32_t node = model_node(&w->model, addr);
    WORLD_REQUIRE(w, node >= 1 && node <= w->cfg.peers); /* No source is elsewhere. */
    return node - 1;
}

/* The empty file is there at once: nobody is asked for it. */
static void dial(world_peer *p, world_fetch *f, const ps_addr *addr)
{
    const ps_stream_transport *t = ps_sim_stream_transport(p->w->sim, p->node);
    ps_stream stream;
    if (f->content.length == 0) {
        f->end.state = STREAM_END_DONE;
        return;
    }
    WORLD_REQUIRE(p->w, t->dial(t->ctx, addr, &stream) == PS_OK);
    end_init(p, &f->end, stream, f);
    f->end.files = &f->file;
    f->end.count = 1;
    stream_end_download(&f->end);
}

world_fetch *world_fetch_start(world *w, uint32_t i, const world_line *source)
{
    world_peer *p = &w->peers[i];
    world_fetch *f = zeroed(w, sizeof *f);
    f->content = f->file.content = source->content;
    f->source = peer_at(w, &source->addr);
    f->started_us = world_now_us(w);
    f->file.bytes = malloc(f->content.length > 0 ? (size_t)f->content.length : 1);
    WORLD_REQUIRE(w, f->file.bytes != NULL);
    memset(f->file.bytes, 0xd5, (size_t)f->content.length);
    WORLD_REQUIRE(w, source->ticket_len > 0);
    memcpy(f->ticket, source->ticket, source->ticket_len);
    memcpy(f->file.key, source->key, sizeof f->file.key);
    f->file.ticket = (ps_span){f->ticket, source->ticket_len};
    dial(p, f, &source->addr);
    world_fetch **link = &p->fetches;
    while (*link) {
        link = &(*link)->next;
    }
    *link = f;
    p->fetching++;
    ps_sim_set_deadline(w->sim, p->node, 0); /* The wake begins it. */
    return f;
}

void world_fetch_cancel(world *w, uint32_t i, world_fetch *f)
{
    if (f->end.download) {
        stream_end_cancel(&f->end, PS_E_NONE);
    }
    ps_sim_set_deadline(w->sim, w->peers[i].node, 0); /* The wake settles the rest. */
}

static void free_fetch(world_peer *p, world_fetch *f)
{
    p->fetching--;
    stream_end_free(&f->end);
    free(f->file.bytes);
    free(f);
}

/* Tells of those that have ended, and forgets them. */
static void fetch(world_peer *p)
{
    world_fetch **link = &p->fetches;
    while (*link) {
        world_fetch *f = *link;
        stream_end_work(&f->end);
        if (f->end.stream != 0) {
            link = &f->next;
            continue;
        }
        const uint8_t outcome[2] = {(uint8_t)f->end.state, (uint8_t)f->end.error};
        require_explained(p->w, &f->end);
        ps_sim_note(p->w->sim, p->node, outcome, sizeof outcome);
        if (p->w->cfg.fetched) {
            p->w->cfg.fetched(p->w, p, f);
        }
        *link = f->next;
        free_fetch(p, f);
    }
}

/* ---- both ---- */

void world_streams_work(world_peer *p)
{
    serve(p);
    fetch(p);
}

uint64_t world_streams_deadline_us(const world_peer *p)
{
    uint64_t deadline_us = PS_TIME_NEVER;
    for (const world_upload *u = p->uploads; u; u = u->next) {
        const uint64_t at_us = stream_end_deadline_us(&u->end);
        deadline_us = at_us < deadline_us ? at_us : deadline_us;
    }
    for (const world_fetch *f = p->fetches; f; f = f->next) {
        const uint64_t at_us = stream_end_deadline_us(&f->end);
        deadline_us = at_us < deadline_us ? at_us : deadline_us;
    }
    return deadline_us;
}

void world_streams_drop(world_peer *p)
{
    while (p->uploads) {
        world_upload *u = p->uploads;
        p->uploads = u->next;
        free_upload(u);
    }
    while (p->fetches) {
        world_fetch *f = p->fetches;
        p->fetches = f->next;
        free_fetch(p, f);
    }
}

/* What users of the swarm fetch from each other, and what their peers serve. */
#include "swarm.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)
/* Most downloads of one user at a time. */
#define UNDER_WAY 2u
/* Within that every download ends once the network is whole: what crawls along a narrow link was
 * begun before, and who stands still is cut after 30 s and a second of grace. */
#define ENDS_US (60 * S)
/* And every file can be fetched in that: two pieces take some 15 s through small windows. */
#define FETCH_US (30 * S)

/* (A scenario's network can be a slower one when it is well.) */
static uint64_t fetch_us(const swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    return sc != NULL && sc->fetch_us != 0 ? sc->fetch_us : FETCH_US;
}

static uint64_t ends_us(const swarm *s)
{
    return fetch_us(s) > FETCH_US ? ENDS_US + fetch_us(s) : ENDS_US;
}

static uint64_t draw(swarm *s, uint32_t peer, uint64_t bound)
{
    return dice_throw(&s->users[peer].dice, bound);
}

/* ---- serving ---- */

bool swarm_serve(world *w, world_peer *p, const ps_content *content, world_file *file)
{
    const swarm *s = w->cfg.ctx;
    file_id id;
    if (!files_find(&s->files, p->index, content, PS_TIME_NEVER, &id)) {
        return false;
    }
    WORLD_REQUIRE(w, s->users[p->index].versions[id.k] == id.version);
    const size_t nodes = ps_tree_nodes(content->length);
    file->id = id.k;
    file->bytes = malloc(content->length > 0 ? (size_t)content->length : 1);
    file->tree = nodes > 0 ? malloc(nodes * sizeof *file->tree) : NULL;
    WORLD_REQUIRE(w, file->bytes != NULL && (nodes == 0 || file->tree != NULL));
    file_bytes(id, file->bytes);
    if (nodes > 0) {
        const ps_content hashed = file_hash(file->bytes, content->length, file->tree);
        WORLD_REQUIRE(w, ps_content_equal(&hashed, content));
    }
    return true;
}

uint32_t swarm_serving(world *w, world_peer *p, const ps_content *content, const world_file *file)
{
    const swarm *s = w->cfg.ctx;
    file_id id;
    if (files_find(&s->files, p->index, content, PS_TIME_NEVER, &id)) {
        return PS_E_NONE;
    }
    return files_current(&s->files, p->index, (uint32_t)file->id) ? (uint32_t)PS_E_CHANGED
                                                                  : (uint32_t)PS_E_NOT_PUBLISHED;
}

/* ---- fetching ---- */

/* Invariants 3 and 4: the exact bytes, of what the source's user did publish meanwhile. */
static void require_exact(const swarm *s, const world_fetch *f)
{
    file_id id;
    if (f->content.length == 0) { /* Nobody was asked, so nobody could say that it is gone. */
        return;
    }
    WORLD_REQUIRE(s->w, files_find(&s->files, f->source, &f->content, f->started_us, &id));
    WORLD_REQUIRE(s->w, file_length(id) == f->content.length);
    uint8_t *bytes = malloc(f->content.length > 0 ? (size_t)f->content.length : 1);
    WORLD_REQUIRE(s->w, bytes != NULL);
    file_bytes(id, bytes);
    WORLD_REQUIRE(s->w, memcmp(bytes, f->file.bytes, (size_t)f->content.length) == 0);
    free(bytes);
}

void swarm_fetched(world *w, world_peer *p, world_fetch *f)
{
    swarm *s = w->cfg.ctx;
    (void)p;
    if (f->end.state == STREAM_END_DONE) {
        const uint64_t took_us = world_now_us(w) - f->started_us;
        swarm_worst(&s->counts.worst_fetch_us, took_us);
        require_exact(s, f);
        s->counts.fetched++;
        s->counts.fetch_bytes += f->content.length;
    } else {
        WORLD_REQUIRE(w, f->end.error < SWARM_ERRORS);
        s->counts.fetch_errors[f->end.error]++;
    }
}

static void get(swarm *s, uint32_t peer, uint32_t owner, uint32_t k)
{
    char name[PS_NAME_MAX + 1];
    swarm_file_name(owner, k, name);
    world_locate(s->w, peer, name)->ctx = s; /* Not asked only to know. */
}

/* A person who already waits for two gives up the older one. */
void swarm_fetch(swarm *s, uint32_t peer)
{
    world_peer *p = &s->w->peers[peer];
    if (p->fetching >= UNDER_WAY) {
        world_fetch_cancel(s->w, peer, p->fetches);
        return;
    }
    const uint32_t owner = (uint32_t)draw(s, peer, s->cfg->peers);
    get(s, peer, owner, (uint32_t)draw(s, peer, SWARM_NAMES));
}

bool swarm_get(swarm *s, uint32_t peer, uint32_t owner, uint32_t k)
{
    const world_peer *p = &s->w->peers[peer];
    if (s->users[peer].down_until_us != 0 || p->fetching >= UNDER_WAY ||
        world_peer_stats(s->w, peer).state != PS_PEER_ONLINE) {
        return false;
    }
    get(s, peer, owner, k);
    return true;
}

/* A source that is there, of another peer; NULL: none. */
static const world_line *choose(swarm *s, const world_peer *p, const world_command *c)
{
    const ps_addr own = world_outer_addr(s->w, p->index);
    const world_line *chosen = NULL;
    uint64_t seen = 0;
    for (size_t i = 0; i < c->lines_len; i++) {
        const world_line *line = &c->lines[i];
        if (line->active && line->addr.family != PS_ADDR_NONE && line->ticket_len > 0 &&
            !ps_addr_equal(&line->addr, &own) && draw(s, p->index, ++seen) == 0) {
            chosen = line;
        }
    }
    return chosen;
}

void swarm_located(swarm *s, world_peer *p, const world_command *c)
{
    if (c->ctx != s || c->error != PS_E_NONE || s->quiet || p->fetching >= UNDER_WAY) {
        return;
    }
    const world_line *source = choose(s, p, c);
    if (source) {
        s->counts.fetches++;
        (void)world_fetch_start(s->w, p->index, source);
    }
}

/* ---- healing ---- */

static bool all_ended(const swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        if (s->w->peers[i].fetches || s->w->peers[i].uploads) {
            return false;
        }
    }
    return true;
}

bool swarm_fetches_ended(const swarm *s, uint64_t since_us)
{
    const bool ended = all_ended(s);
    WORLD_REQUIRE(s->w, ended || world_now_us(s->w) - since_us < ends_us(s));
    return ended;
}

/* Another primary user's peer than `peer`, one that can be dialled if `dialled`; UINT32_MAX: there
 * is none. */
static uint32_t any_other(const swarm *s, uint32_t peer, bool dialled)
{
    const uint32_t first = (uint32_t)ps_sim_random(s->w->sim, s->cfg->peers);
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const uint32_t at = (first + i) % s->cfg->peers;
        if (at != peer && !s->users[at].second && !(dialled && s->w->peers[at].unreachable)) {
            return at;
        }
    }
    return UINT32_MAX;
}

/* What a command has found at this address. */
static const world_line *found_at(world *w, const world_command *c, const ps_addr *addr)
{
    const world_line *found = NULL;
    for (size_t i = 0; i < c->lines_len; i++) {
        found = ps_addr_equal(&c->lines[i].addr, addr) ? &c->lines[i] : found;
    }
    WORLD_REQUIRE(w, found != NULL && found->active);
    return found;
}

/* Somebody begins to fetch a file of this user. */
static void fetch_from(swarm *s, uint32_t from, uint32_t k)
{
    world *w = s->w;
    const uint32_t by = any_other(s, from, false);
    if (by == UINT32_MAX) {
        return;
    }
    char name[PS_NAME_MAX + 1];
    const ps_addr addr = world_outer_addr(w, from);
    swarm_file_name(from, k, name);
    world_command *c = world_locate(w, by, name);
    WORLD_REQUIRE(w, world_finish(w, c) == PS_E_NONE);
    const world_line *source = found_at(w, c, &addr);
    s->counts.fetches++;
    (void)world_fetch_start(w, by, source);
    world_forget(&w->peers[by], c);
}

static void fetch_all_of(swarm *s, uint32_t from)
{
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        if (k % WORLD_SLOTS == 0) {
            WORLD_WAIT(s->w, fetch_us(s), all_ended(s));
        }
        if (files_current(&s->files, from, k)) {
            fetch_from(s, from, k);
        }
    }
    WORLD_WAIT(s->w, fetch_us(s), all_ended(s));
}

void swarm_fetch_listed(swarm *s)
{
    const uint64_t missing = s->counts.fetches - s->counts.fetched;
    for (uint32_t n = 0; n < 3; n++) {
        const uint32_t from = any_other(s, UINT32_MAX, true);
        if (from != UINT32_MAX) {
            fetch_all_of(s, from);
        }
    }
    WORLD_REQUIRE(s->w, s->counts.fetches - s->counts.fetched == missing);
}

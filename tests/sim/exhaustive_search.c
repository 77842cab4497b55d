/* Depth first, going back by copying states; what was visited with as many choices and faults left
 * is not searched again. The set of those visited holds 64 bits of a hash of each state, in a fixed
 * table: when that is full, the newest takes an old one's place, and some are searched twice. */
#define _POSIX_C_SOURCE 200809L

#include "exhaustive.h"

#include "peer/peer_internal.h"
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double ex_seconds(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double ex_cpu_seconds(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- a state's hash ---- */

static inline uint64_t fold(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* Four lanes, that it is fast; the last bytes by themselves. */
static uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
    for (; len >= 32; p += 32, len -= 32) {
        uint64_t w[4];
        memcpy(w, p, sizeof w);
        for (unsigned i = 0; i < 4; i++) {
            lanes[i] = fold(lanes[i], w[i]);
        }
    }
    uint64_t h = fold(fold(lanes[0], lanes[1]), fold(lanes[2], lanes[3]));
    for (; len > 0; p++, len--) {
        h = fold(h, *p);
    }
    return h;
}

/* The order of datagrams counts on each way alone. */
static uint64_t hash_flight(const ex *x, const ex_state *s)
{
    const ex_message *m = ex_flight(x, s);
    uint64_t places[EX_MACHINES][EX_MACHINES] = {{0}};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->flight_len; i++) {
        const uint64_t place = places[m[i].from][m[i].to]++;
        sum += hash_bytes(place, &m[i], offsetof(ex_message, data) + m[i].len);
    }
    return sum;
}

/* Counters decide nothing: two states that differ in them alone are one. Times are left as they
 * are. What two orders of the same events lead to is equal in them, and to shift them all would
 * take to know each of them in every record. */
static uint64_t hash_state(const ex *x, const ex_state *s)
{
    const uint8_t *server = ex_machine(x, s, EX_SERVER);
    const size_t server_stats = offsetof(struct ps_server, stats);
    const size_t server_rest = server_stats + sizeof(ps_server_stats);
    const size_t peer_stats = offsetof(struct ps_peer, stats);
    const size_t peer_rest = peer_stats + sizeof(ps_peer_stats);
    uint64_t h = hash_bytes(hash_flight(x, s), s, sizeof *s);
    h = hash_bytes(h, server, server_stats);
    h = hash_bytes(h, server + server_rest, x->peers_at - x->server_at - server_rest);
    for (uint32_t i = 1; i < EX_MACHINES; i++) {
        const uint8_t *peer = ex_machine(x, s, i);
        h = hash_bytes(h, peer, peer_stats);
        h = hash_bytes(h, peer + peer_rest, x->peer_len - peer_rest);
    }
    return h != 0 ? h : 1;
}

/* ---- those visited ---- */

#define PLACES 4u /* Of a hash. */

typedef struct visit {
    uint64_t hash;          /* 0: free. */
    uint32_t depth, faults; /* That were left. */
} visit;

typedef struct visited {
    visit *table;
    size_t mask;
} visited;

static void visited_init(visited *v, size_t memory)
{
    size_t len = PLACES;
    while (2 * len * sizeof(visit) <= memory) {
        len *= 2;
    }
    v->table = calloc(len, sizeof *v->table);
    v->mask = len - 1;
    if (v->table == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
}

/* True when the state was visited with no less left; else it is now. */
static bool visited_before(ex *x, visited *v, uint64_t hash, uint32_t depth, uint32_t faults)
{
    const size_t home = (size_t)(hash >> 8) & v->mask & ~(size_t)(PLACES - 1);
    visit *place = &v->table[home + (hash & (PLACES - 1))];
    for (size_t i = 0; i < PLACES; i++) {
        visit *e = &v->table[home + i];
        if (e->hash == hash) {
            if (e->depth >= depth && e->faults >= faults) {
                return true;
            }
            *e = (visit){.hash = hash, .depth = depth, .faults = faults};
            return false;
        }
        if (e->hash == 0) {
            place = e;
            break;
        }
    }
    x->counts.states++;
    *place = (visit){.hash = hash, .depth = depth, .faults = faults};
    return false;
}

/* ---- the search ---- */

/* A state on the way, and the choices in it that are left. */
typedef struct frame {
    ex_state *state;
    ex_choice choices[EX_CHOICES];
    bool faults[EX_CHOICES];
    size_t len, at;
    uint32_t faults_left;
} frame;

typedef struct search {
    ex *x;
    const ex_limits *limits;
    frame *frames;
    ex_state *scratch;
    visited visited;
    size_t depth; /* Frames in use, less one. */
} search;

static void frame_enter(search *q, size_t depth, uint32_t faults_left)
{
    frame *f = &q->frames[depth];
    f->len = ex_choices(q->x, f->state, f->choices, f->faults);
    f->at = 0;
    f->faults_left = faults_left;
    q->depth = depth;
    q->x->path_len = depth;
}

static void heal_copy(search *q, const ex_state *state)
{
    ex_state_copy(q->x, q->scratch, state);
    ex_heal(q->x, q->scratch);
}

/* Makes the next choice of the topmost frame. */
static void advance(search *q)
{
    ex *x = q->x;
    frame *f = &q->frames[q->depth];
    const size_t i = f->at++;
    const uint32_t left = f->faults_left;
    if (f->faults[i] && left == 0) {
        return;
    }
    const uint32_t after = f->faults[i] && left != EX_ALL_FAULTS ? left - 1 : left;
    frame *next = &q->frames[q->depth + 1];
    x->path[q->depth] = f->choices[i];
    x->path_len = q->depth + 1;
    ex_state_copy(x, next->state, f->state);
    ex_choose(x, next->state, f->choices[i]);
    x->counts.transitions++;
    const uint64_t hash = hash_state(x, next->state);
    const uint32_t depth_left = q->limits->depth - (uint32_t)(q->depth + 1);
    if (visited_before(x, &q->visited, hash, depth_left, after)) {
        x->counts.pruned++;
        return;
    }
    if (q->limits->heal_every != 0 && (hash >> 16) % q->limits->heal_every == 0) {
        heal_copy(q, next->state);
    }
    if (depth_left > 0) {
        frame_enter(q, q->depth + 1, after);
    }
}

static bool explore(search *q)
{
    frame_enter(q, 0, q->limits->faults);
    for (uint32_t turn = 1;; turn++) {
        frame *f = &q->frames[q->depth];
        if (turn % 256 == 0 && q->limits->until_s > 0 && ex_seconds() >= q->limits->until_s) {
            return false;
        }
        if (f->at < f->len) {
            advance(q);
        } else if (q->depth == 0) {
            return true;
        } else {
            q->depth--;
        }
    }
}

bool ex_search(ex *x, const ex_limits *limits)
{
    search q = {.x = x, .limits = limits};
    q.frames = calloc(limits->depth + 1, sizeof *q.frames);
    q.scratch = ex_state_new(x);
    if (q.frames == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    for (size_t i = 0; i <= limits->depth; i++) {
        q.frames[i].state = ex_state_new(x);
    }
    visited_init(&q.visited, limits->memory);
    x->path_len = 0;
    ex_begin(x, q.frames[0].state);
    const bool all = explore(&q);
    for (size_t i = 0; i <= limits->depth; i++) {
        free(q.frames[i].state);
    }
    free(q.frames);
    free(q.scratch);
    free(q.visited.table);
    return all;
}

/* ---- one path ---- */

static bool possible(const ex *x, const ex_state *s, ex_choice c)
{
    ex_choice choices[EX_CHOICES];
    bool faults[EX_CHOICES];
    const size_t len = ex_choices(x, s, choices, faults);
    for (size_t i = 0; i < len; i++) {
        if (choices[i].kind == c.kind && choices[i].arg == c.arg) {
            return true;
        }
    }
    return false;
}

bool ex_replay(ex *x, const char *path, bool heal)
{
    ex_state *s = ex_state_new(x);
    char token[EX_TOKEN];
    bool good = true;
    int len = 0;
    x->path_len = 0;
    x->tell = stdout;
    ex_begin(x, s);
    for (; good && sscanf(path, " %7s%n", token, &len) == 1; path += len) {
        ex_choice c;
        good = x->path_len < EX_DEPTH_MAX && ex_token_read(token, &c) && possible(x, s, c);
        if (good) {
            fprintf(x->tell, "%s\n", token);
            x->path[x->path_len++] = c;
            ex_choose(x, s, c);
        }
    }
    if (good && heal) {
        fputs("healing\n", x->tell);
        ex_heal(x, s);
    }
    free(s);
    return good;
}

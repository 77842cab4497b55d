#include "couriers.h"

#include "alloc.h"
#include "courier.h"

#include <stdlib.h>

/* Connections to one source that carry files of one piece, in one loop. Such downloads are spread
 * over two loops where there are as many: see data_get(). */
#define SHARED_MAX(data) ((data)->loop_count > 1 ? 1u : 2u)

void berths_init(struct berths *b, unsigned count)
{
    *b = (struct berths){.free = count > 0 ? count : 1};
    pthread_mutex_init(&b->lock, NULL);
}

void berths_destroy(struct berths *b)
{
    pthread_mutex_destroy(&b->lock);
}

static uint64_t bit_of(const struct loop *loop)
{
    return UINT64_C(1) << (loop - loop->data->loops);
}

/* @return false: none is free; this loop will be told when one is. */
static bool berth_take(struct loop *loop)
{
    struct berths *b = &loop->data->berths;
    pthread_mutex_lock(&b->lock);
    bool taken = b->free > 0;
    if (taken) {
        b->free--;
    } else {
        b->waiting |= bit_of(loop);
    }
    pthread_mutex_unlock(&b->lock);
    return taken;
}

static void serve_again(struct loop *loop, void *arg)
{
    (void)arg;
    couriers_serve(loop);
}

static void berth_give(struct loop *loop)
{
    struct berths *b = &loop->data->berths;
    pthread_mutex_lock(&b->lock);
    b->free++;
    for (unsigned i = 0; i < loop->data->loop_count; i++) {
        /* Under the lock: a loop that waits has not ended. */
        if ((b->waiting >> i & 1) != 0) {
            loop_post(&loop->data->loops[i], serve_again, NULL);
        }
    }
    b->waiting = 0;
    pthread_mutex_unlock(&b->lock);
}

/* Where the lane to this address is, or belongs. */
static struct lane **lane_at(struct loop *loop, const ps_addr *to)
{
    struct lane **at = &loop->lanes;
    while (*at && !ps_addr_equal(&(*at)->to, to)) {
        at = &(*at)->next;
    }
    return at;
}

static struct lane *lane_make(struct loop *loop, const ps_addr *to)
{
    struct lane **at = lane_at(loop, to);
    if (!*at) {
        *at = data_alloc(1, sizeof **at);
        (*at)->to = *to;
        (*at)->end[0] = &(*at)->first[0];
        (*at)->end[1] = &(*at)->first[1];
    }
    return *at;
}

void couriers_queue(struct loop *loop, struct download *dl)
{
    struct lane *lane = lane_make(loop, download_peer(dl));
    unsigned own = !dl->small;
    dl->lane = lane;
    dl->stage = DOWNLOAD_QUEUED;
    dl->queue_next = NULL;
    dl->queue_link = lane->end[own];
    *lane->end[own] = dl;
    lane->end[own] = &dl->queue_next;
    download_show(dl, true);
}

void couriers_unqueue(struct loop *loop, struct download *dl)
{
    struct lane *lane = dl->lane;
    unsigned own = !dl->small;
    (void)loop;
    if (!lane) {
        return;
    }
    *dl->queue_link = dl->queue_next;
    if (dl->queue_next) {
        dl->queue_next->queue_link = dl->queue_link;
    } else {
        lane->end[own] = dl->queue_link;
    }
    dl->lane = NULL;
    dl->stage = DOWNLOAD_BETWEEN;
}

struct download *couriers_next(struct loop *loop, const ps_addr *to)
{
    struct lane *lane = *lane_at(loop, to);
    struct download *dl = lane ? lane->first[0] ? lane->first[0] : lane->first[1] : NULL;
    if (dl) {
        couriers_unqueue(loop, dl);
    }
    return dl;
}

/* One that has nothing to do makes room for another. */
static void send_idle_home(struct loop *loop)
{
    for (struct courier *k = loop->couriers; k; k = k->next) {
        if (k->count == 0 && courier_fits(k, true)) {
            courier_finish(k);
            k->called = true;
            return;
        }
    }
}

static struct courier *find(struct loop *loop, const ps_addr *to, bool own, unsigned *shared)
{
    struct courier *found = NULL;
    *shared = 0;
    for (struct courier *k = loop->couriers; k; k = k->next) {
        if (k->stage == COURIER_ENDED || !ps_addr_equal(&k->to.addr, to)) {
            continue;
        }
        *shared += !k->own;
        if (courier_fits(k, own) && (!found || k->count < found->count)) {
            found = k;
        }
    }
    return found;
}

/* Gives the first of a lane, of one kind, a courier. @return false: it has to wait, or is none. */
static bool place_first(struct loop *loop, struct lane *lane, bool own)
{
    struct download *dl = lane->first[own];
    unsigned shared;
    if (!dl) {
        return false;
    }
    struct courier *k = find(loop, &lane->to, own, &shared);
    const bool more = own || shared < SHARED_MAX(loop->data) || !loop->data->cfg.keep_connections;
    /* A second one carries faster than a busy one, if it can be had. */
    if (k && k->count > 0 && more && berth_take(loop)) {
        k = NULL;
    } else if (!k && !more) {
        return false;
    } else if (!k && !berth_take(loop)) {
        send_idle_home(loop);
        return false;
    }
    char why[160] = "";
    couriers_unqueue(loop, dl);
    k = k ? k : courier_new(loop, sources_current(&dl->sources), why, sizeof why);
    if (k) {
        courier_take(k, dl);
        k->called = true;
    } else {
        berth_give(loop);
        download_lost(dl, PS_E_CLOSED, why, false);
        download_go_on(dl);
    }
    return true;
}

/* Each lane has one of each kind served in turn, until none can be. */
static void place_all(struct loop *loop)
{
    for (bool placed = true; placed;) {
        placed = false;
        for (struct lane *lane = loop->lanes; lane; lane = lane->next) {
            placed = place_first(loop, lane, false) || placed;
            placed = place_first(loop, lane, true) || placed;
        }
    }
    for (struct lane **at = &loop->lanes; *at;) {
        struct lane *lane = *at;
        if (lane->first[0] || lane->first[1]) {
            at = &lane->next;
        } else {
            *at = lane->next;
            free(lane);
        }
    }
}

static struct courier *next_called(struct loop *loop)
{
    for (struct courier *k = loop->couriers; k; k = k->next) {
        if (k->called) {
            k->called = false;
            return k;
        }
    }
    return NULL;
}

void couriers_serve(struct loop *loop)
{
    if (loop->serving || loop->ending) {
        return;
    }
    loop->serving = true;
    for (struct courier *k;;) {
        place_all(loop);
        k = next_called(loop);
        if (!k) {
            break;
        }
        courier_run(k);
    }
    loop->serving = false;
}

void couriers_closed(struct loop *loop)
{
    berth_give(loop);
    couriers_serve(loop);
    data_loop_rest(loop);
}

void couriers_end(struct loop *loop)
{
    struct berths *b = &loop->data->berths;
    pthread_mutex_lock(&b->lock);
    b->waiting &= ~bit_of(loop);
    pthread_mutex_unlock(&b->lock);
    for (struct courier *k = loop->couriers; k; k = k->next) {
        courier_end(k, PS_E_CANCELLED, "");
        conn_close(&k->conn); /* It may linger. */
    }
}

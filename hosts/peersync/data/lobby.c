#include "lobby.h"

#include <string.h>

void lobby_init(struct lobby *l, void (*look)(struct loop *loop))
{
    pthread_mutex_init(&l->lock, NULL);
    l->first = NULL;
    l->end = &l->first;
    l->look = look;
}

void lobby_destroy(struct lobby *l)
{
    pthread_mutex_destroy(&l->lock);
}

static bool same_network(const ps_addr *a, const ps_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == PS_ADDR_V6 ? 8 : 4) == 0;
}

static void take_out(struct lobby *l, struct lobby_guest *g)
{
    *g->link = g->next;
    if (g->next) {
        g->next->link = g->link;
    } else {
        l->end = g->link;
    }
    g->link = NULL;
}

/* Who goes when `newcomer` makes them too many, if it does: the oldest stranger, else the oldest;
 * of its own network where that has too many. */
static struct lobby_guest *whose_turn(struct lobby *l, const struct lobby_guest *newcomer)
{
    unsigned all = 1, near = 1;
    struct lobby_guest *oldest[2] = {NULL, NULL}, *oldest_near[2] = {NULL, NULL};
    for (struct lobby_guest *g = l->first; g; g = g->next) {
        all++;
        oldest[g->known] = oldest[g->known] ? oldest[g->known] : g;
        if (same_network(&g->from, &newcomer->from)) {
            near++;
            oldest_near[g->known] = oldest_near[g->known] ? oldest_near[g->known] : g;
        }
    }
    if (near > LOBBY_NETWORK_MAX) {
        return oldest_near[0] ? oldest_near[0] : oldest_near[1];
    }
    if (all > LOBBY_MAX) {
        return oldest[0] ? oldest[0] : oldest[1];
    }
    return NULL;
}

void lobby_enter(struct lobby *l, struct lobby_guest *g)
{
    pthread_mutex_lock(&l->lock);
    struct lobby_guest *leaver = whose_turn(l, g);
    if (leaver) {
        take_out(l, leaver);
        atomic_store(&leaver->out, true);
        l->look(leaver->loop);
    }
    g->next = NULL;
    g->link = l->end;
    *l->end = g;
    l->end = &g->next;
    pthread_mutex_unlock(&l->lock);
}

void lobby_know(struct lobby *l, struct lobby_guest *g)
{
    pthread_mutex_lock(&l->lock);
    g->known = true;
    pthread_mutex_unlock(&l->lock);
}

void lobby_leave(struct lobby *l, struct lobby_guest *g)
{
    pthread_mutex_lock(&l->lock);
    if (g->link) {
        take_out(l, g);
    }
    pthread_mutex_unlock(&l->lock);
}

#include "transfers.h"

void transfers_init(struct transfers *t)
{
    pthread_mutex_init(&t->lock, NULL);
    t->first = NULL;
    t->end = &t->first;
}

void transfers_destroy(struct transfers *t)
{
    pthread_mutex_destroy(&t->lock);
}

void transfers_add(struct transfers *t, struct transfer *entry)
{
    atomic_store(&entry->done, 0);
    pthread_mutex_lock(&t->lock);
    entry->next = NULL;
    entry->link = t->end;
    *t->end = entry;
    t->end = &entry->next;
    pthread_mutex_unlock(&t->lock);
}

void transfers_set_peer(struct transfers *t, struct transfer *entry, const ps_addr *peer)
{
    pthread_mutex_lock(&t->lock);
    entry->shown.peer = *peer;
    pthread_mutex_unlock(&t->lock);
}

void transfers_set_waiting(struct transfers *t, struct transfer *entry, bool waiting)
{
    pthread_mutex_lock(&t->lock);
    entry->shown.waiting = waiting;
    pthread_mutex_unlock(&t->lock);
}

void transfers_remove(struct transfers *t, struct transfer *entry)
{
    pthread_mutex_lock(&t->lock);
    if (entry->link) {
        *entry->link = entry->next;
        if (entry->next) {
            entry->next->link = entry->link;
        } else {
            t->end = entry->link;
        }
        entry->link = NULL;
    }
    pthread_mutex_unlock(&t->lock);
}

size_t transfers_list(struct transfers *t, struct data_transfer out[], size_t cap)
{
    size_t n = 0;
    pthread_mutex_lock(&t->lock);
    for (const struct transfer *e = t->first; e && n < cap; e = e->next) {
        out[n] = e->shown;
        out[n++].done = atomic_load(&e->done);
    }
    pthread_mutex_unlock(&t->lock);
    return n;
}

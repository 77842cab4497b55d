#include "turns.h"

#include <stddef.h>

void turns_init(struct turns *t)
{
    *t = (struct turns){.end = &t->first};
    pthread_mutex_init(&t->lock, NULL);
}

void turns_free(struct turns *t)
{
    pthread_mutex_destroy(&t->lock);
}

bool turns_take(struct turns *t, struct turn *turn)
{
    turn->next = NULL;
    pthread_mutex_lock(&t->lock);
    const bool mine = !t->taken;
    if (!mine) {
        *t->end = turn;
        t->end = &turn->next;
    }
    t->taken = true;
    pthread_mutex_unlock(&t->lock);
    return mine;
}

struct turn *turns_next(struct turns *t)
{
    pthread_mutex_lock(&t->lock);
    struct turn *next = t->first;
    if (next) {
        t->first = next->next;
    }
    if (!t->first) {
        t->end = &t->first;
    }
    t->taken = next != NULL;
    pthread_mutex_unlock(&t->lock);
    return next;
}

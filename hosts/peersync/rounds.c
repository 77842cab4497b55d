#include "rounds.h"

#include "data/alloc.h"

#include <stdbool.h>
#include <stdlib.h>

/* How many in a round: some milliseconds' work. */
#define ROUND 512u

struct rounds {
    uv_idle_t idle;
    size_t next, count;
    bool stopped;
    void (*each)(void *ctx, size_t i);
    void *ctx;
};

static void on_round(uv_idle_t *idle)
{
    struct rounds *r = idle->data;
    for (size_t n = 0; n < ROUND && r->next < r->count && !r->stopped; n++) {
        r->each(r->ctx, r->next++);
    }
    if (r->next == r->count && !r->stopped) {
        uv_idle_stop(&r->idle);
    }
}

struct rounds *rounds_start(uv_loop_t *loop, size_t count, void (*each)(void *ctx, size_t i),
                            void *ctx)
{
    struct rounds *r = data_alloc(1, sizeof *r);
    *r = (struct rounds){.count = count, .each = each, .ctx = ctx};
    uv_idle_init(loop, &r->idle);
    r->idle.data = r;
    uv_idle_start(&r->idle, on_round);
    return r;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void rounds_stop(struct rounds *r)
{
    if (r != NULL) {
        r->stopped = true;
        uv_close((uv_handle_t *)&r->idle, on_closed);
    }
}

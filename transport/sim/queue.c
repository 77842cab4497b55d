/* What is to come: a binary heap by time, then by order. */
#include "sim/sim_internal.h"

#include <stdlib.h>

#define FREE_ORDER     (UINT64_C(1) << 62)
#define DEADLINE_ORDER (UINT64_C(1) << 63)

static bool earlier(const ps_sim_event *a, const ps_sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void place(ps_sim_queue *q, uint32_t i, const ps_sim_event *event)
{
    q->heap[i] = *event;
    if (event->where) {
        *event->where = i;
    }
}

static void sift_up(ps_sim_queue *q, uint32_t i, ps_sim_event event)
{
    while (i > 0) {
        const uint32_t parent = (i - 1) / 2;
        if (!earlier(&event, &q->heap[parent])) {
            break;
        }
        place(q, i, &q->heap[parent]);
        i = parent;
    }
    place(q, i, &event);
}

static void sift_down(ps_sim_queue *q, uint32_t i, ps_sim_event event)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= q->len) {
            break;
        }
        if (child + 1 < q->len && earlier(&q->heap[child + 1], &q->heap[child])) {
            child++;
        }
        if (!earlier(&q->heap[child], &event)) {
            break;
        }
        place(q, i, &q->heap[child]);
        i = child;
    }
    place(q, i, &event);
}

bool ps_sim_queue_reserve(ps_sim_queue *q, uint32_t total)
{
    if (total <= q->cap) {
        return true;
    }
    const uint32_t cap = total < 64 ? 64 : total + total / 2;
    ps_sim_event *heap = (ps_sim_event *)realloc(q->heap, (size_t)cap * sizeof *heap);
    if (!heap) {
        return false;
    }
    q->heap = heap;
    q->cap = cap;
    return true;
}

static void add(ps_sim_queue *q, const ps_sim_event *event)
{
    q->len++;
    sift_up(q, q->len - 1, *event);
}

void ps_sim_queue_add(ps_sim_queue *q, uint64_t at_us, ps_sim_event_kind kind, uint32_t index,
                      uint32_t *where)
{
    add(q, &(ps_sim_event){at_us, q->sequence++, kind, index, where});
}

void ps_sim_queue_add_free(ps_sim_queue *q, uint64_t at_us, uint32_t node, uint32_t *where)
{
    add(q, &(ps_sim_event){at_us, FREE_ORDER + node, PS_SIM_EVENT_FREE, node, where});
}

void ps_sim_queue_add_deadline(ps_sim_queue *q, uint64_t at_us, uint32_t node, uint32_t *where)
{
    const uint64_t order = DEADLINE_ORDER + node;
    add(q, &(ps_sim_event){at_us, order, PS_SIM_EVENT_DEADLINE, node, where});
}

static void take_out(ps_sim_queue *q, uint32_t i)
{
    if (q->heap[i].where) {
        *q->heap[i].where = PS_SIM_NONE;
    }
    q->len--;
    if (i == q->len) {
        return;
    }
    /* The last event fills the gap; it belongs above or below it. */
    const ps_sim_event last = q->heap[q->len];
    if (i > 0 && earlier(&last, &q->heap[(i - 1) / 2])) {
        sift_up(q, i, last);
    } else {
        sift_down(q, i, last);
    }
}

bool ps_sim_queue_pop(ps_sim_queue *q, uint64_t until_us, ps_sim_event *out)
{
    if (q->len == 0 || q->heap[0].at_us > until_us) {
        return false;
    }
    *out = q->heap[0];
    take_out(q, 0);
    return true;
}

void ps_sim_queue_remove(ps_sim_queue *q, uint32_t *where)
{
    if (*where != PS_SIM_NONE) {
        take_out(q, *where);
    }
}

void ps_sim_queue_free(ps_sim_queue *q)
{
    free(q->heap);
}

/* What the tables and clocks of all machines are made of, each against a simple model: timeouts of
 * one length, clocks that jump, rates, sums of slabs. */
#include "harness.h"
#include "util/clock.h"
#include "util/layout.h"
#include "util/rate.h"
#include "util/timeouts.h"

enum { NODES = 8 };

/* The list agrees with what was started and when; a list that was torn is seen to be. */
static void look(const ps_timeouts *t, const ps_timeout_node *nodes, const bool linked[NODES],
                 uint64_t now_us)
{
    ps_timeout_node torn[NODES];
    int64_t count = 0;
    uint64_t least = PS_TIME_NEVER;
    for (uint32_t i = 0; i < NODES; i++) {
        must(ps_timeout_linked(nodes, i) == linked[i]);
        count += linked[i] ? 1 : 0;
        const uint64_t deadline = ps_timeout_deadline_us(t, nodes, i);
        least = linked[i] && deadline < least ? deadline : least;
    }
    must(ps_timeouts_check(t, nodes, NODES) == count);
    must(ps_timeouts_deadline_us(t, nodes) == least);
    const uint32_t due = ps_timeouts_due(t, nodes, now_us);
    must((due != PS_NIL) == (least <= now_us));
    if (count < 2) {
        return;
    }
    must(ps_timeouts_check(t, nodes, (uint32_t)count - 1) == -1);
    memcpy(torn, nodes, sizeof torn);
    torn[t->tail].prev = PS_NIL;
    must(ps_timeouts_check(t, torn, NODES) == -1);
    memcpy(torn, nodes, sizeof torn);
    torn[t->head].next = NODES;
    must(ps_timeouts_check(t, torn, NODES) == -1);
    memcpy(torn, nodes, sizeof torn);
    torn[t->head].next = PS_NIL;
    must(ps_timeouts_check(t, torn, NODES) == -1);
    memcpy(torn, nodes, sizeof torn);
    torn[t->tail].deadline_us = torn[t->head].deadline_us - 1;
    must(ps_timeouts_check(t, torn, NODES) == -1);
    memcpy(torn, nodes, sizeof torn);
    torn[t->tail].next = t->head; /* A ring. */
    must(ps_timeouts_check(t, torn, (uint32_t)count) == -1);
}

static void timeouts(tape *t)
{
    ps_timeouts list;
    ps_timeout_node nodes[NODES];
    bool linked[NODES] = {false};
    uint64_t now_us = 1000;
    ps_timeouts_init(&list, take8(t));
    for (uint32_t i = 0; i < NODES; i++) {
        ps_timeout_clear(nodes, i);
    }
    while (t->left > 0) {
        const uint8_t op = take8(t);
        const uint32_t i = op >> 3 & 7u;
        now_us += op >> 6;
        switch (op & 7u) {
        case 0:
        case 1:
        case 2:
            if (linked[i]) {
                ps_timeout_touch(&list, nodes, i, now_us);
            } else {
                ps_timeout_start(&list, nodes, i, now_us);
            }
            linked[i] = true;
            break;
        case 3:
            ps_timeout_stop(&list, nodes, i);
            linked[i] = false;
            break;
        case 4: {
            const uint64_t more_us = take8(t);
            const uint64_t latest_us = op & 32u ? take8(t) : now_us + take8(t);
            const uint64_t shift_us = ps_timeouts_shift(&list, nodes, more_us, latest_us);
            must(shift_us <= more_us);
            break;
        }
        default: {
            const uint32_t due = ps_timeouts_due(&list, nodes, now_us);
            if (due != PS_NIL) {
                ps_timeout_stop(&list, nodes, due);
                linked[due] = false;
            }
            break;
        }
        }
        look(&list, nodes, linked, now_us);
    }
}

/* It never runs back, and goes on after the host's was set back. */
static void clock(tape *t)
{
    ps_clock c = {0};
    uint64_t host_us = take64(t) >> 8, last_us = 0;
    while (t->left > 0) {
        const uint8_t how = take8(t);
        const uint64_t by_us = how < 128 ? take8(t) : (take64(t) >> 8) % (host_us + 1);
        host_us = (how & 1u) != 0 && by_us <= host_us ? host_us - by_us : host_us + by_us;
        const uint64_t clamped = c.clamped;
        const uint64_t now_us = ps_clock_advance(&c, host_us);
        must(now_us >= last_us && (now_us == last_us || c.clamped == clamped));
        last_us = now_us;
        const uint64_t deadline_us = how & 2u ? take64(t) : now_us + take8(t);
        must(ps_time_reached(deadline_us, now_us) ==
             (deadline_us <= now_us && deadline_us != PS_TIME_NEVER));
        must(ps_clock_host_us(&c, PS_TIME_NEVER) == PS_TIME_NEVER);
        must(ps_clock_host_us(&c, deadline_us) <= deadline_us);
        must(ps_time_add(deadline_us, by_us) < PS_TIME_NEVER);
        must(ps_time_add(deadline_us, ~by_us) < PS_TIME_NEVER);
        must(ps_time_min(deadline_us, now_us) <= now_us);
        must(ps_lateness_us(last_us, deadline_us, now_us) <= now_us);
    }
}

/* In any span of time no more than its share and the burst. */
static void rate(tape *t)
{
    ps_rate_bucket b;
    const uint32_t per_s = take8(t);
    const uint32_t burst = take8(t) % 32u;
    const uint64_t began_us = take8(t);
    uint64_t now_us = began_us, taken = 0;
    ps_rate_fill(&b, now_us, take8(t) % 64u);
    const uint64_t first = b.parts / PS_RATE_USE > burst ? burst : b.parts / PS_RATE_USE;
    while (t->left > 0) {
        const uint8_t how = take8(t);
        now_us += how >= 250 ? take64(t) >> 24 : (uint64_t)(how >> 1) * 1000;
        taken += ps_rate_take(&b, now_us, per_s, burst) ? 1u : 0u;
        must(taken <= first + (now_us - began_us) / 1000000 * per_s + per_s + 1);
        if (how == 249 && taken > 0 && b.parts / PS_RATE_USE < burst) {
            ps_rate_return(&b);
            taken--;
        }
    }
}

/* A sum that fits holds what it was made of; one that does not says so for good. */
static void layout(tape *t)
{
    const uint8_t first = take8(t); /* Or more than a sum may be. */
    ps_layout l = {.size = first < 255 ? first : SIZE_MAX};
    while (t->left > 0) {
        const uint8_t how = take8(t);
        const size_t before = l.size, bytes = 1u + how % 64u;
        const uint64_t count = how < 128 ? take8(t) : take64(t) >> how % 64u;
        const bool was = l.overflow;
        const size_t at = ps_layout_add(&l, count, bytes);
        must(!was || l.overflow);
        must(l.overflow ? at == 0 && l.size == before
                        : at >= before && at % 64 == 0 && (l.size - at) / bytes == count);
    }
    const uint32_t n = (uint32_t)l.size & 0x7fffffffu;
    const uint32_t power = ps_pow2_at_least(n);
    must(power >= n && (power & (power - 1)) == 0 && (power == 1 || power / 2 < n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(tape *) = {timeouts, clock, rate, layout};
    tape t = {data, size};
    parts[take8(&t) % 4u](&t);
    return 0;
}

/* The pump over a transport and a machine made for the case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peersync/pump.h"

#include <string.h>

/* One datagram waits whenever the pump asks; the machine answers each with an event, and always has
 * a tick due. */
typedef struct flood {
    uint64_t now_us;
    unsigned datagrams, ticks;
    unsigned waiting; /* Datagrams that the transport still has. */
} flood;

static ps_status flood_receive(void *ctx, ps_input in[], size_t cap, size_t *n)
{
    flood *f = ctx;
    *n = cap > 0 && f->waiting > 0 ? 1 : 0;
    if (*n == 0) {
        return PS_AGAIN;
    }
    f->waiting--;
    in[0] = (ps_input){.now_us = ++f->now_us, .type = PS_INPUT_DATAGRAM};
    return PS_OK;
}

static ps_status flood_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                            size_t *sent)
{
    (void)ctx;
    (void)slab;
    (void)dg;
    *sent = n;
    return PS_OK;
}

static uint64_t flood_now_us(void *ctx)
{
    return ((const flood *)ctx)->now_us;
}

static ps_status flood_step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    flood *f = self;
    for (*consumed = 0; *consumed < n; ++*consumed) {
        if (in[*consumed].type == PS_INPUT_TICK) {
            f->ticks++;
            continue;
        }
        if (out->events_len == out->events_cap) {
            return PS_AGAIN;
        }
        f->datagrams++;
        out->events[out->events_len++] = (ps_event){.type = PS_EVENT_DONE};
    }
    return PS_OK;
}

static uint64_t flood_deadline_us(const void *self)
{
    (void)self;
    return 0;
}

typedef struct rig {
    flood flood;
    ps_transport transport;
    ps_pump pump;
    uint8_t bytes[PS_DATAGRAM_MAX];
    ps_datagram datagrams[4];
    ps_event events[4];
} rig;

static void rig_init(rig *r)
{
    memset(r, 0, sizeof *r);
    r->transport = (ps_transport){
        .ctx = &r->flood, .receive = flood_receive, .send = flood_send, .now_us = flood_now_us};
    const ps_machine machine = {
        .self = &r->flood, .step = flood_step, .deadline_us = flood_deadline_us};
    const ps_output out = {.bytes = r->bytes,
                           .bytes_cap = sizeof r->bytes,
                           .datagrams = r->datagrams,
                           .datagrams_cap = 4,
                           .events = r->events,
                           .events_cap = 4};
    assert_int_equal(ps_pump_init(&r->pump, &r->transport, machine, out), PS_OK);
}

/* Every round has an event, so that none steps further; time passes all the same. */
static void a_flood_of_events_does_not_stop_the_ticks(void **state)
{
    (void)state;
    rig r;
    rig_init(&r);
    r.flood.waiting = 10 * PS_PUMP_FULL;
    for (unsigned i = 0; i < 10 * PS_PUMP_FULL; i++) {
        assert_int_equal(ps_pump_run_once(&r.pump), PS_MORE);
        ps_pump_clear_events(&r.pump);
    }
    assert_int_equal(r.flood.datagrams, 10 * PS_PUMP_FULL);
    assert_in_range(r.flood.ticks, 9, 10);
}

/* A tick comes after what was received, in the first round without an event. */
static void a_tick_follows_the_datagrams(void **state)
{
    (void)state;
    rig r;
    rig_init(&r);
    r.flood.waiting = 3;
    for (unsigned i = 0; i < 3; i++) {
        (void)ps_pump_run_once(&r.pump);
        assert_int_equal(r.flood.datagrams, i + 1);
        assert_int_equal(r.flood.ticks, 0);
        assert_int_equal(ps_pump_run_once(&r.pump), PS_INVALID); /* Events were not read. */
        ps_pump_clear_events(&r.pump);
    }
    (void)ps_pump_run_once(&r.pump);
    assert_int_equal(r.flood.ticks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_events_does_not_stop_the_ticks),
        cmocka_unit_test(a_tick_follows_the_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

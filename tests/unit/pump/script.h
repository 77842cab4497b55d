/* A scripted transport and a scripted machine for a pump to run between. */
#ifndef PS_TESTS_PUMP_SCRIPT_H
#define PS_TESTS_PUMP_SCRIPT_H

#include "peersync/pump.h"
#include "unit.h"

#include <string.h>

#define MOST 1024u

/* What the world does, and what was seen of the pump. */
typedef struct script {
    /* The transport: datagrams to receive, each one byte that tells the machine what to do. */
    char inbox[MOST];
    size_t inbox_len;
    size_t inbox_at;
    ps_status receive_fails; /* PS_OK: never. */
    uint64_t now_us;
    size_t send_limit;       /* Datagrams that one send takes; 0: all. */
    unsigned send_again_at;  /* The k-th send takes nothing; 0: never. */
    unsigned send_failed_at; /* The k-th send fails. */
    unsigned sends;
    char sent[MOST];
    size_t sent_len;

    /* The machine. */
    uint64_t deadline_us;
    unsigned more;      /* Ticks that answer PS_MORE. */
    uint64_t seq;       /* Of the last promise. */
    char stepped[MOST]; /* A letter for each input: the datagram's, T for a tick, C for others. */
    size_t stepped_len;
    uint64_t last_us;
    unsigned clock_ran_back;
} script;

static ps_status fake_receive(void *ctx, ps_input in[], size_t cap, size_t *n)
{
    script *s = ctx;
    *n = 0;
    if (s->receive_fails != PS_OK) {
        return s->receive_fails;
    }
    while (*n < cap && s->inbox_at < s->inbox_len) {
        in[*n] = (ps_input){.now_us = s->now_us, .type = PS_INPUT_DATAGRAM};
        in[*n].u.datagram.data = (uint8_t *)&s->inbox[s->inbox_at++];
        in[*n].u.datagram.len = 1;
        (*n)++;
    }
    return *n > 0 ? PS_OK : PS_AGAIN;
}

static ps_status fake_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                           size_t *sent)
{
    script *s = ctx;
    *sent = 0;
    s->sends++;
    assert_true(n > 0);
    if (s->sends == s->send_failed_at) {
        return PS_FAILED;
    }
    if (s->sends == s->send_again_at) {
        return PS_AGAIN;
    }
    const size_t limit = s->send_limit != 0 && s->send_limit < n ? s->send_limit : n;
    for (; *sent < limit; (*sent)++) {
        assert_int_equal(dg[*sent].len, 16);
        for (size_t i = 1; i < 16; i++) { /* The bytes are still those that the machine wrote. */
            assert_int_equal(slab[dg[*sent].offset + i], slab[dg[*sent].offset]);
        }
        s->sent[s->sent_len++] = (char)slab[dg[*sent].offset];
    }
    return limit == n ? PS_OK : PS_AGAIN;
}

static uint64_t fake_now_us(void *ctx)
{
    return ((script *)ctx)->now_us;
}

static void answer(ps_output *out, int letter, uint64_t commit_seq)
{
    out->datagrams[out->datagrams_len++] =
        (ps_datagram){.offset = (uint32_t)out->bytes_len, .len = 16, .commit_seq = commit_seq};
    memset(out->bytes + out->bytes_len, letter, 16);
    out->bytes_len += 16;
}

/* Lower case: an answer of that letter. Upper case: an answer that waits for a commit. '2': two
 * answers. '!': an event. '-': nothing. Every step wants room for two answers and an event. */
static bool fake_step_one(script *s, const ps_input *in, ps_output *out)
{
    if (in->now_us < s->last_us) {
        s->clock_ran_back++;
    }
    s->last_us = in->now_us;
    char letter = 'C';
    if (in->type == PS_INPUT_DATAGRAM) {
        letter = (char)in->u.datagram.data[0];
    } else if (in->type == PS_INPUT_TICK) {
        letter = 'T';
        s->deadline_us = PS_TIME_NEVER;
    }
    s->stepped[s->stepped_len++] = letter;
    if (in->type == PS_INPUT_WALL_CLOCK) {
        return false;
    }
    if (letter == '!') {
        out->events[out->events_len++] = (ps_event){.type = PS_EVENT_LOST};
    } else if (letter == '2') {
        answer(out, '2', 0);
        answer(out, '2', 0);
    } else if (letter >= 'a' && letter <= 'z') {
        answer(out, letter, 0);
    } else if (letter >= 'A' && letter <= 'Z' && letter != 'T') {
        answer(out, letter, ++s->seq);
    }
    return true;
}

static ps_status fake_step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    script *s = self;
    for (*consumed = 0; *consumed < n; (*consumed)++) {
        if (out->datagrams_cap - out->datagrams_len < 2 || out->bytes_cap - out->bytes_len < 32 ||
            out->events_cap == out->events_len) {
            return PS_AGAIN;
        }
        if (!fake_step_one(s, &in[*consumed], out)) {
            return PS_INVALID;
        }
    }
    if (in[n - 1].type == PS_INPUT_TICK && s->more > 0) {
        s->more--;
        return PS_MORE;
    }
    return PS_OK;
}

static uint64_t fake_deadline_us(const void *self)
{
    return ((const script *)self)->deadline_us;
}

/* A pump over a fresh script whose output has room for `slots` datagrams. */
typedef struct fixture {
    script s;
    ps_transport transport;
    ps_pump pump;
    uint8_t bytes[MOST * 16];
    ps_datagram datagrams[MOST];
    ps_event events[16];
} fixture;

static fixture f;

static void begin(const char *inbox, size_t slots)
{
    memset(&f, 0, sizeof f);
    f.s.inbox_len = strlen(inbox);
    memcpy(f.s.inbox, inbox, f.s.inbox_len);
    f.s.now_us = 1000;
    f.s.deadline_us = PS_TIME_NEVER;
    f.transport = (ps_transport){
        .ctx = &f.s, .receive = fake_receive, .send = fake_send, .now_us = fake_now_us};
    const ps_machine machine = {.self = &f.s, .step = fake_step, .deadline_us = fake_deadline_us};
    const ps_output out = {.bytes = f.bytes,
                           .bytes_cap = slots * 16,
                           .bytes_len = 7, /* Leftovers of the caller do not count. */
                           .datagrams = f.datagrams,
                           .datagrams_cap = slots,
                           .datagrams_len = 7,
                           .events = f.events,
                           .events_cap = 16,
                           .events_len = 7};
    assert_int_equal(ps_pump_init(&f.pump, &f.transport, machine, out), PS_OK);
}

static void assert_sent(const char *letters)
{
    f.s.sent[f.s.sent_len] = '\0';
    assert_string_equal(f.s.sent, letters);
}

static void assert_stepped(const char *letters)
{
    f.s.stepped[f.s.stepped_len] = '\0';
    assert_string_equal(f.s.stepped, letters);
}

#endif

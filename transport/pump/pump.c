#include "pump/hold.h"

#include <string.h>

static ps_status server_step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    return ps_server_step(self, in, n, consumed, out);
}

static uint64_t server_deadline_us(const void *self)
{
    return ps_server_deadline_us(self);
}

ps_machine ps_machine_of_server(ps_server *server)
{
    return (ps_machine){.self = server, .step = server_step, .deadline_us = server_deadline_us};
}

static ps_status peer_step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    return ps_peer_step(self, in, n, consumed, out);
}

static uint64_t peer_deadline_us(const void *self)
{
    return ps_peer_deadline_us(self);
}

ps_machine ps_machine_of_peer(ps_peer *peer)
{
    return (ps_machine){.self = peer, .step = peer_step, .deadline_us = peer_deadline_us};
}

ps_status ps_pump_init(ps_pump *p, const ps_transport *transport, ps_machine machine, ps_output out)
{
    if (!p || !transport || !machine.step || !machine.deadline_us || !out.bytes || !out.datagrams ||
        !out.events || out.bytes_cap == 0 || out.datagrams_cap == 0 || out.events_cap == 0) {
        return PS_INVALID;
    }
    memset(p, 0, sizeof *p);
    p->transport = transport;
    p->machine = machine;
    p->out = out;
    p->out.bytes_len = 0;
    p->out.datagrams_len = 0;
    p->out.events_len = 0;
    p->committed = UINT64_MAX;
    p->batch = PS_PUMP_BATCH;
    return PS_OK;
}

static bool may_go(const ps_pump *p, const ps_datagram *dg)
{
    return dg->commit_seq == 0 || dg->commit_seq <= p->committed;
}

static size_t count_ready(const ps_pump *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->out.datagrams_len; i++) {
        n += may_go(p, &p->out.datagrams[i]) ? 1u : 0u;
    }
    return n;
}

/* What stays in an output that is gone through: it moves down and closes the gaps. */
typedef struct kept {
    size_t datagrams;
    size_t bytes;
} kept;

static void keep(ps_output *out, kept *k, ps_datagram dg)
{
    if (dg.offset != k->bytes) {
        memmove(out->bytes + k->bytes, out->bytes + dg.offset, dg.len);
        dg.offset = (uint32_t)k->bytes;
    }
    k->bytes += dg.len;
    out->datagrams[k->datagrams++] = dg;
}

static void keep_end(ps_output *out, const kept *k)
{
    out->datagrams_len = k->datagrams;
    out->bytes_len = k->bytes;
}

/* Takes the first `gone` of those that may go out of the output. */
static void remove_sent(ps_pump *p, size_t gone)
{
    kept k = {0};
    for (size_t i = 0; i < p->out.datagrams_len; i++) {
        if (gone > 0 && may_go(p, &p->out.datagrams[i])) {
            gone--;
        } else {
            keep(&p->out, &k, p->out.datagrams[i]);
        }
    }
    keep_end(&p->out, &k);
}

/* Moves the promises that must wait out of the output. */
static void hold_promises(ps_pump *p)
{
    kept k = {0};
    for (size_t i = 0; i < p->out.datagrams_len; i++) {
        const ps_datagram *dg = &p->out.datagrams[i];
        if (may_go(p, dg)) {
            keep(&p->out, &k, *dg);
        } else if (!ps_hold_put(&p->held, p->out.bytes, dg)) {
            p->promises_dropped++;
        }
    }
    keep_end(&p->out, &k);
}

/* Sends past those that wait for a commit: gathers what may go, a batch at a time. */
static ps_status send_around(ps_pump *p, size_t *sent)
{
    ps_datagram batch[PS_PUMP_BATCH];
    size_t at = 0;
    ps_status status = PS_OK;
    while (status == PS_OK && at < p->out.datagrams_len) {
        size_t n = 0;
        size_t taken = 0;
        for (; at < p->out.datagrams_len && n < PS_PUMP_BATCH; at++) {
            if (may_go(p, &p->out.datagrams[at])) {
                batch[n++] = p->out.datagrams[at];
            }
        }
        if (n > 0) {
            status = p->transport->send(p->transport->ctx, p->out.bytes, batch, n, &taken);
            *sent += taken;
        }
    }
    return status;
}

/* Sends what may go. @return PS_OK: only what waits for a commit is left; PS_AGAIN; PS_FAILED. */
static ps_status flush(ps_pump *p)
{
    size_t ready = count_ready(p);
    if (p->held.cap > 0 && ready < p->out.datagrams_len) {
        hold_promises(p);
        ready = p->out.datagrams_len;
    }
    ps_status held = ps_hold_send(&p->held, p->committed, p->transport);
    if (held != PS_OK || ready == 0) {
        return held;
    }
    size_t sent = 0;
    ps_status status = PS_OK;
    if (ready == p->out.datagrams_len) {
        status =
            p->transport->send(p->transport->ctx, p->out.bytes, p->out.datagrams, ready, &sent);
    } else {
        status = send_around(p, &sent);
    }
    if (status == PS_OK && ready == p->out.datagrams_len) {
        p->out.datagrams_len = 0;
        p->out.bytes_len = 0;
    } else {
        remove_sent(p, sent);
    }
    return status;
}

static void note(ps_pump *p, ps_status status)
{
    if (status == PS_OK || status == PS_MORE) {
        p->more = status == PS_MORE;
    }
}

/* One call of the machine. Where the output lacks room it is drained and the call repeated;
 * PS_AGAIN then means that draining gave no room: the transport is full or, without a hold, all
 * waits for a commit. */
static ps_status step(ps_pump *p, ps_input in[], size_t n, size_t *consumed)
{
    ps_status status = p->machine.step(p->machine.self, in, n, consumed, &p->out);
    if (status == PS_AGAIN && *consumed == 0 && p->out.datagrams_len > 0) {
        const size_t before = p->out.datagrams_len;
        ps_status flushed = flush(p);
        if (flushed == PS_FAILED) {
            return PS_FAILED;
        }
        if (p->out.datagrams_len < before) {
            status = p->machine.step(p->machine.self, in, n, consumed, &p->out);
        }
    }
    note(p, status);
    if (*consumed > 0) {
        p->told_us = in[*consumed - 1].now_us;
    }
    return status;
}

/* Steps the received inputs until all are consumed, events want to be read or there is no room. */
static ps_status step_received(ps_pump *p)
{
    while (p->in_at < p->in_len && p->out.events_len == 0) {
        size_t consumed = 0;
        ps_status status = step(p, p->in + p->in_at, p->in_len - p->in_at, &consumed);
        p->in_at += consumed;
        if (status == PS_INVALID) {
            p->in_at++; /* Never the same input twice. */
        }
        if (status == PS_FAILED || status == PS_INVALID ||
            (status == PS_AGAIN && consumed == 0 && p->out.events_len == 0)) {
            return status;
        }
    }
    return PS_OK;
}

static ps_status receive(ps_pump *p)
{
    if (p->in_at < p->in_len) {
        return PS_OK;
    }
    size_t n = 0;
    ps_status status = p->transport->receive(p->transport->ctx, p->in, p->batch, &n);
    p->in_at = 0;
    p->in_len = status == PS_OK ? n : 0;
    p->full = p->in_len == p->batch ? p->full + p->batch : 0;
    return status == PS_AGAIN ? PS_OK : status;
}

static bool was_set_back(const ps_pump *p, uint64_t now_us)
{
    return now_us < p->told_us && p->told_us - now_us >= PS_PUMP_SET_BACK_US;
}

static bool is_due(const ps_pump *p, uint64_t now_us)
{
    return p->more || was_set_back(p, now_us) || p->machine.deadline_us(p->machine.self) <= now_us;
}

/* Ticks when due, after all that was received, and not before what the socket still holds. */
static ps_status tick(ps_pump *p, uint64_t now_us)
{
    if (p->out.events_len > 0 && is_due(p, now_us)) {
        p->put_off++;
    }
    if (p->in_at < p->in_len || p->out.events_len > 0 || !is_due(p, now_us) ||
        (p->full > 0 && p->full < PS_PUMP_FULL * PS_PUMP_BATCH)) {
        return PS_OK;
    }
    ps_input in = {.now_us = now_us, .type = PS_INPUT_TICK};
    size_t consumed = 0;
    ps_status status = step(p, &in, 1, &consumed);
    if (consumed > 0) {
        p->full = 0;
        p->put_off = 0;
        return PS_OK;
    }
    return status;
}

/* The tick that the events of round after round have put off comes before the next batch. */
static ps_status tick_put_off(ps_pump *p)
{
    if (p->put_off < PS_PUMP_FULL) {
        return PS_OK;
    }
    p->full = 0;
    return tick(p, p->transport->now_us(p->transport->ctx));
}

static ps_status round_once(ps_pump *p)
{
    ps_status status = flush(p);
    if (status == PS_OK) {
        status = tick_put_off(p);
    }
    if (status != PS_OK) {
        return status;
    }
    status = receive(p);
    if (status != PS_OK) {
        return status;
    }
    const bool full = p->full > 0;
    status = step_received(p);
    if (status == PS_FAILED || status == PS_INVALID) {
        return status;
    }
    const uint64_t now_us = p->transport->now_us(p->transport->ctx);
    if (status == PS_OK) {
        status = tick(p, now_us);
    }
    if (status == PS_FAILED || status == PS_INVALID) {
        return status;
    }
    ps_status flushed = flush(p);
    if (flushed != PS_OK) {
        return flushed;
    }
    if (status != PS_OK) {
        return status;
    }
    return full || p->in_at < p->in_len || is_due(p, now_us) ? PS_MORE : PS_OK;
}

ps_status ps_pump_run_once(ps_pump *p)
{
    if (p->out.events_len > 0) {
        return PS_INVALID;
    }
    ps_status status = round_once(p);
    p->blocked = status == PS_AGAIN;
    return status;
}

ps_status ps_pump_submit(ps_pump *p, ps_input *in)
{
    /* What was received earlier must not seem to come from the past after this. */
    in->now_us =
        p->in_at < p->in_len ? p->in[p->in_at].now_us : p->transport->now_us(p->transport->ctx);
    size_t consumed = 0;
    ps_status status = step(p, in, 1, &consumed);
    if (consumed == 0) {
        return status;
    }
    status = flush(p);
    p->blocked = status == PS_AGAIN;
    return status == PS_FAILED ? PS_FAILED : PS_OK;
}

void ps_pump_clear_events(ps_pump *p)
{
    p->out.events_len = 0;
}

void ps_pump_commit(ps_pump *p, uint64_t seq)
{
    p->committed = seq;
    p->blocked = false;
}

uint64_t ps_pump_deadline_us(const ps_pump *p)
{
    if (p->blocked) {
        return PS_TIME_NEVER;
    }
    if (p->more || p->in_at < p->in_len || count_ready(p) > 0 ||
        ps_hold_ready(&p->held, p->committed) ||
        was_set_back(p, p->transport->now_us(p->transport->ctx))) {
        return 0;
    }
    return p->machine.deadline_us(p->machine.self);
}

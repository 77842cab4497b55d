#include "journal/format.h"

static void stop(ps_journal_writer *j, ps_journal_result why)
{
    j->state = why;
}

ps_status ps_journal_writer_init(ps_journal_writer *j, const ps_journal_head *head,
                                 ps_journal_sink sink, void *ctx, uint8_t *buffer, size_t cap)
{
    if (!j || !head || !sink || !buffer || cap < PS_JOURNAL_BUFFER_MIN ||
        (head->kind != PS_JOURNAL_SERVER && head->kind != PS_JOURNAL_PEER)) {
        return PS_INVALID;
    }
    _Static_assert(HEAD_MAX <= PS_JOURNAL_BUFFER_MIN, "the head fits");
    memset(j, 0, sizeof *j);
    j->sink = sink;
    j->ctx = ctx;
    j->buffer = buffer;
    j->cap = cap < PS_JOURNAL_RECORD_MAX ? cap : PS_JOURNAL_RECORD_MAX;
    sheet s = {.base = buffer, .cap = j->cap};
    ps_journal_head_put(&s, head);
    if (!sink(ctx, buffer, s.len)) {
        stop(j, PS_JOURNAL_FAILED);
        return PS_FAILED;
    }
    return PS_OK;
}

/* Encodes as many inputs as the buffer holds; j->ends says where each ends. */
static size_t encode(ps_journal_writer *j, const ps_input in[], size_t n)
{
    sheet s = {.base = j->buffer, .cap = j->cap - CHECKSUM, .len = LENGTH + RECORD_FIXED};
    size_t count = 0;
    while (count < n && count < PS_PUMP_BATCH) {
        ps_journal_input_put(&s, &in[count]);
        if (s.full) {
            break;
        }
        j->ends[count++] = s.len;
    }
    return count;
}

/* Hands the record of the first `taken` encoded inputs to the sink. */
static void finish(ps_journal_writer *j, size_t taken, ps_status status,
                   const ps_journal_digest *digest)
{
    const size_t end = j->ends[taken - 1];
    sheet s = {.base = j->buffer, .cap = j->cap};
    put_number(&s, end - LENGTH, LENGTH);
    put_number(&s, (uint64_t)status, 1);
    put_number(&s, ps_journal_digest_value(digest), 8);
    put_number(&s, taken, 4);
    s.len = end;
    put_number(&s, fnv(FNV_BASIS, s.base, s.len), CHECKSUM);
    if (!j->sink(j->ctx, s.base, s.len)) {
        stop(j, PS_JOURNAL_FAILED);
        j->lost += taken;
        return;
    }
    j->records++;
    j->inputs += taken;
}

/* One call of the machine, with as many inputs as one record holds. */
static ps_status step_once(ps_journal_writer *j, ps_input in[], size_t n, size_t *taken,
                           ps_output *out)
{
    ps_journal_digest digest;
    const size_t datagrams = out->datagrams_len;
    const size_t events = out->events_len;
    const size_t count = encode(j, in, n);
    if (count == 0) {
        stop(j, PS_JOURNAL_TOO_LARGE);
        return PS_OK;
    }
    const ps_status status = j->inner.step(j->inner.self, in, count, taken, out);
    if (*taken > 0) {
        ps_journal_digest_init(&digest);
        ps_journal_digest_add(&digest, out, datagrams, events);
        finish(j, *taken, status, &digest);
    }
    return status;
}

static ps_status step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    ps_journal_writer *j = self;
    if (!in || !consumed || !out || n == 0) {
        return j->inner.step(j->inner.self, in, n, consumed, out);
    }
    ps_status status = PS_OK;
    *consumed = 0;
    while (*consumed < n && (status == PS_OK || status == PS_MORE)) {
        size_t taken = 0;
        if (j->state == PS_JOURNAL_OK) {
            status = step_once(j, in + *consumed, n - *consumed, &taken, out);
        } else {
            status = j->inner.step(j->inner.self, in + *consumed, n - *consumed, &taken, out);
            j->lost += taken;
        }
        *consumed += taken;
    }
    return status;
}

static uint64_t deadline_us(const void *self)
{
    const ps_journal_writer *j = self;
    return j->inner.deadline_us(j->inner.self);
}

ps_machine ps_journal_machine(ps_journal_writer *j, ps_machine inner)
{
    j->inner = inner;
    return (ps_machine){.self = j, .step = step, .deadline_us = deadline_us};
}

/* A tape in memory for a journal, a scripted machine to record, and one input of every kind. */
#ifndef PS_TESTS_JOURNAL_RIG_H
#define PS_TESTS_JOURNAL_RIG_H

#include "exact.h"
#include "journal/format.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define TAPE_BYTES   (1024u * 1024u)
#define EVERY_INPUT  17u
#define STEP_BYTES   8192u
#define MANY         256u
#define PASSWORD     "password123"
#define BIG_DATAGRAM 65507u

typedef struct tape {
    uint8_t bytes[TAPE_BYTES];
    size_t len;
    unsigned calls;
    unsigned fails_at; /* The k-th call of the sink; 0: none. */
} tape;

static inline bool tape_sink(void *ctx, const uint8_t *bytes, size_t len)
{
    tape *t = ctx;
    if (++t->calls == t->fails_at) {
        return false;
    }
    assert_true(len <= TAPE_BYTES - t->len);
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    return true;
}

static inline ps_journal_head server_head(void)
{
    ps_journal_head head = {.kind = PS_JOURNAL_SERVER};
    ps_server_config_default(&head.server);
    memset(head.server.seed, 0x5e, sizeof head.server.seed);
    return head;
}

/* One input of every kind, every field filled. The datagram's bytes may be changed. */
static inline void every_input(ps_input in[EVERY_INPUT])
{
    static uint8_t datagram[4];
    memcpy(datagram, "\x07\x00\xff\x01", 4);
    static const ps_addr v6 = {.ip = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                               .scope = 3,
                               .port = 0x1234,
                               .family = PS_ADDR_V6};
    static const ps_content content = {.length = UINT64_C(0x0123456789abcdef),
                                       .root = {1, 2, 3, 0xff}};
    memset(in, 0, EVERY_INPUT * sizeof *in);
    for (unsigned i = 0; i < EVERY_INPUT; i++) {
        in[i].type = (ps_input_type)(PS_INPUT_TICK + (int)i);
        in[i].now_us = UINT64_C(0xfedcba9876543210) + i;
        if (in[i].type >= PS_INPUT_PUBLISH) {
            in[i].u.command = (ps_input_command){.tag = UINT64_C(0x1122334455667788) + i,
                                                 .text = span_of("a name \xc3\xa9")};
        }
    }
    in[1].u.datagram = (ps_input_datagram){
        .from = v6, .data = datagram, .len = sizeof datagram, .endpoint = 0xa1b2c3d4};
    in[2].u.entropy = span_of("sixteen bytes at the least");
    in[3].u.wall_s = UINT64_C(0x1020304050607080);
    in[4].u.verdict = (ps_input_verdict){.pending = UINT64_C(0x8877665544332211),
                                         .retry_ms = 0x01020304,
                                         .credential = {0xc1, 2, 3, [15] = 0x1c}};
    in[5].u.restore = (ps_input_restore){.generation = 77,
                                         .user = span_of("alice"),
                                         .device = {9, 8, 7},
                                         .name = span_of("song.ogg"),
                                         .content = content,
                                         .published = true};
    in[6].u.store_retry_ms = 0x0a0b0c0d;
    in[7].u.expel = span_of("mallory");
    in[8].u.login = (ps_input_login){.server = v6,
                                     .endpoint = 2,
                                     .stream_port = 0xfedc,
                                     .key_known = true,
                                     .server_key = {0x5e, 1, [31] = 2},
                                     .device = {4, 5, 6},
                                     .user = span_of("bob"),
                                     .password = span_of(PASSWORD),
                                     .ticket = span_of("a ticket")};
    memset(in[9].u.trust, 0x7a, sizeof in[9].u.trust);
    in[11].u.command.content = content;
    _Static_assert(PS_INPUT_LOCATE - PS_INPUT_TICK + 1 == (int)EVERY_INPUT, "a kind is missing");
}

/* Opens each datagram in place, as a machine may, and puts a datagram and an event out for it. */
typedef struct scripted {
    size_t room;     /* Inputs that one call takes before it answers AGAIN. */
    unsigned answer; /* What it answers when all were taken. */
    unsigned calls;
    size_t taken;
    uint64_t deadline_us;
} scripted;

static inline ps_status scripted_step(void *self, ps_input in[], size_t n, size_t *consumed,
                                      ps_output *out)
{
    scripted *s = self;
    s->calls++;
    for (*consumed = 0; *consumed < n; ++*consumed) {
        ps_input *input = &in[*consumed];
        if (*consumed == s->room) {
            return PS_AGAIN;
        }
        if ((int)input->type > (int)EVERY_INPUT) {
            return PS_INVALID;
        }
        s->taken++;
        if (input->type == PS_INPUT_DATAGRAM && input->u.datagram.len > 0) {
            assert_true(out->datagrams_len < out->datagrams_cap);
            out->bytes[out->bytes_len] = input->u.datagram.data[0];
            out->datagrams[out->datagrams_len++] = (ps_datagram){
                .to = input->u.datagram.from, .offset = (uint32_t)out->bytes_len, .len = 1};
            out->bytes_len++;
            memset(input->u.datagram.data, 0xdd, input->u.datagram.len);
        }
    }
    return (ps_status)s->answer;
}

static inline uint64_t scripted_deadline_us(const void *self)
{
    return ((const scripted *)self)->deadline_us;
}

static inline ps_machine scripted_face(scripted *s)
{
    return (ps_machine){.self = s, .step = scripted_step, .deadline_us = scripted_deadline_us};
}

/* Output memory for the scripted machine; emptied. */
static inline ps_output *fresh_output(void)
{
    static uint8_t bytes[STEP_BYTES];
    static ps_datagram datagrams[MANY];
    static ps_event events[MANY];
    static ps_output out;
    out = (ps_output){.bytes = bytes,
                      .bytes_cap = sizeof bytes,
                      .datagrams = datagrams,
                      .datagrams_cap = MANY,
                      .events = events,
                      .events_cap = MANY};
    return &out;
}

/* Records calls of `each` inputs until all are consumed. */
static inline void record(tape *t, ps_input in[], size_t n, size_t each)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    static ps_journal_writer j;
    scripted s = {.room = SIZE_MAX};
    const ps_journal_head head = server_head();
    t->len = t->calls = 0;
    assert_int_equal(ps_journal_writer_init(&j, &head, tape_sink, t, buffer, sizeof buffer), PS_OK);
    const ps_machine face = ps_journal_machine(&j, scripted_face(&s));
    for (size_t at = 0; at < n;) {
        size_t consumed = 0;
        const size_t count = n - at < each ? n - at : each;
        assert_int_equal(face.step(face.self, in + at, count, &consumed, fresh_output()), PS_OK);
        assert_int_equal(consumed, count);
        at += consumed;
    }
    assert_int_equal(j.inputs, n);
}

/* Where the head ends on a tape. */
static inline size_t head_bytes(const uint8_t *bytes)
{
    return PREAMBLE + HEAD_FIXED + (size_t)bytes[PREAMBLE + 4] * 256 + bytes[PREAMBLE + 5] +
           CHECKSUM;
}

/* Puts the checksum of the head or record that begins at `at` and has `len` bytes right. */
static inline void mend(uint8_t *bytes, size_t at, size_t len)
{
    sheet s = {.base = bytes + at + len - CHECKSUM, .cap = CHECKSUM};
    put_number(&s, fnv(FNV_BASIS, bytes + at, len - CHECKSUM), CHECKSUM);
}

#endif

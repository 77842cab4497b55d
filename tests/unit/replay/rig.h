/* Short histories of real machines, recorded into memory. */
#ifndef PS_TESTS_REPLAY_RIG_H
#define PS_TESTS_REPLAY_RIG_H

#include "craft.h"
#include "exact.h"
#include "journal/format.h"
#include "replay.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define TAPE_BYTES (256u * 1024u)
#define PASSWORD   "password123"

typedef struct tape {
    uint8_t bytes[TAPE_BYTES];
    size_t len;
} tape;

static inline bool tape_sink(void *ctx, const uint8_t *bytes, size_t len)
{
    tape *t = ctx;
    assert_true(len <= TAPE_BYTES - t->len);
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    return true;
}

/* A machine under record. */
typedef struct rig {
    tape *t;
    replay_machine machine;
    ps_journal_writer writer;
    ps_machine face;
    uint64_t now_us;
    uint8_t buffer[PS_JOURNAL_RECORD_MAX];
} rig;

static inline void rig_begin(rig *r, tape *t, const ps_journal_head *head)
{
    memset(r, 0, sizeof *r);
    t->len = 0;
    r->now_us = 5000000;
    assert_null(replay_machine_open(&r->machine, head));
    assert_int_equal(
        ps_journal_writer_init(&r->writer, head, tape_sink, t, r->buffer, sizeof r->buffer), PS_OK);
    r->face = ps_journal_machine(&r->writer, r->machine.face);
}

static inline void rig_step(rig *r, ps_input in[], size_t n)
{
    size_t consumed = 0;
    r->machine.out.bytes_len = r->machine.out.datagrams_len = r->machine.out.events_len = 0;
    for (size_t i = 0; i < n; i++) {
        in[i].now_us = r->now_us;
        r->now_us += 1000;
    }
    const ps_status status = r->face.step(r->face.self, in, n, &consumed, &r->machine.out);
    assert_true(status == PS_OK || status == PS_MORE);
    assert_int_equal(consumed, n);
}

static inline ps_input datagram_from(uint16_t port, craft *c)
{
    ps_input in = {.type = PS_INPUT_DATAGRAM};
    in.u.datagram =
        (ps_input_datagram){.from = {.ip = {127, 0, 0, 1}, .port = port, .family = PS_ADDR_V4},
                            .data = c->data,
                            .len = c->len};
    return in;
}

static inline ps_journal_head small_server(void)
{
    ps_journal_head head = {.kind = PS_JOURNAL_SERVER};
    ps_server_config_default(&head.server);
    head.server.max_sessions = 4;
    head.server.max_users = 8;
    head.server.max_devices = 8;
    head.server.max_publications = 32;
    head.server.max_user_publications = 32;
    head.server.max_pending_logins = 4;
    head.server.name_bytes = 1024;
    memset(head.server.seed, 0x5e, sizeof head.server.seed);
    return head;
}

/* Alice logs in, Bob is refused, rubbish comes, and Alice falls silent. Ten inputs in seven calls.
 */
static inline void record_server(tape *t)
{
    static rig r;
    static craft alice, bob, rubbish;
    const ps_journal_head head = small_server();
    craft_login_fields fields = craft_login_default("alice", PASSWORD);
    craft_packet(&alice, 0, 0);
    craft_login(&alice, 7, &fields);
    fields = craft_login_default("bob", "password???");
    craft_packet(&bob, 0, 0);
    craft_login(&bob, 8, &fields);
    craft_reset(&rubbish);
    craft_fill(&rubbish, 0x20, 40);
    rig_begin(&r, t, &head);
    ps_input in[4] = {{.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000}};
    rig_step(&r, in, 1);
    uint64_t pending[2] = {0};
    for (unsigned i = 0; i < 2; i++) {
        in[0] = datagram_from((uint16_t)(4000 + i), i == 0 ? &alice : &bob);
        rig_step(&r, in, 1);
        assert_int_equal(r.machine.out.events_len, 1);
        pending[i] = r.machine.out.events[0].u.login.pending;
    }
    in[0] = (ps_input){.type = PS_INPUT_VERDICT, .u.verdict = {.pending = pending[0]}};
    in[1] = datagram_from(4002, &rubbish);
    in[2] = (ps_input){.type = PS_INPUT_VERDICT,
                       .u.verdict = {.pending = pending[1], .error = PS_E_CREDENTIALS}};
    in[3] = (ps_input){.type = PS_INPUT_ENTROPY, .u.entropy = span_of("sixteen bytes and more")};
    rig_step(&r, in, 4);
    for (unsigned i = 0; i < 3; i++) {
        r.now_us += 1500000;
        in[0] = (ps_input){.type = PS_INPUT_TICK};
        rig_step(&r, in, 1);
    }
    assert_int_equal(r.writer.inputs, 10);
    assert_int_equal(r.writer.records, 7);
    replay_machine_close(&r.machine);
}

/* A peer logs in at a server that does not answer, and publishes meanwhile. Four inputs. */
static inline void record_peer(tape *t)
{
    static rig r;
    ps_journal_head head = {.kind = PS_JOURNAL_PEER};
    ps_peer_config_default(&head.peer);
    head.peer.max_publications = 16;
    head.peer.name_bytes = 256;
    memset(head.peer.seed, 0x5f, sizeof head.peer.seed);
    rig_begin(&r, t, &head);
    ps_input in = {.type = PS_INPUT_LOGIN};
    in.u.login = (ps_input_login){.server = {.ip = {127, 0, 0, 1}, .port = 5000, .family = 4},
                                  .stream_port = 7001,
                                  .user = span_of("alice"),
                                  .password = span_of(PASSWORD)};
    rig_step(&r, &in, 1);
    in = (ps_input){.type = PS_INPUT_PUBLISH};
    in.u.command =
        (ps_input_command){.tag = 0xabc, .text = span_of("song.ogg"), .content.length = 5};
    rig_step(&r, &in, 1);
    for (unsigned i = 0; i < 2; i++) {
        r.now_us += 6000000;
        in = (ps_input){.type = PS_INPUT_TICK};
        rig_step(&r, &in, 1);
    }
    assert_int_equal(r.writer.inputs, 4);
    replay_machine_close(&r.machine);
}

static inline bool replays(const tape *t, const replay_lines *lines, replay_result *result)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    ps_journal_memory memory = {.data = t->bytes, .len = t->len};
    return replay_run(ps_journal_read_memory, &memory, buffer, lines, result);
}

/* Where the bytes of `what` stand on the tape from `from` on; SIZE_MAX: nowhere. */
static inline size_t place_of(const tape *t, size_t from, const char *what)
{
    const size_t n = strlen(what);
    for (size_t at = from; at + n <= t->len; at++) {
        if (memcmp(t->bytes + at, what, n) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

/* Changes a byte of a record and puts the record's checksum right. */
static inline void forge(tape *t, size_t place)
{
    size_t at = PREAMBLE + HEAD_FIXED + (size_t)t->bytes[PREAMBLE + 4] * 256 +
                t->bytes[PREAMBLE + 5] + CHECKSUM;
    for (;;) {
        const uint8_t *p = t->bytes + at;
        const size_t len = LENGTH + (size_t)p[2] * 256 + p[3];
        assert_true(at <= place);
        if (place < at + len) {
            t->bytes[place] ^= 1;
            sheet s = {.base = t->bytes + at + len, .cap = CHECKSUM};
            put_number(&s, fnv(FNV_BASIS, t->bytes + at, len), CHECKSUM);
            return;
        }
        at += len + CHECKSUM;
    }
}

#endif

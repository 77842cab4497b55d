/* Short histories of real machines, recorded into memory. */
#ifndef PS_TESTS_REPLAY_RIG_H
#define PS_TESTS_REPLAY_RIG_H

#include "exact.h"
#include "journal/format.h"
#include "replay.h"
#include "unit.h"
#include "wire/packet.h"

#include <stdlib.h>
#include <string.h>

#define TAPE_BYTES (256u * 1024u)
#define PASSWORD   "password123"

typedef struct tape {
    uint8_t bytes[TAPE_BYTES];
    size_t len;
} tape;

/* What the last record_both() has seen. */
static uint8_t last_ticket[PS_TICKET_MAX];
static size_t last_ticket_len;
static uint64_t server_inputs, server_records;

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
    uint8_t buffer[PS_JOURNAL_RECORD_MAX];
} rig;

static inline void rig_begin(rig *r, tape *t, ps_journal_head *head)
{
    memset(r, 0, sizeof *r);
    t->len = 0;
    assert_null(replay_machine_open(&r->machine, head));
    assert_int_equal(
        ps_journal_writer_init(&r->writer, head, tape_sink, t, r->buffer, sizeof r->buffer), PS_OK);
    r->face = ps_journal_machine(&r->writer, r->machine.face);
}

/* A server and two peers, whose datagrams arrive at once and in order. */
enum { SERVER, ALICE, BOB, MACHINES };

#define FIRST_PORT 4000u
#define QUEUE      64u

typedef struct world {
    rig machines[MACHINES];
    uint64_t now_us;
    struct {
        unsigned from, to;
        size_t len;
        uint8_t bytes[PS_DATAGRAM_MAX];
    } queue[QUEUE];
    size_t queued;
    unsigned by_ticket, known, retries; /* Of what was seen on the way. */
    uint8_t ticket[PS_TICKET_MAX];      /* Alice's last. */
    size_t ticket_len;
} world;

/* What Alice's uploads open tickets with, and the key of the ticket that Bob was given. */
static uint8_t file_key[PS_KEY_BYTES];
static uint8_t file_ticket_key[PS_KEY_BYTES];

static const uint8_t credential[PS_CREDENTIAL_BYTES] = "credential bytes";
static const uint8_t device[PS_DEVICE_BYTES] = "device of alice.";

static inline ps_addr address_of(unsigned machine)
{
    return (ps_addr){
        .ip = {127, 0, 0, 1}, .port = (uint16_t)(FIRST_PORT + machine), .family = PS_ADDR_V4};
}

static inline void world_step(world *w, unsigned machine, ps_input in[], size_t n);

static inline void judge(world *w, const ps_event_login *login)
{
    const bool good = login->by_ticket || (login->password.len == strlen(PASSWORD) &&
                                           memcmp(login->password.data, PASSWORD, 11) == 0);
    ps_input in = {
        .type = PS_INPUT_VERDICT,
        .u.verdict = {.pending = login->pending, .error = good ? PS_E_NONE : PS_E_CREDENTIALS}};
    w->by_ticket += login->by_ticket;
    w->known += login->known;
    memcpy(in.u.verdict.credential, credential, sizeof credential);
    world_step(w, SERVER, &in, 1);
}

static inline void on_event(world *w, unsigned machine, const ps_event *e)
{
    if (e->type == PS_EVENT_LOGIN_REQUEST) {
        judge(w, &e->u.login);
    } else if (e->type == PS_EVENT_SERVER_KEY) {
        ps_input in = {.type = PS_INPUT_TRUST};
        memcpy(in.u.trust, e->u.server_key, sizeof in.u.trust);
        world_step(w, machine, &in, 1);
    } else if (e->type == PS_EVENT_TICKET && machine == ALICE) {
        w->ticket_len = e->u.ticket.ticket.len;
        memcpy(w->ticket, e->u.ticket.ticket.data, w->ticket_len);
    } else if (e->type == PS_EVENT_FILE_KEYS && machine == ALICE) {
        assert_int_equal(e->u.file_keys.count, PS_FILE_EPOCHS);
        memcpy(file_key, e->u.file_keys.keys[1], sizeof file_key);
    } else if (e->type == PS_EVENT_SOURCE && machine == BOB) {
        assert_int_equal(e->u.entry.key.len, sizeof file_ticket_key);
        memcpy(file_ticket_key, e->u.entry.key.data, sizeof file_ticket_key);
    }
}

/* Steps inputs in one call; what goes out is queued, and events are answered. */
static inline void world_step(world *w, unsigned machine, ps_input in[], size_t n)
{
    rig *r = &w->machines[machine];
    ps_output *out = &r->machine.out;
    ps_event events[4];
    size_t consumed = 0;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    for (size_t i = 0; i < n; i++) {
        in[i].now_us = w->now_us;
        w->now_us += 1000;
    }
    const ps_status status = r->face.step(r->face.self, in, n, &consumed, out);
    assert_true(status == PS_OK || status == PS_MORE);
    assert_int_equal(consumed, n);
    for (size_t i = 0; i < out->datagrams_len; i++) {
        const ps_datagram *dg = &out->datagrams[i];
        assert_true(w->queued < QUEUE);
        w->queue[w->queued].from = machine;
        w->queue[w->queued].to = dg->to.port - FIRST_PORT;
        w->queue[w->queued].len = dg->len;
        memcpy(w->queue[w->queued++].bytes, out->bytes + dg->offset, dg->len);
        w->retries += out->bytes[dg->offset] == PS_PACKET_RETRY;
    }
    const size_t events_len = out->events_len;
    assert_true(events_len <= sizeof events / sizeof *events);
    memcpy(events, out->events, events_len * sizeof *events);
    for (size_t i = 0; i < events_len; i++) {
        on_event(w, machine, &events[i]);
    }
}

static inline ps_input datagram_from(unsigned machine, uint8_t *bytes, size_t len)
{
    return (ps_input){.type = PS_INPUT_DATAGRAM,
                      .u.datagram = {.from = address_of(machine), .data = bytes, .len = len}};
}

static inline void world_deliver(world *w)
{
    for (size_t at = 0; at < w->queued; at++) {
        uint8_t bytes[PS_DATAGRAM_MAX];
        memcpy(bytes, w->queue[at].bytes, w->queue[at].len);
        ps_input in = datagram_from(w->queue[at].from, bytes, w->queue[at].len);
        world_step(w, w->queue[at].to, &in, 1);
    }
    w->queued = 0;
}

/* Ticks all whose time has come, each 20 ms. */
static inline void world_run(world *w, unsigned ms, bool with_peers)
{
    for (const uint64_t end_us = w->now_us + 1000u * ms; w->now_us < end_us; w->now_us += 20000) {
        for (unsigned i = 0; i < (with_peers ? MACHINES : 1u); i++) {
            const rig *r = &w->machines[i];
            if (r->face.deadline_us(r->face.self) <= w->now_us) {
                ps_input in = {.type = PS_INPUT_TICK};
                world_step(w, i, &in, 1);
                world_deliver(w);
            }
        }
    }
}

static inline ps_journal_head small_server(uint32_t crypto_kind)
{
    ps_journal_head head = {.kind = PS_JOURNAL_SERVER, .crypto_kind = crypto_kind};
    ps_server_config_default(&head.server);
    head.server.max_sessions = 4;
    head.server.max_users = 8;
    head.server.max_devices = 8;
    head.server.max_publications = 32;
    head.server.max_user_publications = 32;
    head.server.max_handshakes = 8;
    head.server.max_pending_logins = 4;
    head.server.max_networks = 8;
    head.server.name_bytes = 1024;
    head.server.open_per_s = 1; /* The second one needs a cookie. */
    memset(head.server.seed, 0x5e, sizeof head.server.seed);
    memset(head.server.static_secret, 0x57, sizeof head.server.static_secret);
    memset(head.server.realm_secret, 0x4e, sizeof head.server.realm_secret);
    return head;
}

static inline ps_journal_head small_peer(uint32_t crypto_kind, uint8_t seed)
{
    ps_journal_head head = {.kind = PS_JOURNAL_PEER, .crypto_kind = crypto_kind};
    ps_peer_config_default(&head.peer);
    head.peer.max_publications = 16;
    head.peer.name_bytes = 256;
    head.peer.rekey_ms = 3000;
    memset(head.peer.seed, seed, sizeof head.peer.seed);
    return head;
}

static inline void world_login(world *w, unsigned machine, const char *user, const char *password)
{
    ps_input in = {.type = PS_INPUT_LOGIN};
    in.u.login = (ps_input_login){.server = address_of(SERVER),
                                  .stream_port = 7001,
                                  .user = span_of(user),
                                  .password = span_of(password),
                                  .ticket = {w->ticket, w->ticket_len}};
    memcpy(in.u.login.device, device, sizeof device);
    world_step(w, machine, &in, 1);
    world_deliver(w);
}

static inline void world_command(world *w, unsigned machine, ps_input_type type, const char *text)
{
    ps_input in = {.type = type};
    in.u.command = (ps_input_command){.tag = 0xabc, .text = span_of(text), .content.length = 5};
    world_step(w, machine, &in, 1);
    world_deliver(w);
}

static inline void world_logout(world *w, unsigned machine)
{
    ps_input in = {.type = PS_INPUT_LOGOUT};
    world_step(w, machine, &in, 1);
    world_deliver(w);
}

/* Alice logs in, publishes, gets fresh keys by ticket, leaves, comes back and shows her ticket;
 * Bob needs a cookie and is refused, then comes in and asks where her file is; rubbish comes,
 * sealed by nobody too; Alice falls silent. */
static inline void record_both(tape *server, tape *alice, uint32_t crypto_kind)
{
    static world w;
    static tape unused;
    memset(&w, 0, sizeof w);
    w.now_us = 5000000;
    ps_journal_head head = small_server(crypto_kind);
    rig_begin(&w.machines[SERVER], server, &head);
    for (unsigned i = ALICE; i <= BOB; i++) {
        head = small_peer(crypto_kind, (uint8_t)(0x5e + i));
        rig_begin(&w.machines[i], i == ALICE ? alice : &unused, &head);
    }
    ps_input in[3] = {{.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000}};
    world_step(&w, SERVER, in, 1);
    world_login(&w, ALICE, "alice", PASSWORD);
    world_login(&w, BOB, "bob", "password???");
    world_command(&w, ALICE, PS_INPUT_PUBLISH, "song.ogg");
    uint8_t rubbish[40];
    uint8_t forged[60] = {PS_PACKET_DATA};
    memset(rubbish, 0x20, sizeof rubbish);
    memcpy(rubbish + 8, PASSWORD, sizeof PASSWORD - 1);
    in[0] = datagram_from(BOB, rubbish, sizeof rubbish);
    in[1] = datagram_from(BOB, forged, sizeof forged);
    in[2] = (ps_input){.type = PS_INPUT_ENTROPY, .u.entropy = span_of("sixteen bytes and more")};
    world_step(&w, SERVER, in, 3);
    world_deliver(&w);
    world_run(&w, 5000, true);
    assert_true(w.by_ticket > 0);
    world_command(&w, ALICE, PS_INPUT_LIST_FILES, "");
    world_login(&w, BOB, "bob", PASSWORD);
    world_command(&w, BOB, PS_INPUT_LOCATE, "song.ogg");
    world_logout(&w, BOB);
    world_logout(&w, ALICE);
    world_login(&w, ALICE, "alice", PASSWORD);
    assert_true(w.known > w.by_ticket && w.retries > 0);
    world_run(&w, 5000, false);
    in[0] = (ps_input){.type = PS_INPUT_EXPEL, .u.expel = span_of("bob")};
    world_step(&w, SERVER, in, 1);
    assert_in_range(w.ticket_len, 1, sizeof w.ticket);
    memcpy(last_ticket, w.ticket, w.ticket_len);
    last_ticket_len = w.ticket_len;
    server_inputs = w.machines[SERVER].writer.inputs;
    server_records = w.machines[SERVER].writer.records;
    for (unsigned i = 0; i < MACHINES; i++) {
        replay_machine_close(&w.machines[i].machine);
    }
}

static inline void record_server(tape *t)
{
    static tape unused;
    record_both(t, &unused, PS_CRYPTO_STAND_IN);
}

static inline void record_peer(tape *t)
{
    static tape unused;
    record_both(&unused, t, PS_CRYPTO_STAND_IN);
}

static inline bool replays(const tape *t, const replay_lines *lines, replay_result *result)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    ps_journal_memory memory = {.data = t->bytes, .len = t->len};
    return replay_run(ps_journal_read_memory, &memory, buffer, lines, result);
}

/* Where the bytes of `what` stand on the tape from `from` on; SIZE_MAX: nowhere. */
static inline size_t place_of_bytes(const tape *t, size_t from, const void *what, size_t n)
{
    for (size_t at = from; at + n <= t->len; at++) {
        if (memcmp(t->bytes + at, what, n) == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static inline size_t place_of(const tape *t, size_t from, const char *what)
{
    return place_of_bytes(t, from, what, strlen(what));
}

/* Where the first record begins. */
static inline size_t head_end(const tape *t)
{
    return PREAMBLE + HEAD_FIXED + (size_t)t->bytes[PREAMBLE + 4] * 256 + t->bytes[PREAMBLE + 5] +
           CHECKSUM;
}

/* Changes a byte of a record and puts the record's checksum right. */
static inline void forge(tape *t, size_t place)
{
    size_t at = head_end(t);
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

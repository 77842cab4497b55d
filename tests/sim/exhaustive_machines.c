/* The machines of a state, the datagrams between them, and one step of one machine. */
#include "exhaustive.h"

#include "peersync/explain.h"
#include "peersync/sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GUARD      64u
#define GUARD_BYTE 0x5au
/* Rounds of ticks at one instant: what needs more has work without end. */
#define ROUNDS 256u

_Noreturn void ex_fail(const ex *x, const char *what, const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "does not hold: %s\n  %s:%d, scene %s, after %zu choices\n", what, file, line,
            x->scene->name, x->path_len);
    fprintf(stderr, "repeat with: exhaustive --scene %s --flight %u --path \"", x->scene->name,
            (unsigned)x->flight);
    for (size_t i = 0; i < x->path_len; i++) {
        char token[EX_TOKEN];
        ex_token(x->path[i], token);
        fprintf(stderr, "%s%s", i > 0 ? " " : "", token);
    }
    fprintf(stderr, "\"%s\n", x->healing ? " --heal" : "");
    abort();
}

/* ---- memory ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void *block(size_t bytes)
{
    void *p = aligned_alloc(64, aligned(bytes));
    if (p == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    memset(p, 0, aligned(bytes));
    return p;
}

/* The room of one step, with guarded ends. */
static ps_output room(size_t bytes, size_t datagrams, size_t events)
{
    ps_output out = {.bytes = block(bytes + GUARD), .bytes_cap = bytes};
    out.datagrams = block(datagrams * sizeof(ps_datagram) + GUARD);
    out.datagrams_cap = datagrams;
    out.events = block(events * sizeof(ps_event) + GUARD);
    out.events_cap = events;
    memset(out.bytes + bytes, GUARD_BYTE, GUARD);
    memset(out.datagrams + datagrams, GUARD_BYTE, GUARD);
    memset(out.events + events, GUARD_BYTE, GUARD);
    return out;
}

static void configure(ex *x)
{
    ps_server_config *server = &x->server;
    ps_server_config_default(server);
    server->max_sessions = EX_PEERS;
    server->max_users = EX_PEERS + 1;
    server->max_devices = EX_PEERS + 1;
    server->max_publications = EX_PEERS * EX_NAMES;
    server->max_user_publications =
        x->scene->quota != 0 ? x->scene->quota : server->max_publications;
    server->max_handshakes = 6;
    server->max_pending_logins = 3;
    server->max_networks = 4;
    server->name_bytes = 64;
    server->search_names = 1; /* A page a name. */
    server->resend_ms = 400;  /* A silence is over after fewer steps. */
    server->records = true;
    if (x->scene->open_per_s != 0) {
        server->open_per_s = x->scene->open_per_s;
    }
    server->crypto = ps_sim_crypto();
    memset(server->static_secret, 0x5e, sizeof server->static_secret);
    memset(server->realm_secret, 0x4e, sizeof server->realm_secret);
    server->crypto->x25519_public(x->server_key, server->static_secret);
    ps_peer_config_default(&x->peer);
    x->peer.max_requests = 2;
    x->peer.max_publications = EX_NAMES + 2; /* And tombstones. */
    x->peer.name_bytes = 64;
    x->peer.crypto = server->crypto;
    if (x->scene->rekey_packets != 0) {
        x->peer.rekey_packets = x->scene->rekey_packets;
    }
}

void ex_init(ex *x, const ex_scene *scene, uint32_t flight)
{
    memset(x, 0, sizeof *x);
    x->scene = scene;
    x->flight = flight;
    configure(x);
    x->peer_len = aligned(ps_peer_size(&x->peer));
    const size_t server_len = aligned(ps_server_size(&x->server));
    EX_REQUIRE(x, x->peer_len > 0 && server_len > 0);
    x->server_at = aligned(sizeof(ex_state));
    x->peers_at = x->server_at + server_len;
    x->flight_at = x->peers_at + EX_PEERS * x->peer_len;
    x->state_len = x->flight_at + EX_FLIGHT * sizeof(ex_message);
    x->twin = block(server_len > x->peer_len ? server_len : x->peer_len);
    x->out[EX_SERVER] = room(PS_SERVER_STEP_BYTES, PS_SERVER_STEP_DATAGRAMS, PS_SERVER_STEP_EVENTS);
    for (uint32_t m = 1; m < EX_MACHINES; m++) {
        x->out[m] = room(PS_PEER_STEP_BYTES, PS_PEER_STEP_DATAGRAMS, PS_PEER_STEP_EVENTS);
    }
}

void ex_free(ex *x)
{
    for (uint32_t m = 0; m < EX_MACHINES; m++) {
        free(x->out[m].bytes);
        free(x->out[m].datagrams);
        free(x->out[m].events);
    }
    free(x->twin);
}

ex_state *ex_state_new(const ex *x)
{
    return block(x->state_len);
}

void ex_state_copy(const ex *x, ex_state *to, const ex_state *from)
{
    memcpy(to, from, x->flight_at + from->flight_len * sizeof(ex_message));
}

void *ex_machine(const ex *x, const ex_state *s, uint32_t machine)
{
    const size_t at =
        machine == EX_SERVER ? x->server_at : x->peers_at + (machine - 1) * x->peer_len;
    return (uint8_t *)(uintptr_t)s + at;
}

ex_message *ex_flight(const ex *x, const ex_state *s)
{
    return (ex_message *)(void *)((uint8_t *)(uintptr_t)s + x->flight_at);
}

uint64_t ex_deadline_us(const ex *x, const ex_state *s, uint32_t machine)
{
    const void *self = ex_machine(x, s, machine);
    return machine == EX_SERVER ? ps_server_deadline_us(self) : ps_peer_deadline_us(self);
}

/* ---- one step ---- */

static ps_status step(uint32_t machine, void *self, ps_input *in, ps_output *out)
{
    size_t consumed = 9;
    const ps_status status = machine == EX_SERVER ? ps_server_step(self, in, 1, &consumed, out)
                                                  : ps_peer_step(self, in, 1, &consumed, out);
    return consumed == (status == PS_AGAIN ? 0 : 1) ? status : PS_FAILED;
}

static size_t machine_len(const ex *x, uint32_t machine)
{
    return machine == EX_SERVER ? x->peers_at - x->server_at : x->peer_len;
}

/* With less room than a step may need, nothing is changed. */
static void try_shortages(ex *x, uint32_t machine, void *self, ps_input *in)
{
    const ps_output *full = &x->out[machine];
    memcpy(x->twin, self, machine_len(x, machine));
    for (unsigned part = 0; part < 3; part++) {
        ps_output out = *full;
        out.bytes_len = part == 0 ? 1 : 0;
        out.datagrams_len = part == 1 ? 1 : 0;
        out.events_len = part == 2 ? 1 : 0;
        const ps_output before = out;
        EX_REQUIRE(x, step(machine, self, in, &out) == PS_AGAIN);
        EX_REQUIRE(x, memcmp(&before, &out, sizeof out) == 0);
    }
    EX_REQUIRE(x, memcmp(x->twin, self, machine_len(x, machine)) == 0);
}

static bool guarded(const void *at)
{
    uint64_t words[GUARD / 8];
    memcpy(words, at, sizeof words);
    for (size_t i = 0; i < GUARD / 8; i++) {
        if (words[i] != UINT64_C(0x5a5a5a5a5a5a5a5a)) {
            return false;
        }
    }
    return true;
}

static void check_output(const ex *x, const ps_output *out)
{
    size_t at = 0;
    EX_REQUIRE(x, out->datagrams_len <= out->datagrams_cap && out->events_len <= out->events_cap);
    EX_REQUIRE(x, guarded(out->bytes + out->bytes_cap) && guarded(out->events + out->events_cap) &&
                      guarded(out->datagrams + out->datagrams_cap));
    for (size_t i = 0; i < out->datagrams_len; i++) {
        const ps_datagram *dg = &out->datagrams[i];
        EX_REQUIRE(x, dg->offset == at && dg->len >= 1 && dg->len <= PS_DATAGRAM_MAX);
        at += dg->len;
    }
    EX_REQUIRE(x, at == out->bytes_len);
}

/* In words, as its sender can open it. */
static void tell(const ex *x, const ex_state *s, const ex_message *m)
{
    static const char *const names[] = {"server", "peer a", "peer b"};
    uint8_t copy[PS_DATAGRAM_MAX];
    char text[PS_EXPLAIN_BYTES];
    memcpy(copy, m->data, m->len);
    const void *self = ex_machine(x, s, m->from);
    const size_t opened = m->from == EX_SERVER ? ps_server_unseal(self, copy, m->len)
                                               : ps_peer_unseal(self, copy, m->len);
    (void)ps_explain_packet(copy, m->len, opened, text, sizeof text);
    fprintf(x->tell, "  %" PRIu64 ".%06" PRIu64 " %s to %s: %s%s\n", s->now_us / 1000000,
            s->now_us % 1000000, names[m->from], names[m->to], text,
            m->commit_seq > s->committed ? " (held for the store)" : "");
}

/* What a machine sends is under way, unless there is too much already. */
static void push(ex *x, ex_state *s, uint32_t machine, const ps_datagram *dg)
{
    ex_message m = {.from = (uint8_t)machine, .fresh = 1, .len = (uint16_t)dg->len};
    uint32_t peer = machine - 1;
    bool lost = s->flight_len >= (x->running ? EX_FLIGHT : x->flight);
    if (machine == EX_SERVER) {
        EX_REQUIRE(x, ex_peer_at(&dg->to, &peer));
        m.to = (uint8_t)(peer + 1);
        m.address = (uint8_t)(dg->to.port % 100);
        m.life = s->server_lives;
        m.commit_seq = dg->commit_seq;
        s->peers[peer].out[m.address] += dg->len;
        lost = lost || m.address != s->peers[peer].moves; /* Nobody is there any more. */
    } else {
        const ex_peer *p = &s->peers[peer];
        m.to = EX_SERVER;
        m.address = p->moves;
        m.life = p->heard[p->moves];
        m.session = p->online != 0 && p->open != 0 ? p->sessions : 0;
    }
    memcpy(m.data, x->out[machine].bytes + dg->offset, dg->len);
    if (x->tell != NULL) {
        tell(x, s, &m);
    }
    if (!lost) {
        memcpy(&ex_flight(x, s)[s->flight_len++], &m, sizeof m);
    }
}

void ex_remove(const ex *x, ex_state *s, uint32_t index)
{
    ex_message *m = ex_flight(x, s);
    s->flight_len--;
    memmove(&m[index], &m[index + 1], (s->flight_len - index) * sizeof *m);
}

void ex_step(ex *x, ex_state *s, uint32_t machine, ps_input *in)
{
    void *self = ex_machine(x, s, machine);
    ps_output *out = &x->out[machine];
    in->now_us = s->now_us;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    try_shortages(x, machine, self, in);
    if (machine == EX_SERVER) {
        ex_look_at_lateness(s);
    }
    const ps_status status = step(machine, self, in, out);
    x->counts.steps++;
    EX_REQUIRE(x, status == PS_OK || status == PS_MORE);
    check_output(x, out);
    const int broken = machine == EX_SERVER ? ps_server_check(self) : ps_peer_check(self);
    if (broken != 0) {
        fprintf(stderr, "the %s's check breaks at line %d\n",
                machine == EX_SERVER ? "server" : "peer", broken);
    }
    EX_REQUIRE(x, broken == 0);
    /* First the events: a session is open when its welcome is sent. */
    for (size_t i = 0; i < out->events_len; i++) {
        if (machine == EX_SERVER) {
            ex_on_server_event(x, s, &out->events[i]);
        } else {
            ex_on_peer_event(x, s, machine - 1, &out->events[i]);
        }
    }
    for (size_t i = 0; i < out->datagrams_len; i++) {
        push(x, s, machine, &out->datagrams[i]);
    }
    if (machine == EX_SERVER) {
        s->server_us = s->now_us;
        s->due_us = ex_deadline_us(x, s, EX_SERVER);
        if (!x->restoring) {
            ex_look_at_server(x, s);
        }
    }
}

static bool give_verdict(ex *x, ex_state *s)
{
    if (x->verdicts_len == 0) {
        return false;
    }
    x->verdicts_len--;
    ps_input in = {.type = PS_INPUT_VERDICT};
    in.u.verdict = (ps_input_verdict){.pending = x->verdicts[x->verdicts_len].pending,
                                      .error = x->verdicts[x->verdicts_len].error};
    memset(in.u.verdict.credential, 7, sizeof in.u.verdict.credential);
    ex_step(x, s, EX_SERVER, &in);
    return true;
}

void ex_settle(ex *x, ex_state *s, uint32_t frozen)
{
    bool busy = true;
    for (uint32_t round = 0; busy; round++) {
        EX_REQUIRE(x, round < ROUNDS);
        busy = give_verdict(x, s);
        for (uint32_t m = 0; m < EX_MACHINES; m++) {
            if ((frozen >> m & 1) == 0 && ex_deadline_us(x, s, m) <= s->now_us) {
                ps_input in = {.type = PS_INPUT_TICK};
                ex_step(x, s, m, &in);
                busy = true;
            }
        }
    }
}

static uint64_t drops_of(const ex *x, const ex_state *s, uint32_t machine)
{
    ps_server_stats stats;
    uint64_t sum = 0;
    if (machine != EX_SERVER) {
        return 0;
    }
    ps_server_stats_get(ex_machine(x, s, machine), &stats);
    for (size_t i = 0; i < PS_DROP_COUNT; i++) {
        sum += stats.drops[i];
    }
    return sum;
}

void ex_deliver(ex *x, ex_state *s, uint32_t index, bool keep)
{
    ex_message m = ex_flight(x, s)[index];
    ps_input in = {.type = PS_INPUT_DATAGRAM};
    if (keep) {
        ex_flight(x, s)[index].deliveries++;
    } else {
        ex_remove(x, s, index);
    }
    uint8_t bytes[PS_DATAGRAM_MAX];
    memcpy(bytes, m.data, m.len);
    in.u.datagram = (ps_input_datagram){.data = bytes, .len = m.len};
    if (m.to == EX_SERVER) {
        in.u.datagram.from = ex_addr(m.from - 1u, m.address);
        s->peers[m.from - 1].in[m.address] += m.len;
    } else {
        in.u.datagram.from = (ps_addr){.ip = {10, 0, 0, 1}, .port = 5000, .family = PS_ADDR_V4};
        s->peers[m.to - 1].heard[m.address] = m.life;
    }
    const uint64_t drops = drops_of(x, s, m.to);
    ex_step(x, s, m.to, &in);
    ex_look_at_delivery(s, &m, drops_of(x, s, m.to) == drops);
}

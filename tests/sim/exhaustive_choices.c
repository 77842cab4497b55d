/* What can happen in a state, and how it happens. */
#include "exhaustive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than a peer may be silent. */
#define SILENCE_US UINT64_C(3200000)
/* After healing: until everybody is online, until everybody's files are listed, until nothing is
 * left of what was under way. */
#define ONLINE_US UINT64_C(10000000)
#define LISTED_US UINT64_C(5000000)
#define QUIET_US  UINT64_C(31000000)

static const char letters[] = "DXUTEKRSC";
static const char machines[] = "sab";

void ex_token(ex_choice c, char token[EX_TOKEN])
{
    switch ((ex_kind)c.kind) {
    case EX_DELIVER:
    case EX_DROP:
    case EX_DUPLICATE:
        (void)snprintf(token, EX_TOKEN, "%c%u", letters[c.kind], c.arg);
        break;
    case EX_TICK:
    case EX_SYNC:
        (void)snprintf(token, EX_TOKEN, "%c", letters[c.kind]);
        break;
    case EX_FREEZE:
    case EX_CUT:
    case EX_RESTART:
    case EX_COMMAND:
        (void)snprintf(token, EX_TOKEN, "%c%c", letters[c.kind], machines[c.arg]);
        break;
    }
}

bool ex_token_read(const char *token, ex_choice *c)
{
    const char *letter = token[0] != '\0' ? strchr(letters, token[0]) : NULL;
    if (letter == NULL) {
        return false;
    }
    c->kind = (uint8_t)(letter - letters);
    if (c->kind <= EX_DUPLICATE) {
        char *end;
        const unsigned long n = strtoul(token + 1, &end, 10);
        c->arg = (uint8_t)n;
        return end != token + 1 && *end == '\0' && n < EX_FLIGHT;
    }
    const char *machine = token[1] != '\0' ? strchr(machines, token[1]) : NULL;
    c->arg = machine != NULL ? (uint8_t)(machine - machines) : 0;
    const bool bare = c->kind == EX_TICK || c->kind == EX_SYNC;
    return bare ? token[1] == '\0' : machine != NULL && token[2] == '\0';
}

/* ---- which there are ---- */

static uint64_t next_us(const ex *x, const ex_state *s, uint32_t frozen)
{
    uint64_t at_us = PS_TIME_NEVER;
    for (uint32_t m = 0; m < EX_MACHINES; m++) {
        const uint64_t due_us = ex_deadline_us(x, s, m);
        if ((frozen >> m & 1) == 0 && due_us < at_us) {
            at_us = due_us;
        }
    }
    return at_us;
}

typedef struct chooser {
    ex_choice *choices;
    bool *faults;
    size_t len;
} chooser;

static void add(chooser *c, ex_kind kind, uint32_t arg, bool fault)
{
    c->choices[c->len] = (ex_choice){.kind = (uint8_t)kind, .arg = (uint8_t)arg};
    c->faults[c->len++] = fault;
}

/* Whether another datagram on the same way was sent before, and has not arrived. */
static bool overtakes(const ex *x, const ex_state *s, uint32_t index)
{
    const ex_message *m = ex_flight(x, s);
    for (uint32_t i = 0; i < index; i++) {
        if (m[i].from == m[index].from && m[i].to == m[index].to && m[i].deliveries == 0) {
            return true;
        }
    }
    return false;
}

size_t ex_choices(const ex *x, const ex_state *s, ex_choice *choices, bool *faults)
{
    chooser c = {.choices = choices, .faults = faults};
    const ex_message *m = ex_flight(x, s);
    bool waiting = false;
    for (uint32_t i = 0; i < s->flight_len; i++) {
        if (m[i].commit_seq > s->committed) {
            continue;
        }
        waiting = waiting || m[i].deliveries == 0;
        add(&c, EX_DELIVER, i, m[i].deliveries == 0 && overtakes(x, s, i));
        /* To be lost at once or later is the same. */
        if (m[i].deliveries == 0 && m[i].fresh != 0) {
            add(&c, EX_DROP, i, true);
        }
        if (m[i].deliveries == 0) {
            add(&c, EX_DUPLICATE, i, true);
        }
    }
    for (uint32_t peer = 0; peer < EX_PEERS; peer++) {
        if (ex_can_command(x, s, peer)) {
            add(&c, EX_COMMAND, peer + 1, false);
        }
    }
    if (s->durable < s->records_len) {
        add(&c, EX_SYNC, 0, false);
    }
    if (next_us(x, s, 0) != PS_TIME_NEVER) {
        add(&c, EX_TICK, 0, waiting); /* What is on its way stays there longer. */
    }
    for (uint32_t machine = 0; machine < EX_MACHINES; machine++) {
        add(&c, EX_FREEZE, machine, true);
        add(&c, EX_RESTART, machine, true);
    }
    add(&c, EX_CUT, EX_SERVER, true);
    return c.len;
}

/* ---- how they happen ---- */

/* Takes what was sent since the choice: delivers it, unless it comes from or goes to one of the
 * `deaf`. */
static void carry(ex *x, ex_state *s, uint32_t frozen, uint32_t deaf)
{
    for (uint32_t i = 0; i < s->flight_len;) {
        const ex_message *m = &ex_flight(x, s)[i];
        if (m->fresh == 0) {
            i++;
        } else if (((deaf >> m->from | deaf >> m->to) & 1) != 0) {
            ex_remove(x, s, i);
        } else {
            if (m->commit_seq > s->committed) {
                ex_sync(x, s);
            }
            ex_deliver(x, s, i, false);
            ex_settle(x, s, frozen);
            ex_look_at_proofs(x, s);
            i = 0;
        }
    }
}

/* Lets time pass; the condition, if there is one, may end it. */
static void run(ex *x, ex_state *s, uint64_t us, uint32_t frozen, uint32_t deaf,
                bool (*until)(const ex *x, const ex_state *s))
{
    const uint64_t end_us = s->now_us + us;
    x->running = true;
    carry(x, s, frozen, deaf);
    while ((until == NULL || !until(x, s)) && next_us(x, s, frozen) <= end_us) {
        const uint64_t at_us = next_us(x, s, frozen);
        s->now_us = at_us > s->now_us ? at_us : s->now_us;
        ex_settle(x, s, frozen);
        carry(x, s, frozen, deaf);
    }
    x->running = false;
    if (until == NULL) {
        s->now_us = end_us;
    }
}

static void restart(ex *x, ex_state *s, uint32_t machine)
{
    if (machine == EX_SERVER) {
        ex_boot_server(x, s);
    } else {
        ex_boot_peer(x, s, machine - 1);
    }
}

void ex_choose(ex *x, ex_state *s, ex_choice c)
{
    for (uint32_t i = 0; i < s->flight_len; i++) {
        ex_flight(x, s)[i].fresh = 0;
    }
    switch ((ex_kind)c.kind) {
    case EX_DELIVER:
        ex_deliver(x, s, c.arg, false);
        break;
    case EX_DROP:
        ex_remove(x, s, c.arg);
        break;
    case EX_DUPLICATE:
        ex_deliver(x, s, c.arg, true);
        break;
    case EX_TICK:
        s->now_us = next_us(x, s, 0);
        break;
    case EX_FREEZE:
        run(x, s, SILENCE_US, UINT32_C(1) << c.arg, UINT32_C(1) << c.arg, NULL);
        break;
    case EX_CUT:
        run(x, s, SILENCE_US, 0, UINT32_C(1) << c.arg, NULL);
        break;
    case EX_RESTART:
        restart(x, s, c.arg);
        break;
    case EX_SYNC:
        ex_sync(x, s);
        break;
    case EX_COMMAND:
        ex_command_give(x, s, c.arg - 1u);
        break;
    }
    ex_settle(x, s, 0);
    ex_look_at_proofs(x, s);
}

/* ---- without faults ---- */

void ex_begin(ex *x, ex_state *s)
{
    s->now_us = UINT64_C(1000000);
    for (uint32_t i = 0; i < EX_PEERS * EX_NAMES; i++) {
        ex_wishes *w = &s->peers[i / EX_NAMES].wishes[i % EX_NAMES];
        w->len = w->ever = 1; /* Nothing. */
    }
    ex_boot_server(x, s);
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        ex_boot_peer(x, s, i);
    }
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        while (s->peers[i].commands < x->scene->before[i]) {
            EX_REQUIRE(x, ex_can_command(x, s, i));
            ex_command_give(x, s, i);
            run(x, s, UINT64_C(1100000), 0, 0, NULL);
        }
    }
    EX_REQUIRE(x, s->flight_len == 0);
}

static bool all_online(const ex *x, const ex_state *s)
{
    uint32_t online = 0;
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        online += s->peers[i].online != 0 && ex_active(x, s, i);
    }
    return online >= (x->scene->same_user ? 1 : EX_PEERS);
}

static bool all_listed(const ex *x, const ex_state *s)
{
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        for (uint32_t name = 0; name < EX_NAMES; name++) {
            if (s->peers[i].online != 0 && ex_listed(x, s, i, name) != ex_wish(s, i, name)) {
                return false;
            }
        }
    }
    return true;
}

static bool all_listings_done(const ex *x, const ex_state *s)
{
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        if (s->peers[i].files.tag != 0 && ex_active(x, s, i)) {
            return false;
        }
    }
    return true;
}

static ps_peer_state state_of(const ex *x, const ex_state *s, uint32_t peer)
{
    ps_peer_stats stats;
    ps_peer_stats_get(ex_machine(x, s, peer + 1), &stats);
    return stats.state;
}

/* It is leaving, or a wrong password is about to be refused. */
static bool undecided(const ex *x, const ex_state *s, uint32_t peer)
{
    const ps_peer_state state = state_of(x, s, peer);
    return state == PS_PEER_LEAVING || (state != PS_PEER_IDLE && s->peers[peer].wrong != 0);
}

/* What is under way arrives now, however late; who is out logs in. */
static void end_faults(ex *x, ex_state *s)
{
    for (uint32_t i = 0; i < s->flight_len; i++) {
        ex_flight(x, s)[i].fresh = 1;
    }
    if (s->durable < s->records_len) {
        ex_sync(x, s);
    }
    run(x, s, 0, 0, 0, NULL);
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        for (uint32_t n = 0; n < 10 && undecided(x, s, i); n++) {
            run(x, s, UINT64_C(500000), 0, 0, NULL);
        }
        EX_REQUIRE(x, !undecided(x, s, i));
        if (state_of(x, s, i) == PS_PEER_IDLE) {
            ex_log_in(x, s, i, false);
            ex_settle(x, s, 0);
        }
    }
}

/* Everybody sees in a list what everybody publishes, and nothing else. */
static void see_all(ex *x, ex_state *s)
{
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        if (ex_active(x, s, i) && s->peers[i].files.tag == 0) {
            ex_list_files(x, s, i);
            ex_settle(x, s, 0);
        }
    }
    run(x, s, LISTED_US, 0, 0, all_listings_done);
    EX_REQUIRE(x, all_listings_done(x, s));
    for (uint32_t i = 0; i < EX_PEERS && !x->scene->same_user; i++) {
        for (uint32_t k = 0; k < EX_PEERS; k++) {
            for (uint32_t name = 0; name < EX_NAMES; name++) {
                EX_REQUIRE(x, s->peers[i].shown[k][name] == ex_wish(s, k, name));
            }
        }
    }
}

/* Nothing is left of what was under way, and nothing goes on without end. */
static void calm_down(ex *x, ex_state *s)
{
    ps_server_stats server;
    ps_peer_stats before[EX_PEERS];
    ps_peer_stats after;
    run(x, s, QUIET_US / 2, 0, 0, NULL);
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        ps_peer_stats_get(ex_machine(x, s, i + 1), &before[i]);
    }
    run(x, s, QUIET_US / 2, 0, 0, NULL);
    ps_server_stats_get(ex_machine(x, s, EX_SERVER), &server);
    EX_REQUIRE(x, x->scene->same_user || server.pending_logins == 0);
    for (uint32_t i = 0; i < EX_PEERS; i++) {
        ps_peer_stats_get(ex_machine(x, s, i + 1), &after);
        EX_REQUIRE(x, after.repairs == before[i].repairs);
        EX_REQUIRE(x, after.losses == before[i].losses && after.timeouts == before[i].timeouts);
    }
}

void ex_heal(ex *x, ex_state *s)
{
    x->healing = true;
    end_faults(x, s);
    const uint64_t from_us = s->now_us;
    run(x, s, ONLINE_US, 0, 0, all_online);
    EX_REQUIRE(x, all_online(x, s));
    const uint64_t online_us = s->now_us;
    run(x, s, LISTED_US, 0, 0, all_listed);
    EX_REQUIRE(x, all_listed(x, s));
    x->counts.worst_online_us = online_us - from_us > x->counts.worst_online_us
                                    ? online_us - from_us
                                    : x->counts.worst_online_us;
    x->counts.worst_listed_us = s->now_us - online_us > x->counts.worst_listed_us
                                    ? s->now_us - online_us
                                    : x->counts.worst_listed_us;
    if (x->tell != NULL) {
        fprintf(x->tell, "all online after %" PRIu64 " us, all listed %" PRIu64 " us later\n",
                online_us - from_us, s->now_us - online_us);
    }
    see_all(x, s);
    calm_down(x, s);
    x->counts.healed++;
    x->healing = false;
}

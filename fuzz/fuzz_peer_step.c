/* Drives a small peer from inside its channels: the harness plays the server, knows the keys, and
 * answers with RESPOND, RETRY and VERSIONS, with crafted messages that it seals, flips and replays,
 * and with raw packets; commands, clock, shortages, copies of the slab. The input is a program, one
 * opcode a step. After each step every invariant is walked and the output must lie within a step's
 * bounds; every command must end exactly once, at the latest when the program is over and the peer
 * has logged out. */
#include "peer_answers.h"

static void send(world *w, bool stranger)
{
    w->last_len = w->c.len < sizeof w->last ? w->c.len : sizeof w->last;
    memcpy(w->last, w->c.data, w->last_len);
    deliver(w, w->c.data, w->c.len, stranger);
}

static void on_packet(world *w, uint8_t op)
{
    const uint8_t how = take8(&w->input);
    end *e = &w->ends[how >= 224 && how < 238 ? how % ENDS : 0];
    uint64_t counter = ++e->counter;
    counter = how >= 252 ? take64(&w->input) : how >= 240 ? 0 : counter;
    craft_packet(&w->c, how == 239 ? e->client_id + 1 : e->client_id, counter);
    for (uint8_t i = 0; i <= (how & 7u) && w->c.len < 1000; i++) {
        craft_one(w);
        if ((how & 8u) == 0) {
            break;
        }
    }
    end_seal(e, &w->c);
    if (how == 238) {
        w->c.data[take8(&w->input) % w->c.len] ^= 1;
    }
    send(w, (op & 0xf0u) == 0xf0u);
}

/* Answers the last INITIATE: mostly as a server does, else with what anybody can forge. */
static void on_handshake(world *w)
{
    static const uint8_t versions[] = {2, 3, 1, 9};
    uint8_t secret[PS_KEY_BYTES], cookie[16];
    const uint8_t how = take8(&w->input);
    const uint64_t client_id = load(w->initiate + 2, 8);
    if (!w->initiated) {
        return;
    }
    if (how >= 224) {
        memset(cookie, how, sizeof cookie);
        craft_retry(&w->c, client_id + (how == 255 ? 1 : 0), cookie,
                    w->initiate + PS_INITIATE_MESSAGE);
    } else if (how >= 192) {
        craft_versions(&w->c, client_id, versions + how % 3, 1 + how / 4 % 2);
    } else {
        memmove(w->ends + 1, w->ends, (ENDS - 1) * sizeof *w->ends);
        key_of(how >= 176 ? 8 : 7, secret); /* Another server, or somebody in between. */
        const int extra = how == 3 ? -1 : how % 4 == 3 ? how % 64 : 0; /* Fields, or too little. */
        end_answer(&w->ends[0], &w->c, w->initiate, how == 7 ? 0 : ++w->last_id, secret, extra);
    }
    if (how % 16 == 15) {
        w->c.data[take8(&w->input) % w->c.len] ^= (uint8_t)(1u << how % 8);
    }
    send(w, false);
}

static void on_trust(world *w)
{
    const uint8_t how = take8(&w->input);
    ps_input in = {.type = PS_INPUT_TRUST};
    memcpy(in.u.trust, w->asked_key, sizeof in.u.trust);
    in.u.trust[0] ^= how >= 240 ? 1 : 0;
    (void)step(w, &in);
}

/* Of the session's last packets, of an old one, of none of them, or from somebody else. */
static void on_reset(world *w)
{
    const uint8_t how = take8(&w->input);
    const uint64_t ago = how >= 192 && how < 208 ? 300u : how % 4u;
    craft_reset_packet(&w->c, w->session_id + (how == 255 ? 1 : 0), w->tx_counter - ago);
    deliver(w, w->c.data, w->c.len, how == 254);
}

/* Any bytes; mostly behind a header that lets them in. */
static void on_raw(world *w)
{
    const uint8_t how = take8(&w->input);
    const size_t len = take8(&w->input) * 2u;
    if (how < 200) {
        craft_packet(&w->c, w->ends[0].client_id, ++w->ends[0].counter);
    } else {
        craft_reset(&w->c);
    }
    for (size_t i = 0; i < len; i++) {
        craft_u8(&w->c, take8(&w->input));
    }
    if (how == 199) {
        craft_fill(&w->c, 0, 1200);
    }
    if (how < 200) {
        end_seal(&w->ends[0], &w->c);
    }
    deliver(w, w->c.data, w->c.len, false);
}

static void command(world *w, ps_input_type type, const char *text, uint64_t length)
{
    const size_t len = strlen(text);
    uint8_t *exact = malloc(len > 0 ? len : 1);
    must(exact != NULL && w->tags < TAGS);
    memcpy(exact, text, len);
    ps_input in = {
        .type = type,
        .u.command = {.tag = w->tags, .text = {exact, len}, .content = {.length = length}}};
    w->waits[w->tags++] = true;
    must(step(w, &in) != PS_INVALID);
    free(exact);
}

/* Many names, so that what walks over them needs several steps. */
static void on_many(world *w, uint8_t op)
{
    const uint8_t how = take8(&w->input);
    for (unsigned i = 0; i < how && w->tags < TAGS - STEPS; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, op & 0x40 ? "name %u that is rather a long one" : "n%u",
                       i);
        command(w, op & 0x20 ? PS_INPUT_UNPUBLISH : PS_INPUT_PUBLISH, name, how);
    }
}

static void on_command(world *w)
{
    static const ps_input_type types[] = {PS_INPUT_PUBLISH,    PS_INPUT_UNPUBLISH,
                                          PS_INPUT_LIST_PEERS, PS_INPUT_LIST_FILES,
                                          PS_INPUT_SEARCH,     PS_INPUT_LOCATE};
    char buffer[256];
    const uint8_t how = take8(&w->input);
    const ps_input_type type = types[how % 6];
    const bool named = type != PS_INPUT_LIST_PEERS && type != PS_INPUT_LIST_FILES;
    const char *text = named ? text_of(&w->input, buffer) : "";
    command(w, type, text, how / 6u);
}

static void login(world *w, const char *user, uint8_t how)
{
    static const uint8_t password[PS_PASSWORD_MAX + 1] = "secret";
    uint8_t secret[PS_KEY_BYTES];
    key_of(how >= 224 ? 8 : 7, secret);
    const size_t password_len = how % 16 == 13 ? sizeof password : how % 8 == 5 ? 0 : 6;
    const ps_span ticket = {(const uint8_t *)"ticket", 6};
    ps_input in = {.type = PS_INPUT_LOGIN,
                   .u.login = {.server = SERVER,
                               .stream_port = 7001,
                               .key_known = how % 4 != 0,
                               .user = {(const uint8_t *)user, strlen(user)},
                               .password = {password, password_len},
                               .ticket = how % 2 == 0 ? (ps_span){NULL, 0} : ticket}};
    ps_sim_crypto()->x25519_public(in.u.login.server_key, secret);
    ps_peer_stats stats;
    ps_peer_stats_get(w->p, &stats);
    const bool idle = stats.state == PS_PEER_IDLE;
    must((step(w, &in) == PS_INVALID) == !idle);
}

static void on_login(world *w)
{
    char buffer[256];
    const char *user = text_of(&w->input, buffer);
    login(w, user, take8(&w->input));
}

/* Does what is due next, at its time. */
static void tick_due(world *w)
{
    ps_input in = {.type = PS_INPUT_TICK};
    const uint64_t due_us = ps_peer_deadline_us(w->p);
    if (due_us != PS_TIME_NEVER) {
        w->now_us = due_us > w->now_us ? due_us : w->now_us;
        (void)step(w, &in);
    }
}

static void answer_now(world *w)
{
    end_seal(&w->ends[0], &w->c);
    deliver(w, w->c.data, w->c.len, false);
}

static bool is_fresh(world *w, uint8_t type)
{
    const bool fresh = w->fresh[type];
    w->fresh[type] = false;
    if (fresh) {
        craft_packet(&w->c, w->ends[0].client_id, ++w->ends[0].counter);
    }
    return fresh;
}

/* Time after time what is due is done, and only heartbeats are answered. */
static void on_patience(world *w)
{
    const unsigned turns = take8(&w->input) * 3u;
    for (unsigned n = 0; n < turns; n++) {
        tick_due(w);
        if (is_fresh(w, MSG_HEARTBEAT)) {
            craft_heartbeat_ok(&w->c, w->requests[MSG_HEARTBEAT], w->acked, 0, 0);
            answer_now(w);
        }
    }
}

/* For some turns the server does its part; `how` says in which mood. */
static void on_serve(world *w)
{
    const uint8_t how = take8(&w->input);
    for (unsigned n = 0; n < 1u + how % 16u; n++) {
        tick_due(w);
        for (uint8_t type = MSG_PUBLISH; type <= MSG_UNPUBLISH; type++) {
            if (is_fresh(w, type)) {
                w->acked = w->generation + w->entries - 1;
                craft_published(&w->c, w->requests[type], w->acked);
                if (how & 16u) {
                    craft_refusal(&w->c, 0, PS_E_QUOTA);
                }
                craft_end(&w->c);
                answer_now(w);
            }
        }
        if (is_fresh(w, MSG_DIGESTS)) {
            craft_repair(w, 1, how >> 5 & 3u, 0);
            answer_now(w);
        }
        if (is_fresh(w, MSG_LIST_NAMES)) {
            craft_repair(w, 0, (uint8_t)(how >> 5 | (how & 128u)), 0);
            answer_now(w);
        }
        if (is_fresh(w, MSG_HEARTBEAT)) { /* Half of the moods see another log. */
            craft_heartbeat_ok(&w->c, w->requests[MSG_HEARTBEAT], w->acked, w->digest + (how >> 7),
                               how & 32u ? 1700000000 : 0);
            answer_now(w);
        }
    }
}

/* Logged in, with a server that answers at once. */
static void enter(world *w, uint8_t how)
{
    uint8_t secret[PS_KEY_BYTES];
    key_of(7, secret);
    login(w, "a", (uint8_t)(how << 2 | 1));
    if (!w->initiated) {
        return;
    }
    memmove(w->ends + 1, w->ends, (ENDS - 1) * sizeof *w->ends);
    end_answer(&w->ends[0], &w->c, w->initiate, ++w->last_id, secret, 0);
    deliver(w, w->c.data, w->c.len, false);
    craft_packet(&w->c, w->ends[0].client_id, ++w->ends[0].counter);
    craft_login_ok(&w->c, w->requests[MSG_LOGIN], 0);
    end_seal(&w->ends[0], &w->c);
    deliver(w, w->c.data, w->c.len, false);
}

static void on_time(world *w)
{
    ps_input in = {.type = PS_INPUT_TICK};
    const uint8_t how = take8(&w->input);
    const uint64_t by_us = take8(&w->input) * UINT64_C(20000);
    if (how >= 246 && how < 250) { /* A clock that is set, or a peer that was stopped. */
        const uint64_t far_us = by_us * 1000;
        w->now_us = how >= 248 ? w->now_us + far_us : w->now_us - (w->now_us > far_us ? far_us : 0);
    } else if (how >= 250) {
        w->now_us = by_us < w->now_us ? w->now_us - by_us : 0;
    } else if (how >= 128 && ps_peer_deadline_us(w->p) != PS_TIME_NEVER &&
               ps_peer_deadline_us(w->p) > w->now_us) {
        w->now_us = ps_peer_deadline_us(w->p);
    } else {
        w->now_us += by_us;
    }
    (void)step(w, &in);
}

/* Less room than a step may need: nothing may change, as step() sees. */
static void on_shortage(world *w)
{
    const ps_output room = w->out;
    size_t *caps[] = {&w->out.bytes_cap, &w->out.datagrams_cap, &w->out.events_cap};
    size_t *cap = caps[take8(&w->input) % 3];
    *cap = *cap * take8(&w->input) / 256;
    if (*cap == 0 && cap == &w->out.bytes_cap) {
        *cap = (size_t)UINT32_MAX + 1; /* More than an offset can say. */
    }
    ps_input in = {.type = PS_INPUT_TICK};
    must(step(w, &in) == PS_AGAIN);
    w->out = room;
}

/* What lies behind a slab is nobody's. */
static uint8_t *slab_of(size_t len)
{
    const size_t whole = (len + 127) / 64 * 64;
    uint8_t *slab = aligned_alloc(64, whole);
    must(slab != NULL);
    poison_tail(slab, len, whole);
    return slab;
}

/* The slab moves to another place; the old one is overwritten. */
static void on_move(world *w)
{
    uint8_t *moved = slab_of(w->slab_len);
    memcpy(moved, w->slab, w->slab_len);
    memset(w->slab, 0xdb, w->slab_len);
    free(w->slab);
    w->slab = moved;
    void *p = moved;
    w->p = p;
    must(ps_peer_check(w->p) == 0);
}

/* Somebody's luck: the next handshake's first draw is an id that is in use. */
static void on_collision(world *w)
{
    ps_peer_channel *c = take8(&w->input) % 2 == 0 ? &w->p->session : &w->p->old;
    ps_prng next = w->p->prng;
    if (c->client_id == 0) {
        return;
    }
    const uint64_t id = ps_prng_u64(&next);
    for (size_t i = 0; i < ENDS; i++) {
        w->ends[i].client_id = w->ends[i].client_id == c->client_id ? id : w->ends[i].client_id;
    }
    c->client_id = id;
    must(ps_peer_check(w->p) == 0);
}

static void run_one(world *w)
{
    const uint8_t op = take8(&w->input);
    uint8_t bytes[16] = {op};
    ps_input entropy = {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}};
    ps_input logout = {.type = PS_INPUT_LOGOUT};
    switch (op % 16) {
    case 0:
        on_raw(w);
        break;
    case 1:
        on_login(w);
        break;
    case 2:
        (void)step(w, op >= 0xe0 ? &logout : &entropy);
        break;
    case 3:
    case 4:
    case 5:
        on_time(w);
        break;
    case 6:
        if (op & 0x80) {
            on_shortage(w);
        } else if (op & 0x10) {
            on_patience(w);
        } else {
            on_many(w, op);
        }
        break;
    case 7:
        deliver(w, w->last, w->last_len, op & 0x80);
        break;
    case 8:
        if (op & 0x80) {
            on_reset(w);
        } else if (op & 0x40) {
            on_trust(w);
        } else if (op & 0x20) {
            on_serve(w);
        } else if (op & 0x10) {
            on_collision(w);
        } else {
            on_move(w);
        }
        break;
    case 12:
        on_handshake(w);
        break;
    case 9:
    case 10:
    case 11:
        on_command(w);
        break;
    default:
        on_packet(w, op);
        break;
    }
}

/* Logs out and lets time pass: bounded work ends it. */
static void leave(world *w)
{
    ps_input in = {.type = PS_INPUT_LOGOUT};
    (void)step(w, &in);
    for (int n = 0; ps_peer_deadline_us(w->p) != PS_TIME_NEVER; n++) {
        must(n < 100);
        in = (ps_input){.type = PS_INPUT_TICK};
        const uint64_t due_us = ps_peer_deadline_us(w->p);
        w->now_us = due_us > w->now_us ? due_us : w->now_us;
        (void)step(w, &in);
    }
}

/* No command is left without an end. The second time is for those that came while it left. */
static void finish(world *w)
{
    ps_peer_stats stats;
    leave(w);
    leave(w);
    ps_peer_stats_get(w->p, &stats);
    must(stats.state == PS_PEER_IDLE && stats.requests == 0);
    for (size_t i = 0; i < w->tags; i++) {
        must(!w->waits[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.input = (tape){data, size};
    w.now_us = UINT64_C(20000000000);
    key_of(7, w.ends[0].tx); /* Nobody's, so far. */
    const uint8_t shape = take8(&w.input);
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.max_requests = 1 + (shape & 3u) * 7;
    const uint8_t more = take8(&w.input);
    cfg.max_publications = more & 2 ? 300 : 1 + (shape >> 2 & 3u) * 3;
    cfg.name_bytes = (shape >> 4 & 3u) * (more & 2 ? 2800u : 28u);
    cfg.datagram_max = shape & 64u ? PS_DATAGRAM_MIN : PS_DATAGRAM_MAX;
    cfg.mem_is_zero = (shape & 128u) != 0;
    cfg.rekey_ms = shape & 8u ? more & 64u ? 500 : 5000 : cfg.rekey_ms;
    cfg.request_ms = more & 128u ? 3600000 : cfg.request_ms;
    cfg.rekey_packets = shape & 4u ? 8 : cfg.rekey_packets;
    cfg.crypto = ps_sim_crypto();
    cfg.seed[0] = shape;
    w.datagram_max = cfg.datagram_max;
    w.slab_len = ps_peer_size(&cfg);
    w.slab = slab_of(w.slab_len);
    w.twin = malloc(w.slab_len);
    w.out = output_of(PS_PEER_STEP_BYTES, PS_PEER_STEP_DATAGRAMS, PS_PEER_STEP_EVENTS);
    must(w.twin != NULL);
    memset(w.slab, cfg.mem_is_zero ? 0 : 0xa5, w.slab_len);
    must(ps_peer_init(w.slab, w.slab_len, &cfg, &w.p) == PS_OK);
    if (more & 1) {
        enter(&w, more >> 2);
    }
    for (int n = 0; n < STEPS && w.input.left > 0; n++) {
        run_one(&w);
    }
    finish(&w);
    free(w.slab);
    free(w.twin);
    output_free(&w.out);
    return 0;
}

/* Drives a small peer from inside its channels: the harness plays the server, knows the keys, and
 * answers with RESPOND, RETRY and VERSIONS, with crafted messages that it seals, flips and replays,
 * and with raw packets; commands, clock, shortages, copies of the slab. The input is a program, one
 * opcode a step. After each step every invariant is walked and the output must lie within a step's
 * bounds; every command must end exactly once, at the latest when the program is over and the peer
 * has logged out. */
#include "peer/peer_internal.h"
#include "peer_world.h"

static void craft_pages(world *w, uint8_t type, uint32_t request, uint8_t how)
{
    static const uint8_t root[32] = {1};
    static const uint8_t ticket[PS_FILE_TICKET_MAX] = {2};
    char text[256];
    const uint8_t count = how % 5 == 4 ? how % 2 ? 40 : 70 : how % 5;
    craft_page(&w->c, type, request, how >= 128 ? how : 0);
    for (uint8_t i = 0; i < count; i++) {
        const uint8_t flags = take8(&w->input);
        if (type == ANSWER_NAMES) {
            craft_name_entry(&w->c, text_of(&w->input, text));
        } else if (type == ANSWER_PEERS) {
            craft_peer_entry(&w->c, flags < 200 ? "b" : text_of(&w->input, text));
        } else if (type == ANSWER_FILES) {
            craft_file_entry(&w->c, flags & 3u, flags, root, "b", "c");
        } else {
            craft_source_entry(&w->c, flags & 3u, flags, root, "b", flags >> 2 & 3u);
            for (unsigned k = 0; k < (flags >> 2 & 3u); k++) {
                craft_candidate(&w->c, OBSERVED + (k + (flags >> 7)) % 3u, flags & 64u ? 4 : 6,
                                root, flags & 32u);
            }
            craft_source_ticket(&w->c, root, ticket, flags & 16u ? sizeof ticket : how % 3u);
        }
    }
    craft_end(&w->c);
}

/* What a repair asks for: digests that are 0, small or any, as many as there may be. */
static void craft_repair(world *w, uint8_t kind, uint8_t how, uint32_t off)
{
    uint64_t digests[256] = {0};
    const unsigned left = 256u - w->first;
    const unsigned count = how % 8 == 7 ? how : left < 110 ? left : 110;
    if (kind % 2 == 0) {
        craft_pages(w, ANSWER_NAMES, w->requests[24] + off, how);
        return;
    }
    for (unsigned i = 0; i < how % 8u; i++) {
        digests[take8(&w->input)] = how % 2 == 0 ? take8(&w->input) : take64(&w->input);
    }
    craft_digests_ok(&w->c, w->requests[22] + off, how >= 128 ? how : w->acked,
                     w->first + (how >= 254 ? 1u : 0u), count, digests);
}

static void craft_welcome(world *w, uint8_t how, uint32_t off)
{
    static const char tickets[] = "tickets tickets tickets tickets";
    static const uint8_t keys[4 * PS_KEY_BYTES];
    w->acked = how % 8 == 7 ? take64(&w->input) : how;
    const craft_login_ok_fields m = {
        .wall_s = how % 4 == 1 ? 1700000000 : 0,
        .generation = w->acked,
        .digest = how % 8 == 6   ? w->digest
                  : how % 8 >= 5 ? take64(&w->input)
                                 : 0,
        .life = how % 3u,
        .ticket = how % 16 < 8 ? tickets + how % 8 : NULL,
        .expires_s = how % 4 == 1 ? UINT64_C(1700000000) + how : UINT64_MAX,
        .first_epoch = how % 16 < 4 ? UINT64_MAX : UINT64_C(19675),
        .file_keys = keys,
        .file_keys_len = how % 5u * PS_KEY_BYTES,
    };
    craft_login_ok_of(&w->c, w->requests[MSG_LOGIN] + off, &m);
    if (how >= 224) { /* Times that no peer takes over as they are. */
        const uint32_t times[] = {1, UINT32_MAX, 0, 4000000};
        uint8_t *at = w->c.data + w->c.message_at + PS_MESSAGE_HEADER;
        for (uint8_t i = take8(&w->input) % 8u; i < 3; i++) {
            ps_store32(at + 4 * i, times[(how + i) % 4u]);
        }
    }
}

/* One well-formed message to the right place, now and then with a strange number. */
static void craft_answer(world *w, uint8_t kind, uint8_t how, const uint32_t requests[TYPES],
                         uint32_t off)
{
    craft *c = &w->c;
    switch (kind % 13) {
    case 0:
        craft_welcome(w, how, off);
        break;
    case 1:
        craft_heartbeat_ok(c, requests[3] + off, how % 2 == 0 ? w->acked : how, how, how);
        break;
    case 2:
    case 3: {
        const uint64_t all = w->generation + w->entries - 1;
        w->acked = all;
        craft_published(c, requests[kind % 2 == 0 ? MSG_PUBLISH : MSG_UNPUBLISH] + off,
                        how % 8 == 6   ? all - 1
                        : how % 8 == 7 ? take64(&w->input)
                                       : all);
        for (uint8_t i = 0; i < how % 4; i++) {
            craft_refusal(c, take8(&w->input), take8(&w->input) % 16u);
        }
        craft_end(c);
        break;
    }
    case 4:
        craft_pages(w, ANSWER_PEERS, requests[8] + off, how);
        break;
    case 5:
        craft_pages(w, ANSWER_FILES, requests[10 + (how & 1u)] + off, how);
        break;
    case 6:
        craft_pages(w, ANSWER_SOURCES, requests[13] + off, how);
        break;
    case 7:
        craft_logout_ok(c, requests[15] + off);
        break;
    case 8:
        craft_challenge(c, how, take64(&w->input));
        break;
    case 9:
        craft_push(c, how, how, "data");
        break;
    case 10:
        craft_error(c, requests[1] + off, how % 40u, how * 16u, "text");
        break;
    case 11:
        craft_error(c, requests[take8(&w->input) % TYPES] + off, how % 40u, how * 16u, "");
        break;
    default: { /* Any type with any body. */
        const uint8_t len = take8(&w->input) % 64;
        craft_message(c, how, requests[take8(&w->input) % TYPES]);
        for (uint8_t i = 0; i < len; i++) {
            craft_u8(c, take8(&w->input));
        }
        craft_end(c);
        break;
    }
    }
}

static void craft_one(world *w)
{
    craft *c = &w->c;
    const uint8_t kind = take8(&w->input);
    const uint8_t how = take8(&w->input);
    /* Of no question, or of one that the peer has not sent yet: they are numbered on. */
    const uint32_t off = how == 255   ? 1u
                         : how == 252 ? (uint32_t)take8(&w->input) << PS_ID_PLACE_BITS
                                      : 0u;
    if (kind >= 234) { /* 18 * 13 */
        craft_repair(w, kind, how, off);
    } else {
        craft_answer(w, kind, how, how % 32 == 9 ? w->earlier : w->requests, off);
    }
    if (how == 253) { /* Its body is one byte longer than it should be. */
        craft_u8(c, how);
        craft_length(c, (unsigned)(c->len - c->message_at) - PS_MESSAGE_HEADER);
    }
}

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

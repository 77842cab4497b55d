/* Drives a small server from inside its channels: handshakes that the harness makes, so that it
 * knows the keys; messages crafted and sealed, flipped, replayed, from other addresses; raw
 * packets, logins by password and ticket, verdicts, clock, shortages. The input is a program, one
 * opcode a step. After each step every invariant of the tables is walked, the output lies within
 * the bounds that a step promises, and no address that was not proven got more bytes than came from
 * it. Beside it runs a twin with other lasting secrets, whose datagrams are translated: it must do
 * the same. */
#include "harness.h"
#include "peersync/server.h"

enum { CLIENTS = 4, ENDS = 3, SLAB = 12000, DATAGRAMS = 10, EVENTS = 160, POISON = 0xDB };
enum { LOGIN_OK = 2, CHALLENGE = 17, FILE_KEYS = 2 };

static uint8_t poison[SLAB];

typedef struct client {
    end ends[ENDS]; /* The newest first. */
    uint64_t generation;
    uint64_t nonce; /* Of the last CHALLENGE. */
    uint8_t device;
    uint8_t cookie[16];
    uint8_t ticket[PS_TICKET_MAX];
    uint8_t ticket_len;
    /* Of its address: what came from there and went there before it was proven. */
    bool proven;
    uint64_t bytes_in, bytes_out;
} client;

typedef struct world {
    tape input;
    ps_server *s, *twin;
    ps_output out, twin_out;
    uint64_t now_us;
    uint64_t pending;
    uint64_t last_client_id;
    client clients[CLIENTS];
    uint8_t last[2048]; /* The packet sent last, for replays. */
    size_t last_len;
    uint8_t last_from;
} world;

static end *end_of(world *w, uint64_t client_id, client **owner)
{
    for (size_t i = 0; i < CLIENTS * ENDS; i++) {
        end *e = &w->clients[i / ENDS].ends[i % ENDS];
        if (e->client_id == client_id && client_id != 0) {
            *owner = &w->clients[i / ENDS];
            return e;
        }
    }
    return NULL;
}

/* Behind 44 bytes and an address: a ticket, keys for uploads, or both, in this order. */
static void learn_welcome(client *c, ps_span body)
{
    size_t at = 44 + 7;
    c->generation = load(body.data + 12 + 8, 8);
    for (uint8_t last = 0; at < body.len;) {
        must(body.len - at > 3 + 8 && body.data[at] > last && body.data[at] <= FILE_KEYS);
        const size_t len = (size_t)load(body.data + at + 1, 2) - 8;
        last = body.data[at];
        at += 3 + 8;
        must(body.len - at >= len);
        if (last == FILE_KEYS) {
            must(len == PS_FILE_EPOCHS * PS_KEY_BYTES);
        } else {
            must(len <= PS_TICKET_MAX);
            c->ticket_len = (uint8_t)len;
            memcpy(c->ticket, body.data + at, len);
        }
        at += len;
    }
}

static void learn_messages(client *c, ps_span messages)
{
    ps_reader r = ps_reader_of(messages);
    ps_message m;
    while (ps_message_decode(&r, &m)) {
        if (m.type == LOGIN_OK) {
            learn_welcome(c, m.body);
        } else if (m.type == CHALLENGE) {
            c->nonce = load(m.body.data, 8);
        }
    }
    must(!r.bad);
}

static void learn_datagram(world *w, const ps_datagram *dg)
{
    uint8_t copy[PS_DATAGRAM_MAX];
    ps_packet packet;
    ps_drop why;
    ps_span messages;
    client *c = NULL;
    const uint8_t *p = w->out.bytes + dg->offset;
    must((size_t)dg->offset + dg->len <= w->out.bytes_len);
    must(ps_packet_decode(p, dg->len, &packet, &why));
    must(packet.type != PS_PACKET_INITIATE);
    client *there = &w->clients[dg->to.port % CLIENTS];
    there->bytes_out += dg->len;
    must(there->proven || there->bytes_out <= there->bytes_in);
    end *e = end_of(w, packet.receiver_id, &c);
    if (e == NULL) {
        return;
    }
    if (packet.type == PS_PACKET_RESPOND) {
        (void)end_take_respond(e, p, dg->len);
    } else if (packet.type == PS_PACKET_RETRY) {
        memcpy(c->cookie, packet.body.data, sizeof c->cookie);
    } else if (packet.type == PS_PACKET_DATA && e->keyed) {
        must(end_open(e, p, dg->len, copy, &messages));
        learn_messages(c, messages);
        memcpy(copy, p, dg->len);
        must(w->out.datagrams_len > 1 || ps_server_unseal(w->s, copy, dg->len) == messages.len ||
             w->out.events_len > 0); /* A session that has ended has no keys. */
    }
}

/* Learns keys, tickets and generations from the server's answers. */
static void learn(world *w)
{
    for (size_t i = 0; i < w->out.datagrams_len; i++) {
        learn_datagram(w, &w->out.datagrams[i]);
    }
    for (size_t i = 0; i < w->out.events_len; i++) {
        const ps_event_login *login = &w->out.events[i].u.login;
        if (w->out.events[i].type == PS_EVENT_LOGIN_REQUEST) {
            w->pending = login->pending;
            must(login->user.len <= PS_USER_MAX);
            must(login->by_ticket ? login->known : login->password.len <= PS_PASSWORD_MAX);
        }
    }
}

/* The twin's step, with its own translation of the input. */
static void step_twin(world *w, const ps_input *in, uint8_t *bytes, ps_status want)
{
    ps_input mine = *in;
    size_t consumed = 9;
    if (in->type == PS_INPUT_DATAGRAM) {
        mine.u.datagram.data = bytes;
    } else if (in->type == PS_INPUT_VERDICT) {
        memset(mine.u.verdict.credential, 0, sizeof mine.u.verdict.credential);
    }
    ps_output *out = &w->twin_out;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    out->bytes_cap = w->out.bytes_cap;
    out->datagrams_cap = w->out.datagrams_cap;
    out->events_cap = w->out.events_cap;
    must(ps_server_step(w->twin, &mine, 1, &consumed, out) == want);
    must(out->bytes_len == w->out.bytes_len && out->events_len == w->out.events_len);
    must(out->datagrams_len == w->out.datagrams_len);
    for (size_t i = 0; i < out->datagrams_len; i++) {
        must(out->datagrams[i].len == w->out.datagrams[i].len);
        must(ps_addr_equal(&out->datagrams[i].to, &w->out.datagrams[i].to));
        must(out->bytes[out->datagrams[i].offset] ==
             w->out.bytes[w->out.datagrams[i].offset]); /* The type. */
    }
}

static void step(world *w, ps_input *in)
{
    size_t consumed = 9;
    uint8_t *bytes = NULL;
    in->now_us = w->now_us;
    if (in->type == PS_INPUT_DATAGRAM) {
        ps_input_datagram mine = in->u.datagram;
        bytes = malloc(mine.len > 0 ? mine.len : 1);
        must(bytes != NULL);
        memcpy(bytes, mine.data, mine.len);
        mine.data = bytes;
        ps_server_translate(w->s, w->twin, &mine);
    }
    w->out.bytes_len = w->out.datagrams_len = w->out.events_len = 0;
    memset(w->out.bytes, POISON, SLAB);
    ps_status status = ps_server_step(w->s, in, 1, &consumed, &w->out);
    must(status != PS_INVALID && consumed == (status == PS_AGAIN ? 0 : 1));
    must(w->out.bytes_len <= PS_SERVER_STEP_BYTES);
    must(w->out.datagrams_len <= PS_SERVER_STEP_DATAGRAMS);
    must(w->out.events_len <= PS_SERVER_STEP_EVENTS);
    must(ps_server_check(w->s) == 0);
    must(memcmp(w->out.bytes + w->out.bytes_len, poison, SLAB - w->out.bytes_len) == 0);
    step_twin(w, in, bytes, status);
    free(bytes);
    learn(w);
}

static ps_addr address_of(uint8_t who)
{
    return (ps_addr){
        .ip = {127, 0, 0, 1}, .port = (uint16_t)(4000 + who % CLIENTS), .family = PS_ADDR_V4};
}

static void deliver(world *w, uint8_t who, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    must(exact != NULL);
    memcpy(exact, data, len);
    w->clients[who % CLIENTS].bytes_in += len;
    ps_input in = {.type = PS_INPUT_DATAGRAM,
                   .u.datagram = {.from = address_of(who), .data = exact, .len = len}};
    step(w, &in);
    free(exact);
}

static void send(world *w, uint8_t who, const craft *c)
{
    w->last_len = c->len < sizeof w->last ? c->len : sizeof w->last;
    memcpy(w->last, c->data, w->last_len);
    w->last_from = who;
    deliver(w, who, c->data, c->len);
}

/* Sealed, now and then with a wrong bit, now and then from elsewhere. */
static void send_sealed(world *w, uint8_t who, const end *e, craft *p)
{
    const uint8_t how = take8(&w->input);
    const uint8_t from = how >= 0xe0 ? how : who;
    end_seal(e, p);
    if (how >= 0xd0 && how < 0xd8) {
        p->data[take8(&w->input) % p->len] ^= (uint8_t)(1u << (how & 7));
    } else if (e->keyed && from % CLIENTS == who % CLIENTS) {
        w->clients[who % CLIENTS].proven = true;
    }
    send(w, from, p);
}

static void craft_one(world *w, client *c, craft *p)
{
    char text[256];
    uint8_t root[32] = {0};
    uint8_t kind = take8(&w->input);
    uint32_t request = take8(&w->input);
    uint64_t cursor = take8(&w->input);
    cursor = cursor == 255 ? take64(&w->input) : cursor;
    switch (kind % 9) {
    case 0:
        craft_heartbeat(p, request, c->generation, cursor);
        break;
    case 1:
    case 2: {
        uint8_t count = take8(&w->input) % 5;
        uint64_t generation = cursor % 3 == 0 ? cursor : c->generation + 1;
        if (kind % 9 == 1) {
            craft_publish(p, request, generation);
        } else {
            craft_unpublish(p, request, generation);
        }
        for (uint8_t i = 0; i < count; i++) {
            root[0] = take8(&w->input);
            if (kind % 9 == 1) {
                craft_publish_entry(p, root[0], root, text_of(&w->input, text));
            } else {
                craft_unpublish_entry(p, text_of(&w->input, text));
            }
        }
        craft_end(p);
        c->generation += generation == c->generation + 1 ? count : 0;
        break;
    }
    case 3:
        craft_list_peers(p, request, cursor);
        break;
    case 4:
        craft_list_files(p, request, cursor);
        break;
    case 5:
        craft_search(p, request, cursor, text_of(&w->input, text));
        break;
    case 6:
        craft_locate(p, request, cursor, text_of(&w->input, text));
        break;
    case 7:
        if (cursor == 7) {
            craft_logout(p, request);
        } else if (cursor == 8) {
            craft_digests(p, request, take8(&w->input));
        } else if (cursor == 9) {
            memset(root, take8(&w->input), sizeof root); /* A set of buckets. */
            craft_list_names(p, request, take8(&w->input), root);
        } else {
            craft_challenge_ok(p, request, cursor < 128 ? c->nonce : cursor);
        }
        break;
    default: { /* A message of any type with any body. */
        uint8_t len = take8(&w->input) % 64;
        craft_message(p, take8(&w->input), request);
        for (uint8_t i = 0; i < len; i++) {
            craft_u8(p, take8(&w->input));
        }
        craft_end(p);
        break;
    }
    }
}

/* By the newest keys, or older ones. */
static void on_session_packet(world *w, uint8_t who)
{
    craft p;
    client *c = &w->clients[who % CLIENTS];
    const uint8_t how = take8(&w->input);
    end *e = &c->ends[how < 200 ? 0 : how % ENDS];
    craft_packet(&p, e->id, ++e->counter);
    for (uint8_t i = 0; i <= how % 4 && p.len < 900; i++) {
        craft_one(w, c, &p);
    }
    send_sealed(w, who, e, &p);
}

/* A fresh handshake; or the same INITIATE again, with the cookie that was asked for. */
static void on_initiate(world *w, uint8_t who)
{
    craft p;
    client *c = &w->clients[who % CLIENTS];
    const uint8_t how = take8(&w->input);
    if (how % 4 != 0) {
        memmove(c->ends + 1, c->ends, (ENDS - 1) * sizeof *c->ends);
        end_begin(&c->ends[0], ++w->last_client_id);
    }
    craft_reset(&p);
    craft_bytes(&p, c->ends[0].initiate, PS_INITIATE_BYTES);
    if (how & 8) {
        memcpy(p.data + PS_INITIATE_COOKIE, c->cookie, sizeof c->cookie);
    }
    if (how >= 0xf0) {
        p.data[take8(&w->input)] ^= (uint8_t)(1u << (how & 7));
    }
    send(w, who, &p);
}

static void on_login(world *w, uint8_t who)
{
    static const char *const users[] = {"alice", "bob", "carol", "no/body"};
    craft p;
    client *c = &w->clients[who % CLIENTS];
    end *e = &c->ends[0];
    const uint8_t how = take8(&w->input);
    const char *user = users[take8(&w->input) % 4];
    uint8_t device[PS_DEVICE_BYTES];
    c->device = how % 3;
    memset(device, c->device, sizeof device);
    craft_packet(&p, e->id, ++e->counter);
    craft_message(&p, 1, take8(&w->input));
    craft_bytes(&p, device, sizeof device);
    craft_u32(&p, 0);
    craft_u16(&p, 7001);
    craft_u16(&p, 512 + take8(&w->input) * 3u);
    craft_u8(&p, how & 0x40 ? 2 : how == 0xff ? 3 : 1);
    craft_text(&p, user);
    if (how & 0x40) {
        craft_text_of(&p, c->ticket, c->ticket_len);
    } else {
        craft_text(&p, "secret");
    }
    if (how & 0x20) {
        craft_field(&p, how & 0x10 ? 7 : 1, c->ticket, c->ticket_len);
    }
    craft_end(&p);
    send_sealed(w, who, e, &p);
}

static void on_raw(world *w, uint8_t who)
{
    uint8_t data[512];
    size_t len = take8(&w->input) * 2u;
    for (size_t i = 0; i < len; i++) {
        data[i] = take8(&w->input);
    }
    if (len > 0 && data[0] < 0x80) {
        data[0] = data[0] % 8;
    }
    deliver(w, who, data, len);
}

/* A shortage: the step must answer AGAIN or work as ever. */
static void on_shortage(world *w)
{
    const ps_output room = w->out;
    size_t *caps[] = {&w->out.bytes_cap, &w->out.datagrams_cap, &w->out.events_cap};
    size_t *cap = caps[take8(&w->input) % 3];
    *cap = *cap * take8(&w->input) / 255;
    ps_input in = {.type = PS_INPUT_TICK};
    step(w, &in);
    w->out = room;
}

static void on_verdict(world *w)
{
    static const uint32_t errors[] = {PS_E_NONE, PS_E_NONE, PS_E_CREDENTIALS, PS_E_BUSY};
    uint8_t how = take8(&w->input);
    ps_input in = {.type = PS_INPUT_VERDICT,
                   .u.verdict = {.pending = how < 240 ? w->pending : take64(&w->input),
                                 .error = errors[how % 4]}};
    memset(in.u.verdict.credential, how % 8, sizeof in.u.verdict.credential);
    step(w, &in);
}

static void on_time(world *w)
{
    uint8_t how = take8(&w->input);
    uint64_t by_us = (uint64_t)take8(&w->input) * 20000;
    if (how >= 245 && how < 250) { /* A clock that is set, or a server that was stopped. */
        by_us *= 1000;
        w->now_us = how >= 248 ? w->now_us + by_us : w->now_us - (w->now_us > by_us ? by_us : 0);
        by_us = 0;
    }
    w->now_us = how >= 250 && by_us < w->now_us ? w->now_us - by_us : w->now_us + by_us;
    ps_input in = {.type = PS_INPUT_TICK};
    step(w, &in);
}

/* Records of an earlier life, whenever; and a store that is full, or not any more. */
static void on_store(world *w, uint8_t op)
{
    static const char *const users[] = {"alice", "bob", "carol", "no/body"};
    char text[256];
    ps_input in = {.type = PS_INPUT_STORE, .u.store_retry_ms = take8(&w->input) % 3u};
    if (op & 0x40) {
        const char *user = users[take8(&w->input) % 4];
        const char *name = text_of(&w->input, text);
        in = (ps_input){.type = PS_INPUT_RESTORE,
                        .u.restore = {.generation = take8(&w->input),
                                      .user = {(const uint8_t *)user, strlen(user)},
                                      .name = {(const uint8_t *)name, strlen(name)},
                                      .content = {.length = take8(&w->input)},
                                      .published = (op & 0x20) != 0}};
        memset(in.u.restore.device, take8(&w->input) % 3, PS_DEVICE_BYTES);
    }
    step(w, &in);
}

/* What the host knows: entropy, the time of day, accounts that are gone. */
static void on_host(world *w, uint8_t op)
{
    static const char *const users[] = {"alice", "bob", "carol", "no/body"};
    uint8_t bytes[16] = {op};
    ps_input in = {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}};
    if (op & 0x80) {
        const uint8_t how = take8(&w->input);
        const uint64_t wall_s = how < 250 ? 1700000000 + how * UINT64_C(40) : take64(&w->input);
        in = (ps_input){.type = PS_INPUT_WALL_CLOCK, .u.wall_s = wall_s};
    } else if (op & 0x40) {
        const char *user = users[op >> 4 & 3];
        in = (ps_input){.type = PS_INPUT_EXPEL, .u.expel = {(const uint8_t *)user, strlen(user)}};
    }
    step(w, &in);
}

static void run_one(world *w)
{
    uint8_t op = take8(&w->input);
    uint8_t who = op >> 4;
    switch (op % 12) {
    case 0:
        on_raw(w, who);
        break;
    case 1:
        on_login(w, who);
        break;
    case 2:
        on_verdict(w);
        break;
    case 3:
        on_time(w);
        break;
    case 4:
        on_shortage(w);
        break;
    case 5:
        who = op & 0x80 ? who : w->last_from;
        deliver(w, who, w->last, w->last_len);
        break;
    case 6:
        on_store(w, op);
        break;
    case 7:
        on_host(w, op);
        break;
    case 8:
    case 9:
        on_initiate(w, who);
        break;
    default:
        on_session_packet(w, who);
        break;
    }
}

static ps_server_config config_of(tape *t)
{
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    const uint8_t shape = take8(t);
    const uint8_t rates = take8(t);
    cfg.max_sessions = 1 + (shape & 3u);
    cfg.max_users = 1 + (shape >> 2 & 3u);
    cfg.max_devices = 1 + (shape >> 4 & 3u);
    cfg.max_publications = 1 + take8(t) % 16u;
    cfg.max_user_publications = 1 + take8(t) % 8u;
    cfg.max_pending_logins = 1 + (shape >> 6);
    cfg.max_handshakes = cfg.max_pending_logins + take8(t) % 8u;
    cfg.max_networks = 1 + (rates & 3u);
    cfg.name_bytes = take8(t);
    cfg.search_names = 1 + take8(t) % 8u;
    cfg.open_per_s = 1 + (rates >> 2 & 15u);
    cfg.network_per_s = 1 + (rates >> 6);
    cfg.records = shape & 1;
    cfg.crypto = ps_sim_crypto();
    memset(cfg.static_secret, 0x57, sizeof cfg.static_secret);
    memset(cfg.realm_secret, 0x4e, sizeof cfg.realm_secret);
    return cfg;
}

static ps_server *server_of(const ps_server_config *cfg, void **mem)
{
    ps_server *s = NULL;
    const size_t need = ps_server_size(cfg);
    *mem = aligned_alloc(64, need);
    must(need != 0 && *mem != NULL);
    memset(*mem, POISON, need);
    must(ps_server_init(*mem, need, cfg, &s) == PS_OK);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world w;
    void *mem, *twin_mem;
    memset(&w, 0, sizeof w);
    w.input = (tape){data, size};
    w.now_us = UINT64_C(20000000000);
    memset(poison, POISON, sizeof poison);
    ps_server_config cfg = config_of(&w.input);
    w.s = server_of(&cfg, &mem);
    memset(cfg.static_secret, 0x75, sizeof cfg.static_secret);
    memset(cfg.realm_secret, 0xe4, sizeof cfg.realm_secret);
    w.twin = server_of(&cfg, &twin_mem);
    w.out = output_of(SLAB, DATAGRAMS, EVENTS);
    w.twin_out = output_of(SLAB, DATAGRAMS, EVENTS);
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000};
    step(&w, &in);
    for (unsigned steps = 0; w.input.left > 0 && steps < 400; steps++) {
        run_one(&w);
    }
    output_free(&w.out);
    output_free(&w.twin_out);
    free(mem);
    free(twin_mem);
    return 0;
}

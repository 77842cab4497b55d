/* Drives a small server: packets raw and crafted, logins and verdicts, clock, shortages. The input
 * is a program, one opcode a step; after each step every invariant of the tables is walked, and the
 * output must lie within the bounds that a step promises. */
#include "craft.h"
#include "peersync/server.h"

#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 4, SLAB = 12000, DATAGRAMS = 10, EVENTS = 160, POISON = 0xDB };

static uint8_t poison[SLAB];

typedef struct tape {
    const uint8_t *at;
    size_t left;
} tape;

typedef struct client {
    uint64_t client_id;
    uint64_t session_id;
    uint64_t counter;
    uint64_t generation;
    uint8_t device;
} client;

typedef struct world {
    tape input;
    ps_server *s;
    ps_output out;
    uint64_t now_us;
    uint64_t pending;
    client clients[CLIENTS];
    uint8_t last[2048]; /* The packet sent last, for replays. */
    size_t last_len;
    uint8_t last_from;
} world;

static uint8_t take8(tape *t)
{
    if (t->left == 0) {
        return 0;
    }
    t->left--;
    return *t->at++;
}

static uint64_t take64(tape *t)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | take8(t);
    }
    return v;
}

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Learns session ids and generations from the server's answers. */
static void learn(world *w)
{
    for (size_t i = 0; i < w->out.datagrams_len; i++) {
        const ps_datagram *dg = &w->out.datagrams[i];
        const uint8_t *p = w->out.bytes + dg->offset;
        must((size_t)dg->offset + dg->len <= w->out.bytes_len);
        if (p[0] == 5) { /* RESET: not longer than any packet that it can answer. */
            must(dg->len == 17);
            continue;
        }
        must(p[0] == 7 && dg->len >= 17 + 8 && dg->len <= PS_DATAGRAM_MAX);
        client *c = &w->clients[dg->to.port % CLIENTS];
        if (p[17] == 2 && dg->len >= 17 + 8 + 8) { /* LOGIN_OK: the session id comes first. */
            c->session_id = 0;
            for (int k = 0; k < 8; k++) {
                c->session_id = c->session_id << 8 | p[25 + k];
            }
            c->counter = 0;
        }
    }
    for (size_t i = 0; i < w->out.events_len; i++) {
        if (w->out.events[i].type == PS_EVENT_LOGIN_REQUEST) {
            w->pending = w->out.events[i].u.login.pending;
            must(w->out.events[i].u.login.user.len <= PS_USER_MAX);
            must(w->out.events[i].u.login.password.len <= PS_PASSWORD_MAX);
        }
    }
}

static void step(world *w, ps_input *in)
{
    size_t consumed = 9;
    in->now_us = w->now_us;
    w->out.bytes_len = w->out.datagrams_len = w->out.events_len = 0;
    memset(w->out.bytes, POISON, SLAB);
    ps_status status = ps_server_step(w->s, in, 1, &consumed, &w->out);
    must(status != PS_INVALID && consumed == (status == PS_AGAIN ? 0 : 1));
    must(w->out.bytes_len <= PS_SERVER_STEP_BYTES);
    must(w->out.datagrams_len <= PS_SERVER_STEP_DATAGRAMS);
    must(w->out.events_len <= PS_SERVER_STEP_EVENTS);
    must(ps_server_check(w->s) == 0);
    must(memcmp(w->out.bytes + w->out.bytes_len, poison, SLAB - w->out.bytes_len) == 0);
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

/* A short text out of the input: often one of few, so that names meet again. */
static const char *text_of(tape *t, char buffer[256])
{
    static const char *const few[] = {
        "a", "b", "ab", "A name of more than twenty-eight bytes", "..", "x/y", "\xc3\xa9", ""};
    uint8_t kind = take8(t);
    if (kind < 200) {
        return few[kind % 8];
    }
    size_t len = take8(t);
    for (size_t i = 0; i < len; i++) {
        buffer[i] = (char)(take8(t) | 1);
    }
    buffer[len] = 0;
    return buffer;
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
            craft_challenge_ok(p, request, cursor);
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

static void on_session_packet(world *w, uint8_t who)
{
    craft p;
    client *c = &w->clients[who % CLIENTS];
    uint8_t count = take8(&w->input) % 4;
    craft_packet(&p, c->session_id, ++c->counter);
    for (uint8_t i = 0; i <= count && p.len < 900; i++) {
        craft_one(w, c, &p);
    }
    send(w, who, &p);
}

static void on_login(world *w, uint8_t who)
{
    static const char *const users[] = {"alice", "bob", "carol", "no/body"};
    craft p;
    client *c = &w->clients[who % CLIENTS];
    craft_login_fields m = craft_login_default(users[take8(&w->input) % 4], "secret");
    c->client_id = 1 + take8(&w->input) % 8;
    c->device = take8(&w->input) % 3;
    c->generation = 0;
    m.client_id = c->client_id;
    memset(m.device, c->device, sizeof m.device);
    m.datagram_max = (uint16_t)(512 + take8(&w->input) * 3);
    craft_packet(&p, 0, 0);
    craft_login(&p, take8(&w->input), &m);
    send(w, who, &p);
}

static void on_raw(world *w, uint8_t who)
{
    uint8_t data[512];
    size_t len = take8(&w->input) * 2u;
    for (size_t i = 0; i < len; i++) {
        data[i] = take8(&w->input);
    }
    if (len > 0 && data[0] < 0x80) {
        data[0] = data[0] == 5 ? 5 : 7;
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

static void run_one(world *w)
{
    uint8_t op = take8(&w->input);
    uint8_t who = op >> 4;
    uint8_t bytes[16] = {op};
    ps_input in = {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}};
    switch (op % 10) {
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
        deliver(w, op & 0x80 ? who : w->last_from, w->last, w->last_len);
        break;
    case 6:
        if (op & 0x10) {
            on_store(w, op);
            break;
        }
        if (op & 0x80) {
            in = (ps_input){.type = PS_INPUT_WALL_CLOCK, .u.wall_s = take64(&w->input)};
        }
        step(w, &in);
        break;
    default:
        on_session_packet(w, who);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world w = {.input = {data, size}, .now_us = UINT64_C(20000000000)};
    memset(poison, POISON, sizeof poison);
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    uint8_t shape = take8(&w.input);
    cfg.max_sessions = 1 + (shape & 3u);
    cfg.max_users = 1 + (shape >> 2 & 3u);
    cfg.max_devices = 1 + (shape >> 4 & 3u);
    cfg.max_publications = 1 + take8(&w.input) % 16u;
    cfg.max_user_publications = 1 + take8(&w.input) % 8u;
    cfg.max_pending_logins = 1 + (shape >> 6);
    cfg.name_bytes = take8(&w.input);
    cfg.search_names = 1 + take8(&w.input) % 8u;
    cfg.records = shape & 1;
    const size_t need = ps_server_size(&cfg);
    void *mem = aligned_alloc(64, need);
    must(need != 0 && mem != NULL);
    memset(mem, POISON, need);
    must(ps_server_init(mem, need, &cfg, &w.s) == PS_OK);
    w.out = (ps_output){.bytes = malloc(SLAB),
                        .bytes_cap = SLAB,
                        .datagrams = malloc(DATAGRAMS * sizeof(ps_datagram)),
                        .datagrams_cap = DATAGRAMS,
                        .events = malloc(EVENTS * sizeof(ps_event)),
                        .events_cap = EVENTS};
    for (unsigned steps = 0; w.input.left > 0 && steps < 400; steps++) {
        run_one(&w);
    }
    free(w.out.bytes);
    free(w.out.datagrams);
    free(w.out.events);
    free(mem);
    return 0;
}

/* Drives a small server from inside its channels: handshakes that the harness makes, so that it
 * knows the keys; messages crafted and sealed, flipped, replayed, from other addresses; raw
 * packets, logins by password and ticket, verdicts, clock, shortages. The input is a program, one
 * opcode a step. After each step every invariant of the tables is walked, the output lies within
 * the bounds that a step promises, and no address that was not proven got more bytes than came from
 * it. Beside it runs a twin with other lasting secrets, whose datagrams are translated: it must do
 * the same. */
#include "peersync/transfer.h"
#include "server/server_internal.h"
#include "server_world.h"

/* PUBLISH or UNPUBLISH of some names, at the next generation or another. */
static void craft_changes(world *w, client *c, craft *p, uint32_t request, uint64_t cursor,
                          bool publish)
{
    char text[256];
    uint8_t root[32] = {0};
    uint8_t count = take8(&w->input) % 5;
    uint64_t generation = cursor % 3 == 0 ? cursor : c->generation + 1;
    if (publish) {
        craft_publish(p, request, generation);
    } else {
        craft_unpublish(p, request, generation);
    }
    for (uint8_t i = 0; i < count; i++) {
        root[0] = take8(&w->input);
        if (publish) {
            craft_publish_entry(p, root[0] == 255 ? PS_FILE_MAX + 1 : root[0], root,
                                text_of(&w->input, text));
        } else {
            craft_unpublish_entry(p, text_of(&w->input, text));
        }
    }
    craft_end(p);
    c->generation += generation == c->generation + 1 ? count : 0;
}

static void craft_one(world *w, client *c, craft *p)
{
    char text[256];
    uint8_t root[32] = {0};
    uint8_t kind = take8(&w->input);
    uint32_t request = take8(&w->input);
    uint64_t cursor = take8(&w->input);
    cursor = cursor == 255 ? take64(&w->input) : cursor >= 240 ? c->next : cursor;
    switch (kind % 9) {
    case 0:
        craft_heartbeat(p, request, c->generation, cursor);
        break;
    case 1:
    case 2:
        craft_changes(w, c, p, request, cursor, kind % 9 == 1);
        break;
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
            w->answers = w->answers || cursor < 128;
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
    if (kind >= 250) { /* Its body is one byte longer than it should be. */
        craft_u8(p, kind);
        craft_length(p, (unsigned)(p->len - p->message_at) - PS_MESSAGE_HEADER);
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
    for (uint8_t i = 0; how % 16 == 15 && i < 9; i++) { /* More than a packet may hold. */
        craft_heartbeat(&p, i, c->generation, i);
    }
    p.len -= how % 32 == 31 || how == 198 ? 1 : 0;
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

static const char *const users[] = {"alice", "bob", "carol", "no/body"};

static void login(world *w, uint8_t who, uint8_t how, const char *user)
{
    craft p;
    client *c = &w->clients[who % CLIENTS];
    end *e = &c->ends[0];
    uint8_t device[PS_DEVICE_BYTES];
    c->device = how % 3;
    memset(device, c->device, sizeof device);
    craft_packet(&p, e->id, ++e->counter);
    craft_message(&p, 1, take8(&w->input));
    craft_bytes(&p, device, sizeof device);
    craft_u32(&p, 0);
    craft_u16(&p, how & 8 ? 0 : 7001);
    craft_u16(&p, 512 + take8(&w->input) * 3u);
    craft_u8(&p, how & 0x40 ? 2 : how == 0xbf ? 3 : 1);
    craft_text(&p, user);
    if (how & 0x40) {
        craft_text_of(&p, c->ticket, c->ticket_len);
    } else {
        craft_text(&p, "secret");
    }
    if (how & 0x20) {
        craft_field(&p, how & 0x10 ? 7 : 1, c->ticket, c->ticket_len);
    }
    if ((how & 0xf8) == 0xc8) { /* The ticket's last byte is another's. */
        p.data[p.len - 1] ^= how;
    }
    craft_end(&p);
    if (how == 0x8f) { /* Beside another message, it is none. */
        craft_heartbeat(&p, 1, 0, 0);
    }
    send_sealed(w, who, e, &p);
}

static void on_login(world *w, uint8_t who)
{
    const uint8_t how = take8(&w->input);
    login(w, who, how, users[take8(&w->input) % 4]);
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
    flush(w);
    size_t *cap = caps[take8(&w->input) % 3];
    *cap = *cap * take8(&w->input) / 255;
    if (*cap == 0 && cap == &w->out.bytes_cap) {
        *cap = (size_t)UINT32_MAX + 1; /* More than an offset can say. */
    }
    ps_input in = {.type = PS_INPUT_TICK};
    step_with(w, &in, true);
    w->out = room;
}

static void verdict(world *w, uint8_t how)
{
    static const uint32_t errors[] = {PS_E_NONE, PS_E_NONE, PS_E_CREDENTIALS, PS_E_BUSY};
    flush(w);
    ps_input in = {.type = PS_INPUT_VERDICT,
                   .u.verdict = {.pending = how < 240 ? w->pending : take64(&w->input),
                                 .error = errors[how % 4]}};
    memset(in.u.verdict.credential, how % 8, sizeof in.u.verdict.credential);
    step(w, &in);
}

/* A client's whole way in, as far as the server lets it. */
static void enter(world *w, uint8_t who, uint8_t how, const char *user)
{
    craft p;
    client *c = &w->clients[who % CLIENTS];
    memmove(c->ends + 1, c->ends, (ENDS - 1) * sizeof *c->ends);
    end_begin(&c->ends[0], ++w->last_client_id);
    for (int again = 0; again < 2 && !c->ends[0].keyed; again++) { /* With the cookie, if asked. */
        craft_reset(&p);
        craft_bytes(&p, c->ends[0].initiate, PS_INITIATE_BYTES);
        memcpy(p.data + PS_INITIATE_COOKIE, c->cookie, again ? sizeof c->cookie : 0);
        send(w, who, &p);
        flush(w);
    }
    login(w, who, how, user);
    verdict(w, 0);
}

/* People with the longest names, who come in on one device each and say nothing more. */
static void on_people(world *w, uint8_t who)
{
    const uint8_t first = take8(&w->input), count = take8(&w->input);
    const uint8_t device = take8(&w->input) % 3u;
    for (unsigned i = 0; i < count % (PEOPLE + 1u); i++) {
        char name[PS_USER_MAX + 1];
        (void)snprintf(name, sizeof name, "%0*u", (int)PS_USER_MAX, (first + i) % PEOPLE);
        enter(w, who, device, name);
    }
}

/* Many names at once: enough for a device's digests by bucket, and for a second page. */
static void on_many(world *w, uint8_t who)
{
    static const uint8_t root[32] = {1};
    craft p;
    client *c = &w->clients[who % CLIENTS];
    end *e = &c->ends[0];
    const uint8_t first = take8(&w->input);
    const uint8_t how = take8(&w->input);
    for (unsigned k = 0; k <= how % 4u; k++) {
        const unsigned count = 1u + (how >> 2) % 40u;
        craft_packet(&p, e->id, ++e->counter);
        if (how >= 200) {
            craft_unpublish(&p, 1, c->generation + 1);
        } else {
            craft_publish(&p, 1, c->generation + 1);
        }
        for (unsigned i = 0; i < count && p.len < 1100; i++) {
            char name[64];
            (void)snprintf(name, sizeof name,
                           first & 1 ? "n%u" : "a name of many bytes, and its number is %u",
                           first + 256 * k + i);
            if (how >= 200) {
                craft_unpublish_entry(&p, name);
            } else {
                craft_publish_entry(&p, how, root, name);
            }
            c->generation++;
        }
        craft_end(&p);
        end_seal(e, &p);
        send(w, who, &p);
        flush(w);
    }
}

/* What comes next, in one call; copies of the last packet among it. */
static void on_hold(world *w)
{
    const uint8_t how = take8(&w->input);
    flush(w);
    w->hold = how % HELD;
    for (unsigned i = 0; how >= 128 && i < w->hold; i++) {
        deliver(w, w->last_from, w->last, w->last_len);
    }
}

/* Many handshakes at once, which nobody goes on with. */
static void on_crowd(world *w, uint8_t who)
{
    craft p;
    end e;
    for (uint8_t n = take8(&w->input); n > 0; n--) {
        end_begin(&e, UINT64_C(1) << 40 | ++w->last_client_id);
        craft_reset(&p);
        craft_bytes(&p, e.initiate, PS_INITIATE_BYTES);
        send(w, who, &p);
    }
}

/* Anything may be asked to be unsealed, or translated for a server that knows nobody. */
static void on_unseal(world *w)
{
    void *mem;
    uint8_t *copy = exact_copy(w->last, w->last_len);
    ps_input_datagram theirs = {.from = address_of(w->last_from), .data = copy, .len = w->last_len};
    flush(w);
    ps_server *stranger = server_of(&w->cfg, &mem);
    ps_server_translate(w->s, stranger, &theirs);
    must(theirs.data == copy && theirs.len == w->last_len);
    memcpy(copy, w->last, w->last_len);
    must(ps_server_unseal(w->s, copy, w->last_len) <= w->last_len);
    free(copy);
    free(mem);
}

/* The number whose receiver id would be 0: the permutation turned round. */
static uint64_t number_of_nobody(const ps_server *s)
{
    uint32_t left = 0, right = 0;
    for (uint64_t round = 4; round-- > 0;) {
        const uint32_t before = right ^ (uint32_t)ps_siphash_u64(&s->id_key, round << 32 | left);
        right = left;
        left = before;
    }
    return (uint64_t)left << 32 | right;
}

/* The messages of a session's datagrams, each of which is as long as its client takes. */
static unsigned answers_in(const ps_output *out, const ps_session *x)
{
    unsigned count = 0;
    for (size_t i = 0; i < out->datagrams_len; i++) {
        ps_span messages;
        ps_message m;
        const ps_datagram *dg = &out->datagrams[i];
        must(dg->len <= x->datagram_max);
        must(ps_packet_open(ps_sim_crypto(), x->keys.tx, out->bytes + dg->offset, dg->len,
                            &messages));
        ps_reader r = ps_reader_of(messages);
        while (ps_message_decode(&r, &m)) {
            count++;
        }
        must(!r.bad);
    }
    return count;
}

/* More answers than a packet's questions have fill a datagram and go on in the next; and after 2^64
 * handshakes nobody's id is left out. In a snapshot, for no client gets that far. */
static void on_beyond(world *w)
{
    enum { BEYOND = 32 }; /* Datagrams for 255 answers of 32 bytes. */
    static const uint8_t body[16];
    const unsigned count = take8(&w->input);
    const uint8_t kind = take8(&w->input);
    const ps_message m = {.body = {body, kind % 3u == 0 ? sizeof body : 0}};
    flush(w);
    ps_server *s = aligned_alloc(64, w->slab_len);
    must(s != NULL);
    memcpy(s, w->s, w->slab_len);
    ps_output out = output_of(BEYOND * PS_DATAGRAM_MAX, BEYOND, 1);
    ps_reply r = {.s = s, .out = &out, .session = 0};
    while (r.session < s->sessions.fresh && ps_session_at(s, r.session)->user == PS_NIL) {
        r.session++;
    }
    const bool found = r.session < s->sessions.fresh;
    for (unsigned i = 0; found && i < count; i++) {
        if (kind % 3u == 0) {
            must(ps_on_heartbeat(&r, &m));
        } else if (kind % 3u == 1) {
            must(ps_on_logout(&r, &m));
        } else {
            ps_reply_error(&r, i, PS_E_UNSUPPORTED, 0);
        }
    }
    ps_reply_flush(&r);
    must(!found || answers_in(&out, ps_session_at(s, r.session)) == count);
    s->last_receiver = number_of_nobody(s) - 1;
    must(ps_receiver_new(s) != 0 && s->last_receiver == number_of_nobody(s) + 1);
    output_free(&out);
    free(s);
}

static void on_time(world *w)
{
    flush(w);
    uint8_t how = take8(&w->input);
    uint64_t by_us = (uint64_t)take8(&w->input) * 20000;
    if (how >= 245 && how < 250) { /* A clock that is set, or a server that was stopped. */
        by_us *= 1000;
        w->now_us = how >= 248 ? w->now_us + by_us : w->now_us - (w->now_us > by_us ? by_us : 0);
        by_us = 0;
    }
    w->now_us = how >= 250 && by_us < w->now_us ? w->now_us - by_us : w->now_us + by_us;
    ps_input in = {.type = PS_INPUT_TICK};
    if (how < 240 || how > 244) { /* Else what has expired is not reclaimed yet. */
        step(w, &in);
    }
}

/* Records of an earlier life, whenever; and a store that is full, or not any more. */
static void on_store(world *w, uint8_t op)
{
    char text[256];
    ps_input in = {.type = PS_INPUT_STORE, .u.store_retry_ms = take8(&w->input) % 3u};
    if (op & 0x40) {
        const char *user = users[take8(&w->input) % 4];
        const char *name = text_of(&w->input, text);
        in = (ps_input){.type = PS_INPUT_RESTORE,
                        .u.restore = {.generation = take8(&w->input),
                                      .user = {(const uint8_t *)user, strlen(user)},
                                      .name = {(const uint8_t *)name, strlen(name)},
                                      .content = {.length = op & 0x10 ? PS_FILE_MAX + (op >> 7)
                                                                      : take8(&w->input)},
                                      .published = (op & 0x20) != 0}};
        memset(in.u.restore.device, take8(&w->input) % 3, PS_DEVICE_BYTES);
    }
    step(w, &in);
}

/* What the host knows: entropy, the time of day, accounts that are gone. */
static void on_host(world *w, uint8_t op)
{
    uint8_t bytes[16] = {op};
    ps_input in = {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}};
    if (op & 0x80) {
        const uint8_t how = take8(&w->input);
        const uint64_t day_s = 86400;
        const uint64_t wall_s = how < 200   ? 1700000000 + how * UINT64_C(40)
                                : how < 240 ? 1700000000 + how % 8u * (how < 220 ? 1 : 30) * day_s
                                : how < 250 ? how - 240u
                                            : take64(&w->input);
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
    switch (op % 16) {
    case 0:
        on_raw(w, who);
        break;
    case 1:
        on_login(w, who);
        break;
    case 2:
        verdict(w, take8(&w->input));
        break;
    case 3:
        on_time(w);
        break;
    case 4:
        if (op & 0x80) {
            on_people(w, who);
        } else {
            on_shortage(w);
        }
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
        on_initiate(w, who);
        break;
    case 9: {
        const uint8_t how = take8(&w->input);
        enter(w, who, how, users[take8(&w->input) % 4]);
        break;
    }
    case 10:
        if (op & 0x80) {
            on_many(w, who);
        } else if ((op & 0x60) == 0x60) {
            on_beyond(w);
        } else if (op & 0x40) {
            on_unseal(w);
        } else if (op & 0x20) {
            on_crowd(w, who);
        } else {
            on_hold(w);
        }
        break;
    default:
        on_session_packet(w, who);
        break;
    }
}

/* Half of the programs begin with three clients that are in, the first with names. */
static void begin(world *w, uint8_t how)
{
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000};
    if (how % 8 != 7) {
        step(w, &in);
    }
    for (uint8_t who = 0; (how & ENTERED) != 0 && who < 3; who++) {
        enter(w, who, who, users[who]);
    }
    if (how & PUBLISHED) {
        on_many(w, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world w;
    void *mem, *twin_mem;
    uint8_t begins;
    memset(&w, 0, sizeof w);
    w.input = (tape){data, size};
    memset(poison, POISON, sizeof poison);
    ps_server_config cfg = w.cfg = config_of(&w.input, &begins);
    w.now_us = UINT64_C(1000000) * (begins & EARLY ? 1 : 20000);
    w.s = server_of(&cfg, &mem);
    w.slab_len = ps_server_size(&cfg);
    w.before = malloc(w.slab_len);
    must(w.before != NULL);
    memset(cfg.static_secret, 0x75, sizeof cfg.static_secret);
    memset(cfg.realm_secret, 0xe4, sizeof cfg.realm_secret);
    w.twin = server_of(&cfg, &twin_mem);
    w.out = output_of(SLAB, DATAGRAMS, EVENTS);
    w.twin_out = output_of(SLAB, DATAGRAMS, EVENTS);
    begin(&w, begins);
    for (unsigned steps = 0; w.input.left > 0 && steps < 400; steps++) {
        run_one(&w);
    }
    flush(&w);
    output_free(&w.out);
    output_free(&w.twin_out);
    free(w.before);
    free(mem);
    free(twin_mem);
    return 0;
}

#include "fixture.h"

#include "sweep.h"

void fixture_config(ps_server_config *cfg)
{
    ps_server_config_default(cfg);
    cfg->max_sessions = 8;
    cfg->max_users = 8;
    cfg->max_devices = 8;
    cfg->max_publications = 256;
    cfg->max_user_publications = 200;
    cfg->max_handshakes = 16;
    cfg->max_pending_logins = 8;
    cfg->max_networks = 16;
    cfg->handshake_ms = 60000; /* Most tests look at other times. */
    cfg->name_bytes = 32768;
    for (uint8_t i = 0; i < 32; i++) {
        cfg->seed[i] = i;
        cfg->static_secret[i] = (uint8_t)(i + 64);
        cfg->realm_secret[i] = (uint8_t)(i + 128);
    }
    cfg->crypto = ps_sim_crypto();
}

fixture *fixture_new(const ps_server_config *cfg)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->cfg = *cfg;
    size_t size = ps_server_size(cfg);
    assert_int_not_equal(size, 0);
    void *mem = aligned_alloc(64, size);
    assert_non_null(mem);
    memset(mem, 0xA5, size);
    assert_int_equal(ps_server_init(mem, size, cfg, &f->s), PS_OK);
    f->out = (ps_output){
        .bytes = malloc(FIXTURE_BYTES),
        .bytes_cap = FIXTURE_BYTES,
        .datagrams = calloc(FIXTURE_DATAGRAMS, sizeof(ps_datagram)),
        .datagrams_cap = FIXTURE_DATAGRAMS,
        .events = calloc(FIXTURE_EVENTS, sizeof(ps_event)),
        .events_cap = FIXTURE_EVENTS,
    };
    f->now_us = 1000000;
    return f;
}

void fixture_free(fixture *f)
{
    free(f->out.bytes);
    free(f->out.datagrams);
    free(f->out.events);
    free(f->s);
    free(f);
}

void fixture_clear(fixture *f)
{
    f->out.bytes_len = 0;
    f->out.datagrams_len = 0;
    f->out.events_len = 0;
}

static ps_status step(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    return ps_server_step(self, in, n, consumed, out);
}

static void sweep(const fixture *f, const ps_input *in)
{
    const sweep_machine m = {.step = step,
                             .self = f->s,
                             .len = ps_server_size(&f->cfg),
                             .bytes = PS_SERVER_STEP_BYTES,
                             .datagrams = PS_SERVER_STEP_DATAGRAMS,
                             .events = PS_SERVER_STEP_EVENTS};
    assert_true(sweep_rooms(&m, in));
}

ps_status fixture_step(fixture *f, ps_input *in)
{
    size_t consumed = 0;
    in->now_us = f->now_us;
    if (f->sweep) {
        sweep(f, in);
    }
    ps_status status = ps_server_step(f->s, in, 1, &consumed, &f->out);
    assert_int_equal(consumed, status == PS_OK || status == PS_MORE ? 1 : 0);
    assert_int_equal(ps_server_check(f->s), 0);
    return status;
}

ps_status fixture_tick(fixture *f)
{
    ps_input in = {.type = PS_INPUT_TICK};
    return fixture_step(f, &in);
}

ps_server_stats fixture_stats(const fixture *f)
{
    ps_server_stats stats;
    ps_server_stats_get(f->s, &stats);
    return stats;
}

uint64_t fixture_drops(const fixture *f, ps_drop why)
{
    return fixture_stats(f).drops[why];
}

client client_make(fixture *f, const char *user, uint16_t port)
{
    client c = {
        .f = f,
        .addr = {.ip = {127, 0, 0, 1}, .port = port, .family = PS_ADDR_V4},
        .user = user,
        .client_id = UINT64_C(0xC11E000000000000) + port,
        .request = 100,
        .datagram_max = PS_DATAGRAM_MAX,
    };
    memset(c.device, (int)(port & 0xff), sizeof c.device);
    return c;
}

void client_deliver(client *c, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    if (len > 0) {
        memcpy(exact, data, len);
    }
    ps_input in = {.type = PS_INPUT_DATAGRAM,
                   .u.datagram = {.from = c->addr, .data = exact, .len = len}};
    ps_status status = fixture_step(c->f, &in);
    assert_true(status == PS_OK || status == PS_MORE);
    /* Spans of login events point into the datagram; tests look at them before the next call. */
    static uint8_t *last;
    free(last);
    last = exact;
    if (c->f->out.events_len == 0) {
        free(last);
        last = NULL;
    }
}

void client_initiate(const client *c, ps_noise *noise, const uint8_t *cookie,
                     uint8_t out[PS_INITIATE_BYTES])
{
    uint8_t prologue[PS_PROLOGUE_BYTES];
    uint8_t secret[PS_KEY_BYTES];
    uint8_t offer[PS_INITIATE_BYTES - PS_INITIATE_MESSAGE - PS_KEY_BYTES];
    ps_writer w = {.base = out, .cap = PS_INITIATE_BYTES};
    memset(secret, c->ephemeral, sizeof secret);
    ps_store64(secret, c->client_id);
    ps_prologue_encode(prologue, c->client_id);
    ps_offer_encode(offer);
    ps_noise_begin(c->f->cfg.crypto, noise, (ps_span){prologue, sizeof prologue});
    ps_noise_write_first(c->f->cfg.crypto, noise, secret, (ps_span){offer, sizeof offer},
                         ps_initiate_encode(&w, c->client_id, cookie));
}

bool client_respond(client *c, ps_noise *noise, const uint8_t *data, size_t len)
{
    uint8_t copy[PS_INITIATE_BYTES];
    ps_span payload;
    assert_in_range(len, PS_RESPOND_BYTES, sizeof copy);
    memcpy(copy, data, len);
    if (!ps_noise_read_second(c->f->cfg.crypto, noise, copy + PS_RESPOND_MESSAGE,
                              len - PS_RESPOND_MESSAGE, c->server_key, &payload)) {
        return false;
    }
    assert_int_equal(payload.len, PS_RESPOND_PAYLOAD);
    ps_noise_split(c->f->cfg.crypto, noise, c->tx, c->rx);
    c->session_id = ps_load64(payload.data);
    c->shaken = c->client_id;
    c->online = false;
    c->counter = 0;
    return true;
}

/* The last packet that was put out, taken away again. */
static size_t take_last(fixture *f, size_t before, uint8_t copy[PS_DATAGRAM_MAX])
{
    assert_int_equal(f->out.datagrams_len, before + 1);
    const ps_datagram *dg = &f->out.datagrams[before];
    memcpy(copy, f->out.bytes + dg->offset, dg->len);
    f->out.datagrams_len = before;
    f->out.bytes_len = dg->offset;
    return dg->len;
}

void client_shake(client *c)
{
    uint8_t initiate[PS_INITIATE_BYTES];
    uint8_t answer[PS_DATAGRAM_MAX];
    ps_noise noise;
    const size_t before = c->f->out.datagrams_len;
    client_initiate(c, &noise, NULL, initiate);
    client_deliver(c, initiate, sizeof initiate);
    size_t len = take_last(c->f, before, answer);
    if (answer[0] == PS_PACKET_RETRY) {
        client_initiate(c, &noise, answer + 9, initiate);
        client_deliver(c, initiate, sizeof initiate);
        len = take_last(c->f, before, answer);
    }
    assert_int_equal(answer[0], PS_PACKET_RESPOND);
    assert_true(client_respond(c, &noise, answer, len));
}

ps_writer client_packet(client *c, uint8_t buffer[PS_DATAGRAM_MAX])
{
    ps_writer w = {.base = buffer, .cap = PS_DATAGRAM_MAX - PS_TAG_BYTES};
    if (c->shaken != c->client_id) {
        client_shake(c);
    }
    ps_packet_encode(&w, c->session_id, ++c->counter);
    return w;
}

size_t client_seal(const client *c, const ps_writer *w)
{
    assert_false(w->full);
    return ps_packet_seal(c->f->cfg.crypto, c->tx, w->base, w->len);
}

void client_send(client *c, const ps_writer *w)
{
    client_deliver(c, w->base, client_seal(c, w));
}

void client_login_send(client *c)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, buffer);
    const ps_span ticket = {c->ticket, c->ticket_len};
    ps_login login = {.stream_port = 7000,
                      .datagram_max = c->datagram_max,
                      .method = c->by_ticket ? PS_LOGIN_TICKET : PS_LOGIN_PASSWORD,
                      .user = span(c->user),
                      .secret = c->by_ticket ? ticket : span("secret")};
    if (!c->by_ticket) {
        login.ticket = ticket;
    }
    memcpy(login.device, c->device, sizeof login.device);
    assert_true(ps_login_encode(&w, c->request, &login));
    client_send(c, &w);
}

void fixture_verdict(fixture *f, ps_error error)
{
    uint64_t pending = 0;
    for (size_t i = 0; i < f->out.events_len; i++) {
        if (f->out.events[i].type == PS_EVENT_LOGIN_REQUEST) {
            pending = f->out.events[i].u.login.pending;
        }
    }
    assert_int_not_equal(pending, 0);
    fixture_clear(f);
    ps_input in = {.type = PS_INPUT_VERDICT, .u.verdict = {.pending = pending, .error = error}};
    memset(in.u.verdict.credential, 7, sizeof in.u.verdict.credential);
    assert_int_not_equal(fixture_step(f, &in), PS_INVALID);
}

void client_login(client *c)
{
    fixture_clear(c->f);
    c->client_id += c->online ? UINT64_C(1) << 32 : 0;
    client_login_send(c);
    fixture_verdict(c->f, PS_E_NONE);
    ps_message m = client_answer(c, 0);
    assert_int_equal(m.type, PS_MSG_LOGIN_OK);
    assert_int_equal(m.request, c->request);
    ps_login_ok ok;
    assert_true(ps_login_ok_decode(m.body, &ok));
    c->online = true;
    c->generation = ok.generation;
    c->digest = ok.digest;
    fixture_clear(c->f);
}

void client_heartbeat(client *c)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, buffer);
    const ps_heartbeat m = {.generation = c->generation};
    assert_true(ps_heartbeat_encode(&w, ++c->request, &m));
    client_send(c, &w);
}

void client_sync(client *c)
{
    ps_heartbeat_ok ok;
    fixture_clear(c->f);
    client_heartbeat(c);
    assert_int_equal(client_answers(c), 1);
    assert_true(ps_heartbeat_ok_decode(client_answer(c, 0).body, &ok));
    c->generation = ok.generation;
    c->digest = ok.digest;
    fixture_clear(c->f);
}

static ps_error change(client *c, ps_message_type type, const char *name, uint64_t length)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, buffer);
    ps_changes_writer cw;
    ps_publication entry = {.name = span(name), .content = {.length = length}};
    memset(entry.content.root, (int)(length & 0xff), sizeof entry.content.root);
    assert_true(ps_changes_begin(&w, &cw, type, ++c->request, c->generation + 1));
    assert_true(ps_changes_add(&w, &cw, &entry));
    assert_true(ps_changes_end(&w, &cw));
    fixture_clear(c->f);
    client_send(c, &w);
    ps_published p;
    ps_message m = client_answer(c, 0);
    assert_int_equal(m.type, PS_MSG_PUBLISHED);
    assert_true(ps_published_decode(m.body, &p));
    assert_int_equal(p.generation, c->generation + 1);
    c->generation++;
    ps_refusal refusal = {0};
    return ps_published_next(&p, &refusal) ? (ps_error)refusal.error : PS_E_NONE;
}

ps_error client_publish(client *c, const char *name, uint64_t length)
{
    return change(c, PS_MSG_PUBLISH, name, length);
}

void client_unpublish(client *c, const char *name)
{
    assert_int_equal(change(c, PS_MSG_UNPUBLISH, name, 0), PS_E_NONE);
}

void client_list(client *c, ps_message_type type, uint64_t cursor, const char *text)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, buffer);
    if (type == PS_MSG_LOCATE) {
        const ps_locate m = {.cursor = cursor, .name = span(text)};
        assert_true(ps_locate_encode(&w, ++c->request, &m));
    } else {
        const ps_list m = {.cursor = cursor, .text = span(text)};
        assert_true(ps_list_encode(&w, type, ++c->request, &m));
    }
    fixture_clear(c->f);
    client_send(c, &w);
}

/* Is the packet sealed with the client's keys? */
static bool genuine(const client *c, const uint8_t *packet, size_t len)
{
    uint8_t copy[PS_DATAGRAM_MAX];
    ps_span messages;
    memcpy(copy, packet, len);
    return ps_packet_open(c->f->cfg.crypto, c->rx, copy, len, &messages);
}

/* Walks all messages for this client; returns how many, and copies number `index` out. The stand-in
 * seal leaves them readable where they are. */
static size_t walk(const client *c, size_t index, ps_message *out)
{
    const ps_output *o = &c->f->out;
    size_t count = 0;
    for (size_t i = 0; i < o->datagrams_len; i++) {
        const ps_datagram *dg = &o->datagrams[i];
        const uint8_t *bytes = o->bytes + dg->offset;
        ps_packet packet;
        ps_drop why;
        assert_true(ps_packet_decode(bytes, dg->len, &packet, &why));
        if (packet.type != PS_PACKET_DATA || packet.receiver_id != c->client_id) {
            continue;
        }
        assert_true(ps_addr_equal(&dg->to, &c->addr));
        assert_true(genuine(c, bytes, dg->len));
        ps_reader r = ps_reader_of((ps_span){packet.body.data, packet.body.len - PS_TAG_BYTES});
        ps_message m;
        while (ps_message_decode(&r, &m)) {
            if (count++ == index) {
                *out = m;
            }
        }
        assert_false(r.bad);
    }
    return count;
}

size_t fixture_resets(const fixture *f, ps_packet *packet)
{
    size_t count = 0;
    for (size_t i = 0; i < f->out.datagrams_len; i++) {
        const ps_datagram *dg = &f->out.datagrams[i];
        ps_packet p;
        ps_drop why;
        assert_true(ps_packet_decode(f->out.bytes + dg->offset, dg->len, &p, &why));
        if (p.type == PS_PACKET_RESET) {
            assert_int_equal(dg->len, PS_PACKET_HEADER);
            *packet = p;
            count++;
        }
    }
    return count;
}

size_t client_answers(const client *c)
{
    ps_message unused;
    return walk(c, SIZE_MAX, &unused);
}

ps_message client_answer(const client *c, size_t index)
{
    ps_message m = {0};
    assert_true(walk(c, index, &m) > index);
    return m;
}

void client_expect_error(const client *c, ps_error code)
{
    assert_int_equal(client_answers(c), 1);
    ps_message m = client_answer(c, 0);
    ps_error_message e;
    assert_int_equal(m.type, PS_MSG_ERROR);
    assert_int_equal(m.request, c->request);
    assert_true(ps_error_decode(m.body, &e));
    assert_int_equal(e.code, code);
    if (code == PS_E_BUSY) {
        assert_int_not_equal(e.retry_ms, 0);
    }
}

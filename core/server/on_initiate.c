/* INITIATE: a client without keys. The cheap questions come first: version, cookie, rates. Only
 * then is there a record, and three multiplications on the curve. */
#include "channel/noise.h"
#include "server/server_internal.h"

/* The packet's parts; `body` begins with the cookie. */
static const uint8_t *cookie_of(const ps_packet *packet)
{
    return packet->body.data;
}

static ps_span message_of(const ps_packet *packet)
{
    const size_t at = PS_INITIATE_MESSAGE - PS_INITIATE_COOKIE;
    return (ps_span){packet->body.data + at, packet->body.len - at};
}

static void say_versions(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                         ps_output *out)
{
    ps_server_drop(s, PS_DROP_VERSION);
    if (!ps_rate_take(&s->retry_rate, s->clock.now_us, s->cfg.retries_per_s,
                      s->cfg.retries_per_s)) {
        return;
    }
    ps_writer w = ps_datagram_begin(out, PS_INITIATE_BYTES);
    ps_versions_encode(&w, packet->receiver_id);
    ps_datagram_end(s, out, &w, &in->from, in->endpoint, 0);
}

static void say_retry(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                      ps_output *out)
{
    uint8_t cookie[PS_COOKIE_BYTES];
    if (!ps_rate_take(&s->retry_rate, s->clock.now_us, s->cfg.retries_per_s,
                      s->cfg.retries_per_s)) {
        ps_server_drop(s, PS_DROP_LIMIT);
        return;
    }
    ps_cookie_make(&s->cookies, &in->from, cookie);
    ps_writer w = ps_datagram_begin(out, PS_RETRY_BYTES);
    ps_retry_encode(&w, packet->receiver_id, cookie, message_of(packet).data);
    ps_datagram_end(s, out, &w, &in->from, in->endpoint, 0);
    s->stats.retries++;
}

static void say_respond(ps_server *s, const ps_handshake *h, ps_output *out)
{
    for (uint32_t n = PS_CANARY(AMPLIFIER) ? 3 : 1; n > 0; n--) {
        ps_writer w = ps_datagram_begin(out, PS_RESPOND_BYTES);
        ps_write_bytes(&w, h->respond, PS_RESPOND_BYTES);
        ps_datagram_end(s, out, &w, &h->addr, h->endpoint, 0);
    }
}

static bool shows_cookie(ps_server *s, const ps_addr *from, const uint8_t *cookie)
{
    static const uint8_t none[PS_COOKIE_BYTES];
    const uint64_t wall_s = ps_server_wall_s(s);
    if (wall_s != 0) {
        ps_cookie_keys_update(s->cfg.crypto, &s->cookies, s->cfg.realm_secret, wall_s);
    } else { /* Without a clock cookies are this life's alone, and age by its own time. */
        ps_cookie_keys_update(s->cfg.crypto, &s->cookies, s->cfg.seed, s->clock.now_us / 1000000u);
    }
    return memcmp(cookie, none, sizeof none) != 0 &&
           (PS_CANARY(COOKIE_UNREAD) || ps_cookie_good(&s->cookies, from, cookie));
}

static uint32_t tenth(uint32_t n)
{
    return n >= 10 ? n / 10 : 1;
}

/* May this client begin a handshake now? Else *ask says whether a cookie would help. */
static bool may_begin(ps_server *s, const ps_addr *from, bool proven, bool *ask)
{
    const uint64_t now_us = s->clock.now_us;
    const bool crowded = s->handshakes.used >= s->handshakes.cap / 2;
    *ask = !proven;
    if (!proven &&
        (crowded || !ps_rate_take(&s->open_rate, now_us, s->cfg.open_per_s, s->cfg.open_per_s))) {
        return false;
    }
    if (!ps_rate_take(&s->handshake_rate, now_us, s->cfg.handshakes_per_s,
                      tenth(s->cfg.handshakes_per_s))) {
        return false;
    }
    if (proven && !ps_network_take(s, from)) {
        ps_rate_return(&s->handshake_rate);
        return false;
    }
    return true;
}

/* Noise's two messages. False: the client's key is none. */
static bool answer(ps_server *s, ps_handshake *h, ps_span message, ps_span *offer)
{
    ps_noise noise;
    uint8_t prologue[PS_PROLOGUE_BYTES];
    uint8_t ephemeral[PS_KEY_BYTES];
    uint8_t payload[PS_RESPOND_PAYLOAD];
    const ps_crypto *c = s->cfg.crypto;
    ps_writer w = {.base = h->respond, .cap = sizeof h->respond};
    uint8_t *second = ps_respond_encode(&w, h->client_id);
    ps_store64(payload, h->id);
    ps_prologue_encode(prologue, h->client_id);
    ps_secrets_draw(c, &s->secrets, ephemeral);
    ps_noise_begin(c, &noise, (ps_span){prologue, sizeof prologue});
    (void)ps_noise_read_first(c, &noise, message, offer); /* An INITIATE is long enough. */
    const bool good =
        ps_noise_write_second(c, &noise, ephemeral, s->cfg.static_secret, s->public_key,
                              (ps_span){payload, sizeof payload}, second);
    if (good) {
        ps_noise_split(c, &noise, h->keys.rx, h->keys.tx);
    }
    ps_wipe(&noise, sizeof noise);
    ps_wipe(ephemeral, sizeof ephemeral);
    return good;
}

static void begin(ps_server *s, const ps_input_datagram *in, const ps_packet *packet, bool proven,
                  ps_output *out)
{
    const uint32_t i = ps_handshake_take(s);
    if (i == PS_NIL) {
        ps_server_drop(s, PS_DROP_LIMIT);
        return;
    }
    ps_handshake *h = ps_handshake_at(s, i);
    const ps_span message = message_of(packet);
    ps_span offer;
    h->client_id = packet->receiver_id;
    h->id = ps_receiver_new(s);
    h->addr = in->from;
    h->endpoint = in->endpoint;
    h->charged = proven;
    h->message = ps_siphash(&s->table_key, message.data, message.len);
    if (!answer(s, h, message, &offer)) {
        ps_server_drop(s, PS_DROP_KEY);
        ps_wipe(&h->keys, sizeof h->keys);
        ps_slots_give(&s->handshakes, ps_handshake_at(s, 0), sizeof(ps_handshake), i);
        return;
    }
    ps_handshake_add(s, i, PS_HANDSHAKE_OPEN);
    s->stats.handshakes++;
    say_respond(s, h, out);
}

void ps_on_initiate(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                    ps_output *out)
{
    const ps_span message = message_of(packet);
    const ps_span offer = {message.data + PS_KEY_BYTES, message.len - PS_KEY_BYTES};
    if (packet->version != PS_VERSION || !ps_offer_fits(offer, packet->version)) {
        say_versions(s, in, packet, out);
        return;
    }
    if (packet->receiver_id == 0) {
        ps_server_drop(s, PS_DROP_MALFORMED);
        return;
    }
    const uint32_t known = ps_handshake_find(s, &in->from, packet->receiver_id,
                                             ps_siphash(&s->table_key, message.data, message.len));
    if (known != PS_NIL) {
        say_respond(s, ps_handshake_at(s, known), out);
        return;
    }
    bool ask;
    const bool proven = shows_cookie(s, &in->from, cookie_of(packet));
    if (may_begin(s, &in->from, proven, &ask)) {
        begin(s, in, packet, proven, out);
    } else if (ask) {
        say_retry(s, in, packet, out);
    } else {
        ps_server_drop(s, PS_DROP_LIMIT);
    }
}

/* For tools that copy a history without its secrets: the same datagram, as the same client would
 * have sent it to a server with other lasting secrets. */
#include "channel/cookie.h"
#include "channel/seal.h"
#include "channel/ticket.h"
#include "server/server_internal.h"

/* The layout of LOGIN's body up to the user; bytes 22 and 23 are the datagram limit. */
#define LOGIN_FIXED 25u
#define LOGIN_LIMIT 22u

/* The keys that a packet to this id is sealed with, or NULL. */
static const ps_channel *channel_of(const ps_server *s, uint64_t id)
{
    const uint32_t slot = ps_receiver_find(s, id);
    if (slot == PS_NIL) {
        return NULL;
    }
    return slot < s->cfg.max_sessions ? &ps_session_at(s, slot)->keys
                                      : &ps_handshake_at(s, slot - s->cfg.max_sessions)->keys;
}

/* Made anew of the other realm, with the same salt; the name of the password is left out. */
static void translate_ticket(const ps_server *from, const ps_server *to, uint8_t *sealed,
                             size_t len)
{
    ps_ticket t;
    uint8_t salt[PS_TICKET_SALT];
    uint8_t made[PS_TICKET_MAX];
    const bool good =
        ps_ticket_open(from->cfg.crypto, from->cfg.realm_secret, (ps_span){sealed, len}, &t);
    if (good) {
        memcpy(salt, sealed, sizeof salt);
        memset(t.credential, 0, sizeof t.credential);
        const size_t made_len =
            ps_ticket_seal(to->cfg.crypto, to->cfg.realm_secret, salt, &t, made);
        PS_ASSERT(made_len == len);
        memcpy(sealed, made, made_len);
    } else {
        memset(sealed, 0, len); /* Another realm's: it is as little worth here. */
    }
    ps_wipe(&t, sizeof t);
}

/* `body` is the span's memory, which may be written. */
static void translate_login(const ps_server *from, const ps_server *to, uint8_t *body, size_t len)
{
    ps_login m;
    if (!ps_login_decode((ps_span){body, len}, &m)) {
        /* A limit of 0 keeps it malformed, whatever the rest becomes. */
        if (len > LOGIN_FIXED) {
            memset(body + LOGIN_LIMIT, 0, 2);
            memset(body + LOGIN_FIXED, '*', len - LOGIN_FIXED);
        }
        return;
    }
    uint8_t *secret = body + (size_t)(m.secret.data - body);
    if (m.method == PS_LOGIN_TICKET) {
        translate_ticket(from, to, secret, m.secret.len);
    } else {
        memset(secret, '*', m.secret.len);
    }
    /* Fields may hold what only their sender knows: of them, the ticket alone is kept. */
    uint8_t *at = secret + m.secret.len;
    uint8_t *ticket = m.ticket.len > 0 ? body + (size_t)(m.ticket.data - body) : NULL;
    while (at < body + len) {
        uint8_t *value = at + 3;
        const size_t value_len = ps_load16(at + 1);
        if (value == ticket) {
            translate_ticket(from, to, ticket, m.ticket.len);
        } else {
            memset(value, 0, value_len);
        }
        at = value + value_len;
    }
}

static void translate_messages(const ps_server *from, const ps_server *to, uint8_t *bytes,
                               size_t len)
{
    size_t at = 0;
    while (len - at >= PS_MESSAGE_HEADER) {
        const size_t body = at + PS_MESSAGE_HEADER;
        const size_t said = ps_load16(bytes + at + 2);
        const size_t there = said < len - body ? said : len - body;
        if (bytes[at] == PS_MSG_LOGIN) {
            translate_login(from, to, bytes + body, there);
        }
        at = body + there;
    }
}

static void translate_data(const ps_server *from, const ps_server *to, const ps_packet *packet,
                           uint8_t *data, size_t len)
{
    const ps_channel *theirs = channel_of(from, packet->receiver_id);
    const ps_channel *ours = channel_of(to, packet->receiver_id);
    ps_span messages;
    if (theirs == NULL || ours == NULL ||
        !ps_packet_open(from->cfg.crypto, theirs->rx, data, len, &messages)) {
        memset(data + PS_PACKET_HEADER, 0, len - PS_PACKET_HEADER);
        return;
    }
    translate_messages(from, to, data + PS_PACKET_HEADER, messages.len);
    (void)ps_packet_seal(to->cfg.crypto, ours->rx, data, PS_PACKET_HEADER + messages.len);
}

/* What cookies are made of: see shows_cookie(). */
static const uint8_t *cookie_secret(const ps_server *s)
{
    return ps_server_wall_s(s) != 0 ? s->cfg.realm_secret : s->cfg.seed;
}

/* A cookie of the same age. */
static void translate_cookie(const ps_server *from, const ps_server *to, const ps_addr *addr,
                             uint8_t cookie[PS_COOKIE_BYTES])
{
    const uint64_t wall_s = ps_server_wall_s(from);
    const uint64_t now_s = wall_s != 0 ? wall_s : from->clock.now_us / 1000000u;
    bool good = false;
    for (uint64_t back = 0; !good && back <= 2; back++) {
        /* From the epoch that may begin with this very step to that before the last. */
        ps_cookie_keys keys = {.set = false};
        uint8_t made[PS_COOKIE_BYTES];
        const uint64_t at_s = now_s + PS_COOKIE_EPOCH_S - back * PS_COOKIE_EPOCH_S;
        ps_cookie_keys_update(from->cfg.crypto, &keys, cookie_secret(from), at_s);
        ps_cookie_make(&keys, addr, made);
        good = memcmp(made, cookie, sizeof made) == 0;
        if (good) {
            keys.set = false;
            ps_cookie_keys_update(to->cfg.crypto, &keys, cookie_secret(to), at_s);
            ps_cookie_make(&keys, addr, cookie);
        }
        ps_wipe(&keys, sizeof keys);
    }
    if (!good) {
        memset(cookie, 0, PS_COOKIE_BYTES);
    }
}

void ps_server_translate(const ps_server *from, const ps_server *to, ps_input_datagram *in)
{
    ps_packet packet;
    ps_drop why;
    if (!ps_packet_decode(in->data, in->len, &packet, &why)) {
        /* Who knows what it is. The first two bytes and the length make it no packet. */
        if (in->len > 2) {
            memset(in->data + 2, 0, in->len - 2);
        }
    } else if (packet.type == PS_PACKET_DATA) {
        translate_data(from, to, &packet, in->data, in->len);
    } else if (packet.type == PS_PACKET_INITIATE) {
        translate_cookie(from, to, &in->from, in->data + PS_INITIATE_COOKIE);
    }
}

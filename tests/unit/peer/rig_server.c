/* The server's side of the rig: handshakes, what it seals and says; and what the machine still
 * holds of its secrets. */
#include "rig.h"

void rig_packet_of(rig *r, uint64_t receiver_id, uint64_t counter)
{
    craft_packet(&r->c, receiver_id, counter);
}

void rig_packet(rig *r)
{
    rig_packet_of(r, r->client_id, ++r->counter);
}

ps_status rig_deliver_raw(rig *r, const ps_addr *from, const uint8_t *data, size_t len)
{
    uint8_t *copy = exact_copy(data, len);
    ps_input in = {.type = PS_INPUT_DATAGRAM,
                   .u.datagram = {.from = *from, .data = copy, .len = len}};
    const ps_status status = rig_step(r, &in);
    free(copy);
    return status;
}

rig_channel *rig_channel_of(const rig *r, uint64_t client_id)
{
    for (size_t k = r->channels_len; k > 0; k--) {
        if (r->channels[k - 1].client_id == client_id) {
            return &r->channels[k - 1];
        }
    }
    return NULL;
}

size_t rig_seal(const rig *r, uint8_t *data, size_t len)
{
    const uint8_t none[32] = {0};
    if (len < PS_PACKET_HEADER || data[0] != PS_PACKET_DATA) {
        return len;
    }
    const rig_channel *c = rig_channel_of(r, ps_load64(data + 1));
    return ps_packet_seal(r->cfg.crypto, c != NULL ? c->to_peer : none, data, len);
}

ps_status rig_deliver_from(rig *r, const ps_addr *from, const uint8_t *data, size_t len)
{
    uint8_t *sealed = malloc(len + PS_TAG_BYTES);
    assert_non_null(sealed);
    memcpy(sealed, data, len);
    const ps_status status = rig_deliver_raw(r, from, sealed, rig_seal(r, sealed, len));
    free(sealed);
    return status;
}

void rig_craft_respond(rig *r, const uint8_t secret[PS_KEY_BYTES])
{
    const ps_crypto *c = r->cfg.crypto;
    assert_true(r->initiates_len > 0);
    const rig_initiate *i = &r->initiates[r->initiates_len - 1];
    uint8_t prologue[PS_PROLOGUE_BYTES], ephemeral[PS_KEY_BYTES], key[PS_KEY_BYTES];
    uint8_t id[PS_RESPOND_PAYLOAD], message[PS_NOISE_SECOND_BYTES + PS_RESPOND_PAYLOAD];
    ps_noise noise;
    ps_span payload;
    r->channels = rig_grow(r->channels, r->channels_len, &r->channels_cap, sizeof *r->channels);
    rig_channel *channel = &r->channels[r->channels_len];
    *channel = (rig_channel){.client_id = i->client_id, .id = RIG_SESSION + r->channels_len};
    memset(ephemeral, (int)(1 + r->channels_len % 200), sizeof ephemeral);
    r->channels_len++;
    ps_store64(id, channel->id);
    ps_prologue_encode(prologue, i->client_id);
    c->x25519_public(key, secret);
    ps_noise_begin(c, &noise, (ps_span){prologue, sizeof prologue});
    assert_true(ps_noise_read_first(
        c, &noise, (ps_span){i->bytes + PS_INITIATE_MESSAGE, sizeof i->bytes - PS_INITIATE_MESSAGE},
        &payload));
    assert_true(ps_offer_fits(payload, PS_VERSION));
    assert_true(ps_noise_write_second(c, &noise, ephemeral, secret, key, (ps_span){id, sizeof id},
                                      message));
    ps_noise_split(c, &noise, channel->from_peer, channel->to_peer);
    craft_respond(&r->c, i->client_id, message, sizeof message);
}

ps_status rig_respond(rig *r)
{
    rig_craft_respond(r, r->server_secret);
    return rig_deliver(r);
}

ps_status rig_deliver(rig *r)
{
    return rig_deliver_from(r, &r->server, r->c.data, r->c.len);
}

void rig_accept_of(rig *r, const craft_login_ok_fields *m)
{
    const rig_sent *login = rig_last(r, PS_MSG_LOGIN);
    r->session = login->receiver_id;
    r->counter = rig_channel_of(r, r->client_id)->counter;
    rig_packet(r);
    craft_login_ok_of(&r->c, login->request, m);
    (void)rig_deliver(r);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
}

void rig_accept(rig *r, uint64_t generation)
{
    const craft_login_ok_fields m = {.generation = generation, .life = 1};
    rig_accept_of(r, &m);
    rig_settle(r);
}

void rig_refuse(rig *r, unsigned code, uint32_t retry_ms, const char *text)
{
    rig_packet_of(r, r->client_id, ++rig_channel_of(r, r->client_id)->counter);
    craft_error(&r->c, rig_last(r, PS_MSG_LOGIN)->request, code, retry_ms, text);
    (void)rig_deliver(r);
}

void rig_acknowledge(rig *r)
{
    ps_changes m;
    const rig_sent *s = rig_last_changes(r, &m);
    rig_packet(r);
    craft_published(&r->c, s->request, m.generation + m.count - 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
}

bool rig_holds(const rig *r, const void *bytes, size_t len)
{
    const uint8_t *slab = r->slab;
    for (size_t i = 0; i + len <= r->slab_len; i++) {
        if (memcmp(slab + i, bytes, len) == 0) {
            return true;
        }
    }
    return false;
}

void rig_wiped(const rig *r)
{
    assert_false(rig_holds(r, RIG_SECRET, strlen(RIG_SECRET)));
    assert_false(rig_holds(r, RIG_TICKET, strlen(RIG_TICKET)));
    for (size_t k = 0; k < r->secrets_len; k++) {
        assert_false(rig_holds(r, r->secrets[k], PS_KEY_BYTES));
    }
    for (size_t k = 0; k < r->channels_len; k++) {
        assert_false(rig_holds(r, r->channels[k].to_peer, 32));
        assert_false(rig_holds(r, r->channels[k].from_peer, 32));
    }
}

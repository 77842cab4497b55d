/* The handshake of an attempt: INITIATE until a RESPOND proves genuine, then whose key it is. What
 * comes in the clear (RETRY, VERSIONS) can be forged by who sees our packets: all that it causes is
 * one more INITIATE for each of ours, with a cookie that the server does not take (as if he had
 * dropped the packet), or the end of a first login that a person repeats. */
#include "peer/peer_internal.h"

/* Ids of ours that are in use name one channel each. */
static bool id_is_free(const ps_peer *p, uint64_t id)
{
    return id != p->session.client_id && id != p->old.client_id &&
           id != 0; /* unreachable: no state of the generator is known that gives 0 */
}

void ps_peer_handshake_begin(ps_peer *p)
{
    ps_peer_attempt *a = &p->attempt;
    uint8_t prologue[PS_PROLOGUE_BYTES], ephemeral[PS_KEY_BYTES], message[PS_INITIATE_BYTES];
    uint8_t offer[PS_INITIATE_BYTES - PS_INITIATE_MESSAGE - PS_KEY_BYTES];
    ps_wipe(&a->channel, sizeof a->channel);
    do {
        a->channel.client_id = ps_prng_u64(&p->prng);
    } while (!id_is_free(p, a->channel.client_id));
    ps_prologue_encode(prologue, a->channel.client_id);
    ps_offer_encode(offer);
    ps_secrets_draw(p->crypto, &p->secrets, ephemeral);
    ps_noise_begin(p->crypto, &a->noise, (ps_span){prologue, sizeof prologue});
    ps_noise_write_first(p->crypto, &a->noise, ephemeral, (ps_span){offer, sizeof offer}, message);
    ps_wipe(ephemeral, sizeof ephemeral);
    memcpy(a->public_key, message, sizeof a->public_key);
    memset(a->cookie, 0, sizeof a->cookie);
    a->phase = PS_ATTEMPT_INITIATING;
    a->tries = 0;
    a->retried = false;
    a->by_ticket = false;
    /* A first login is short; what has no end does not bind itself to one key. */
    a->renew_us =
        p->state == PS_PEER_LOGIN ? PS_TIME_NEVER : ps_time_add(p->clock.now_us, PS_HANDSHAKE_US);
    p->stats.handshakes++;
}

/* The same bytes each time, but for the cookie. */
static void put_initiate(ps_peer_turn *t)
{
    const ps_peer_attempt *a = &t->p->attempt;
    ps_writer w = ps_peer_clear_packet_begin(t);
    uint8_t *message = ps_initiate_encode(&w, a->channel.client_id, a->cookie);
    PS_ASSERT(message != NULL);
    memcpy(message, a->public_key, PS_KEY_BYTES);
    ps_offer_encode(message + PS_KEY_BYTES);
    ps_peer_packet_end(t, &w);
}

void ps_peer_handshake_send(ps_peer_turn *t)
{
    put_initiate(t);
    t->p->attempt.retried = false;
    ps_peer_attempt_sent(t->p);
}

/* Whether a packet in the clear is meant for the handshake under way. */
static bool meant(ps_peer *p, const ps_packet *packet)
{
    const ps_peer_attempt *a = &p->attempt;
    if (a->phase == PS_ATTEMPT_NONE || packet->receiver_id != a->channel.client_id) {
        ps_peer_drop(p, PS_DROP_NO_SESSION);
        return false;
    }
    if (a->phase != PS_ATTEMPT_INITIATING) { /* A repetition. */
        ps_peer_drop(p, PS_DROP_STALE);
        return false;
    }
    return true;
}

/* The server has proven to hold this key: is it the one that is meant? */
static void judge(ps_peer_turn *t, const uint8_t key[PS_KEY_BYTES])
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    if (p->account.key_known) {
        ps_peer_attempt_log_in(t);
        return;
    }
    a->phase = PS_ATTEMPT_ASKING;
    memcpy(a->server_key, key, PS_KEY_BYTES);
    a->left_us = a->deadline_us > p->clock.now_us ? a->deadline_us - p->clock.now_us : 0;
    a->deadline_us = PS_TIME_NEVER; /* A person looks at the key: that takes as long as it takes. */
    a->next_us = PS_TIME_NEVER;
    a->renew_us = PS_TIME_NEVER;
    memcpy(ps_peer_event(t, PS_EVENT_SERVER_KEY)->u.server_key, key, PS_KEY_BYTES);
}

/* Somebody else's key. Who once was let in here waits for the server that he knows. */
static void on_other_key(ps_peer_turn *t)
{
    if (t->p->state == PS_PEER_LOGIN) {
        ps_peer_refuse(t, PS_E_SERVER_KEY, 0, (ps_span){NULL, 0});
        return;
    }
    ps_peer_drop(t->p, PS_DROP_KEY);
    ps_peer_put_off(t, PS_E_SERVER_KEY, 0);
}

static void take_keys(ps_peer *p, ps_noise *noise, uint64_t id)
{
    ps_peer_attempt *a = &p->attempt;
    ps_noise_split(p->crypto, noise, a->channel.tx_key, a->channel.rx_key);
    a->channel.id = id;
    if (a->tries == 1) {
        ps_rtt_sample(&p->rtt, p->clock.now_us - a->sent_us);
    }
    ps_wipe(&a->noise, sizeof a->noise);
    memset(a->public_key, 0, sizeof a->public_key);
    memset(a->cookie, 0, sizeof a->cookie);
}

void ps_peer_on_respond(ps_peer_turn *t, const ps_packet *packet)
{
    ps_peer *p = t->p;
    ps_span payload;
    uint8_t key[PS_KEY_BYTES];
    if (!meant(p, packet)) {
        return;
    }
    /* A copy: with a key that is not the server's, the true answer can still come. */
    ps_noise noise = p->attempt.noise;
    uint8_t *message = (uint8_t *)(uintptr_t)packet->body.data; /* The input's, to be opened. */
    if (!ps_noise_read_second(p->crypto, &noise, message, packet->body.len, key, &payload)) {
        ps_peer_drop(p, PS_DROP_SEAL);
    } else if (p->account.key_known && !ps_secret_equal(key, p->account.server_key, PS_KEY_BYTES)) {
        on_other_key(t);
    } else if (ps_load64(payload.data) == 0) { /* A RESPOND is long enough for an id. */
        ps_peer_drop(p, PS_DROP_MALFORMED);
    } else { /* Fields behind the id are a later version's. */
        take_keys(p, &noise, ps_load64(payload.data));
        judge(t, key);
    }
    ps_wipe(&noise, sizeof noise);
}

void ps_peer_on_retry(ps_peer_turn *t, const ps_packet *packet)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    if (!meant(p, packet)) {
        return;
    }
    if (memcmp(packet->body.data + sizeof a->cookie, a->public_key, PS_KEY_BYTES) != 0) {
        ps_peer_drop(p, PS_DROP_STALE);
        return;
    }
    memcpy(a->cookie, packet->body.data, sizeof a->cookie);
    if (a->retried) { /* The next sending in time has it. */
        return;
    }
    a->retried = true;
    a->tries++;
    p->stats.retransmissions++;
    put_initiate(t);
}

static bool offered(ps_span versions, uint8_t version)
{
    bool found = false;
    for (size_t i = 0; i < versions.len; i++) {
        found = found || versions.data[i] == version;
    }
    return found;
}

/* Anybody who saw our INITIATE can say it. A server that was spoken with before is not believed to
 * have gone back to an older version. */
void ps_peer_on_versions(ps_peer_turn *t, const ps_packet *packet)
{
    ps_peer *p = t->p;
    if (!meant(p, packet)) {
        return;
    }
    if (offered(packet->body, PS_VERSION) || p->state != PS_PEER_LOGIN) {
        ps_peer_drop(p, PS_DROP_VERSION);
    } else {
        ps_peer_refuse(t, PS_E_UNSUPPORTED, 0, (ps_span){NULL, 0});
    }
}

bool ps_peer_trust_valid(const ps_peer *p, const uint8_t key[PS_KEY_BYTES])
{
    return p->attempt.phase == PS_ATTEMPT_ASKING &&
           memcmp(p->attempt.server_key, key, PS_KEY_BYTES) == 0;
}

void ps_peer_on_trust_command(ps_peer_turn *t)
{
    ps_peer *p = t->p;
    ps_peer_attempt *a = &p->attempt;
    p->account.key_known = true;
    memcpy(p->account.server_key, a->server_key, PS_KEY_BYTES);
    a->deadline_us = ps_time_add(p->clock.now_us, a->left_us);
    ps_peer_attempt_log_in(t);
}

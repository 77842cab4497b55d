#include "journal/format.h"

/* A field that is added to a configuration must be added to the journal, and to its version. */
_Static_assert(sizeof(void *) != 8 || sizeof(ps_server_config) == 216, "record the new field");
_Static_assert(sizeof(void *) != 8 || sizeof(ps_peer_config) == 88, "record the new field");

/* By kind of machine; a server has lasting keys of its own to tell. */
static const char holds_secrets[] =
    PS_JOURNAL_MAGIC "THIS FILE HOLDS SECRETS: passwords, tickets, names, addresses, and the seed "
                     "that the keys of all its sessions come from.";
static const char holds_keys[] =
    PS_JOURNAL_MAGIC "THIS FILE HOLDS SECRETS: the server's lasting keys, the keys of all its "
                     "sessions and what was said in them (passwords, tickets, names), addresses.";
static const char is_scrubbed[] =
    PS_JOURNAL_MAGIC "Passwords, tickets and keys are scrubbed; names and addresses are not, and a "
                     "server's session ids can be derived from the seed in here.";

_Static_assert(sizeof holds_secrets <= PREAMBLE && sizeof holds_keys <= PREAMBLE &&
                   sizeof is_scrubbed <= PREAMBLE,
               "they fit");

static void preamble_put(sheet *s, const ps_journal_head *head)
{
    uint8_t text[PREAMBLE];
    memset(text, ' ', sizeof text);
    if (head->scrubbed) {
        memcpy(text, is_scrubbed, sizeof is_scrubbed - 1);
    } else if (head->kind == PS_JOURNAL_SERVER) {
        memcpy(text, holds_keys, sizeof holds_keys - 1);
    } else {
        memcpy(text, holds_secrets, sizeof holds_secrets - 1);
    }
    text[PREAMBLE - 1] = '\n';
    put_bytes(s, text, sizeof text);
}

static void server_put(sheet *s, const ps_server_config *c)
{
    put_number(s, c->max_sessions, 4);
    put_number(s, c->max_users, 4);
    put_number(s, c->max_devices, 4);
    put_number(s, c->max_publications, 4);
    put_number(s, c->max_user_publications, 4);
    put_number(s, c->max_handshakes, 4);
    put_number(s, c->max_pending_logins, 4);
    put_number(s, c->max_networks, 4);
    put_number(s, c->name_bytes, 8);
    put_number(s, c->heartbeat_ms, 4);
    put_number(s, c->dead_ms, 4);
    put_number(s, c->resend_ms, 4);
    put_number(s, c->pending_ms, 4);
    put_number(s, c->takeover_ms, 4);
    put_number(s, c->search_names, 4);
    put_number(s, c->resets_per_s, 4);
    put_number(s, c->handshake_ms, 4);
    put_number(s, c->handshakes_per_s, 4);
    put_number(s, c->open_per_s, 4);
    put_number(s, c->retries_per_s, 4);
    put_number(s, c->network_per_s, 4);
    put_number(s, c->ticket_s, 4);
    put_number(s, c->file_ticket_s, 4);
    put_number(s, c->records ? 1 : 0, 1);
    put_number(s, c->mem_is_zero ? 1 : 0, 1);
    put_bytes(s, c->seed, sizeof c->seed);
    put_bytes(s, c->static_secret, sizeof c->static_secret);
    put_bytes(s, c->realm_secret, sizeof c->realm_secret);
}

static void server_get(strip *s, ps_server_config *c)
{
    c->size = sizeof *c;
    c->max_sessions = (uint32_t)get_number(s, 4);
    c->max_users = (uint32_t)get_number(s, 4);
    c->max_devices = (uint32_t)get_number(s, 4);
    c->max_publications = (uint32_t)get_number(s, 4);
    c->max_user_publications = (uint32_t)get_number(s, 4);
    c->max_handshakes = (uint32_t)get_number(s, 4);
    c->max_pending_logins = (uint32_t)get_number(s, 4);
    c->max_networks = (uint32_t)get_number(s, 4);
    c->name_bytes = get_number(s, 8);
    c->heartbeat_ms = (uint32_t)get_number(s, 4);
    c->dead_ms = (uint32_t)get_number(s, 4);
    c->resend_ms = (uint32_t)get_number(s, 4);
    c->pending_ms = (uint32_t)get_number(s, 4);
    c->takeover_ms = (uint32_t)get_number(s, 4);
    c->search_names = (uint32_t)get_number(s, 4);
    c->resets_per_s = (uint32_t)get_number(s, 4);
    c->handshake_ms = (uint32_t)get_number(s, 4);
    c->handshakes_per_s = (uint32_t)get_number(s, 4);
    c->open_per_s = (uint32_t)get_number(s, 4);
    c->retries_per_s = (uint32_t)get_number(s, 4);
    c->network_per_s = (uint32_t)get_number(s, 4);
    c->ticket_s = (uint32_t)get_number(s, 4);
    c->file_ticket_s = (uint32_t)get_number(s, 4);
    c->records = get_truth(s);
    c->mem_is_zero = get_truth(s);
    get_copy(s, c->seed, sizeof c->seed);
    get_copy(s, c->static_secret, sizeof c->static_secret);
    get_copy(s, c->realm_secret, sizeof c->realm_secret);
}

static void peer_put(sheet *s, const ps_peer_config *c)
{
    put_number(s, c->max_requests, 4);
    put_number(s, c->max_publications, 4);
    put_number(s, c->name_bytes, 8);
    put_number(s, c->request_ms, 4);
    put_number(s, c->datagram_max, 2);
    put_number(s, c->mem_is_zero ? 1 : 0, 1);
    put_number(s, c->rekey_ms, 4);
    put_number(s, c->rekey_packets, 8);
    put_bytes(s, c->seed, sizeof c->seed);
}

static void peer_get(strip *s, ps_peer_config *c)
{
    c->size = sizeof *c;
    c->max_requests = (uint32_t)get_number(s, 4);
    c->max_publications = (uint32_t)get_number(s, 4);
    c->name_bytes = get_number(s, 8);
    c->request_ms = (uint32_t)get_number(s, 4);
    c->datagram_max = (uint16_t)get_number(s, 2);
    c->mem_is_zero = get_truth(s);
    c->rekey_ms = (uint32_t)get_number(s, 4);
    c->rekey_packets = get_number(s, 8);
    get_copy(s, c->seed, sizeof c->seed);
}

void ps_journal_head_put(sheet *s, const ps_journal_head *head)
{
    uint8_t bytes[CONFIG_MAX];
    sheet config = {.base = bytes, .cap = sizeof bytes};
    const ps_crypto *crypto =
        head->kind == PS_JOURNAL_SERVER ? head->server.crypto : head->peer.crypto;
    put_number(&config, crypto != NULL ? crypto->kind : head->crypto_kind, 4);
    if (head->kind == PS_JOURNAL_SERVER) {
        server_put(&config, &head->server);
    } else {
        peer_put(&config, &head->peer);
    }
    preamble_put(s, head);
    put_number(s, PS_JOURNAL_VERSION, 2);
    put_number(s, head->kind, 1);
    put_number(s, head->scrubbed ? 1 : 0, 1);
    put_number(s, config.len, 2);
    put_bytes(s, bytes, config.len);
    put_number(s, fnv(FNV_BASIS, s->base, s->len), CHECKSUM);
}

bool ps_journal_config_get(ps_span config, ps_journal_head *head)
{
    uint8_t bytes[CONFIG_MAX];
    if (config.len > sizeof bytes) {
        return false;
    }
    memcpy(bytes, config.data, config.len);
    strip s = {.at = bytes, .left = config.len};
    head->crypto_kind = (uint32_t)get_number(&s, 4);
    if (head->kind == PS_JOURNAL_SERVER) {
        server_get(&s, &head->server);
    } else {
        peer_get(&s, &head->peer);
    }
    return !s.bad && s.left == 0;
}

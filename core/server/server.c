/* The server's machine: init, step, time. */
#include "server/server_internal.h"

/* Labels of the keys that are derived from the seed. */
enum {
    KEY_GENERATOR = 1,
    KEY_TABLES = 2,
    KEY_IDS = 3,
    KEY_DIRECTORY = 4,
    KEY_LIFE = 5,
    KEY_MOVES = 6,
    KEY_NETWORKS = 7
};

void ps_server_config_default(ps_server_config *cfg)
{
    *cfg = (ps_server_config){
        .size = sizeof *cfg,
        .max_sessions = 4096,
        .max_users = 8192,
        .max_devices = 8192,
        .max_publications = 65536,
        .max_user_publications = 65536,
        .max_handshakes = 2048,
        .max_pending_logins = 1024,
        .max_networks = 4096,
        .name_bytes = 65536u * 32u,
        .heartbeat_ms = 2000,
        .dead_ms = 3000,
        .resend_ms = 80,
        .pending_ms = 15000,
        .takeover_ms = 1000,
        .search_names = 512,
        .resets_per_s = 20000,
        .handshake_ms = 5000,
        .handshakes_per_s = 6000,
        .open_per_s = 200,
        .retries_per_s = 200000,
        .network_per_s = 50,
        .ticket_s = 86400,
        .file_ticket_s = 3600,
    };
}

/* The channel's functions are all there. */
static bool crypto_possible(const ps_crypto *c)
{
    return c != NULL && c->size == sizeof *c && c->sha256_init != NULL &&
           c->sha256_update != NULL && c->sha256_final != NULL && c->x25519 != NULL &&
           c->x25519_public != NULL && c->seal != NULL && c->open != NULL;
}

/* All full, at the beginning of time. */
static void rates_init(ps_server *s)
{
    const ps_server_config *cfg = &s->cfg;
    ps_rate_fill(&s->handshake_rate, 0,
                 cfg->handshakes_per_s >= 10 ? cfg->handshakes_per_s / 10 : 1);
    ps_rate_fill(&s->open_rate, 0, cfg->open_per_s);
    ps_rate_fill(&s->retry_rate, 0, cfg->retries_per_s);
    ps_rate_fill(&s->reset_rate, 0, cfg->resets_per_s);
}

ps_status ps_server_init(void *mem, size_t len, const ps_server_config *cfg, ps_server **out)
{
    size_t need = ps_server_size(cfg);
    if (mem == NULL || out == NULL || need == 0 || len < need || (uintptr_t)mem % 64 != 0 ||
        !crypto_possible(cfg->crypto)) {
        return PS_INVALID;
    }
    ps_server *s = mem;
    (void)ps_server_layout(cfg, s, NULL, 0, NULL);
    s->cfg = *cfg;
    ps_prng_init(&s->prng, cfg->seed, KEY_GENERATOR);
    s->table_key = ps_key_derive(cfg->seed, KEY_TABLES);
    s->id_key = ps_key_derive(cfg->seed, KEY_IDS);
    s->life = ps_key_derive(cfg->seed, KEY_LIFE).k0;
    ps_slots_init(&s->sessions, cfg->max_sessions);
    s->move_key = ps_key_derive(cfg->seed, KEY_MOVES);
    s->network_key = ps_key_derive(cfg->seed, KEY_NETWORKS);
    ps_secrets_init(cfg->crypto, &s->secrets, cfg->seed);
    cfg->crypto->x25519_public(s->public_key, cfg->static_secret);
    rates_init(s);
    ps_slots_init(&s->handshakes, cfg->max_handshakes);
    ps_timeouts_init(&s->liveness, cfg->dead_ms * UINT64_C(1000));
    ps_timeouts_init(&s->opening, cfg->handshake_ms * UINT64_C(1000));
    ps_timeouts_init(&s->logging_in, cfg->pending_ms * UINT64_C(1000));
    ps_timeouts_init(&s->probing, (cfg->takeover_ms * UINT64_C(1000) + PS_PROBES - 1) / PS_PROBES);
    ps_timeouts_init(&s->refused, cfg->handshake_ms * UINT64_C(1000));
    ps_timeouts_init(&s->admitted, cfg->handshake_ms * UINT64_C(1000));
    ps_timeouts_init(&s->aging, PS_OLD_KEYS_US);
    if (!cfg->mem_is_zero) {
        memset(ps_server_at(s, s->index_at), 0,
               ((size_t)s->index_mask + 1) * sizeof(ps_index_entry));
        memset(ps_server_at(s, s->handshake_heads_at), 0, ((size_t)s->handshake_mask + 1) * 4);
        memset(ps_server_at(s, s->networks_at), 0,
               ((size_t)s->network_mask + 1) * 4 * sizeof(ps_network));
    }
    const ps_directory_caps caps = ps_server_directory_caps(cfg);
    ps_directory_init(&s->directory, &caps, ps_key_derive(cfg->seed, KEY_DIRECTORY),
                      cfg->mem_is_zero);
    *out = s;
    return PS_OK;
}

uint64_t ps_server_wall_s(const ps_server *s)
{
    if (s->wall_s == 0) {
        return 0;
    }
    return s->wall_s + (s->clock.now_us - s->wall_set_us) / 1000000u;
}

/* Reclaims what has expired, a bounded number at a time. */
static void on_tick(ps_server *s, ps_output *out)
{
    const uint64_t now_us = s->clock.now_us;
    for (uint32_t n = 0; n < PS_SERVER_TICK_EVICTIONS && !PS_CANARY(FORGOTTEN_EXPIRY); n++) {
        uint32_t dead = ps_timeouts_due(&s->liveness, ps_session_times(s), now_us);
        if (dead == PS_NIL) {
            break;
        }
        s->stats.evictions++;
        ps_session_close(s, dead, PS_CLOSE_SILENCE, out);
    }
    ps_handshakes_tick(s, out);
}

static uint64_t due_us(const ps_server *s)
{
    return ps_time_min(ps_timeouts_deadline_us(&s->liveness, ps_session_times(s)),
                       ps_handshakes_due_us(s));
}

/* Nobody gets more time than whoever is heard now. */
static uint64_t give_time(ps_server *s, ps_timeouts *t, const ps_timeout_node *nodes,
                          uint64_t more_us)
{
    return ps_timeouts_shift(t, nodes, more_us, ps_time_add(s->clock.now_us, t->length_us));
}

/* Moves the clock on. Whoever would be found silent because this server was not there to hear him
 * is given that time; and as much again, if he had that much left at the step before, to be heard.
 * Not without end: after some late steps in a row, each within a silence of the one before, silence
 * counts again. */
static void pass_time(ps_server *s, uint64_t host_us)
{
    const uint64_t before_us = s->clock.now_us;
    const uint64_t now_us = ps_clock_advance(&s->clock, host_us);
    if (now_us - before_us <= PS_LATE_US) {
        return; /* Nothing can be late: most inputs end here. */
    }
    const uint64_t was_due_us = due_us(s);
    const uint64_t late_us = ps_lateness_us(before_us, was_due_us, now_us);
    if (late_us == 0 || PS_CANARY(NO_GRACE)) {
        return;
    }
    s->stats.late_steps++;
    s->late_times = now_us - s->late_at_us >= s->liveness.length_us ? 0 : s->late_times;
    s->late_at_us = now_us;
    if (s->late_times == PS_LATE_TIMES) {
        return;
    }
    s->late_times++;
    /* Since when it was not there is not known: at most since the step before. */
    const uint64_t left_us = was_due_us > before_us ? was_due_us - before_us : 0;
    const uint64_t more_us = late_us + ps_time_min(late_us, left_us);
    s->stats.late_us += give_time(s, &s->liveness, ps_session_times(s), more_us);
    (void)give_time(s, &s->opening, ps_handshake_times(s), more_us);
    (void)give_time(s, &s->logging_in, ps_handshake_times(s), more_us);
    (void)give_time(s, &s->probing, ps_handshake_times(s), more_us);
}

static bool has_room(const ps_output *out)
{
    return out->bytes_cap - out->bytes_len >= PS_SERVER_STEP_BYTES &&
           out->bytes_cap <= UINT32_MAX &&
           out->datagrams_cap - out->datagrams_len >= PS_SERVER_STEP_DATAGRAMS &&
           out->events_cap - out->events_len >= PS_SERVER_STEP_EVENTS;
}

/* A caller's bug is found before anything is changed. */
static bool valid(const ps_input *in)
{
    switch (in->type) {
    case PS_INPUT_TICK:
    case PS_INPUT_WALL_CLOCK:
        return true;
    case PS_INPUT_DATAGRAM:
        return in->u.datagram.data != NULL || in->u.datagram.len == 0;
    case PS_INPUT_ENTROPY:
        return in->u.entropy.data != NULL && in->u.entropy.len >= 16;
    case PS_INPUT_VERDICT: /* Codes have 16 bits on the wire: a longer one could say "no error". */
        return in->u.verdict.error <= UINT16_MAX;
    case PS_INPUT_RESTORE:
        return in->u.restore.user.data != NULL && in->u.restore.name.data != NULL;
    case PS_INPUT_STORE:
        return true;
    case PS_INPUT_EXPEL:
        return in->u.expel.data != NULL;
    case PS_INPUT_TRUST:
    case PS_INPUT_LOGIN:
    case PS_INPUT_LOGOUT:
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
    default:
        return false;
    }
}

static void step_one(ps_server *s, const ps_input *in, ps_output *out)
{
    pass_time(s, in->now_us);
    if (in->type == PS_INPUT_TICK) {
        on_tick(s, out);
    } else if (in->type == PS_INPUT_DATAGRAM) {
        ps_on_datagram(s, &in->u.datagram, out);
    } else if (in->type == PS_INPUT_ENTROPY) {
        ps_prng_mix(&s->prng, in->u.entropy);
        ps_secrets_mix(s->cfg.crypto, &s->secrets, in->u.entropy);
    } else if (in->type == PS_INPUT_WALL_CLOCK) {
        s->wall_s = in->u.wall_s;
        s->wall_set_us = s->clock.now_us;
    } else if (in->type == PS_INPUT_RESTORE) {
        ps_on_restore(s, &in->u.restore);
    } else if (in->type == PS_INPUT_STORE) {
        s->store_retry_ms = in->u.store_retry_ms;
    } else if (in->type == PS_INPUT_EXPEL) {
        ps_on_expel(s, in->u.expel, out);
    } else {
        ps_on_verdict(s, &in->u.verdict, out);
    }
}

/* Keeps the loads of one group of inputs under way while the group before it is worked on. */
static void look_ahead(const ps_server *s, const ps_input in[], size_t i, size_t n)
{
    if (i % PS_LOOK_AHEAD != 0 || n < 2) {
        return;
    }
    for (size_t at = i == 0 ? 0 : i + PS_LOOK_AHEAD; at < n && at <= i + PS_LOOK_AHEAD;
         at += PS_LOOK_AHEAD) {
        ps_session_look_ahead(s, &in[at], n - at < PS_LOOK_AHEAD ? n - at : PS_LOOK_AHEAD);
    }
}

ps_status ps_server_step(ps_server *s, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    if (s == NULL || consumed == NULL || out == NULL || (in == NULL && n > 0)) {
        return PS_INVALID;
    }
    *consumed = 0;
    for (size_t i = 0; i < n; i++) {
        look_ahead(s, in, i, n);
        if (!has_room(out)) {
            return PS_AGAIN;
        }
        if (!valid(&in[i])) {
            return PS_INVALID;
        }
        if (!PS_CANARY(FORGOTTEN_INPUT) || i == 0 || i + 1 < n) {
            step_one(s, &in[i], out);
        }
        *consumed = i + 1;
    }
    return ps_time_reached(due_us(s), s->clock.now_us) ? PS_MORE : PS_OK;
}

uint64_t ps_server_deadline_us(const ps_server *s)
{
    return ps_clock_host_us(&s->clock, due_us(s));
}

void ps_server_public_key(const ps_server *s, uint8_t key[PS_KEY_BYTES])
{
    memcpy(key, s->public_key, PS_KEY_BYTES);
}

void ps_server_stats_get(const ps_server *s, ps_server_stats *stats)
{
    *stats = s->stats;
    stats->clock_clamped = s->clock.clamped;
    stats->sessions = s->sessions.used;
    stats->users = s->directory.users.used;
    stats->devices = s->directory.devices.used;
    stats->publications = s->directory.pubs.used;
    stats->pending_logins = s->logins;
    stats->handshakes_open = s->handshakes.used;
    stats->name_blocks_used = s->directory.names.used;
}

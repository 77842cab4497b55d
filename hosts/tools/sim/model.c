/* The model's tables: sessions, logs, publications, and how time passes in it. */
#include "model_internal.h"

#include <stdlib.h>
#include <string.h>

/* The server's rule for a clock that is set back (core/PORTING.md). */
#define SET_BACK_US 1000000u
/* What is gone is remembered so long, for lists that began before: longer than any lasts. */
#define MEMORY_US UINT64_C(120000000)

void model_init(model *m, struct world *w)
{
    memset(m, 0, sizeof *m);
    m->w = w;
    m->sessions = calloc(w->cfg.peers, sizeof *m->sessions);
    m->users_logs = malloc(w->cfg.peers * sizeof *m->users_logs);
    WORLD_REQUIRE(w, m->sessions != NULL && m->users_logs != NULL);
    memset(m->users_logs, 0xff, w->cfg.peers * sizeof *m->users_logs);
    model_handshakes_init(m);
}

void model_free(model *m)
{
    free(m->sessions);
    free(m->logs);
    free(m->users_logs);
    free(m->pubs);
    free(m->buckets);
    free(m->groups);
    model_handshakes_free(m);
}

uint32_t model_hash(ps_span name)
{
    uint32_t hash = UINT32_C(0x811c9dc5);
    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ name.data[i]) * UINT32_C(0x01000193);
    }
    return hash;
}

uint32_t model_node(const model *m, const ps_addr *addr)
{
    const uint32_t host = ((uint32_t)addr->ip[2] << 8) | addr->ip[3];
    WORLD_REQUIRE(m->w, addr->ip[0] == 10 && host >= 1 && host <= m->w->cfg.peers + 1);
    return host - 1;
}

static void *grown(model *m, void *table, size_t *cap, size_t bytes)
{
    *cap = *cap > 0 ? 2 * *cap : 64;
    void *more = realloc(table, *cap * bytes);
    WORLD_REQUIRE(m->w, more != NULL);
    return more;
}

static uint32_t known_log(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES])
{
    uint32_t i = m->users_logs[user];
    while (i != MODEL_NONE && memcmp(m->logs[i].device, device, PS_DEVICE_BYTES) != 0) {
        i = m->logs[i].next;
    }
    return i;
}

uint32_t model_log_of(model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES])
{
    const uint32_t known = known_log(m, user, device);
    if (known != MODEL_NONE) {
        return known;
    }
    if (m->logs_len == m->logs_cap) {
        m->logs = grown(m, m->logs, &m->logs_cap, sizeof *m->logs);
    }
    model_log *log = &m->logs[m->logs_len];
    *log = (model_log){.user = user, .next = m->users_logs[user]};
    memcpy(log->device, device, PS_DEVICE_BYTES);
    m->users_logs[user] = (uint32_t)m->logs_len;
    return (uint32_t)m->logs_len++;
}

size_t model_spread(uint32_t hash, uint32_t number, size_t bound)
{
    const uint64_t mixed =
        (hash ^ ((uint64_t)number << 32 | number)) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (bound - 1);
}

static uint32_t *bucket_of(const model *m, uint32_t log, uint32_t hash)
{
    return &m->buckets[model_spread(hash, log, 2 * m->pubs_cap)];
}

model_pub *model_find(const model *m, uint32_t log, ps_span name)
{
    const uint32_t hash = model_hash(name);
    uint32_t i = m->pubs_cap > 0 ? *bucket_of(m, log, hash) : MODEL_NONE;
    for (; i != MODEL_NONE; i = m->pubs[i].next) {
        model_pub *pub = &m->pubs[i];
        if (pub->hash == hash && pub->log == log && pub->died_us == 0 &&
            pub->name_len == name.len && memcmp(pub->name, name.data, name.len) == 0) {
            return pub;
        }
    }
    return NULL;
}

static void link_in(model *m, uint32_t index)
{
    model_pub *pub = &m->pubs[index];
    uint32_t *bucket = bucket_of(m, pub->log, pub->hash);
    pub->next = *bucket;
    *bucket = index;
}

/* Forgets those that nobody can still ask about. */
static void forget_old(model *m)
{
    const uint64_t now_us = world_now_us(m->w);
    size_t kept = 0;
    for (size_t i = 0; i < m->pubs_len; i++) {
        if (m->pubs[i].died_us == 0 || m->pubs[i].died_us + MEMORY_US >= now_us) {
            m->pubs[kept++] = m->pubs[i];
        }
    }
    m->pubs_len = kept;
}

/* Makes room: more than half of the places are free then. */
static void make_room(model *m)
{
    forget_old(m);
    if (2 * m->pubs_len >= m->pubs_cap) {
        m->pubs = grown(m, m->pubs, &m->pubs_cap, sizeof *m->pubs);
        free(m->buckets);
        free(m->groups);
        m->buckets = malloc(2 * m->pubs_cap * sizeof *m->buckets);
        m->groups = calloc(2 * m->pubs_cap, sizeof *m->groups);
        WORLD_REQUIRE(m->w, m->buckets != NULL && m->groups != NULL);
    }
    memset(m->buckets, 0xff, 2 * m->pubs_cap * sizeof *m->buckets);
    for (uint32_t i = 0; i < m->pubs_len; i++) {
        link_in(m, i);
    }
}

void model_add(model *m, uint32_t log, ps_span name, const ps_content *content)
{
    if (m->pubs_len == m->pubs_cap) {
        make_room(m);
    }
    const uint32_t index = (uint32_t)m->pubs_len++;
    model_pub *pub = &m->pubs[index];
    *pub = (model_pub){.log = log,
                       .hash = model_hash(name),
                       .name_len = (uint8_t)name.len,
                       .content = *content,
                       .born_us = world_now_us(m->w)};
    memcpy(pub->name, name.data, name.len);
    link_in(m, index);
    m->logs[log].live++;
    m->live++;
}

void model_end(model *m, model_pub *pub)
{
    pub->died_us = world_now_us(m->w);
    m->logs[pub->log].live--;
    m->live--;
}

uint32_t model_published(const model *m, uint32_t user)
{
    uint32_t count = 0;
    for (uint32_t i = m->users_logs[user]; i != MODEL_NONE; i = m->logs[i].next) {
        count += m->logs[i].live;
    }
    return count;
}

bool model_on_device(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES])
{
    return model_online(m, user) && memcmp(m->sessions[user].device, device, PS_DEVICE_BYTES) == 0;
}

bool model_lists(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES], ps_span name,
                 const ps_content *content)
{
    const uint32_t log = known_log(m, user, device);
    const model_pub *pub = log != MODEL_NONE ? model_find(m, log, name) : NULL;
    return pub != NULL && (content == NULL || ps_content_equal(&pub->content, content));
}

uint32_t model_device_names(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES])
{
    const uint32_t log = known_log(m, user, device);
    return log != MODEL_NONE ? m->logs[log].live : 0;
}

uint32_t model_listed(const model *m, uint32_t user, ps_span name)
{
    uint32_t count = 0;
    for (uint32_t i = m->users_logs[user]; i != MODEL_NONE; i = m->logs[i].next) {
        count += model_find(m, i, name) != NULL ? 1u : 0u;
    }
    return count;
}

bool model_online(const model *m, uint32_t user)
{
    return m->sessions[user].open && m->sessions[user].deadline_us > m->now_us;
}

uint32_t model_asker(model *m, uint64_t client_id)
{
    uint32_t *guess = &m->guesses[1][client_id % MODEL_GUESSES];
    if (m->sessions[*guess].open && m->sessions[*guess].client_id == client_id) {
        return *guess;
    }
    for (uint32_t i = 0; i < m->w->cfg.peers; i++) {
        if (m->sessions[i].open && m->sessions[i].client_id == client_id) {
            *guess = i;
            return i;
        }
    }
    return MODEL_NONE;
}

void model_forget(model *m, uint32_t log)
{
    if (m->logs[log].live == 0) {
        m->logs[log].generation = 0;
    }
}

/* ---- time ---- */

static void pass_time(model *m, uint64_t host_us, uint64_t late_us)
{
    const uint64_t now_us = host_us + m->offset_us;
    if (now_us >= m->now_us) {
        m->now_us = now_us;
    } else if (m->now_us - now_us >= SET_BACK_US) {
        m->offset_us += m->now_us - now_us;
    }
    /* Only a server that was kept from its work may give anybody more time. */
    WORLD_REQUIRE(m->w, late_us == m->late_us || world_server_was_away(m->w));
    for (uint32_t i = 0; i < m->w->cfg.peers && late_us != m->late_us; i++) {
        m->sessions[i].deadline_us += late_us - m->late_us;
    }
    m->late_us = late_us;
}

static uint64_t drops_of(const ps_server_stats *stats)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < PS_DROP_COUNT; i++) {
        sum += stats->drops[i];
    }
    return sum;
}

/* What nobody has sent is dropped and counted, and no message of it is believed. */
static void check_counters(model *m, const model_owed *owed, const uint8_t *bytes,
                           const ps_server_stats *stats)
{
    if (owed->type != 0 && owed->type != READ_INITIATE && !owed->genuine) {
        WORLD_REQUIRE(m->w, drops_of(stats) > drops_of(&m->before));
        WORLD_REQUIRE(m->w, stats->messages_in == m->before.messages_in);
    }
    WORLD_REQUIRE(m->w, stats->moves == m->before.moves + (owed->moved ? 1u : 0u));
    if (stats->handshakes > m->before.handshakes) {
        WORLD_REQUIRE(m->w, owed->type == READ_INITIATE);
        model_began(m, &owed->from, bytes);
    }
    m->before = *stats;
}

void model_step(model *m, const ps_input *in, const uint8_t *bytes, const ps_output *before,
                const ps_output *out, const ps_server_stats *stats)
{
    model_owed owed;
    memset(&owed, 0, sizeof owed);
    pass_time(m, in->now_us, stats->late_us);
    owed.no_session = stats->drops[PS_DROP_NO_SESSION] > m->before.drops[PS_DROP_NO_SESSION];
    owed.misplaced = stats->drops[PS_DROP_MISPLACED] > m->before.drops[PS_DROP_MISPLACED];
    model_input(m, in, bytes, before, out, &owed);
    model_answers(m, before, out, &owed);
    check_counters(m, &owed, bytes, stats);
    WORLD_REQUIRE(m->w, stats->publications == m->live);
    WORLD_REQUIRE(m->w, stats->sessions == m->open);
}

/* ---- death and return of the server ---- */

void model_crash(model *m)
{
    const uint64_t now_us = world_now_us(m->w);
    for (size_t i = 0; i < m->pubs_len; i++) {
        if (m->pubs[i].died_us == 0) {
            m->pubs[i].died_us = now_us;
        }
    }
    m->live = m->open = 0;
    for (uint32_t i = 0; i < m->w->cfg.peers; i++) {
        m->sessions[i] = (model_session){.open = false};
    }
    for (size_t i = 0; i < m->logs_len; i++) {
        m->logs[i].generation = 0;
        m->logs[i].live = 0;
    }
    model_handshakes_crash(m);
    memset(&m->before, 0, sizeof m->before);
    m->now_us = m->offset_us = m->late_us = 0;
    m->store_busy = false;
}

/* One that died with the process and comes back from the store was there throughout. */
static bool revive(model *m, uint32_t log, const ps_input_restore *in)
{
    uint32_t i = m->pubs_cap > 0 ? *bucket_of(m, log, model_hash(in->name)) : MODEL_NONE;
    for (; i != MODEL_NONE; i = m->pubs[i].next) {
        model_pub *pub = &m->pubs[i];
        if (pub->log == log && pub->died_us != 0 && pub->died_us == m->w->server.crashed_us &&
            pub->name_len == in->name.len && memcmp(pub->name, in->name.data, in->name.len) == 0) {
            pub->died_us = 0;
            pub->content = in->content;
            m->logs[log].live++;
            m->live++;
            return true;
        }
    }
    return false;
}

void model_restored(model *m, const ps_input_restore *in)
{
    const uint32_t user = world_user_index(m->w, in->user);
    WORLD_REQUIRE(m->w, user != UINT32_MAX);
    const uint32_t log = model_log_of(m, user, in->device);
    model_pub *pub = model_find(m, log, in->name);
    m->logs[log].generation = in->generation;
    if (in->published && pub != NULL) {
        pub->content = in->content;
    } else if (in->published && !revive(m, log, in)) {
        model_add(m, log, in->name, &in->content);
    } else if (!in->published && pub != NULL) {
        model_end(m, pub);
    }
    model_forget(m, log);
}

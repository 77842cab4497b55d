/* The server's accounts, and the pool that verifies passwords. A password takes what argon2 takes,
 * on a thread of its own: the loop goes on meanwhile. A ticket takes a comparison. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* Nobody is sent away for longer. */
#define BUSY_MAX_US UINT64_C(60000000)

void world_user_password(const world *w, uint32_t index, char out[WORLD_NAME_BYTES])
{
    const uint32_t changes = w->accounts[index].changes;
    (void)snprintf(out, WORLD_NAME_BYTES, changes > 0 ? "secret-%u.%u" : "secret-%u",
                   (unsigned)index, (unsigned)changes);
}

/* Names the password that is stored now, as a hash of its line in the file would. */
static void credential_of(const world *w, uint32_t user, uint8_t out[PS_CREDENTIAL_BYTES])
{
    memset(out, 0x5c, PS_CREDENTIAL_BYTES);
    for (size_t i = 0; i < 4; i++) {
        out[i] = (uint8_t)(user >> (8 * i));
        out[4 + i] = (uint8_t)(w->accounts[user].changes >> (8 * i));
        out[8 + i] = (uint8_t)(w->accounts[user].hashes >> (8 * i));
    }
}

void world_account_passwd(world *w, uint32_t user)
{
    w->accounts[user].changes++;
}

void world_account_rehash(world *w, uint32_t user)
{
    w->accounts[user].hashes++;
}

void world_account_add(world *w, uint32_t user)
{
    w->accounts[user].removed = false;
}

void world_account_remove(world *w, uint32_t user)
{
    char name[WORLD_NAME_BYTES];
    world_user_name(user, name);
    w->accounts[user].removed = true;
    world_server_submit(
        w, (ps_input){.type = PS_INPUT_EXPEL, .u.expel = {(const uint8_t *)name, strlen(name)}});
    ps_sim_set_deadline(w->sim, w->server.node, 0); /* The wake settles the rest. */
}

/* ---- verdicts ---- */

static void put(world *w, world_verdicts *v, uint64_t due_us, const ps_input_verdict *verdict)
{
    if (v->at == v->len) {
        v->at = v->len = 0;
    }
    if (v->len == v->cap) {
        v->cap = v->cap ? 2 * v->cap : 64;
        v->list = realloc(v->list, v->cap * sizeof *v->list);
        WORLD_REQUIRE(w, v->list != NULL);
    }
    v->list[v->len++] = (world_verdict){.due_us = due_us, .verdict = *verdict};
}

static bool right_password(const world *w, uint32_t user, ps_span password)
{
    char expected[WORLD_NAME_BYTES];
    if (user == UINT32_MAX || w->accounts[user].removed) {
        return false;
    }
    world_user_password(w, user, expected);
    return password.len == strlen(expected) && memcmp(password.data, expected, password.len) == 0;
}

/* The thread that is free first. */
static uint64_t *next_thread(const world *w, world_pool *pool)
{
    uint64_t *first = &pool->free_us[0];
    for (uint32_t i = 1; i < w->cfg.verify_threads; i++) {
        first = pool->free_us[i] < *first ? &pool->free_us[i] : first;
    }
    return first;
}

/* Whoever is turned away is told when his turn will have come, behind all who were before him. */
static uint32_t turn_ms(world *w, world_pool *pool)
{
    const uint64_t now_us = world_now_us(w);
    const uint64_t earliest_us = *next_thread(w, pool);
    if (pool->promised_us < earliest_us) {
        pool->promised_us = earliest_us;
    }
    /* Beyond that all are told the same, and told again when they come. */
    if (pool->promised_us < now_us + BUSY_MAX_US) {
        pool->promised_us += w->cfg.verify_us / w->cfg.verify_threads;
    }
    return (uint32_t)((pool->promised_us - now_us) / 1000) + 1;
}

static void ask_pool(world *w, const ps_event_login *e)
{
    world_pool *pool = &w->server.pool;
    const uint32_t held = (uint32_t)(pool->verdicts.len - pool->verdicts.at);
    const uint32_t user = world_user_index(w, e->user);
    const uint64_t now_us = world_now_us(w);
    ps_input_verdict v = {.pending = e->pending};
    if (w->server.busy_ms > 0 || held >= w->cfg.verify_threads + w->cfg.verify_queue) {
        pool->turned_away++;
        v.error = PS_E_BUSY;
        v.retry_ms = w->server.busy_ms > 0 ? w->server.busy_ms : turn_ms(w, pool);
        put(w, &w->server.at_once, now_us, &v);
        return;
    }
    v.error = right_password(w, user, e->password) ? PS_E_NONE : PS_E_CREDENTIALS;
    if (v.error == PS_E_NONE) {
        credential_of(w, user, v.credential);
    }
    uint64_t *thread = next_thread(w, pool);
    *thread = (*thread > now_us ? *thread : now_us) + w->cfg.verify_us;
    put(w, &pool->verdicts, *thread, &v);
    pool->most = pool->most > held + 1 ? pool->most : held + 1;
    pool->verified++;
}

void world_accounts_ask(world *w, const ps_event_login *e)
{
    const uint32_t user = world_user_index(w, e->user);
    w->server.requests++;
    if (!e->by_ticket) {
        ask_pool(w, e);
        return;
    }
    ps_input_verdict v = {.pending = e->pending, .error = PS_E_TICKET};
    if (user != UINT32_MAX && !w->accounts[user].removed) {
        credential_of(w, user, v.credential);
        v.error =
            memcmp(v.credential, e->credential, sizeof v.credential) == 0 ? PS_E_NONE : PS_E_TICKET;
    }
    w->server.by_ticket++;
    put(w, &w->server.at_once, world_now_us(w), &v);
}

uint64_t world_accounts_due_us(const world *w)
{
    const world_verdicts *v = &w->server.pool.verdicts;
    return v->at < v->len ? v->list[v->at].due_us : PS_TIME_NEVER;
}

static void give_due(world *w, world_verdicts *v)
{
    while (v->at < v->len && v->list[v->at].due_us <= world_now_us(w)) {
        const ps_input_verdict verdict = v->list[v->at++].verdict;
        world_server_submit(w, (ps_input){.type = PS_INPUT_VERDICT, .u.verdict = verdict});
    }
}

void world_accounts_work(world *w)
{
    give_due(w, &w->server.at_once);
    give_due(w, &w->server.pool.verdicts);
}

void world_accounts_boot(world *w)
{
    world_pool *pool = &w->server.pool;
    memset(pool->free_us, 0, sizeof pool->free_us);
    pool->promised_us = 0;
    pool->verdicts.at = pool->verdicts.len = 0;
    w->server.at_once.at = w->server.at_once.len = 0;
}

void world_accounts_free(world *w)
{
    free(w->server.pool.verdicts.list);
    free(w->server.at_once.list);
}

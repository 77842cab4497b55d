/* Tables of every size, from nothing up to where all fits: what does not fit is told in the words
 * for that table (BUSY with a time, QUOTA, FULL), and goes through when there is room. The model
 * looks at every step besides. */
#include "exhaustion.h"

/* ---- tables that logins fill ---- */

typedef struct login_table {
    size_t field;   /* Of ps_server_config. */
    bool leave;     /* There is room when somebody leaves; else by itself, after a while. */
    bool unpublish; /* And only when he takes his publications with him. */
} login_table;

#define FIELD(name) offsetof(ps_server_config, name)

static const login_table login_tables[] = {
    {FIELD(max_sessions), true, false},
    {FIELD(max_users), true, true},
    {FIELD(max_devices), true, true},
    {FIELD(max_pending_logins), false, false},
};

static world *scarce_world(size_t field, uint32_t capacity)
{
    world_config cfg;
    exhaustion_config(&cfg);
    memcpy((uint8_t *)&cfg.server + field, &capacity, sizeof capacity);
    return world_new(&cfg);
}

/* All that are neither in nor served already try at once; @return how many are told to come again.
 */
static uint32_t knock(world *w, const bool served[PEERS])
{
    uint32_t refusals[PEERS];
    uint32_t busy = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        refusals[i] = w->peers[i].refusals;
        if (!served[i] && !w->peers[i].online) {
            world_login(w, i);
        }
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        const world_peer *p = &w->peers[i];
        WORLD_WAIT(w, 1 * S, served[i] || p->online || p->refusals > refusals[i]);
        if (p->refusals > refusals[i]) {
            assert_int_equal(p->error, PS_E_BUSY);
            assert_in_range(p->retry_ms, 1, 10000);
            busy++;
        }
    }
    return busy;
}

/* Until the longest time that anybody was told to wait is over. */
static void wait_as_told(world *w)
{
    uint32_t longest_ms = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        const uint32_t ms = w->peers[i].retry_ms;
        longest_ms = ms > longest_ms ? ms : longest_ms;
    }
    world_run(w, longest_ms * MS);
}

/* Whoever is in has published all, and leaves. @return how many did. */
static uint32_t serve(world *w, const login_table *t, bool served[PEERS])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        world_peer *p = &w->peers[i];
        if (served[i] || !p->online) {
            continue;
        }
        for (world_command *c = p->commands; c; c = c->next) {
            assert_int_equal(world_finish(w, c), PS_E_NONE);
        }
        for (uint32_t k = 0; k < NAMES && t->unpublish; k++) {
            assert_int_equal(exhaustion_unpublish(w, i, k), PS_E_NONE);
        }
        if (t->leave) {
            world_logout(w, i);
            WORLD_WAIT(w, 2 * S, p->logouts == 1);
        }
        served[i] = true;
        count++;
    }
    return count;
}

/* @return how many came in at the first try. */
static uint32_t let_everybody_in(const login_table *t, uint32_t capacity)
{
    world *w = scarce_world(t->field, capacity);
    bool served[PEERS] = {false};
    uint32_t left = PEERS;
    uint32_t first = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        for (uint32_t k = 0; k < NAMES; k++) {
            (void)exhaustion_publish(w, i, k); /* Waits for the login. */
        }
    }
    while (left > 0) {
        const uint32_t fit = left < capacity ? left : capacity;
        uint32_t busy = knock(w, served);
        assert_int_equal(busy, left - fit);
        if (t->leave && busy > 0) { /* As long as nobody leaves, it is the same. */
            wait_as_told(w);
            busy = knock(w, served);
            assert_int_equal(busy, left - fit);
        }
        assert_int_equal(serve(w, t, served), fit);
        first = left == PEERS ? fit : first;
        left -= fit;
        wait_as_told(w);
    }
    assert_int_equal(world_server_stats(w).logins, PEERS);
    assert_int_equal(world_server_stats(w).publications, t->unpublish ? 0 : PEERS * NAMES);
    world_free(w);
    return first;
}

static void logins_wait_for_their_turn(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof login_tables / sizeof login_tables[0]; t++) {
        uint32_t before = 0;
        for (uint32_t capacity = 1; capacity <= PEERS; capacity++) {
            const uint32_t first = let_everybody_in(&login_tables[t], capacity);
            assert_true(first >= before);
            before = first;
        }
        assert_int_equal(before, PEERS);
    }
}

/* The same when they were in already, and the server restarts with fewer places: the machines obey,
 * tell it once, and come in by themselves when somebody leaves. */
static void the_lost_wait_for_their_turn_by_themselves(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= PEERS; capacity++) {
        world *w = scarce_world(FIELD(max_sessions), PEERS);
        world_login_all(w);
        world_server_crash(w, PS_SIM_DISK_LOST);
        w->cfg.server.max_sessions = capacity;
        world_server_boot(w);
        world_run(w, 8 * S);
        assert_int_equal(world_server_stats(w).sessions, capacity);
        for (uint32_t gone = 0; gone < PEERS; gone++) {
            uint32_t i = 0;
            while (!w->peers[i].online) {
                i++;
            }
            assert_int_equal(w->peers[i].logins, 2);
            world_logout(w, i);
            WORLD_WAIT(w, 1 * S, w->peers[i].logouts == 1);
            world_run(w, 2 * S); /* They were told to come again after one. */
            const uint32_t left = PEERS - 1 - gone;
            assert_int_equal(world_server_stats(w).sessions, left < capacity ? left : capacity);
        }
        uint32_t put_off = 0;
        for (uint32_t i = 0; i < PEERS; i++) {
            assert_int_equal(w->peers[i].refusals, 0);
            assert_in_range(w->peers[i].put_offs, 0, 1);
            put_off += w->peers[i].put_offs;
        }
        assert_int_equal(put_off, PEERS - capacity);
        world_free(w);
    }
}

/* ---- tables that publications fill ---- */

/* What there is room for, as the tables' sizes say it. */
typedef struct room {
    uint32_t publications, blocks;
    uint32_t quota[PEERS];
} room;

static room room_of(const ps_server_config *cfg)
{
    room r = {.publications = cfg->max_publications,
              .blocks = (uint32_t)((cfg->name_bytes + 27) / 28)};
    for (uint32_t i = 0; i < PEERS; i++) {
        r.quota[i] = cfg->max_user_publications;
    }
    return r;
}

static uint32_t take(room *r, uint32_t peer, uint32_t k)
{
    if (r->quota[peer] == 0) {
        return PS_E_QUOTA;
    }
    if (r->publications == 0 || r->blocks < exhaustion_blocks(k)) {
        return PS_E_FULL;
    }
    r->quota[peer]--;
    r->publications--;
    r->blocks -= exhaustion_blocks(k);
    return PS_E_NONE;
}

/* Everybody publishes the k-th name, the short ones first; each gets the answer that the tables'
 * sizes say. Then all is withdrawn, and what was refused goes first. @return what went through. */
static uint32_t publish_all(const world_config *cfg)
{
    world *w = world_new(cfg);
    bool listed[PEERS][NAMES];
    uint32_t count = 0;
    world_login_all(w);
    room r = room_of(&cfg->server);
    for (uint32_t k = 0; k < NAMES; k++) {
        for (uint32_t i = 0; i < PEERS; i++) {
            const uint32_t expected = take(&r, i, k);
            assert_int_equal(world_finish(w, exhaustion_publish(w, i, k)), expected);
            listed[i][k] = expected == PS_E_NONE;
            count += listed[i][k] ? 1u : 0u;
        }
    }
    assert_int_equal(world_server_stats(w).publications, count);
    exhaustion_require_listed(w, listed);
    for (uint32_t n = 0; n < PEERS * NAMES; n++) {
        if (listed[n / NAMES][n % NAMES]) {
            assert_int_equal(exhaustion_unpublish(w, n / NAMES, n % NAMES), PS_E_NONE);
        }
    }
    assert_int_equal(world_server_stats(w).publications, 0);
    assert_int_equal(world_server_stats(w).name_blocks_used, 0);
    r = room_of(&cfg->server);
    for (uint32_t n = 0; n < PEERS * NAMES; n++) {
        if (!listed[n / NAMES][n % NAMES]) {
            const uint32_t expected = take(&r, n / NAMES, n % NAMES);
            world_command *c = exhaustion_publish(w, n / NAMES, n % NAMES);
            assert_int_equal(world_finish(w, c), expected);
        }
    }
    world_free(w);
    return count;
}

/* The same with everybody's names in one message of changes: the refusals are told by their index,
 * and told again where a fifth of the packets is lost each way. */
static uint32_t publish_at_once(const world_config *cfg, bool lossy)
{
    world_config own = *cfg;
    own.link.loss_ppm = lossy ? 200000 : 0;
    world *w = world_new(&own);
    bool listed[PEERS][NAMES];
    uint32_t count = 0;
    const bool quota = cfg->server.max_user_publications < NAMES;
    world_command *commands[PEERS][NAMES];
    for (uint32_t n = 0; n < PEERS * NAMES; n++) {
        commands[n / NAMES][n % NAMES] = exhaustion_publish(w, n / NAMES, n % NAMES);
    }
    world_login_all(w);
    for (uint32_t n = 0; n < PEERS * NAMES; n++) {
        const uint32_t error = world_finish(w, commands[n / NAMES][n % NAMES]);
        assert_true(error == PS_E_NONE || error == (quota ? PS_E_QUOTA : PS_E_FULL));
        listed[n / NAMES][n % NAMES] = error == PS_E_NONE;
        count += error == PS_E_NONE ? 1u : 0u;
    }
    exhaustion_require_listed(w, listed);
    world_free(w);
    return count;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void a_full_table_of_publications(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= PEERS * NAMES; capacity++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.server.max_publications = capacity;
        assert_int_equal(publish_all(&cfg), capacity);
        assert_int_equal(publish_at_once(&cfg, false), capacity);
        assert_int_equal(publish_at_once(&cfg, true), capacity);
    }
}

static void a_quota_that_is_used_up(void **state)
{
    (void)state;
    for (uint32_t quota = 0; quota <= NAMES + 1; quota++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.server.max_user_publications = quota;
        assert_int_equal(publish_all(&cfg), PEERS * least(quota, NAMES));
        assert_int_equal(publish_at_once(&cfg, false), PEERS * least(quota, NAMES));
        assert_int_equal(publish_at_once(&cfg, true), PEERS * least(quota, NAMES));
    }
}

static void no_room_for_long_names(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (uint32_t blocks = 0; blocks <= PEERS * PEER_BLOCKS; blocks++) {
        world_config cfg;
        exhaustion_config(&cfg);
        cfg.server.name_bytes = UINT64_C(28) * blocks - blocks % 28; /* A part of a block is one. */
        const uint32_t count = publish_all(&cfg);
        assert_true(count >= before);
        assert_true(publish_at_once(&cfg, false) <= count); /* The short ones first is best. */
        assert_true(publish_at_once(&cfg, true) <= count);
        before = count;
    }
    assert_int_equal(before, PEERS * NAMES);
}

/* ---- a store without room ---- */

/* Its disk is full for a while: each host is told once that its changes wait, and then they go
 * through. */
static void a_store_that_takes_nothing(void **state)
{
    (void)state;
    world_config cfg;
    exhaustion_config(&cfg);
    cfg.store = true;
    cfg.server.records = true;
    world *w = world_new(&cfg);
    world_login_all(w);
    ps_sim_disk_config full = w->server.store.manners;
    full.fails_until_us = world_now_us(w) + 10 * S;
    world_store_manners(w, &full);
    for (uint32_t n = 0; n < PEERS * NAMES; n++) {
        (void)exhaustion_publish(w, n / NAMES, n % NAMES);
    }
    world_run(w, 9 * S);
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_int_equal(w->peers[i].open, NAMES);
        assert_int_equal(w->peers[i].put_offs, 1);
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        for (world_command *c = w->peers[i].commands; c; c = c->next) {
            assert_int_equal(world_finish(w, c), PS_E_NONE);
        }
        assert_int_equal(w->peers[i].put_offs, 1);
        assert_int_equal(w->peers[i].losses, 0);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_wait_for_their_turn),
        cmocka_unit_test(the_lost_wait_for_their_turn_by_themselves),
        cmocka_unit_test(a_full_table_of_publications),
        cmocka_unit_test(a_quota_that_is_used_up),
        cmocka_unit_test(no_room_for_long_names),
        cmocka_unit_test(a_store_that_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

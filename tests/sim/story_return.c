/* A server that restarts under a thousand peers with a hundred names each: all that they publish is
 * found again within one heartbeat, the way back in, and the time to send the difference
 * (core/PROTOCOL.md). */
#include "story.h"

#include <inttypes.h>
#include <stdlib.h>

#define PEERS      1000u
#define NAMES      100u
#define LATER      20u /* Of these, published after all others. */
#define NAME_BYTES 20u
#define ROUND_TRIP (40 * MS)
#define HEARTBEAT  (2 * S)
#define VERIFY     (1 * MS)

/* What a message of changes holds: 34 bytes of headers, 16 of the seal, 40 of content and 1 of
 * length a name. */
#define MESSAGE_NAMES ((PS_DATAGRAM_MAX - 50u) / (40u + 1u + NAME_BYTES))
/* All names of a peer, one message after the other. */
#define SEND ((NAMES + MESSAGE_NAMES - 1u) / MESSAGE_NAMES * ROUND_TRIP)
/* RESET answers a heartbeat, RETRY and RESPOND the handshake, LOGIN_OK the login. */
#define LOGIN (4 * ROUND_TRIP + VERIFY)
/* DIGESTS take two questions; the names in buckets that differ fit one page. */
#define COMPARE (3 * ROUND_TRIP)

static void name_of(uint32_t peer, uint32_t k, char out[WORLD_NAME_BYTES])
{
    (void)snprintf(out, WORLD_NAME_BYTES, "p%04u name number %02u", (unsigned)peer, (unsigned)k);
    assert_int_equal(strlen(out), NAME_BYTES);
}

static void publish(world *w, uint32_t peer, uint32_t from, uint32_t to)
{
    for (uint32_t k = from; k < to; k++) {
        char name[WORLD_NAME_BYTES];
        name_of(peer, k, name);
        (void)world_publish(w, peer, name);
    }
}

/* Everybody is online, at any moment of the heartbeat's two seconds, and has published all. */
static world *publishing_world(bool store)
{
    world_config cfg;
    world_config_default(&cfg, PEERS);
    cfg.check_every = 100000;
    cfg.model = false;
    cfg.verify_us = VERIFY;
    cfg.link = (ps_sim_link){.latency_us = ROUND_TRIP / 2};
    cfg.store = store;
    cfg.server.records = store;
    cfg.server.max_publications = PEERS * NAMES;
    cfg.server.max_user_publications = NAMES;
    cfg.server.name_bytes = 0;
    cfg.peer.max_publications = NAMES;
    cfg.peer.name_bytes = 0;
    world *w = world_new(&cfg);
    for (uint32_t i = 0; i < PEERS; i++) {
        publish(w, i, 0, NAMES - LATER);
        world_login(w, i);
        world_run(w, HEARTBEAT / PEERS);
    }
    world_run(w, LOGIN + SEND);
    if (store) { /* From now on its disk writes nothing, and says that it does. */
        ps_sim_disk_config lying = w->server.store.manners;
        lying.lies = true;
        world_store_manners(w, &lying);
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        publish(w, i, NAMES - LATER, NAMES);
    }
    world_run(w, SEND);
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_true(w->peers[i].online);
        assert_int_equal(w->peers[i].open, 0);
    }
    assert_int_equal(world_server_stats(w).publications, PEERS * NAMES);
    return w;
}

/* The server has just restarted. `compare_us`: what finding the difference takes. */
static void require_whole_again(world *w, uint64_t compare_us)
{
    const uint64_t from_us = world_now_us(w);
    const uint64_t bound_us = HEARTBEAT + LOGIN + compare_us + SEND;
    const uint32_t left = world_server_stats(w).publications;
    WORLD_WAIT(w, bound_us,
               world_server_stats(w).publications == PEERS * NAMES &&
                   world_server_stats(w).sessions == PEERS);
    (void)printf("%u names were left; %u again after %" PRIu64 " ms, of %" PRIu64
                 " at most: heartbeat %u + login %u + compare %u + send %u (%u names a message)\n",
                 (unsigned)left, PEERS * NAMES, (world_now_us(w) - from_us) / MS, bound_us / MS,
                 (unsigned)(HEARTBEAT / MS), (unsigned)(LOGIN / MS), (unsigned)(compare_us / MS),
                 (unsigned)(SEND / MS), (unsigned)MESSAGE_NAMES);
    world_run(w, ROUND_TRIP); /* Until the last answers have arrived. */
    for (uint32_t i = 0; i < PEERS; i++) {
        assert_int_equal(w->peers[i].losses, 0);
        assert_int_equal(w->peers[i].logins, 2);
    }
}

/* The peer and number that a line's name says; its user must be that peer. */
static uint32_t place_of(const world_line *line)
{
    unsigned peer = 0;
    unsigned k = 0;
    char user[WORLD_NAME_BYTES];
    char name[WORLD_NAME_BYTES];
    assert_int_equal(sscanf(line->name, "p%4u name number %2u", &peer, &k), 2);
    assert_true(peer < PEERS && k < NAMES);
    world_user_name(peer, user);
    name_of(peer, k, name);
    assert_string_equal(line->user, user);
    assert_string_equal(line->name, name);
    return peer * NAMES + k;
}

/* One peer lists all, and searches and locates some: everything is there exactly once. */
static void require_found(world *w)
{
    world_command *c = world_list_files(w, 0);
    WORLD_WAIT(w, 600 * S, c->done);
    assert_int_equal(c->error, PS_E_NONE);
    assert_int_equal(c->lines_len, PEERS * NAMES);
    bool *seen = calloc(PEERS * NAMES, sizeof *seen);
    assert_non_null(seen);
    for (size_t i = 0; i < c->lines_len; i++) {
        const uint32_t at = place_of(&c->lines[i]);
        assert_false(seen[at]);
        assert_true(c->lines[i].active);
        seen[at] = true;
    }
    free(seen);
    for (uint32_t k = 0; k < 3; k++) {
        const uint32_t peer = 1 + k * (PEERS - 2) / 2; /* The first, one between, the last. */
        char name[WORLD_NAME_BYTES];
        char user[WORLD_NAME_BYTES];
        name_of(peer, NAMES - 1 - k, name);
        world_user_name(peer, user);
        const ps_content content = world_content(name);
        world_command *found = world_search(w, 0, name);
        WORLD_WAIT(w, 60 * S, found->done);
        world_command *located = world_locate(w, 0, name);
        assert_int_equal(world_finish(w, located), PS_E_NONE);
        assert_int_equal(found->error, PS_E_NONE);
        assert_int_equal(found->lines_len, 1);
        assert_int_equal(world_count(found, user, name), 1);
        assert_true(ps_content_equal(&found->lines[0].content, &content));
        assert_int_equal(located->lines_len, 1);
        assert_true(located->lines[0].active);
    }
}

static void nothing_is_left(void **state)
{
    (void)state;
    world *w = publishing_world(false);
    world_server_crash(w, PS_SIM_DISK_LOST);
    world_server_boot(w);
    assert_int_equal(world_server_stats(w).publications, 0);
    require_whole_again(w, 0);
    require_found(w);
    world_free(w);
}

/* What everybody published last is gone, though it was called durable. */
static void the_tail_is_lost(void **state)
{
    (void)state;
    static uint64_t resent[PEERS];
    world *w = publishing_world(true);
    for (uint32_t i = 0; i < PEERS; i++) {
        resent[i] = world_peer_stats(w, i).buckets_resent;
    }
    world_server_crash(w, PS_SIM_DISK_LOST);
    assert_true(world_server_boot(w));
    assert_int_equal(world_server_stats(w).publications, PEERS * (NAMES - LATER));
    require_whole_again(w, COMPARE);
    for (uint32_t i = 0; i < PEERS; i++) {
        const ps_peer_stats stats = world_peer_stats(w, i);
        assert_int_equal(stats.repairs, 2); /* The first one was that of the first login. */
        assert_in_range(stats.buckets_resent - resent[i], 1, LATER);
        assert_int_equal(stats.names_withdrawn, 0);
    }
    require_found(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(the_tail_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

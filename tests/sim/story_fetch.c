/* Peers that fetch from each other in the world: every end that a download can have. */
#include "story.h"
#include "swarm.h"

#include <stdlib.h>

/* A swarm whose users do only what the story says. */
static swarm *scene(uint32_t peers)
{
    static swarm_config cfg;
    swarm_config_default(&cfg);
    cfg.peers = peers;
    swarm *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->cfg = &cfg;
    s->users = calloc(peers, sizeof *s->users);
    assert_non_null(s->users);
    assert_true(files_init(&s->files, peers, SWARM_NAMES));
    world_config wc;
    world_config_default(&wc, peers);
    wc.serve = swarm_serve;
    wc.serving = swarm_serving;
    wc.fetched = swarm_fetched;
    wc.crypto = ps_sim_crypto();
    wc.ctx = s;
    s->w = world_new(&wc);
    world_login_all(s->w);
    return s;
}

static void end_scene(swarm *s)
{
    world_free(s->w);
    files_free(&s->files);
    free(s->users);
    free(s);
}

/* What the user's peer serves; the server is told only by publish(). */
static void set_version(swarm *s, uint32_t peer, uint32_t k, uint32_t version)
{
    s->users[peer].versions[k] = version;
    files_publish(&s->files, (file_id){peer, k, version}, world_now_us(s->w));
}

static void publish(swarm *s, uint32_t peer, uint32_t k, uint32_t version)
{
    char name[PS_NAME_MAX + 1];
    set_version(s, peer, k, version);
    swarm_file_name(peer, k, name);
    world_command *c =
        world_issue(s->w, peer, PS_INPUT_PUBLISH, (ps_span){(const uint8_t *)name, strlen(name)},
                    &files_current(&s->files, peer, k)->content);
    assert_int_equal(world_finish(s->w, c), PS_E_NONE);
    world_forget(&s->w->peers[peer], c);
}

/* A version of peer 0's file 0 that is of two pieces. */
static uint32_t long_version(void)
{
    uint32_t version = 1;
    while (file_length((file_id){0, 0, version}) <= PS_PIECE_BYTES) {
        version++;
    }
    return version;
}

/* A download of peer 0's file 0 begins. */
static world_fetch *begin(swarm *s, uint32_t by)
{
    char name[PS_NAME_MAX + 1];
    swarm_file_name(0, 0, name);
    world_command *c = world_locate(s->w, by, name);
    assert_int_equal(world_finish(s->w, c), PS_E_NONE);
    assert_int_equal(c->lines_len, 1);
    assert_true(c->lines[0].active);
    world_fetch *f = world_fetch_start(s->w, by, &c->lines[0]);
    world_forget(&s->w->peers[by], c);
    return f;
}

/* Peer 0 publishes two pieces, and peer 1 is somewhere in the first. */
static swarm *under_way(void)
{
    swarm *s = scene(2);
    publish(s, 0, 0, long_version());
    (void)begin(s, 1);
    world_run(s->w, 1 * S);
    assert_non_null(s->w->peers[1].fetches);
    assert_int_equal(s->w->peers[0].slots, 1);
    return s;
}

/* Both sides are rid of it within so long, and the user is told this. */
static void ends_as(swarm *s, uint64_t us, uint32_t error)
{
    WORLD_WAIT(s->w, us, !s->w->peers[1].fetches && !s->w->peers[0].uploads);
    assert_int_equal(s->w->peers[0].slots, 0);
    assert_int_equal(s->w->peers[1].fetching, 0);
    assert_int_equal(s->counts.fetched, error == PS_E_NONE ? 1 : 0);
    for (uint32_t e = 0; e < SWARM_ERRORS; e++) {
        assert_int_equal(s->counts.fetch_errors[e], e == error && e != PS_E_NONE ? 1 : 0);
    }
    end_scene(s);
}

static void files_of_many_lengths_arrive(void **state)
{
    (void)state;
    swarm *s = scene(3);
    for (uint32_t k = 0; k < SWARM_NAMES; k++) {
        for (uint32_t peer = 0; peer < 3; peer++) {
            publish(s, peer, k, 1 + k);
        }
    }
    swarm_fetch_listed(s);
    assert_int_equal(s->counts.fetched, 3 * SWARM_NAMES);
    assert_true(s->counts.fetch_bytes > 0);
    end_scene(s);
}

/* Two pieces at 25,000 bytes a second: every burst takes longer than a stall may. */
static void a_slow_line_is_no_stall(void **state)
{
    (void)state;
    swarm *s = under_way();
    const ps_sim_link slow = {.latency_us = 20000, .rate_bytes_s = 25000, .queue_bytes = 65536};
    ps_sim_set_default_link(s->w->sim, &slow);
    ends_as(s, 120 * S, PS_E_NONE);
}

static void ten_are_served_and_others_told(void **state)
{
    (void)state;
    swarm *s = scene(13);
    publish(s, 0, 0, long_version());
    for (uint32_t i = 1; i < 13; i++) {
        (void)begin(s, i);
    }
    world_run(s->w, 1 * S);
    assert_int_equal(s->w->peers[0].slots, WORLD_SLOTS);
    assert_int_equal(s->counts.fetch_errors[PS_E_SLOTS], 12 - WORLD_SLOTS);
    world_run(s->w, 30 * S);
    assert_int_equal(s->counts.fetched, WORLD_SLOTS);
    assert_int_equal(s->w->peers[0].slots, 0);
    end_scene(s);
}

/* The server does not know it yet, but the source does. */
static void withdrawn_files_are_not_served(void **state)
{
    (void)state;
    for (uint32_t version = 0; version < 2; version++) {
        swarm *s = scene(2);
        publish(s, 0, 0, long_version());
        set_version(s, 0, 0, version);
        (void)begin(s, 1);
        ends_as(s, 5 * S, PS_E_NOT_PUBLISHED);
    }
}

/* The first burst is finished, the second does not come. */
static void files_that_go_under_way_end(void **state)
{
    (void)state;
    swarm *s = under_way();
    set_version(s, 0, 0, 0);
    ends_as(s, 30 * S, PS_E_NOT_PUBLISHED);
    s = under_way();
    set_version(s, 0, 0, 1);
    ends_as(s, 30 * S, PS_E_CHANGED);
}

static void who_changes_his_mind_is_done_at_once(void **state)
{
    (void)state;
    swarm *s = under_way();
    world_fetch_cancel(s->w, 1, s->w->peers[1].fetches);
    ends_as(s, 2 * S, PS_E_CANCELLED);
}

/* Before the stream exists there is nobody to tell. */
static void also_before_it_has_begun(void **state)
{
    (void)state;
    swarm *s = scene(2);
    publish(s, 0, 0, long_version());
    world_fetch_cancel(s->w, 1, begin(s, 1));
    ends_as(s, 2 * S, PS_E_CANCELLED);
}

static void processes_die(void **state)
{
    (void)state;
    swarm *s = under_way();
    world_peer_crash(s->w, 0);
    assert_null(s->w->peers[0].uploads);
    world_run(s->w, 1 * S);
    world_peer_boot(s->w, 0);
    ends_as(s, 5 * S, PS_E_CLOSED);

    s = under_way();
    world_peer_crash(s->w, 1);
    assert_null(s->w->peers[1].fetches);
    WORLD_WAIT(s->w, 5 * S, !s->w->peers[0].uploads);
    assert_int_equal(s->counts.fetched, 0); /* And nobody is left to be told. */
    end_scene(s);
}

/* A source that stands still, also for a downloader whose clock is set back by an hour. */
static void who_stands_still_is_cut(void **state)
{
    (void)state;
    for (int64_t hours = 0; hours < 2; hours++) {
        swarm *s = under_way();
        const ps_sim_clock back = {.jump_us = -(int64_t)(3600 * S) * hours};
        ps_sim_pause(s->w->sim, s->w->peers[0].node, 100 * S);
        assert_int_equal(ps_sim_set_clock(s->w->sim, s->w->peers[1].node, &back), PS_OK);
        WORLD_WAIT(s->w, 35 * S, s->counts.fetch_errors[PS_E_STALLED] == 1);
        ends_as(s, 100 * S, PS_E_STALLED);
    }
}

static void what_the_files_hold_differs(void **state)
{
    (void)state;
    uint32_t empty = 0;
    uint32_t two_pieces = 0;
    files f;
    assert_true(files_init(&f, 1, 1));
    for (uint32_t version = 1; version <= 400; version++) {
        const ps_content before = files_current(&f, 0, 0) ? files_current(&f, 0, 0)->content
                                                          : (ps_content){.length = UINT64_MAX};
        files_publish(&f, (file_id){0, 0, version}, version);
        const ps_content now = files_current(&f, 0, 0)->content;
        assert_true(ps_content_possible(&now) && now.length <= FILE_LENGTH_MAX);
        assert_true(now.length <= 1 || !ps_content_equal(&now, &before));
        empty += now.length == 0 ? 1u : 0u;
        two_pieces += ps_piece_count(now.length) == 2 ? 1u : 0u;
        file_id id;
        assert_true(files_find(&f, 0, &now, PS_TIME_NEVER, &id));
        /* What went is found as long as it was there after the time that is asked for. */
        if (version > 1 && before.length > 1) {
            assert_false(files_find(&f, 0, &before, version + 1, &id));
            assert_true(files_find(&f, 0, &before, version, &id));
            assert_int_equal(id.version, version - 1);
        }
    }
    assert_true(empty > 0 && two_pieces > 0);
    files_publish(&f, (file_id){0, 0, 0}, 500);
    assert_null(files_current(&f, 0, 0));
    files_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_many_lengths_arrive),
        cmocka_unit_test(a_slow_line_is_no_stall),
        cmocka_unit_test(ten_are_served_and_others_told),
        cmocka_unit_test(withdrawn_files_are_not_served),
        cmocka_unit_test(files_that_go_under_way_end),
        cmocka_unit_test(who_changes_his_mind_is_done_at_once),
        cmocka_unit_test(also_before_it_has_begun),
        cmocka_unit_test(processes_die),
        cmocka_unit_test(who_stands_still_is_cut),
        cmocka_unit_test(what_the_files_hold_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

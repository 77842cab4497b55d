/* Who is refused, and in which words. */
#include "story.h"

#define WAIT_REFUSED(w, i, n) WORLD_WAIT(w, 2 * S, (w)->peers[i].refusals == (n))

/* An unknown user and a wrong password get the same answer after the same time. */
static void wrong_passwords_and_unknown_users_are_told_alike(void **state)
{
    (void)state;
    world_config cfg;
    world_config_default(&cfg, 3);
    cfg.link.jitter_us = 0;
    world *w = world_new(&cfg);
    const uint64_t began_us = world_now_us(w);
    world_login_as(w, 0, "user-0", "wrong");
    world_login_as(w, 1, "nobody", "wrong");
    world_login_as(w, 2, "user-2", "");
    WAIT_REFUSED(w, 0, 1);
    assert_true(world_now_us(w) == began_us + 4 * cfg.link.latency_us + cfg.verify_us);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(w->peers[i].refusals, 1); /* In the same instant. */
        assert_int_equal(w->peers[i].error, PS_E_CREDENTIALS);
        assert_string_equal(w->peers[i].text, w->peers[0].text);
        assert_int_equal(world_peer_stats(w, i).state, PS_PEER_IDLE);
    }
    world_login(w, 0); /* And again, rightly. */
    WORLD_WAIT(w, 1 * S, w->peers[0].online);
    world_free(w);
}

static void a_user_who_is_active_elsewhere_is_refused(void **state)
{
    (void)state;
    world *w = story_world(2);
    world_login(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].online);
    world_login_as(w, 1, "user-0", "secret-0");
    WAIT_REFUSED(w, 1, 1);
    assert_int_equal(w->peers[1].error, PS_E_ACTIVE);
    assert_true(w->model.sessions[0].open && w->model.sessions[0].node == w->peers[0].node);
    world_run(w, 10 * S); /* The first one has noticed nothing. */
    assert_true(w->peers[0].online);
    assert_int_equal(w->peers[0].losses, 0);
    world_logout(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].logouts == 1);
    world_login_as(w, 1, "user-0", "secret-0");
    WORLD_WAIT(w, 1 * S, w->peers[1].online);
    world_free(w);
}

static void a_busy_server_says_when_to_come_again(void **state)
{
    (void)state;
    world *w = story_world(1);
    w->server.busy_ms = 7000;
    world_login(w, 0);
    WAIT_REFUSED(w, 0, 1);
    assert_int_equal(w->peers[0].error, PS_E_BUSY);
    assert_int_equal(w->peers[0].retry_ms, 7000);
    w->server.busy_ms = 0;
    world_login(w, 0);
    WORLD_WAIT(w, 1 * S, w->peers[0].online);
    world_free(w);
}

/* More logins at once than passwords can be verified: the others are told to come again. */
static void a_full_verification_is_busy(void **state)
{
    (void)state;
    world_config cfg;
    world_config_default(&cfg, 5);
    cfg.server.max_pending_logins = 2;
    world *w = world_new(&cfg);
    uint32_t busy = 0;
    for (uint32_t i = 0; i < 5; i++) {
        world_login(w, i);
    }
    world_run(w, 1 * S);
    for (uint32_t i = 0; i < 5; i++) {
        const bool refused = w->peers[i].refusals == 1;
        assert_true(refused != w->peers[i].online);
        assert_true(!refused || (w->peers[i].error == PS_E_BUSY && w->peers[i].retry_ms > 0));
        busy += refused ? 1u : 0u;
    }
    assert_int_equal(busy, 3);
    world_free(w);
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad[8] = {"", ".", "..", "a/b", "a\\b", "a\nb", "\xff", "\xc0\xaf"};
    world *w = story_world(1);
    world_login_all(w);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(world_finish(w, world_publish(w, 0, bad[i])), PS_E_BAD_NAME);
    }
    static const uint8_t nul[3] = {'a', 0, 'b'};
    const ps_content content = world_content("nul");
    world_command *c = world_issue(w, 0, PS_INPUT_PUBLISH, (ps_span){nul, 3}, &content);
    assert_int_equal(world_finish(w, c), PS_E_BAD_NAME);
    char name[PS_NAME_MAX + 2];
    memset(name, 'x', sizeof name);
    name[PS_NAME_MAX + 1] = 0;
    assert_int_equal(world_finish(w, world_publish(w, 0, name)), PS_E_BAD_NAME);
    name[PS_NAME_MAX] = 0; /* The longest is fine. */
    assert_int_equal(world_finish(w, world_publish(w, 0, name)), PS_E_NONE);
    assert_int_equal(world_server_stats(w).publications, 1);
    world_free(w);
}

/* A user name that no account can have is refused in the words for a wrong password. */
static void impossible_user_names_are_refused_like_wrong_passwords(void **state)
{
    (void)state;
    static const char *const bad[4] = {"", "a b", "#a", "a/b"};
    world *w = story_world(1);
    for (uint32_t i = 0; i < 4; i++) {
        world_login_as(w, 0, bad[i], "x");
        WAIT_REFUSED(w, 0, i + 1);
        assert_int_equal(w->peers[0].error, PS_E_CREDENTIALS);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_passwords_and_unknown_users_are_told_alike),
        cmocka_unit_test(a_user_who_is_active_elsewhere_is_refused),
        cmocka_unit_test(a_busy_server_says_when_to_come_again),
        cmocka_unit_test(a_full_verification_is_busy),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(impossible_user_names_are_refused_like_wrong_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

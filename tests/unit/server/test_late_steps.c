/* Steps that come late (server.c): a server that was not there to hear blames nobody for it. */
#include "fixture.h"

static fixture *two_online(client *a, client *b)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    *a = client_make(f, "alice", 4001);
    *b = client_make(f, "bob", 4002);
    client_login(a);
    f->now_us += 500000;
    client_login(b);
    return f;
}

/* Each evicted to the microsecond; up to 250 ms are no lateness. */
static void in_time_the_silent_are_evicted_in_time(void **state)
{
    (void)state;
    for (uint64_t late_us = 0; late_us <= PS_LATE_US; late_us += PS_LATE_US / 4) {
        client a, b;
        fixture *f = two_online(&a, &b);
        f->now_us += 2499999;
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(fixture_stats(f).sessions, 2);
        f->now_us += 1 + late_us;
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(fixture_stats(f).sessions, 1);
        f->now_us += 500000 - late_us - 1;
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(fixture_stats(f).sessions, 1);
        f->now_us += 1;
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(fixture_stats(f).sessions, 0);
        assert_int_equal(fixture_stats(f).late_steps, 0);
        fixture_free(f);
    }
}

/* A server that was stopped evicts nobody who is heard within the grace: a tick comes first, the
 * datagrams that waited in the socket after it. */
static void a_paused_server_evicts_nobody_who_is_heard(void **state)
{
    (void)state;
    const uint64_t lengths_us[] = {
        250001, 300000, 500000, 10000000, UINT64_C(3600000000), UINT64_C(86400000000)};
    for (size_t k = 0; k < sizeof lengths_us / sizeof lengths_us[0]; k++) {
        const uint64_t late_us = lengths_us[k];
        const uint64_t left_us = 2500000; /* Alice's, when bob logged in. */
        const uint64_t grace_us = late_us < left_us ? late_us : left_us;
        client a, b;
        fixture *f = two_online(&a, &b);
        f->now_us += 2500000 + late_us; /* Alice was due that long ago. */
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(fixture_stats(f).evictions, 0);
        assert_int_equal(fixture_stats(f).late_steps, 1);
        assert_int_equal(fixture_stats(f).late_us, late_us + grace_us);
        assert_int_equal(ps_server_deadline_us(f->s), f->now_us + grace_us);
        f->now_us += grace_us - 1;
        client_sync(&a);
        client_sync(&b);
        assert_int_equal(fixture_stats(f).sessions, 2);
        f->now_us += 2000000;
        client_sync(&b); /* From now on alice is silent, */
        f->now_us += 1000000;
        assert_int_equal(fixture_tick(f), PS_OK); /* and gone in time. */
        assert_int_equal(fixture_stats(f).evictions, 1);
        assert_int_equal(fixture_stats(f).sessions, 1);
        assert_int_equal(fixture_stats(f).late_steps, 1);
        fixture_free(f);
    }
}

/* Who is not heard within the grace is gone after it. */
static void the_grace_ends(void **state)
{
    (void)state;
    client a, b;
    fixture *f = two_online(&a, &b);
    f->now_us += 10000000;
    assert_int_equal(fixture_tick(f), PS_OK);
    f->now_us += 2500000; /* What alice had left. */
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).evictions, 1);
    f->now_us += 500000; /* Bob was heard so much later. */
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).evictions, 2);
    fixture_free(f);
}

/* A password that took its time to be verified while the server was stopped still lets in. */
static void pending_logins_are_given_the_time(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    f->now_us += 100000000;
    const ps_output kept = f->out;
    assert_int_equal(fixture_tick(f), PS_OK);
    f->out = kept;
    assert_int_equal(fixture_stats(f).pending_logins, 1);
    assert_int_equal(fixture_stats(f).late_steps, 1);
    fixture_verdict(f, PS_E_NONE);
    assert_int_equal(fixture_stats(f).sessions, 1);
    fixture_free(f);
}

/* Nor is a device taken over because the server did not hear its answers. */
static void probed_sessions_are_given_the_time(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "alice", 4002);
    client_login(&a);
    client_login_send(&b);
    fixture_verdict(f, PS_E_NONE);
    f->now_us += 5000000;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).probes, 1);
    f->now_us += 499999;
    assert_int_equal(fixture_tick(f), PS_OK);
    fixture_clear(f);
    client_heartbeat(&a);
    client_expect_error(&b, PS_E_ACTIVE);
    assert_int_equal(fixture_stats(f).sessions, 1);
    fixture_free(f);
}

/* A host whose every step is late: the dead go all the same, and the living stay. */
static void a_host_that_is_always_late_still_evicts(void **state)
{
    (void)state;
    const uint64_t periods_us[] = {70000, 110000, 300000, 900000};
    for (size_t k = 0; k < 4; k++) {
        client a, b;
        fixture *f = two_online(&a, &b);
        const uint64_t start_us = f->now_us;
        uint64_t beat_us = f->now_us;
        uint64_t gone_us = 0;
        while (f->now_us < start_us + 20000000) {
            f->now_us += periods_us[k];
            (void)fixture_tick(f);
            if (f->now_us >= beat_us + 2000000) {
                client_sync(&b);
                beat_us = f->now_us;
            }
            if (gone_us == 0 && fixture_stats(f).evictions > 0) {
                gone_us = f->now_us;
            }
        }
        assert_int_equal(fixture_stats(f).evictions, 1);
        assert_in_range(gone_us - start_us, 2500000, 8000000);
        client_sync(&b);
        fixture_free(f);
    }
}

/* Stopped again and again, before who is due could be heard: at the fifth time in a row silence
 * counts again. */
static void pauses_in_a_row_evict_who_is_due_alone(void **state)
{
    (void)state;
    client a, b;
    fixture *f = two_online(&a, &b);
    for (unsigned k = 1; k <= PS_LATE_TIMES + 1; k++) {
        assert_int_equal(fixture_stats(f).evictions, 0);
        f->now_us = ps_server_deadline_us(f->s) + 300000;
        assert_int_equal(fixture_tick(f), PS_OK);
        assert_int_equal(fixture_stats(f).late_steps, k);
    }
    assert_int_equal(fixture_stats(f).late_us, 2 * PS_LATE_TIMES * 300000);
    assert_int_equal(fixture_stats(f).evictions, 1);
    assert_int_equal(ps_server_deadline_us(f->s), f->now_us + 200000);
    client_sync(&b);
    f->now_us += 3300000; /* Long after the last grace it is given again. */
    assert_int_equal(fixture_tick(f), PS_OK);
    client_sync(&b);
    fixture_free(f);
}

/* Late where something was due at the step before already: what was late then is given, and no
 * more, for nobody had time left that a pause could have cost him. */
static void late_again_with_something_due(void **state)
{
    (void)state;
    client a, b;
    fixture *f = two_online(&a, &b);
    ps_input clock = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000};
    f->now_us = ps_server_deadline_us(f->s);
    assert_int_equal(fixture_step(f, &clock), PS_MORE); /* Time passes; no tick. */
    assert_int_equal(fixture_stats(f).late_steps, 0);
    f->now_us += 300000;
    (void)fixture_step(f, &clock);
    assert_int_equal(fixture_stats(f).late_steps, 1);
    assert_int_equal(fixture_stats(f).late_us, 300000);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_time_the_silent_are_evicted_in_time),
        cmocka_unit_test(a_paused_server_evicts_nobody_who_is_heard),
        cmocka_unit_test(the_grace_ends),
        cmocka_unit_test(pending_logins_are_given_the_time),
        cmocka_unit_test(probed_sessions_are_given_the_time),
        cmocka_unit_test(a_host_that_is_always_late_still_evicts),
        cmocka_unit_test(pauses_in_a_row_evict_who_is_due_alone),
        cmocka_unit_test(late_again_with_something_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

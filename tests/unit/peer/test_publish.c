/* PUBLISH and UNPUBLISH as commands: each ends once, in whatever state it was given. */
#include "rig.h"

static void acknowledged_it_is_done(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "song", 77);
    ps_changes m;
    ps_publication entry;
    const rig_sent *s = rig_last_changes(r, &m);
    assert_int_equal(s->type, PS_MSG_PUBLISH);
    assert_int_equal(m.generation, 1);
    assert_int_equal(m.count, 1);
    assert_true(ps_changes_next(PS_MSG_PUBLISH, &m, &entry));
    assert_true(span_equal(entry.name, span_of("song")));
    assert_int_equal(entry.content.length, 77);
    assert_int_equal(entry.content.root[0], 77);
    assert_false(rig_is_done(r, 1));
    assert_int_equal(rig_stats(r).unacknowledged, 1);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_stats(r).unacknowledged, 0);
    assert_int_equal(rig_stats(r).publications, 1);
    rig_free(r);
}

static void known_content_is_done_at_once(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 5);
    rig_acknowledge(r);
    rig_forget(r);
    (void)rig_publish(r, 2, "a", 5);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    assert_int_equal(r->sent_len, 0);
    (void)rig_publish(r, 3, "a", 6); /* Other content is news. */
    assert_false(rig_is_done(r, 3));
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 3), PS_E_NONE);
    assert_int_equal(rig_stats(r).publications, 1);
    rig_free(r);
}

static void unpublish_takes_it_away(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 5);
    rig_acknowledge(r);
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 2, "a");
    ps_changes m;
    ps_publication entry;
    assert_int_equal(rig_last_changes(r, &m)->type, PS_MSG_UNPUBLISH);
    assert_int_equal(m.generation, 2);
    assert_true(ps_changes_next(PS_MSG_UNPUBLISH, &m, &entry));
    assert_true(span_equal(entry.name, span_of("a")));
    assert_int_equal(rig_stats(r).publications, 1); /* A tombstone until then. */
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    assert_int_equal(rig_stats(r).publications, 0);
    rig_free(r);
}

static void unpublish_of_a_strange_name_goes_to_the_server(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 1, "of-an-earlier-run");
    assert_int_equal(rig_count(r, PS_MSG_UNPUBLISH), 1);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_stats(r).publications, 0);
    rig_free(r);
}

static void bad_names_end_at_once(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    char longer[PS_NAME_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    const char *names[] = {"", ".", "..", "a/b", "a\\b", "a\nb", "\xff", longer};
    for (uint64_t k = 0; k < 8; k++) {
        (void)rig_publish(r, 2 * k, names[k], 1);
        assert_int_equal(rig_done(r, 2 * k), PS_E_BAD_NAME);
        (void)rig_command(r, PS_INPUT_UNPUBLISH, 2 * k + 1, names[k]);
        assert_int_equal(rig_done(r, 2 * k + 1), PS_E_BAD_NAME);
    }
    assert_int_equal(r->sent_len, 0);
    longer[PS_NAME_MAX] = 0;
    (void)rig_publish(r, 99, longer, 1);
    assert_false(rig_is_done(r, 99));
    rig_free(r);
}

static void what_comes_before_the_login_is_sent_after_it(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_login(r);
    (void)rig_publish(r, 2, "b", 2);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 0);
    rig_accept(r, 40);
    ps_changes m;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.generation, 41); /* Numbered on from the server's position. */
    assert_int_equal(m.count, 2);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    rig_free(r);
}

static void later_commands_supersede(void **state)
{
    (void)state;
    rig *r = rig_new_default(); /* Before the login: in the line. */
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_publish(r, 2, "a", 2);
    assert_int_equal(rig_done(r, 1), PS_E_SUPERSEDED);
    (void)rig_publish(r, 3, "a", 2);
    assert_int_equal(rig_done(r, 2), PS_E_SUPERSEDED);
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 4, "a");
    assert_int_equal(rig_done(r, 3), PS_E_SUPERSEDED);
    (void)rig_publish(r, 5, "a", 9);
    assert_int_equal(rig_done(r, 4), PS_E_SUPERSEDED);
    (void)rig_login(r);
    rig_accept(r, 0);
    ps_changes m;
    ps_publication entry;
    assert_int_equal(rig_last_changes(r, &m)->type, PS_MSG_PUBLISH);
    assert_int_equal(m.count, 1);
    assert_true(ps_changes_next(PS_MSG_PUBLISH, &m, &entry));
    assert_int_equal(entry.content.length, 9);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 5), PS_E_NONE);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 5);
    rig_free(r);
}

static void a_change_in_flight_is_followed_by_the_next(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_publish(r, 2, "a", 2);
    assert_int_equal(rig_done(r, 1), PS_E_SUPERSEDED);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1); /* One message at a time. */
    rig_acknowledge(r);
    assert_false(rig_is_done(r, 2)); /* What was acknowledged is the content before. */
    ps_changes m;
    ps_publication entry;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.generation, 2);
    assert_true(ps_changes_next(PS_MSG_PUBLISH, &m, &entry));
    assert_int_equal(entry.content.length, 2);
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 3, "a");
    assert_int_equal(rig_done(r, 2), PS_E_SUPERSEDED);
    rig_acknowledge(r);
    assert_int_equal(rig_last_changes(r, &m)->type, PS_MSG_UNPUBLISH);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 3), PS_E_NONE);
    assert_int_equal(rig_stats(r).publications, 0);
    rig_free(r);
}

static void the_same_in_flight_is_not_sent_twice(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_publish(r, 2, "a", 1);
    assert_int_equal(rig_done(r, 1), PS_E_SUPERSEDED);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 3, "a");
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 4, "a");
    assert_int_equal(rig_done(r, 3), PS_E_SUPERSEDED);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 4), PS_E_NONE);
    assert_int_equal(rig_count(r, PS_MSG_UNPUBLISH), 1);
    rig_free(r);
}

static void publications_outlive_the_logout(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    rig_acknowledge(r);
    (void)rig_logout(r);
    rig_run(r, RIG_START + 2 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    assert_int_equal(rig_stats(r).publications, 1);
    (void)rig_login(r); /* Maybe of another account: everything is sent. */
    rig_forget(r);
    (void)rig_tick(r);
    rig_run(r, r->now_us + 200 * MS);
    rig_accept(r, 1);
    rig_settle(r);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_it_is_done),
        cmocka_unit_test(known_content_is_done_at_once),
        cmocka_unit_test(unpublish_takes_it_away),
        cmocka_unit_test(unpublish_of_a_strange_name_goes_to_the_server),
        cmocka_unit_test(bad_names_end_at_once),
        cmocka_unit_test(what_comes_before_the_login_is_sent_after_it),
        cmocka_unit_test(later_commands_supersede),
        cmocka_unit_test(a_change_in_flight_is_followed_by_the_next),
        cmocka_unit_test(the_same_in_flight_is_not_sent_twice),
        cmocka_unit_test(publications_outlive_the_logout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The schedule in exact virtual time: 2 s, 80 ms, 3 s. */
#include "rig.h"

static void answer(rig *r, uint32_t request)
{
    rig_packet(r);
    craft_heartbeat_ok(&r->c, request, 0, 0, 0);
    (void)rig_deliver(r);
}

static void one_every_two_seconds(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    for (uint64_t k = 1; k <= 100; k++) {
        const uint64_t due_us = RIG_START + k * 2 * SECOND;
        assert_int_equal(ps_peer_deadline_us(r->p), due_us);
        rig_run(r, due_us);
        assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), k);
        assert_int_equal(rig_last(r, PS_MSG_HEARTBEAT)->time_us, due_us);
        r->now_us += 20 * MS;
        answer(r, rig_last(r, PS_MSG_HEARTBEAT)->request);
    }
    assert_int_equal(rig_stats(r).heartbeats, 100);
    assert_int_equal(rig_stats(r).heartbeats_resent, 0);
    assert_int_equal(rig_stats(r).rtt_us, 20 * MS);
    assert_int_equal(r->events_len, 0);
    assert_int_equal(rig_drops_all(r), 0);
    rig_free(r);
}

static void unanswered_it_is_resent_until_lost(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_run(r, RIG_START + 3 * SECOND - 1);
    /* At 2000, 2080 ... 2960 ms: 13 sendings. */
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 13);
    for (size_t k = 0; k < 13; k++) {
        const rig_sent *s = rig_nth(r, PS_MSG_HEARTBEAT, k);
        assert_int_equal(s->time_us, RIG_START + 2 * SECOND + k * 80 * MS);
        assert_int_equal(s->counter, k + 2); /* LOGIN had the first. */
        assert_int_equal(s->request, rig_nth(r, PS_MSG_HEARTBEAT, 0)->request);
    }
    assert_int_equal(rig_stats(r).heartbeats, 1);
    assert_int_equal(rig_stats(r).heartbeats_resent, 12);
    assert_int_equal(r->events_len, 0);
    rig_run(r, RIG_START + 3 * SECOND);
    assert_int_equal(rig_event_nth(r, PS_EVENT_LOST, 0)->time_us, RIG_START + 3 * SECOND);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    rig_free(r);
}

static void a_late_answer_to_any_resend_counts(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint32_t rtt_us = rig_stats(r).rtt_us;
    rig_run(r, RIG_START + 2990 * MS);
    answer(r, rig_last(r, PS_MSG_HEARTBEAT)->request);
    /* The contact that is sure is the first sending's: the next cycle counts from there. */
    assert_int_equal(ps_peer_deadline_us(r->p), RIG_START + 4 * SECOND);
    rig_run(r, RIG_START + 5 * SECOND - 1);
    assert_int_equal(r->events_len, 0);
    rig_run(r, RIG_START + 5 * SECOND);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    assert_int_equal(rig_stats(r).heartbeats, 2);
    assert_int_equal(rig_stats(r).rtt_us, rtt_us); /* Karn: it was sent more than once. */
    rig_free(r);
}

static void other_answers_are_stale(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    answer(r, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_run(r, RIG_START + 2 * SECOND);
    const uint32_t request = rig_last(r, PS_MSG_HEARTBEAT)->request;
    answer(r, request + 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    answer(r, request);
    answer(r, request); /* Of a resend. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 3);
    rig_run(r, RIG_START + 4 * SECOND);
    answer(r, request); /* Of the cycle before. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 4);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    rig_packet(r);
    craft_message(&r->c, PS_MSG_HEARTBEAT_OK, rig_last(r, PS_MSG_HEARTBEAT)->request);
    craft_u8(&r->c, 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    rig_packet(r); /* No log gets there. */
    craft_heartbeat_ok(&r->c, rig_last(r, PS_MSG_HEARTBEAT)->request, UINT64_MAX, 0, 0);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 2);
    assert_int_equal(r->p->acked, 0);
    rig_free(r);
}

/* The server's clock, told with each answer, goes on between them. */
static void the_servers_clock_is_known(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    assert_int_equal(rig_stats(r).wall_s, 0); /* It said that it has none. */
    rig_run(r, RIG_START + 2 * SECOND);
    rig_packet(r);
    craft_heartbeat_ok(&r->c, rig_last(r, PS_MSG_HEARTBEAT)->request, 0, 0, 1700000000);
    (void)rig_deliver(r);
    assert_int_equal(rig_stats(r).wall_s, 1700000000);
    rig_run(r, RIG_START + 4500 * MS);
    assert_int_equal(rig_stats(r).wall_s, 1700000002);
    rig_free(r);
}

static rig *told(uint32_t heartbeat_ms, uint32_t dead_ms, uint32_t resend_ms)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    ps_peer_config cfg = rig_config();
    cfg.rekey_ms = UINT32_MAX; /* The longest silence is shorter. */
    rig *r = rig_new(&cfg);
    (void)rig_login(r);
    rig_packet(r);
    craft_message(&r->c, PS_MSG_LOGIN_OK, rig_last(r, PS_MSG_LOGIN)->request);
    craft_u32(&r->c, heartbeat_ms);
    craft_u32(&r->c, dead_ms);
    craft_u32(&r->c, resend_ms);
    craft_u64(&r->c, 0);
    craft_u64(&r->c, 0);
    craft_u64(&r->c, 0);
    craft_u64(&r->c, 1);
    craft_address(&r->c, 4, loopback, 7001);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    rig_forget(r);
    return r;
}

static void the_server_tells_the_times(void **state)
{
    (void)state;
    rig *r = told(500, 900, 30);
    rig_run(r, RIG_START + 900 * MS);
    assert_int_equal(rig_nth(r, PS_MSG_HEARTBEAT, 0)->time_us, RIG_START + 500 * MS);
    assert_int_equal(rig_nth(r, PS_MSG_HEARTBEAT, 1)->time_us, RIG_START + 530 * MS);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 14);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    rig_free(r);
}

static void absurd_times_are_cut(void **state)
{
    (void)state;
    rig *r = told(1, 1, 1);
    rig_run(r, RIG_START + 10 * SECOND);
    assert_in_range(rig_count(r, PS_MSG_HEARTBEAT), 1, 20);
    rig_free(r);
    r = told(UINT32_MAX, UINT32_MAX, UINT32_MAX);
    assert_int_equal(ps_peer_deadline_us(r->p), RIG_START + 3600 * SECOND);
    rig_run(r, RIG_START + 7200 * SECOND);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    rig_free(r);
}

/* The queue is read before the conclusion: a late step with the answer in it loses nothing. */
static void datagrams_come_before_timers(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_run(r, RIG_START + 2 * SECOND);
    r->now_us = RIG_START + 4 * SECOND;
    answer(r, rig_last(r, PS_MSG_HEARTBEAT)->request);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    (void)rig_tick(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 0);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 2);
    rig_free(r);
}

static void the_contact_at_login_is_the_last_sending(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    rig_run(r, RIG_START + 5 * SECOND);
    const uint64_t sent_us = rig_last(r, PS_MSG_LOGIN)->time_us;
    rig_accept(r, 0);
    assert_int_equal(ps_peer_deadline_us(r->p), sent_us + 2 * SECOND);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_every_two_seconds),
        cmocka_unit_test(unanswered_it_is_resent_until_lost),
        cmocka_unit_test(a_late_answer_to_any_resend_counts),
        cmocka_unit_test(other_answers_are_stale),
        cmocka_unit_test(the_servers_clock_is_known),
        cmocka_unit_test(the_server_tells_the_times),
        cmocka_unit_test(absurd_times_are_cut),
        cmocka_unit_test(datagrams_come_before_timers),
        cmocka_unit_test(the_contact_at_login_is_the_last_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

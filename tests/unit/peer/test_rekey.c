/* Fresh keys: when, by which way, and what goes on meanwhile. */
#include "log.h"

static const craft_login_ok_fields given = {
    .wall_s = 1700000000, .life = 1, .ticket = RIG_TICKET, .expires_s = 1700086400};

enum { REKEY_MS = 60000 };

/* Online with a ticket, keys that last a minute or so many packets, and a log. */
static rig *online(uint64_t packets, log_model **log)
{
    ps_peer_config cfg = rig_config();
    cfg.rekey_ms = REKEY_MS;
    cfg.rekey_packets = packets;
    rig *r = rig_new(&cfg);
    *log = log_new(0);
    (void)rig_login(r);
    rig_accept_of(r, &given);
    rig_settle(r);
    rig_forget(r);
    return r;
}

/* Heartbeats are answered until a LOGIN is sent, or until then. */
static void live(rig *r, log_model *log, uint64_t until_us)
{
    size_t seen = r->sent_len;
    while (ps_peer_deadline_us(r->p) <= until_us) {
        rig_run(r, ps_peer_deadline_us(r->p));
        for (; seen < r->sent_len; seen++) {
            if (r->sent[seen].type == PS_MSG_LOGIN) {
                return;
            }
            const rig_sent s = r->sent[seen];
            (void)log_answer(r, log, &s);
        }
    }
    r->now_us = until_us;
}

/* Lives on until the keys are to be replaced. */
static rig *rekeying(log_model **log)
{
    rig *r = online(UINT64_C(1) << 32, log);
    live(r, *log, RIG_START + REKEY_MS * MS);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    return r;
}

static void by_age_it_logs_in_beside_the_session(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    const rig_sent *s = rig_last(r, PS_MSG_LOGIN);
    ps_login m;
    assert_in_range(r->now_us - RIG_START, REKEY_MS * 7 / 8 * MS, REKEY_MS * MS);
    assert_true(ps_login_decode((ps_span){s->body, s->body_len}, &m));
    assert_int_equal(m.method, PS_LOGIN_TICKET);
    assert_true(span_equal(m.secret, span_of(RIG_TICKET)));
    assert_int_equal(s->receiver_id, RIG_SESSION + 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    assert_int_equal(rig_stats(r).rekeys, 0);
    rig_accept_of(r, &given);
    assert_int_equal(rig_stats(r).rekeys, 1);
    assert_int_equal(rig_stats(r).handshakes, 2);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_IN), 0); /* It is the same session. */
    assert_int_equal(rig_events_of(r, PS_EVENT_TICKET), 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_FILE_KEYS), 1);
    assert_int_equal(r->events_len, 2);
    rig_forget(r);
    const uint64_t accepted_us = r->now_us;
    live(r, log, accepted_us + REKEY_MS * MS); /* The next keys grow as old. */
    assert_int_equal(rig_last(r, PS_MSG_HEARTBEAT)->receiver_id, RIG_SESSION + 1);
    assert_int_equal(rig_last(r, PS_MSG_LOGIN)->receiver_id, RIG_SESSION + 2);
    assert_in_range(r->now_us - accepted_us, REKEY_MS * 7 / 8 * MS, REKEY_MS * MS);
    free(log);
    rig_free(r);
}

static void peers_do_not_move_in_step(void **state)
{
    (void)state;
    uint64_t at_us[8];
    for (uint8_t k = 0; k < 8; k++) {
        ps_peer_config cfg = rig_config();
        cfg.seed[3] = k;
        rig *r = rig_new(&cfg);
        (void)rig_login(r);
        rig_accept(r, 0);
        at_us[k] = r->p->rekey_us;
        for (uint8_t i = 0; i < k; i++) {
            assert_true(at_us[i] != at_us[k]);
        }
        rig_free(r);
    }
}

static void by_count_of_what_is_sent(void **state)
{
    (void)state;
    log_model *log;
    rig *r = online(10, &log);
    for (uint64_t k = 0; k < 8; k++) { /* LOGIN was the first. */
        (void)rig_command(r, PS_INPUT_LIST_PEERS, k, "");
        (void)rig_tick(r);
    }
    assert_int_equal(r->initiates_len, 0);
    rig_packet(r);
    craft_challenge(&r->c, 1, 1);
    (void)rig_deliver(r);
    (void)rig_tick(r);
    assert_int_equal(r->p->session.tx_counter, 10);
    rig_run(r, RIG_START + SECOND - 1); /* Not in the first second of a session. */
    assert_int_equal(r->initiates_len, 0);
    rig_run(r, RIG_START + SECOND);
    assert_int_equal(r->initiates_len, 1);
    free(log);
    rig_free(r);
}

static void by_count_of_what_comes(void **state)
{
    (void)state;
    log_model *log;
    rig *r = online(1000, &log);
    r->now_us += 1500 * MS;
    rig_packet_of(r, r->client_id, 999);
    craft_page(&r->c, PS_MSG_PEERS, 1, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    (void)rig_tick(r);
    assert_int_equal(r->initiates_len, 0);
    rig_packet_of(r, r->client_id, 1000);
    craft_page(&r->c, PS_MSG_PEERS, 1, 0);
    craft_end(&r->c);
    assert_int_equal(rig_deliver(r), PS_MORE);
    (void)rig_tick(r);
    assert_int_equal(r->initiates_len, 1);
    free(log);
    rig_free(r);
}

static void old_keys_last_ten_seconds(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    const rig_channel old = r->channels[0];
    const uint64_t counter = r->counter;
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 7, "");
    const rig_sent asked = *rig_last(r, PS_MSG_LIST_PEERS);
    assert_int_equal(asked.receiver_id, RIG_SESSION);
    rig_accept_of(r, &given);
    const uint64_t accepted_us = r->now_us;
    rig_settle(r);
    rig_packet_of(r, old.client_id, counter + 2); /* The answer was under way. */
    craft_page(&r->c, PS_MSG_PEERS, asked.request, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 7), PS_E_NONE);
    (void)rig_deliver(r); /* Its window stays too. */
    assert_int_equal(rig_drops(r, PS_DROP_REPLAY), 1);
    rig_packet_of(r, old.client_id, counter + 1);
    craft_challenge(&r->c, 9, 9);
    (void)rig_deliver(r);
    assert_int_equal(rig_last(r, PS_MSG_CHALLENGE_OK)->receiver_id, RIG_SESSION + 1);
    craft_reset_packet(&r->c, RIG_SESSION, 1); /* What it says of the old one is no news. */
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    live(r, log, accepted_us + 10 * SECOND - 1);
    assert_true(rig_holds(r, old.to_peer, 32));
    live(r, log, accepted_us + 10 * SECOND);
    assert_false(rig_holds(r, old.to_peer, 32));
    assert_false(rig_holds(r, old.from_peer, 32));
    rig_packet_of(r, old.client_id, counter + 3);
    craft_challenge(&r->c, 9, 9);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 2);
    free(log);
    rig_free(r);
}

static void what_is_under_way_goes_on(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    static const uint8_t root[PS_ROOT_BYTES] = {1};
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    rig_packet(r);
    craft_page(&r->c, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request, 55);
    craft_file_entry(&r->c, 1, 5, root, "bob", "first");
    craft_end(&r->c);
    /* In the session as it was: the LOGIN that was sent since is another channel's. */
    ps_store64(r->c.data + 1, r->channels[0].client_id);
    (void)rig_deliver(r);
    (void)rig_publish(r, 2, "file", 3);
    const rig_sent flight = *rig_last(r, PS_MSG_PUBLISH);
    assert_int_equal(flight.receiver_id, RIG_SESSION);
    rig_forget(r);
    rig_run(r, r->now_us + 113 * MS);
    assert_int_equal(rig_last(r, PS_MSG_LOGIN)->receiver_id, RIG_SESSION + 1);
    rig_accept_of(r, &given);
    rig_settle(r);
    rig_run(r, r->now_us + SECOND); /* What has no answer is sent again in its time. */
    const rig_sent *s = rig_last(r, PS_MSG_LIST_FILES); /* From where it was. */
    ps_list list;
    assert_true(ps_list_decode(PS_MSG_LIST_FILES, (ps_span){s->body, s->body_len}, &list));
    assert_int_equal(list.cursor, 55);
    assert_int_equal(s->receiver_id, RIG_SESSION + 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_AGAIN), 0);
    s = rig_last(r, PS_MSG_PUBLISH); /* The same bytes. */
    assert_int_equal(s->receiver_id, RIG_SESSION + 1);
    assert_int_equal(s->request, flight.request);
    assert_memory_equal(s->body, flight.body, flight.body_len);
    assert_true(log_answer(r, log, s));
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    assert_int_equal(rig_stats(r).repairs, 0);
    free(log);
    rig_free(r);
}

/* LOGIN_OK says where the log stood: that may be before what was acknowledged since. */
static void an_older_position_is_no_reason_for_a_repair(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    (void)rig_publish(r, 2, "file", 3);
    const rig_sent *s = rig_last(r, PS_MSG_PUBLISH);
    log_apply(log, s);
    rig_packet_of(r, r->client_id, 2);
    craft_published(&r->c, s->request, 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    (void)rig_publish(r, 3, "another", 4);
    rig_accept_of(r, &given); /* Generation 0; sent first, it comes last. */
    r->counter = 2;
    assert_int_equal(r->p->repair.phase, PS_REPAIR_NONE);
    assert_int_equal(r->p->flight.count, 1);
    assert_false(log_answer(r, log, rig_last(r, PS_MSG_PUBLISH))); /* Of the old keys. */
    live(r, log, r->now_us + 5 * SECOND);
    assert_int_equal(rig_done(r, 3), PS_E_NONE);
    assert_int_equal(rig_stats(r).repairs, 0);
    assert_int_equal(rig_stats(r).unacknowledged, 0);
    assert_int_equal(log_count(log), 2);
    free(log);
    rig_free(r);
}

/* The session lives while its new keys are waited for, and is tried to its end. */
static void a_server_that_does_not_answer_keeps_the_session(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    const uint64_t began_us = r->now_us;
    rig_refuse(r, PS_E_BUSY, 2000, ""); /* Nothing that the host would have to know. */
    size_t seen = r->sent_len;
    while (r->now_us < began_us + 20 * SECOND) {
        rig_run(r, ps_peer_deadline_us(r->p));
        for (; seen < r->sent_len; seen++) {
            const rig_sent s = r->sent[seen];
            if (s.type == PS_MSG_HEARTBEAT) {
                rig_packet_of(r, r->channels[0].client_id, ++r->counter);
                craft_heartbeat_ok(&r->c, s.request, 0, 0, 0);
                (void)rig_deliver(r);
            }
        }
    }
    assert_true(rig_count(r, PS_MSG_LOGIN) > 10);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    assert_int_equal(r->events_len, 0);
    rig_run(r, r->now_us + 3 * SECOND); /* Now it dies: that is a loss as any. */
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    rig_accept_of(r, &given);
    assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
    assert_int_equal(rig_stats(r).rekeys, 0);
    free(log);
    rig_free(r);
}

static void a_restart_meanwhile_is_told(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    craft_login_ok_fields ok = given;
    ok.life = 2;
    const rig_channel old = r->channels[0];
    rig_accept_of(r, &ok);
    assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
    assert_int_equal(rig_stats(r).rekeys, 0);
    assert_false(rig_holds(r, old.to_peer, 32)); /* Nobody has these keys any more. */
    free(log);
    rig_free(r);
}

/* The server is another one now: that is a return, and it is in a hurry. */
static void a_reset_meanwhile_begins_a_return(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    const size_t initiates = r->initiates_len;
    for (int k = 0; k < 2; k++) { /* Once a second. */
        craft_reset_packet(&r->c, RIG_SESSION, r->p->session.tx_counter);
        (void)rig_deliver(r);
        assert_int_equal(r->initiates_len, initiates + 1);
    }
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_accept_of(r, &given);
    assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
    assert_int_equal(rig_stats(r).rekeys, 0);
    free(log);
    rig_free(r);
}

/* LOGIN_OK is lost: the server has the fresh keys already, and answers under them. */
static void what_comes_under_the_fresh_keys_early_is_heard(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 7, "");
    (void)rig_command(r, PS_INPUT_LIST_FILES, 8, "");
    assert_int_equal(rig_last(r, PS_MSG_LIST_PEERS)->receiver_id, RIG_SESSION);
    rig_packet_of(r, r->client_id, 2);
    craft_page(&r->c, PS_MSG_PEERS, rig_last(r, PS_MSG_LIST_PEERS)->request, 0);
    craft_end(&r->c);
    craft_error(&r->c, rig_last(r, PS_MSG_LIST_FILES)->request, PS_E_UNSUPPORTED, 0, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 7), PS_E_NONE);
    assert_int_equal(rig_done(r, 8), PS_E_UNSUPPORTED);
    assert_int_equal(rig_drops_all(r), 0);
    rig_run(r, r->now_us + 2 * SECOND);
    const rig_sent *s = rig_last(r, PS_MSG_HEARTBEAT);
    rig_packet_of(r, r->client_id, 3);
    craft_heartbeat_ok(&r->c, s->request, 0, 0, 0);
    (void)rig_deliver(r);
    const uint64_t dead_us = s->time_us + 2 * SECOND;
    rig_run(r, dead_us); /* Else it would be lost by now. */
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    rig_channel_of(r, r->client_id)->counter = 3;
    rig_accept_of(r, &given);
    assert_int_equal(rig_stats(r).rekeys, 1);
    free(log);
    rig_free(r);
}

static void somebody_in_the_servers_place_is_told_of(void **state)
{
    (void)state;
    const uint8_t secret[PS_KEY_BYTES] = {66};
    log_model *log;
    rig *r = online(UINT64_C(1) << 32, &log);
    r->silent = true;
    while (r->initiates_len == 0) {
        rig_forget(r);
        rig_run(r, ps_peer_deadline_us(r->p));
        log_serve(r, log, 0);
    }
    rig_craft_respond(r, secret);
    (void)rig_deliver(r);
    assert_int_equal(rig_event_nth(r, PS_EVENT_PUT_OFF, 0)->account.error, PS_E_SERVER_KEY);
    assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
    (void)rig_respond(r);
    rig_accept_of(r, &given);
    assert_int_equal(rig_stats(r).rekeys, 1);
    free(log);
    rig_free(r);
}

static void refused_for_good_it_ends_the_session(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    rig_refuse(r, PS_E_TICKET, 0, ""); /* The password has changed: */
    assert_int_equal(r->events_len, 0);
    rig_refuse(r, PS_E_CREDENTIALS, 0, ""); /* ours is the old one. */
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_CREDENTIALS);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    rig_wiped(r);
    free(log);
    rig_free(r);
}

static void a_loss_and_a_logout_wipe_the_old_keys(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        log_model *log;
        rig *r = rekeying(&log);
        const rig_channel old = r->channels[0];
        rig_accept_of(r, &given);
        rig_settle(r);
        assert_true(rig_holds(r, old.to_peer, 32));
        if (how == 0) {
            rig_run(r, r->now_us + 3 * SECOND);
            assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
        } else {
            (void)rig_logout(r);
        }
        assert_false(rig_holds(r, old.to_peer, 32));
        assert_false(rig_holds(r, old.from_peer, 32));
        free(log);
        rig_free(r);
    }
}

/* However short the age, no two handshakes for fresh keys come close together. */
static void young_keys_are_not_renewed(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.rekey_ms = 1;
    rig *r = rig_new(&cfg);
    (void)rig_login(r);
    rig_accept_of(r, &given);
    rig_settle(r);
    assert_true(ps_peer_rekey_deadline_us(r->p) == r->p->session_us + PS_REKEY_PAUSE_US);
    rig_free(r);
}

/* A CHALLENGE under the fresh keys, before they are the session's, is answered in the session. */
static void a_challenge_meanwhile(void **state)
{
    (void)state;
    log_model *log;
    rig *r = rekeying(&log);
    rig_forget(r);
    rig_packet_of(r, r->p->attempt.channel.client_id, 5);
    craft_challenge(&r->c, 3, 77);
    (void)rig_deliver(r);
    assert_int_equal(rig_count(r, PS_MSG_CHALLENGE_OK), 1);
    assert_true(rig_last(r, PS_MSG_CHALLENGE_OK)->receiver_id == r->p->session.id);
    free(log);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_age_it_logs_in_beside_the_session),
        cmocka_unit_test(peers_do_not_move_in_step),
        cmocka_unit_test(by_count_of_what_is_sent),
        cmocka_unit_test(by_count_of_what_comes),
        cmocka_unit_test(old_keys_last_ten_seconds),
        cmocka_unit_test(what_is_under_way_goes_on),
        cmocka_unit_test(an_older_position_is_no_reason_for_a_repair),
        cmocka_unit_test(a_server_that_does_not_answer_keeps_the_session),
        cmocka_unit_test(a_restart_meanwhile_is_told),
        cmocka_unit_test(a_reset_meanwhile_begins_a_return),
        cmocka_unit_test(what_comes_under_the_fresh_keys_early_is_heard),
        cmocka_unit_test(somebody_in_the_servers_place_is_told_of),
        cmocka_unit_test(refused_for_good_it_ends_the_session),
        cmocka_unit_test(a_loss_and_a_logout_wipe_the_old_keys),
        cmocka_unit_test(young_keys_are_not_renewed),
        cmocka_unit_test(a_challenge_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

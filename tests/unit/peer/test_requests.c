/* Lists, searches, locates: what is sent when, and how each command ends. */
#include "log.h"

static void page(rig *r, unsigned type, uint32_t request, uint64_t next)
{
    rig_packet(r);
    craft_page(&r->c, type, request, next);
    craft_end(&r->c);
    (void)rig_deliver(r);
}

static void each_kind_is_sent_at_once(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    ps_list list;
    ps_locate locate;
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    (void)rig_command(r, PS_INPUT_LIST_FILES, 2, "");
    (void)rig_command(r, PS_INPUT_SEARCH, 3, "mus");
    (void)rig_command(r, PS_INPUT_LOCATE, 4, "song.ogg");
    assert_int_equal(r->sent_len, 4);
    assert_int_equal(r->datagrams, 6); /* INITIATE and LOGIN before them. */
    const rig_sent *s = rig_last(r, PS_MSG_LIST_PEERS);
    assert_true(ps_list_decode(PS_MSG_LIST_PEERS, (ps_span){s->body, s->body_len}, &list));
    assert_int_equal(list.cursor, 0);
    s = rig_last(r, PS_MSG_LIST_FILES);
    assert_true(ps_list_decode(PS_MSG_LIST_FILES, (ps_span){s->body, s->body_len}, &list));
    s = rig_last(r, PS_MSG_SEARCH);
    assert_true(ps_list_decode(PS_MSG_SEARCH, (ps_span){s->body, s->body_len}, &list));
    assert_true(span_equal(list.text, span_of("mus")));
    s = rig_last(r, PS_MSG_LOCATE);
    assert_true(ps_locate_decode((ps_span){s->body, s->body_len}, &locate));
    assert_true(span_equal(locate.name, span_of("song.ogg")));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r->sent[i].counter, i + 2);
        assert_int_equal(r->sent[i].receiver_id, RIG_SESSION);
    }
    assert_int_equal(rig_stats(r).requests, 4);
    rig_free(r);
}

static void texts_are_checked_first(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    char text[PS_NAME_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    (void)rig_command(r, PS_INPUT_SEARCH, 1, "");
    assert_int_equal(rig_done(r, 1), PS_E_BAD_NAME);
    (void)rig_command(r, PS_INPUT_LOCATE, 2, text);
    assert_int_equal(rig_done(r, 2), PS_E_BAD_NAME);
    (void)rig_command(r, PS_INPUT_LOCATE, 3, "a/b");
    assert_int_equal(rig_done(r, 3), PS_E_BAD_NAME);
    text[PS_NAME_MAX] = 0;
    (void)rig_command(r, PS_INPUT_LOCATE, 4, text);
    assert_false(rig_is_done(r, 4));
    text[PS_SEARCH_MAX + 1] = 0;
    (void)rig_command(r, PS_INPUT_SEARCH, 5, text);
    assert_int_equal(rig_done(r, 5), PS_E_BAD_NAME);
    text[PS_SEARCH_MAX] = 0;
    (void)rig_command(r, PS_INPUT_SEARCH, 6, text);
    assert_false(rig_is_done(r, 6));
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 7, "x");
    assert_int_equal(rig_done(r, 7), PS_E_BAD_NAME);
    rig_free(r);
}

static void longest_texts_fit_the_smallest_datagram(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.datagram_max = PS_DATAGRAM_MIN;
    rig *r = rig_new(&cfg);
    char text[PS_NAME_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    text[PS_NAME_MAX] = 0;
    (void)rig_login(r);
    rig_accept(r, 0);
    (void)rig_command(r, PS_INPUT_LOCATE, 1, text);
    assert_int_equal(rig_last(r, PS_MSG_LOCATE)->body_len, 8 + 1 + PS_NAME_MAX);
    (void)rig_publish(r, 2, text, 9);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    rig_free(r);
}

static void without_a_login_it_ends_at_once(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    assert_int_equal(rig_done(r, 1), PS_E_NOT_LOGGED_IN);
    (void)rig_login(r);
    (void)rig_command(r, PS_INPUT_LOCATE, 2, "x");
    assert_int_equal(rig_done(r, 2), PS_E_NOT_LOGGED_IN);
    rig_accept(r, 0);
    (void)rig_logout(r);
    (void)rig_command(r, PS_INPUT_SEARCH, 3, "x");
    assert_int_equal(rig_done(r, 3), PS_E_NOT_LOGGED_IN);
    rig_free(r);
}

static void retransmits_on_the_estimate_then_times_out(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    rig *r = rig_new(&cfg);
    r->silent = true;
    (void)rig_login(r);
    r->now_us += 40 * MS;
    (void)rig_respond(r); /* RTT 40 ms: a timeout of 120 ms. */
    rig_accept(r, 0);
    rig_forget(r);
    const uint64_t start_us = r->now_us;
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    uint64_t beat = 0;
    while (!rig_is_done(r, 1)) { /* Heartbeats are answered. */
        rig_run(r, ps_peer_deadline_us(r->p));
        if (rig_count(r, PS_MSG_HEARTBEAT) > beat) {
            beat = rig_count(r, PS_MSG_HEARTBEAT);
            rig_packet(r);
            craft_heartbeat_ok(&r->c, rig_last(r, PS_MSG_HEARTBEAT)->request, 0, 0, 0);
            r->now_us += 40 * MS; /* The same round trip: the estimate narrows. */
            (void)rig_deliver(r);
        }
    }
    const size_t n = rig_count(r, PS_MSG_LIST_FILES);
    uint64_t wait_us = 120 * MS;
    for (size_t k = 1; k < n; k++) {
        const rig_sent *a = rig_nth(r, PS_MSG_LIST_FILES, k - 1);
        const rig_sent *b = rig_nth(r, PS_MSG_LIST_FILES, k);
        if (a->time_us < start_us + 1900 * MS) { /* No sample has come since. */
            assert_in_range(b->time_us - a->time_us, wait_us, wait_us + wait_us / 8 + 40 * MS);
        }
        assert_true(b->time_us - a->time_us <= SECOND + SECOND / 8 + 40 * MS);
        assert_int_equal(b->request, a->request);
        assert_true(b->counter > a->counter);
        assert_memory_equal(b->body, a->body, a->body_len);
        wait_us = wait_us * 2 > SECOND ? SECOND : wait_us * 2;
    }
    assert_in_range(n, 10, 16);
    assert_int_equal(rig_done(r, 1), PS_E_TIMEOUT);
    assert_in_range(r->now_us, start_us + 10 * SECOND, start_us + 10 * SECOND + 50 * MS);
    assert_int_equal(rig_stats(r).timeouts, 1);
    assert_int_equal(rig_stats(r).requests, 0);
    assert_int_equal(rig_stats(r).retransmissions, n - 1);
    page(r, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request, 0);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_free(r);
}

static void a_late_answer_to_the_first_sending_counts(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    rig_run(r, RIG_START + 700 * MS);
    assert_true(rig_count(r, PS_MSG_LIST_PEERS) >= 2);
    const uint32_t rtt_us = rig_stats(r).rtt_us;
    page(r, PS_MSG_PEERS, rig_nth(r, PS_MSG_LIST_PEERS, 0)->request, 0);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_stats(r).rtt_us, rtt_us); /* Karn. */
    rig_free(r);
}

static void a_page_moves_the_deadline(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.request_ms = 1000;
    rig *r = rig_new(&cfg);
    (void)rig_login(r);
    rig_accept(r, 0);
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    for (uint64_t k = 1; k <= 5; k++) {
        rig_run(r, r->now_us + 900 * MS);
        assert_false(rig_is_done(r, 1));
        rig_packet(r);
        craft_page(&r->c, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request, k);
        craft_end(&r->c);
        if (rig_count(r, PS_MSG_HEARTBEAT) > 0) {
            craft_heartbeat_ok(&r->c, rig_last(r, PS_MSG_HEARTBEAT)->request, 0, 0, 0);
        }
        (void)rig_deliver(r);
    }
    const uint64_t last_us = r->now_us;
    rig_run(r, last_us + SECOND - 1);
    assert_false(rig_is_done(r, 1));
    rig_run(r, last_us + SECOND);
    assert_int_equal(rig_done(r, 1), PS_E_TIMEOUT);
    rig_free(r);
}

static void while_lost_it_waits_for_the_return(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    rig_run(r, RIG_START + 3 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    (void)rig_command(r, PS_INPUT_LOCATE, 2, "x");
    const uint32_t before = (uint32_t)rig_count(r, PS_MSG_LIST_FILES);
    rig_run(r, RIG_START + 8 * SECOND);
    assert_int_equal(rig_count(r, PS_MSG_LIST_FILES), before);
    assert_int_equal(rig_count(r, PS_MSG_LOCATE), 0);
    rig_accept(r, 0);
    rig_settle(r);
    assert_int_equal(rig_count(r, PS_MSG_LIST_FILES), before + 1);
    assert_int_equal(rig_count(r, PS_MSG_LOCATE), 1);
    page(r, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request, 0);
    page(r, PS_MSG_SOURCES, rig_last(r, PS_MSG_LOCATE)->request, 0);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_done(r, 2), PS_E_NOT_FOUND);
    rig_free(r);
}

static void while_lost_it_ends_at_its_deadline(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    rig_run(r, RIG_START + 4 * SECOND);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 2, "");
    rig_run(r, RIG_START + 10 * SECOND - 1);
    assert_false(rig_is_done(r, 1));
    rig_run(r, RIG_START + 10 * SECOND);
    assert_int_equal(rig_done(r, 1), PS_E_TIMEOUT);
    assert_false(rig_is_done(r, 2));
    rig_run(r, RIG_START + 14 * SECOND);
    assert_int_equal(rig_done(r, 2), PS_E_TIMEOUT);
    rig_free(r);
}

static void a_tick_does_a_bounded_share(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_requests = 100;
    rig *r = rig_new(&cfg);
    (void)rig_login(r);
    rig_accept(r, 0);
    for (uint64_t k = 0; k < 100; k++) {
        (void)rig_command(r, PS_INPUT_LIST_PEERS, k, "");
    }
    r->now_us += SECOND; /* All are due. */
    size_t ticks = 0;
    size_t before = r->datagrams;
    while (rig_tick(r) == PS_MORE) {
        assert_true(r->datagrams - before <= PS_PEER_STEP_DATAGRAMS);
        before = r->datagrams;
        ticks++;
    }
    assert_in_range(ticks, 24, 60);
    assert_int_equal(rig_count(r, PS_MSG_LIST_PEERS), 200);
    rig_forget(r);
    r->now_us += 20 * SECOND; /* All are too late: the server is lost too. */
    assert_int_equal(rig_tick(r), PS_MORE);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), PS_PEER_TICK_REQUESTS);
    rig_settle(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 100);
    for (uint64_t k = 0; k < 100; k++) {
        assert_int_equal(rig_done(r, k), PS_E_TIMEOUT);
    }
    rig_free(r);
}

/* A page, then another server's life or the same one: its cursor counts there only. */
static void a_list_begins_anew_at_a_server_that_restarted(void **state)
{
    (void)state;
    static const uint8_t root[PS_ROOT_BYTES] = {0};
    for (uint64_t life = 1; life <= 2; life++) {
        rig *r = rig_new_online(); /* Its server was in life 1. */
        (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
        (void)rig_command(r, PS_INPUT_LIST_PEERS, 2, ""); /* No page of it has come. */
        (void)rig_command(r, PS_INPUT_LOCATE, 3, "f");
        const rig_sent first = *rig_last(r, PS_MSG_LIST_FILES);
        rig_packet(r);
        craft_page(&r->c, PS_MSG_FILES, first.request, 77);
        craft_file_entry(&r->c, 1, 9, root, "bob", "f");
        craft_end(&r->c);
        (void)rig_deliver(r);
        rig_packet(r);
        craft_page(&r->c, PS_MSG_SOURCES, rig_last(r, PS_MSG_LOCATE)->request, 78);
        craft_source_entry(&r->c, 1, 9, root, "bob", 1);
        craft_candidate(&r->c, 1, 4, (const uint8_t[]){10, 0, 0, 1}, 7001);
        craft_source_ticket(&r->c, NULL, NULL, 0);
        craft_end(&r->c);
        (void)rig_deliver(r);
        assert_int_equal(ps_load64(rig_last(r, PS_MSG_LIST_FILES)->body), 77);
        rig_run(r, RIG_START + 3200 * MS);
        assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
        rig_forget(r);
        rig_run(r, r->now_us + 300 * MS);
        log_model *log = log_new(0);
        log->life = life;
        log_accept(r, log);
        free(log);
        rig_settle(r);
        const bool anew = life != 1;
        assert_int_equal(ps_load64(rig_last(r, PS_MSG_LIST_FILES)->body), anew ? 0 : 77);
        assert_int_equal(ps_load64(rig_last(r, PS_MSG_LOCATE)->body), anew ? 0 : 78);
        assert_int_equal(ps_load64(rig_last(r, PS_MSG_LIST_PEERS)->body), 0);
        assert_int_equal(rig_events_of(r, PS_EVENT_AGAIN), anew ? 2 : 0);
        for (size_t k = 0; k < rig_events_of(r, PS_EVENT_AGAIN); k++) {
            assert_int_not_equal(rig_event_nth(r, PS_EVENT_AGAIN, k)->done.tag, 2);
        }
        /* The source of before is forgotten: now nobody has it. */
        rig_packet(r);
        craft_page(&r->c, PS_MSG_SOURCES, rig_last(r, PS_MSG_LOCATE)->request, 0);
        craft_end(&r->c);
        (void)rig_deliver(r);
        assert_true((rig_done(r, 3) == PS_E_NONE) == !anew);
        rig_run(r, r->now_us + SECOND); /* Sent again, it is not told again. */
        assert_true(rig_count(r, PS_MSG_LIST_FILES) > 1);
        assert_int_equal(rig_events_of(r, PS_EVENT_AGAIN), anew ? 2 : 0);
        rig_free(r);
    }
}

/* The count of tries does not wrap; and what was not sent yet, or is given up already, cannot be
 * answered. */
static void requests_that_cannot_be_answered(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    const uint32_t id = rig_last(r, PS_MSG_LIST_PEERS)->request;
    ps_peer_request *q = ps_peer_request_at(r->p, ps_peer_request_find(r->p, id));
    q->tries = UINT8_MAX;
    r->now_us = q->next_us;
    (void)rig_tick(r);
    assert_int_equal(rig_count(r, PS_MSG_LIST_PEERS), 2);
    assert_int_equal(q->tries, UINT8_MAX);
    q->tries = 0;
    assert_int_equal(ps_peer_request_find(r->p, id), PS_NIL);
    q->tries = 1;
    assert_int_not_equal(ps_peer_request_find(r->p, id), PS_NIL);
    r->p->drain_before = q->serial + 1;
    assert_int_equal(ps_peer_request_find(r->p, id), PS_NIL);
    page(r, PS_MSG_PEERS, id, 0);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_sent_at_once),
        cmocka_unit_test(texts_are_checked_first),
        cmocka_unit_test(longest_texts_fit_the_smallest_datagram),
        cmocka_unit_test(without_a_login_it_ends_at_once),
        cmocka_unit_test(retransmits_on_the_estimate_then_times_out),
        cmocka_unit_test(a_late_answer_to_the_first_sending_counts),
        cmocka_unit_test(a_page_moves_the_deadline),
        cmocka_unit_test(while_lost_it_waits_for_the_return),
        cmocka_unit_test(while_lost_it_ends_at_its_deadline),
        cmocka_unit_test(a_tick_does_a_bounded_share),
        cmocka_unit_test(a_list_begins_anew_at_a_server_that_restarted),
        cmocka_unit_test(requests_that_cannot_be_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

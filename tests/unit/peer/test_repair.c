/* What the server lists is not what it should be: found by buckets, mended, and nothing else sent;
 * whatever commands, losses and strange answers come in between. */
#include "repair.h"

/* Entries of all messages of changes of a type that were sent. */
static size_t entries_sent(const rig *r, uint8_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < r->sent_len; i++) {
        ps_changes m;
        if (r->sent[i].type == type) {
            const ps_span body = {r->sent[i].body, r->sent[i].body_len};
            assert_true(ps_changes_decode((ps_message_type)type, body, &m));
            count += m.count;
        }
    }
    return count;
}

static void an_empty_server_is_told_all(void **state)
{
    (void)state;
    rig *r = with_default_names();
    log_model *log = log_new(0);
    log_accept(r, log);
    log_serve(r, log, 1);
    require_whole(r, log, NAMES);
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 0); /* Nothing is nothing in every bucket. */
    assert_int_equal(entries_sent(r, PS_MSG_PUBLISH), NAMES);
    assert_int_equal(log->generation, NAMES);
    free(log);
    rig_free(r);
}

static void an_equal_digest_settles_all(void **state)
{
    (void)state;
    rig *r = with_default_names();
    log_model *log = whole_log(NAMES);
    log_accept(r, log);
    rig_settle(r);
    require_whole(r, log, NAMES);
    assert_int_equal(r->sent_len, 1); /* The LOGIN. */
    assert_int_equal(rig_stats(r).repairs, 0);
    assert_int_equal(rig_stats(r).unacknowledged, 0);
    free(log);
    rig_free(r);
}

static void an_empty_peer_withdraws_all(void **state)
{
    (void)state;
    const ps_peer_config cfg = rig_config();
    rig *r = with_names(&cfg, 0);
    log_model *log = whole_log(NAMES);
    log->page = 20;
    log_accept(r, log);
    log_serve(r, log, 1);
    require_whole(r, log, 0);
    assert_int_equal(rig_stats(r).names_withdrawn, NAMES);
    assert_int_equal(rig_stats(r).publications, 0);
    assert_int_equal(entries_sent(r, PS_MSG_PUBLISH), 0);
    free(log);
    rig_free(r);
}

/* Our names in the buckets in which the logs differ, and the server's of these that are not ours.
 */
static void expect(const log_model *log, const log_model *ours, size_t *sent, size_t *withdrawn)
{
    uint64_t theirs[PS_BUCKETS];
    uint64_t mine[PS_BUCKETS];
    log_digests(log, theirs);
    log_digests(ours, mine);
    *sent = *withdrawn = 0;
    for (size_t i = 0; i < LOG_NAMES; i++) {
        const char *name = ours->entries[i].name;
        const char *other = log->entries[i].name;
        const uint8_t b = log_bucket(name);
        *sent += name[0] != 0 && theirs[b] != mine[b] ? 1 : 0;
        *withdrawn += other[0] != 0 && log_length(ours, other) == 0 ? 1 : 0;
    }
}

static void only_buckets_that_differ_are_sent(void **state)
{
    (void)state;
    rig *r = with_default_names();
    log_model *log = whole_log(NAMES);
    log_model *ours = whole_log(NAMES);
    size_t sent, withdrawn;
    make_older(log);
    expect(log, ours, &sent, &withdrawn);
    assert_in_range(sent, 3, 20);
    assert_int_equal(withdrawn, 2);
    log_accept(r, log);
    log_serve(r, log, 1);
    require_whole(r, log, NAMES);
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 2); /* 145 fit a datagram. */
    assert_int_equal(entries_sent(r, PS_MSG_PUBLISH), sent);
    assert_int_equal(entries_sent(r, PS_MSG_UNPUBLISH), withdrawn);
    assert_int_equal(rig_stats(r).names_withdrawn, withdrawn);
    assert_int_equal(rig_stats(r).repairs, 1);
    assert_int_equal(log->generation, 990 + sent + withdrawn);
    free(log);
    free(ours);
    rig_free(r);
}

/* A heartbeat's answer tells: another digest, or another position, of a log that was right. */
static void a_heartbeat_tells_of_a_difference(void **state)
{
    (void)state;
    const uint64_t positions[] = {0, 999, 1000, 1001, 5000};
    for (size_t k = 0; k < 5; k++) {
        rig *r = with_default_names();
        log_model *log = whole_log(NAMES);
        log_accept(r, log);
        rig_settle(r);
        make_older(log);
        log->generation = positions[k];
        rig_run(r, r->now_us + 2 * SECOND);
        ps_heartbeat m;
        const rig_sent *s = rig_last(r, PS_MSG_HEARTBEAT);
        assert_true(ps_heartbeat_decode((ps_span){s->body, s->body_len}, &m));
        assert_int_equal(m.generation, 1000);
        assert_true(m.digest == r->p->digest);
        log_serve(r, log, r->sent_len - 1);
        require_whole(r, log, NAMES);
        assert_int_equal(rig_stats(r).repairs, 1);
        ps_changes changes;
        s = rig_nth(r, PS_MSG_PUBLISH, 0);
        assert_true(ps_changes_decode(PS_MSG_PUBLISH, (ps_span){s->body, s->body_len}, &changes));
        assert_true(changes.generation > positions[k]);
        free(log);
        rig_free(r);
    }
}

/* An answer that left before a change was acknowledged is old, and no reason for a repair. */
static void an_old_answer_to_a_heartbeat_is_no_difference(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    log_model *log = log_new(0);
    rig_run(r, r->now_us + 2 * SECOND);
    const rig_sent beat = *rig_last(r, PS_MSG_HEARTBEAT);
    log_model before = *log;
    (void)rig_publish(r, 1, "a", 1);
    assert_true(log_answer(r, log, rig_last(r, PS_MSG_PUBLISH)));
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_true(log_answer(r, &before, &beat));
    rig_settle(r);
    assert_int_equal(rig_stats(r).repairs, 0);
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 0);
    (void)rig_publish(r, 2, "b", 2); /* While changes are under way it says that. */
    rig_run(r, r->now_us + 2 * SECOND);
    ps_heartbeat m;
    const rig_sent *s = rig_last(r, PS_MSG_HEARTBEAT);
    assert_true(ps_heartbeat_decode((ps_span){s->body, s->body_len}, &m));
    assert_int_equal(m.generation, 0);
    assert_int_equal(m.digest, 0);
    free(log);
    rig_free(r);
}

/* ---- answers ---- */

/* Online, with a repair that has asked for digests. */
static rig *asking(log_model **log)
{
    rig *r = with_default_names();
    *log = whole_log(NAMES);
    make_older(*log);
    log_accept(r, *log);
    rig_settle(r);
    assert_int_equal(r->p->repair.phase, PS_REPAIR_DIGESTS);
    return r;
}

static void a_question_is_asked_again(void **state)
{
    (void)state;
    log_model *log;
    rig *r = asking(&log);
    rig_run(r, RIG_START + 1900 * MS);
    assert_in_range(rig_count(r, PS_MSG_DIGESTS), 3, 6);
    for (size_t k = 1; k < rig_count(r, PS_MSG_DIGESTS); k++) {
        const rig_sent *a = rig_nth(r, PS_MSG_DIGESTS, k - 1);
        const rig_sent *b = rig_nth(r, PS_MSG_DIGESTS, k);
        assert_int_equal(a->request, b->request);
        assert_true(b->counter > a->counter);
        assert_in_range(b->time_us - a->time_us, PS_RTO_MIN_US, 1200 * MS);
    }
    log_serve(r, log, r->sent_len - 1);
    require_whole(r, log, NAMES);
    free(log);
    rig_free(r);
}

static void strange_digests(void **state)
{
    (void)state;
    log_model *log;
    rig *r = asking(&log);
    static uint64_t digests[PS_BUCKETS + 1];
    const uint32_t request = rig_last(r, PS_MSG_DIGESTS)->request;
    rig_packet(r);
    craft_digests_ok(&r->c, request + 1, 990, 0, 100, digests);
    (void)rig_deliver(r);
    rig_packet(r); /* Not asked for yet. */
    craft_page(&r->c, PS_MSG_NAMES, request, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    const struct {
        unsigned first, count;
    } bad[] = {{1, 10}, {0, 0}, {255, 1}, {255, 2}, {200, 57}};
    for (size_t k = 0; k < 5; k++) {
        rig_packet(r);
        craft_digests_ok(&r->c, request, 990, bad[k].first, bad[k].count, digests);
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), k + 1);
    }
    rig_packet(r); /* No log gets there. */
    craft_digests_ok(&r->c, request, UINT64_MAX, 0, 100, digests);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 6);
    assert_int_equal(r->p->repair.phase, PS_REPAIR_DIGESTS);
    log_serve(r, log, r->sent_len - 1);
    require_whole(r, log, NAMES);
    rig_packet(r); /* Nobody asks any more. */
    craft_digests_ok(&r->c, request, 990, 0, 128, digests);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 3);
    free(log);
    rig_free(r);
}

/* Who leaves has no use for an answer that was under way. */
static void digests_for_who_leaves(void **state)
{
    (void)state;
    log_model *log;
    rig *r = asking(&log);
    static uint64_t digests[PS_BUCKETS];
    const uint32_t request = rig_last(r, PS_MSG_DIGESTS)->request;
    (void)rig_logout(r);
    rig_packet(r);
    craft_digests_ok(&r->c, request, 990, 0, 128, digests);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LEAVING);
    free(log);
    rig_free(r);
}

/* The log moved while it was looked at: not the one that we knew, so all begins anew. */
static void digests_of_another_position_begin_anew(void **state)
{
    (void)state;
    const uint64_t positions[] = {0, 989, 991, 100000};
    for (size_t k = 0; k < 4; k++) {
        log_model *log;
        rig *r = asking(&log);
        const size_t from = r->sent_len - 1;
        log->generation = positions[k];
        log_serve(r, log, from);
        require_whole(r, log, NAMES);
        assert_int_equal(rig_stats(r).repairs, 2);
        assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 3);
        size_t at = from;
        while (r->sent[at].type != PS_MSG_PUBLISH && r->sent[at].type != PS_MSG_UNPUBLISH) {
            at++;
        }
        assert_int_equal(ps_load64(r->sent[at].body), positions[k] + 1);
        free(log);
        rig_free(r);
    }
}

static void small_datagrams_take_digests_in_pieces(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.datagram_max = PS_DATAGRAM_MIN;
    rig *r = with_names(&cfg, NAMES);
    log_model *log = whole_log(NAMES);
    make_older(log);
    log_accept(r, log);
    log_serve(r, log, 1);
    require_whole(r, log, NAMES);
    const uint8_t firsts[] = {0, 57, 114, 171, 228};
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 5);
    for (size_t k = 0; k < 5; k++) {
        const rig_sent *s = rig_nth(r, PS_MSG_DIGESTS, k);
        assert_int_equal(s->body_len, 1);
        assert_int_equal(s->body[0], firsts[k]);
        assert_true(k == 0 || s->request != rig_nth(r, PS_MSG_DIGESTS, k - 1)->request);
    }
    free(log);
    rig_free(r);
}

/* Asks on until there are names to wait for. */
static rig *naming(log_model **log)
{
    rig *r = asking(log);
    while (r->p->repair.phase == PS_REPAIR_DIGESTS) {
        const rig_sent s = *rig_last(r, PS_MSG_DIGESTS);
        assert_true(log_answer(r, *log, &s));
        rig_settle(r);
    }
    assert_int_equal(r->p->repair.phase, PS_REPAIR_NAMES);
    return r;
}

static void strange_names(void **state)
{
    (void)state;
    log_model *log;
    rig *r = naming(&log);
    const uint32_t request = rig_last(r, PS_MSG_LIST_NAMES)->request;
    rig_packet(r);
    craft_page(&r->c, PS_MSG_NAMES, request + 1, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_NAMES, request, 0);
    craft_name_entry(&r->c, "");
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    rig_packet(r); /* Lines of other lists have used up what a packet may have: asked for again. */
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 9000, "");
    craft_page(&r->c, PS_MSG_PEERS, rig_last(r, PS_MSG_LIST_PEERS)->request, 0);
    for (unsigned k = 0; k < 64; k++) {
        craft_peer_entry(&r->c, "u");
    }
    craft_end(&r->c);
    craft_page(&r->c, PS_MSG_NAMES, request, 0);
    craft_name_entry(&r->c, "name-3");
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_TRAILING), 1);
    assert_int_equal(r->p->repair.phase, PS_REPAIR_NAMES);
    rig_packet(r); /* Names that cannot be: no tombstone is made for them. */
    craft_page(&r->c, PS_MSG_NAMES, request, 7);
    craft_name_entry(&r->c, "a/b");
    craft_name_entry(&r->c, "..");
    craft_name_entry(&r->c, "name-3");
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_stats(r).names_withdrawn, 0);
    assert_int_equal(rig_stats(r).publications, NAMES);
    ps_list_names m;
    const rig_sent *s = rig_last(r, PS_MSG_LIST_NAMES);
    assert_true(ps_list_names_decode((ps_span){s->body, s->body_len}, &m));
    assert_int_equal(m.cursor, 7); /* And goes on with the next page. */
    assert_int_not_equal(s->request, request);
    free(log);
    rig_free(r);
}

/* Without room for what must be withdrawn it is withdrawn a part at a time, one repair after the
 * other. */
static void a_full_table_withdraws_in_parts(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_publications = 4;
    rig *r = with_names(&cfg, 3);
    log_model *log = whole_log(3);
    log_put(log, "x", 1);
    log_put(log, "y", 2);
    log_put(log, "z", 3);
    log_accept(r, log);
    log_serve(r, log, 1);
    for (unsigned left = 2; left > 0; left--) {
        assert_int_equal(log_count(log), 3 + left);
        const size_t from = r->sent_len;
        rig_run(r, r->now_us + 2 * SECOND);
        log_serve(r, log, from);
    }
    require_whole(r, log, 3);
    assert_int_equal(rig_stats(r).names_withdrawn, 3);
    assert_int_equal(rig_stats(r).repairs, 3);
    free(log);
    rig_free(r);
}

/* What was listed before and is refused now has no command to end: an event names it. */
static void a_name_refused_in_a_repair_is_told_as_unlisted(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    rig_acknowledge(r);
    (void)rig_publish(r, 2, "kept", 2);
    rig_acknowledge(r);
    rig_forget(r);
    log_model *log = log_new(0); /* The server has lost its log. */
    rig_run(r, r->now_us + 2 * SECOND);
    assert_true(log_answer(r, log, rig_last(r, PS_MSG_HEARTBEAT)));
    rig_settle(r);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    ps_changes m;
    ps_publication first;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.count, 2);
    assert_true(ps_changes_next(PS_MSG_PUBLISH, &m, &first));
    const bool a_first = span_equal(first.name, span_of("a"));
    rig_packet(r);
    craft_published(&r->c, rig_last(r, PS_MSG_PUBLISH)->request, 2);
    craft_refusal(&r->c, a_first ? 0 : 1, PS_E_QUOTA);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_UNLISTED), 1);
    const rig_event *e = rig_event_nth(r, PS_EVENT_UNLISTED, 0);
    assert_string_equal(e->name, "a");
    assert_int_equal(e->account.error, PS_E_QUOTA);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 0);
    assert_int_equal(rig_stats(r).publications, 1); /* It is held no longer, */
    memset(log, 0, sizeof *log);
    log_put(log, "kept", 2);
    assert_true(r->p->digest == log_digest(log)); /* nor wanted. */
    free(log);
    rig_free(r);
}

/* All that keeps a log from being settled. */
static void when_a_log_is_settled(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    ps_peer *p = r->p;
    (void)rig_publish(r, 1, "x", 1);
    assert_false(ps_peer_settled(p));
    rig_acknowledge(r);
    assert_true(ps_peer_settled(p));
    p->clean--;
    assert_false(ps_peer_settled(p));
    p->clean++;
    p->dirty_head = 0;
    assert_false(ps_peer_settled(p));
    p->dirty_head = PS_NIL;
    p->state = PS_PEER_LOST;
    assert_false(ps_peer_settled(p));
    p->state = PS_PEER_ONLINE;
    assert_true(ps_peer_settled(p));
    rig_free(r);
}

/* A turn that has no sending left asks with the next tick; what comes before that is no answer. The
 * count of tries does not wrap. */
static void a_question_that_could_not_be_sent(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    ps_peer *p = r->p;
    (void)rig_publish(r, 1, "x", 1);
    rig_acknowledge(r);
    rig_forget(r);
    ps_peer_repair_begin(p, ~p->digest);
    ps_peer_turn t = {.p = p, .out = &r->out};
    for (int i = 0; i < 10 && p->repair.phase == PS_REPAIR_SUM; i++) {
        ps_peer_repair_due(&t);
    }
    assert_int_equal(p->repair.phase, PS_REPAIR_DIGESTS);
    assert_int_equal(r->out.datagrams_len, 0);
    static const uint64_t sums[1] = {0};
    rig_packet(r);
    craft_digests_ok(&r->c, p->repair.id, 1, 0, 1, sums);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    (void)rig_tick(r);
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 1);
    p->repair.tries = UINT8_MAX;
    r->now_us = p->repair.next_us;
    (void)rig_tick(r);
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 2);
    assert_int_equal(p->repair.tries, UINT8_MAX);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_server_is_told_all),
        cmocka_unit_test(an_equal_digest_settles_all),
        cmocka_unit_test(an_empty_peer_withdraws_all),
        cmocka_unit_test(only_buckets_that_differ_are_sent),
        cmocka_unit_test(a_heartbeat_tells_of_a_difference),
        cmocka_unit_test(an_old_answer_to_a_heartbeat_is_no_difference),
        cmocka_unit_test(a_question_is_asked_again),
        cmocka_unit_test(strange_digests),
        cmocka_unit_test(digests_for_who_leaves),
        cmocka_unit_test(digests_of_another_position_begin_anew),
        cmocka_unit_test(small_datagrams_take_digests_in_pieces),
        cmocka_unit_test(strange_names),
        cmocka_unit_test(a_full_table_withdraws_in_parts),
        cmocka_unit_test(a_name_refused_in_a_repair_is_told_as_unlisted),
        cmocka_unit_test(when_a_log_is_settled),
        cmocka_unit_test(a_question_that_could_not_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

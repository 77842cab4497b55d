/* The log's conversation: batches, retransmission byte for byte, refusals, numbering after a
 * return, and a model of the server's log that must end with exactly what is held here. */
#include "log.h"
#include "random.h"

static void answer(rig *r, uint32_t request, uint64_t generation)
{
    rig_packet(r);
    craft_published(&r->c, request, generation);
    craft_end(&r->c);
    (void)rig_deliver(r);
}

static void publish_many(rig *r, unsigned from, unsigned to)
{
    char name[32];
    for (unsigned k = from; k < to; k++) {
        (void)snprintf(name, sizeof name, "name-%u", k);
        (void)rig_publish(r, k, name, k + 1);
    }
}

/* Acknowledges until nothing waits; the number of messages that it took. */
static unsigned drain(rig *r)
{
    unsigned messages = 0;
    rig_settle(r);
    while (rig_stats(r).unacknowledged > 0) {
        rig_acknowledge(r);
        rig_settle(r);
        messages++;
        assert_in_range(messages, 1, 10000);
    }
    return messages;
}

static void silence_until_lost(rig *r)
{
    while (rig_stats(r).state == PS_PEER_ONLINE) {
        rig_run(r, r->now_us + 100 * MS);
    }
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
}

static void what_gathers_leaves_together(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    publish_many(r, 0, 100);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    const unsigned messages = drain(r);
    assert_in_range(messages, 5, 6); /* 1, then some 23 each. */
    for (uint64_t k = 0; k < 100; k++) {
        assert_int_equal(rig_done(r, k), PS_E_NONE);
    }
    uint64_t generation = 1;
    for (size_t i = 0; i < r->sent_len; i++) {
        ps_changes m;
        assert_true(
            ps_changes_decode(PS_MSG_PUBLISH, (ps_span){r->sent[i].body, r->sent[i].body_len}, &m));
        assert_int_equal(m.generation, generation);
        generation += m.count;
    }
    rig_free(r);
}

static void a_message_has_one_type_and_sixty_four_entries(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    char name[4];
    for (unsigned k = 0; k < 200; k++) {
        (void)snprintf(name, sizeof name, "%u", k);
        (void)rig_command(r, PS_INPUT_UNPUBLISH, k, name);
    }
    (void)rig_publish(r, 500, "x", 1);
    (void)rig_command(r, PS_INPUT_UNPUBLISH, 501, "y");
    assert_int_equal(drain(r), 7);
    const uint8_t counts[] = {1, 64, 64, 64, 7, 1, 1};
    for (size_t k = 0; k < 7; k++) {
        const rig_sent *s = &r->sent[k];
        ps_changes m;
        assert_true(
            ps_changes_decode((ps_message_type)s->type, (ps_span){s->body, s->body_len}, &m));
        assert_int_equal(s->type, k == 5 ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH);
        assert_int_equal(m.count, counts[k]);
    }
    rig_free(r);
}

static void is_retransmitted_byte_for_byte(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_publish(r, 2, "a", 2); /* Does not change what is in flight. */
    rig_run(r, RIG_START + 2900 * MS);
    const size_t n = rig_count(r, PS_MSG_PUBLISH);
    assert_in_range(n, 4, 8);
    for (size_t k = 1; k < n; k++) {
        const rig_sent *a = rig_nth(r, PS_MSG_PUBLISH, k - 1);
        const rig_sent *b = rig_nth(r, PS_MSG_PUBLISH, k);
        assert_int_equal(a->request, b->request);
        assert_int_equal(a->body_len, b->body_len);
        assert_memory_equal(a->body, b->body, a->body_len);
        assert_true(b->counter > a->counter);
    }
    rig_free(r);
}

static void refusals_end_their_own_commands(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    publish_many(r, 0, 5);
    (void)rig_login(r);
    rig_accept(r, 0);
    rig_packet(r);
    craft_published(&r->c, rig_last(r, PS_MSG_PUBLISH)->request, 5);
    craft_refusal(&r->c, 1, PS_E_QUOTA);
    craft_refusal(&r->c, 4, PS_E_BAD_NAME);
    craft_refusal(&r->c, 9, PS_E_FULL); /* No such entry. */
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 0), PS_E_NONE);
    assert_int_equal(rig_done(r, 1), PS_E_QUOTA);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    assert_int_equal(rig_done(r, 4), PS_E_BAD_NAME);
    assert_int_equal(rig_stats(r).publications, 3);
    assert_int_equal(rig_stats(r).unacknowledged, 0);
    (void)rig_publish(r, 7, "name-1", 1); /* The next one is numbered past the refused ones. */
    ps_changes m;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.generation, 6);
    rig_free(r);
}

static void a_refused_entry_that_changed_since_is_sent_again(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_publish(r, 2, "a", 2);
    rig_packet(r);
    craft_published(&r->c, rig_last(r, PS_MSG_PUBLISH)->request, 1);
    craft_refusal(&r->c, 0, PS_E_QUOTA);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_false(rig_is_done(r, 2));
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 2);
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    rig_free(r);
}

static void strange_answers(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    answer(r, 1, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    (void)rig_publish(r, 1, "a", 1);
    const uint32_t request = rig_last(r, PS_MSG_PUBLISH)->request;
    answer(r, request + 1, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    answer(r, request, UINT64_MAX);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    rig_packet(r);
    craft_message(&r->c, PS_MSG_PUBLISHED, request);
    craft_u64(&r->c, 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 2);
    answer(r, request, 0); /* Nothing was applied: it goes on asking. */
    assert_int_equal(rig_stats(r).unacknowledged, 1);
    rig_run(r, RIG_START + SECOND);
    assert_true(rig_count(r, PS_MSG_PUBLISH) >= 2);
    answer(r, request, 1);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    answer(r, request, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 3);
    rig_free(r);
}

static void a_part_applied_leaves_the_rest(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    publish_many(r, 0, 5);
    (void)rig_login(r);
    rig_accept(r, 10);
    answer(r, rig_last(r, PS_MSG_PUBLISH)->request, 12);
    assert_int_equal(rig_done(r, 0), PS_E_NONE);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_false(rig_is_done(r, 2));
    ps_changes m;
    ps_publication entry;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.generation, 13);
    assert_int_equal(m.count, 3);
    assert_true(ps_changes_next(PS_MSG_PUBLISH, &m, &entry));
    assert_true(span_equal(entry.name, span_of("name-2"))); /* In their order. */
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 4), PS_E_NONE);
    rig_free(r);
}

static void another_log_makes_it_start_anew(void **state)
{
    (void)state;
    const uint64_t positions[] = {3, 500};
    for (size_t k = 0; k < 2; k++) {
        rig *r = rig_new_default();
        publish_many(r, 0, 60);
        (void)rig_login(r);
        rig_accept(r, 100);
        (void)drain(r);
        (void)rig_publish(r, 1000, "new", 1);
        log_model *log = log_new(positions[k]);
        const size_t from = r->sent_len;
        answer(r, rig_last(r, PS_MSG_PUBLISH)->request, positions[k]);
        assert_int_equal(rig_stats(r).unacknowledged, 61);
        assert_int_equal(rig_stats(r).repairs, 1); /* Of the login, when nothing was listed. */
        log_serve(r, log, from);
        assert_int_equal(r->sent[from].type, PS_MSG_DIGESTS); /* What it lists is not known. */
        assert_int_equal(log_count(log), 61);
        assert_int_equal(log->generation, positions[k] + 61);
        assert_int_equal(rig_done(r, 1000), PS_E_NONE);
        free(log);
        rig_free(r);
    }
}

static void a_return_to_the_same_position_sends_nothing(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    publish_many(r, 0, 60);
    (void)rig_login(r);
    rig_accept(r, 7);
    (void)drain(r);
    silence_until_lost(r);
    rig_forget(r);
    rig_run(r, r->now_us + 200 * MS);
    log_model *log = log_new(67);
    for (unsigned k = 0; k < 60; k++) {
        char name[32];
        (void)snprintf(name, sizeof name, "name-%u", k);
        log_put(log, name, k + 1);
    }
    log_accept(r, log);
    rig_settle(r);
    free(log);
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 0);
    assert_int_equal(rig_count(r, PS_MSG_DIGESTS), 0);
    assert_int_equal(rig_stats(r).unacknowledged, 0);
    rig_free(r);
}

static void a_return_to_another_position_sends_everything(void **state)
{
    (void)state;
    const uint64_t positions[] = {0, 66, 68, 1000000};
    for (size_t k = 0; k < 4; k++) {
        rig *r = rig_new_default();
        publish_many(r, 0, 60);
        (void)rig_login(r);
        rig_accept(r, 7);
        (void)drain(r);
        silence_until_lost(r);
        rig_forget(r);
        rig_run(r, r->now_us + 200 * MS);
        rig_accept(r, positions[k]);
        assert_int_equal(rig_stats(r).unacknowledged, 60);
        ps_changes m;
        (void)rig_last_changes(r, &m);
        assert_int_equal(m.generation, positions[k] + 1);
        (void)drain(r);
        assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 0); /* No command waits for it. */
        (void)rig_publish(r, 900, "name-0", 1);
        assert_int_equal(rig_done(r, 900), PS_E_NONE);
        rig_free(r);
    }
}

/* In flight when the server was lost: applied or not, it is the same message again. */
static void what_was_in_flight_goes_on(void **state)
{
    (void)state;
    for (uint64_t applied = 0; applied <= 1; applied++) {
        rig *r = rig_new_online();
        (void)rig_publish(r, 1, "a", 1);
        const rig_sent before = *rig_last(r, PS_MSG_PUBLISH);
        silence_until_lost(r);
        (void)rig_publish(r, 2, "b", 1);
        rig_forget(r);
        rig_run(r, r->now_us + 200 * MS);
        rig_accept(r, applied);
        rig_settle(r);
        const rig_sent *after = rig_last(r, PS_MSG_PUBLISH);
        assert_int_equal(after->request, before.request);
        assert_memory_equal(after->body, before.body, before.body_len);
        rig_acknowledge(r);
        assert_int_equal(rig_done(r, 1), PS_E_NONE);
        rig_acknowledge(r);
        assert_int_equal(rig_done(r, 2), PS_E_NONE);
        rig_free(r);
    }
}

static void what_was_in_flight_is_renumbered_in_another_log(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_publish(r, 2, "b", 1);
    silence_until_lost(r);
    rig_run(r, r->now_us + 200 * MS);
    rig_accept(r, 50);
    ps_changes m;
    ps_publication entry;
    (void)rig_last_changes(r, &m);
    assert_int_equal(m.generation, 51);
    assert_int_equal(m.count, 2);
    assert_true(ps_changes_next(PS_MSG_PUBLISH, &m, &entry));
    assert_true(span_equal(entry.name, span_of("a")));
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    rig_free(r);
}

static void the_walk_is_bounded_a_step(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_publications = 2000;
    cfg.name_bytes = 0;
    rig *r = rig_new(&cfg);
    char name[16];
    (void)rig_login(r);
    rig_accept(r, 0);
    for (unsigned k = 0; k < 2000; k++) {
        (void)snprintf(name, sizeof name, "%u", k);
        (void)rig_publish(r, k, name, 1);
    }
    (void)drain(r);
    for (unsigned k = 0; k < 1999; k++) { /* Only the last record stays. */
        (void)snprintf(name, sizeof name, "%u", k);
        (void)rig_command(r, PS_INPUT_UNPUBLISH, 10000 + k, name);
    }
    (void)drain(r);
    assert_int_equal(rig_stats(r).publications, 1);
    silence_until_lost(r);
    rig_forget(r);
    rig_run(r, r->now_us + 200 * MS);
    log_model *log = log_new(9);
    log_accept(r, log);
    free(log);
    unsigned ticks = 0;
    while (rig_tick(r) == PS_MORE) {
        ticks++;
    }
    assert_in_range(ticks, 8, 10); /* 2000 records, 256 at a time. */
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 1);
    rig_free(r);
}

static void random_story(uint64_t seed)
{
    rig *r = rig_new_online();
    log_model *log = log_new(0);
    uint64_t wanted[40] = {0};
    uint64_t tag = 0;
    char name[8];
    test_random random = test_random_of(seed);
    size_t seen = 0;
    for (int n = 0; n < 1500 || rig_stats(r).unacknowledged > 0; n++) {
        const bool healed = n >= 1500;
        if (!healed && test_random_chance(&random, 40)) {
            const unsigned k = (unsigned)test_random_below(&random, 40);
            (void)snprintf(name, sizeof name, "%u", k);
            wanted[k] = test_random_chance(&random, 60) ? test_random_range(&random, 1, 9) : 0;
            if (wanted[k] != 0) {
                (void)rig_publish(r, tag++, name, wanted[k]);
            } else {
                (void)rig_command(r, PS_INPUT_UNPUBLISH, tag++, name);
            }
        }
        rig_run(r, r->now_us + test_random_below(&random, healed ? 50000 : 400000));
        for (; seen < r->sent_len; seen++) { /* The server hears some, is heard with some. */
            const rig_sent s = r->sent[seen];
            const bool heard = healed || test_random_chance(&random, 70);
            const bool hears = healed || test_random_chance(&random, 70);
            const bool changes = s.type == PS_MSG_PUBLISH || s.type == PS_MSG_UNPUBLISH;
            if (s.type == PS_MSG_LOGIN && test_random_chance(&random, 20) && !healed) {
                memset(log, 0, sizeof *log); /* It has lost its memory. */
                log->life = seed + (uint64_t)n;
            }
            if (heard && hears) {
                (void)log_answer(r, log, &s);
            } else if (heard && changes && s.receiver_id == r->session &&
                       rig_stats(r).state == PS_PEER_ONLINE) {
                log_apply(log, &s);
            }
        }
        assert_in_range(n, 0, 20000);
    }
    for (unsigned k = 0; k < 40; k++) {
        (void)snprintf(name, sizeof name, "%u", k);
        assert_int_equal(log_length(log, name), wanted[k]);
    }
    assert_int_equal(log_digest(log), r->p->digest);
    free(log);
    for (uint64_t t = 0; t < tag; t++) {
        const uint32_t error = rig_done(r, t); /* Exactly one end each. */
        assert_true(error == PS_E_NONE || error == PS_E_SUPERSEDED);
    }
    rig_free(r);
}

static void random_stories_end_alike_at_both_ends(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        random_story(seed);
    }
}

static void refuse_changes(rig *r, unsigned code, uint32_t retry_ms, unsigned times)
{
    rig_packet(r);
    for (unsigned k = 0; k < times; k++) {
        craft_error(&r->c, rig_last(r, PS_MSG_PUBLISH)->request, code, retry_ms, "");
    }
    craft_end(&r->c);
    (void)rig_deliver(r);
}

/* Once, however often the message comes again; and anew when something was taken meanwhile. */
static void a_server_that_takes_no_changes_is_told_once(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    refuse_changes(r, PS_E_BUSY, 1500, PS_PACKET_MESSAGES);
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 1);
    const rig_event *e = rig_event_nth(r, PS_EVENT_PUT_OFF, 0);
    assert_int_equal(e->account.error, PS_E_BUSY);
    assert_int_equal(e->account.retry_ms, 1500);
    for (unsigned k = 0; k < 5; k++) {
        rig_run(r, r->now_us + 100 * MS);
        refuse_changes(r, PS_E_BUSY, 100, 1);
        answer(r, rig_last(r, PS_MSG_PUBLISH)->request, 0); /* Nothing was taken. */
    }
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 1);
    assert_false(rig_is_done(r, 1));
    rig_acknowledge(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    (void)rig_publish(r, 2, "b", 1);
    refuse_changes(r, PS_E_BUSY, 0, 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 2);
    assert_int_equal(rig_event_nth(r, PS_EVENT_PUT_OFF, 1)->account.retry_ms, 0);
    refuse_changes(r, PS_E_QUOTA, 0, 1); /* Another answer ends it, too. */
    assert_int_equal(rig_done(r, 2), PS_E_QUOTA);
    (void)rig_publish(r, 3, "c", 1);
    refuse_changes(r, PS_E_BUSY, 100, 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 3);
    rig_free(r);
}

static void another_session_tells_it_anew(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    refuse_changes(r, PS_E_BUSY, 100, 1);
    silence_until_lost(r);
    rig_accept(r, 0);
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 1);
    refuse_changes(r, PS_E_BUSY, 100, 2);
    assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 2);
    rig_free(r);
}

/* However often it is sent again, the count of tries stands still at its end. */
static void the_count_of_tries_does_not_wrap(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "x", 1);
    r->p->flight.tries = UINT8_MAX - 1;
    for (int i = 0; i < 3; i++) {
        r->now_us = r->p->flight.next_us;
        r->p->heartbeats.contact_us = r->now_us; /* The server is there; it takes no changes. */
        (void)rig_tick(r);
        assert_int_equal(r->p->flight.tries, UINT8_MAX);
    }
    assert_int_equal(rig_count(r, PS_MSG_PUBLISH), 4);
    rig_free(r);
}

/* An answer to what was not sent in this session, and a refusal of an entry that there is not. */
static void answers_to_what_was_not_sent(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "x", 1);
    const uint32_t id = rig_last(r, PS_MSG_PUBLISH)->request;
    r->p->flight.tries = 0; /* As after a return, before the tick. */
    answer(r, id, 1);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_packet(r);
    craft_error(&r->c, id, PS_E_BUSY, 0, "");
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    assert_false(rig_is_done(r, 1));
    r->p->flight.tries = 1;
    rig_packet(r);
    craft_published(&r->c, id, 1);
    craft_refusal(&r->c, 200, PS_E_QUOTA);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_gathers_leaves_together),
        cmocka_unit_test(a_message_has_one_type_and_sixty_four_entries),
        cmocka_unit_test(is_retransmitted_byte_for_byte),
        cmocka_unit_test(refusals_end_their_own_commands),
        cmocka_unit_test(a_refused_entry_that_changed_since_is_sent_again),
        cmocka_unit_test(strange_answers),
        cmocka_unit_test(a_part_applied_leaves_the_rest),
        cmocka_unit_test(another_log_makes_it_start_anew),
        cmocka_unit_test(a_return_to_the_same_position_sends_nothing),
        cmocka_unit_test(a_return_to_another_position_sends_everything),
        cmocka_unit_test(what_was_in_flight_goes_on),
        cmocka_unit_test(what_was_in_flight_is_renumbered_in_another_log),
        cmocka_unit_test(the_walk_is_bounded_a_step),
        cmocka_unit_test(random_stories_end_alike_at_both_ends),
        cmocka_unit_test(a_server_that_takes_no_changes_is_told_once),
        cmocka_unit_test(another_session_tells_it_anew),
        cmocka_unit_test(the_count_of_tries_does_not_wrap),
        cmocka_unit_test(answers_to_what_was_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

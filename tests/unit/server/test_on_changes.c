#include "fixture.h"

#include "peersync/transfer.h"

static fixture *online(client *a, bool records)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.records = records;
    fixture *f = fixture_new(&cfg);
    *a = client_make(f, "alice", 4001);
    client_login(a);
    return f;
}

/* Sends a change message of `count` names "n<first>"... under a generation of choice. */
static ps_published send_changes(client *c, ps_message_type type, uint64_t generation,
                                 unsigned first, unsigned count)
{
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, b);
    ps_changes_writer cw;
    assert_true(ps_changes_begin(&w, &cw, type, ++c->request, generation));
    for (unsigned i = first; i < first + count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "n%u", i);
        const ps_publication entry = {.name = span(name), .content = {.length = i}};
        assert_true(ps_changes_add(&w, &cw, &entry));
    }
    assert_true(ps_changes_end(&w, &cw));
    fixture_clear(c->f);
    client_send(c, &w);
    ps_published p;
    assert_int_equal(client_answer(c, 0).type, PS_MSG_PUBLISHED);
    assert_true(ps_published_decode(client_answer(c, 0).body, &p));
    return p;
}

static void applies_in_order_only(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, false);
    assert_int_equal(send_changes(&a, PS_MSG_PUBLISH, 1, 0, 3).generation, 3);
    assert_int_equal(fixture_stats(f).publications, 3);
    /* A gap: nothing is applied, the position is told. */
    assert_int_equal(send_changes(&a, PS_MSG_PUBLISH, 5, 10, 2).generation, 3);
    assert_int_equal(fixture_stats(f).publications, 3);
    /* An overlap: only what is new. */
    assert_int_equal(send_changes(&a, PS_MSG_PUBLISH, 2, 1, 4).generation, 5);
    assert_int_equal(fixture_stats(f).publications, 5);
    assert_int_equal(send_changes(&a, PS_MSG_UNPUBLISH, 6, 0, 2).generation, 7);
    assert_int_equal(fixture_stats(f).publications, 3);
    /* The first PUBLISH once more, late: a file that is gone stays gone. */
    assert_int_equal(send_changes(&a, PS_MSG_PUBLISH, 1, 0, 3).generation, 7);
    assert_int_equal(fixture_stats(f).publications, 3);
    /* Unpublishing what is not there is no error. */
    ps_published p = send_changes(&a, PS_MSG_UNPUBLISH, 8, 40, 1);
    assert_int_equal(p.generation, 8);
    assert_int_equal(p.count, 0);
    fixture_free(f);
}

/* PUBLISH, UNPUBLISH, then the first PUBLISH once more by the network: as the identical datagram,
 * and as a fresh one (a retransmission that was on its way) with the old generation. */
static void a_late_duplicate_does_not_bring_a_file_back(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, true);
    uint8_t first[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, first);
    ps_changes_writer cw;
    const ps_publication entry = {.name = span("file"), .content = {.length = 9}};
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, ++a.request, 1));
    assert_true(ps_changes_add(&w, &cw, &entry));
    assert_true(ps_changes_end(&w, &cw));
    uint8_t plain[PS_DATAGRAM_MAX];
    memcpy(plain, first, w.len);
    const size_t sealed = client_seal(&a, &w);
    client_deliver(&a, first, sealed);
    a.generation = 1;
    assert_int_equal(fixture_stats(f).publications, 1);
    client_unpublish(&a, "file");
    assert_int_equal(fixture_stats(f).publications, 0);
    for (unsigned round = 0; round < 3; round++) {
        fixture_clear(f);
        const uint64_t replays = fixture_drops(f, PS_DROP_REPLAY);
        client_deliver(&a, first, sealed); /* The identical datagram. */
        assert_int_equal(fixture_drops(f, PS_DROP_REPLAY), replays + 1);
        assert_int_equal(f->out.datagrams_len, 0);
        uint8_t fresh[PS_DATAGRAM_MAX]; /* The same message under a new counter. */
        memcpy(fresh, plain, w.len);
        ps_store64(fresh + 9, ++a.counter);
        client_send(&a, &(ps_writer){.base = fresh, .len = w.len});
        ps_published p;
        assert_true(ps_published_decode(client_answer(&a, 0).body, &p));
        assert_int_equal(p.generation, 2);
        assert_int_equal(fixture_stats(f).publications, 0);
        assert_int_equal(f->out.events_len, 0); /* Nor is anything recorded. */
        client_list(&a, PS_MSG_LOCATE, 0, "file");
        client_expect_error(&a, PS_E_NOT_FOUND);
        client_sync(&a);
        assert_int_equal(a.digest, 0);
    }
    /* Nor does it when fresh keys have come after: the old ones remember their counters, */
    const uint64_t replays = fixture_drops(f, PS_DROP_REPLAY);
    client_login(&a);
    client_deliver(&a, first, sealed);
    assert_int_equal(fixture_drops(f, PS_DROP_REPLAY), replays + 1);
    f->now_us += PS_OLD_KEYS_US / 4; /* and are forgotten at last. */
    for (unsigned k = 0; k < 4; k++) {
        client_sync(&a);
        f->now_us += PS_OLD_KEYS_US / 4;
        (void)fixture_tick(f);
    }
    client_deliver(&a, first, sealed);
    assert_int_equal(fixture_drops(f, PS_DROP_NO_SESSION), 1);
    assert_int_equal(fixture_stats(f).publications, 0);
    fixture_free(f);
}

/* A PUBLISH of a process that has been killed, held back until the next one has logged in, whose
 * user has withdrawn the file (of which the log never knew): it is nobody's wish any more. */
static void changes_of_an_earlier_life_come_too_late(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, true);
    uint8_t held[2][PS_DATAGRAM_MAX];
    size_t len[2];
    for (unsigned k = 0; k < 2; k++) {
        const ps_publication entry = {.name = span("file"), .content = {.length = 9}};
        const ps_message_type type = k == 0 ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH;
        ps_writer w = client_packet(&a, held[k]);
        ps_changes_writer cw;
        assert_true(ps_changes_begin(&w, &cw, type, ++a.request, k + 1));
        assert_true(ps_changes_add(&w, &cw, &entry));
        assert_true(ps_changes_end(&w, &cw));
        len[k] = client_seal(&a, &w);
    }
    client_login(&a);
    const uint64_t drops = fixture_drops(f, PS_DROP_MISPLACED);
    client_deliver(&a, held[0], len[0]);
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), drops + 1);
    assert_int_equal(fixture_stats(f).publications, 0);
    /* Nor does it take anything away that was published since. */
    assert_int_equal(client_publish(&a, "file", 9), PS_E_NONE);
    client_deliver(&a, held[1], len[1]);
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), drops + 2);
    assert_int_equal(fixture_stats(f).publications, 1);
    fixture_free(f);
}

static void publishing_again_changes_the_content_in_place(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, false);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "y", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "x", 9), PS_E_NONE);
    assert_int_equal(fixture_stats(f).publications, 2);
    client_list(&a, PS_MSG_LIST_FILES, 0, "");
    ps_page page;
    ps_file file;
    assert_true(ps_page_decode(PS_MSG_FILES, client_answer(&a, 0).body, &page));
    assert_true(ps_page_next_file(&page, &file));
    assert_int_equal(file.name.data[0], 'x');
    assert_int_equal(file.content.length, 9);
    fixture_free(f);
}

static void refuses_with_the_reason(void **state)
{
    (void)state;
    client a;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_user_publications = 2;
    cfg.max_publications = 3;
    fixture *f = fixture_new(&cfg);
    a = client_make(f, "alice", 4001);
    client_login(&a);
    const char *bad[] = {"a/b", "..", ".", "a\\b", "tab\t", "\x7f", "\xff\xfe", "\xc0\xaf"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(client_publish(&a, bad[i], 1), PS_E_BAD_NAME);
    }
    assert_int_equal(client_publish(&a, "huge", PS_FILE_MAX + 1), PS_E_MALFORMED);
    assert_int_equal(client_publish(&a, "largest", PS_FILE_MAX), PS_E_NONE);
    assert_int_equal(client_publish(&a, "two", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "three", 1), PS_E_QUOTA);
    client b = client_make(f, "bob", 4002);
    client_login(&b);
    assert_int_equal(client_publish(&b, "one", 1), PS_E_NONE);
    assert_int_equal(client_publish(&b, "two", 1), PS_E_FULL);
    /* A retransmission of a refused or an accepted entry gets the same answer. */
    b.generation -= 2;
    assert_int_equal(send_changes(&b, PS_MSG_PUBLISH, 1, 0, 2).generation, 2);
    client_unpublish(&a, "two");
    assert_int_equal(client_publish(&a, "three", 1), PS_E_NONE);
    fixture_free(f);
}

static void retransmissions_repeat_refusals(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, false);
    assert_int_equal(client_publish(&a, "a/b", 1), PS_E_BAD_NAME);
    a.generation = 0;
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    ps_changes_writer cw;
    const ps_publication entry = {.name = span("a/b")};
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, ++a.request, 1));
    assert_true(ps_changes_add(&w, &cw, &entry));
    assert_true(ps_changes_end(&w, &cw));
    fixture_clear(f);
    client_send(&a, &w);
    ps_published p;
    ps_refusal refusal;
    assert_true(ps_published_decode(client_answer(&a, 0).body, &p));
    assert_true(ps_published_next(&p, &refusal));
    assert_int_equal(refusal.index, 0);
    assert_int_equal(refusal.error, PS_E_BAD_NAME);
    fixture_free(f);
}

/* Room that came since does not turn a used-up quota into a full server. */
static void a_refusal_is_repeated_as_it_was(void **state)
{
    (void)state;
    client a;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_user_publications = 1;
    fixture *f = fixture_new(&cfg);
    a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "first", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "second", 1), PS_E_QUOTA);
    client_unpublish(&a, "first");
    a.generation = 1;
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    ps_changes_writer cw;
    const ps_publication entry = {.name = span("second"), .content = {.length = 1}};
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, ++a.request, 2));
    assert_true(ps_changes_add(&w, &cw, &entry));
    assert_true(ps_changes_end(&w, &cw));
    fixture_clear(f);
    client_send(&a, &w);
    ps_published p;
    ps_refusal refusal;
    assert_true(ps_published_decode(client_answer(&a, 0).body, &p));
    assert_true(ps_published_next(&p, &refusal));
    assert_int_equal(refusal.error, PS_E_QUOTA);
    fixture_free(f);
}

static void records_carry_the_promise(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, true);
    ps_published p = send_changes(&a, PS_MSG_PUBLISH, 1, 0, 3);
    assert_int_equal(p.generation, 3);
    assert_int_equal(f->out.events_len, 3);
    for (size_t i = 0; i < 3; i++) {
        const ps_event_record *e = &f->out.events[i].u.record;
        assert_int_equal(f->out.events[i].type, PS_EVENT_RECORD);
        assert_int_equal(e->commit_seq, i + 1);
        assert_int_equal(e->generation, i + 1);
        assert_int_equal(e->content.length, i);
        assert_true(e->published);
        assert_memory_equal(e->user.bytes, "alice", 5);
        assert_memory_equal(e->device, a.device, PS_DEVICE_BYTES);
    }
    assert_int_equal(f->out.datagrams[0].commit_seq, 3);
    /* A heartbeat beside a change does not wait for the disk. */
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    const ps_heartbeat beat = {.generation = 3};
    ps_changes_writer cw;
    const ps_publication entry = {.name = span("n1")};
    assert_true(ps_heartbeat_encode(&w, 8, &beat));
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_UNPUBLISH, 9, 4));
    assert_true(ps_changes_add(&w, &cw, &entry));
    assert_true(ps_changes_end(&w, &cw));
    assert_true(ps_heartbeat_encode(&w, 10, &beat));
    fixture_clear(f);
    client_send(&a, &w);
    assert_int_equal(f->out.datagrams_len, 3);
    assert_int_equal(f->out.datagrams[0].commit_seq, 0);
    assert_int_equal(f->out.datagrams[1].commit_seq, 4);
    assert_int_equal(f->out.datagrams[2].commit_seq, 0);
    assert_false(f->out.events[0].u.record.published);
    fixture_free(f);
}

static void one_change_message_a_packet(void **state)
{
    (void)state;
    client a;
    fixture *f = online(&a, false);
    uint8_t b[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(&a, b);
    for (uint64_t g = 1; g <= 2; g++) {
        ps_changes_writer cw;
        const ps_publication entry = {.name = g == 1 ? span("one") : span("two")};
        assert_true(ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, 9, g));
        assert_true(ps_changes_add(&w, &cw, &entry));
        assert_true(ps_changes_end(&w, &cw));
    }
    client_send(&a, &w);
    assert_int_equal(fixture_stats(f).publications, 1);
    assert_int_equal(fixture_drops(f, PS_DROP_MISPLACED), 1);
    assert_int_equal(client_answers(&a), 1);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applies_in_order_only),
        cmocka_unit_test(a_late_duplicate_does_not_bring_a_file_back),
        cmocka_unit_test(changes_of_an_earlier_life_come_too_late),
        cmocka_unit_test(publishing_again_changes_the_content_in_place),
        cmocka_unit_test(refuses_with_the_reason),
        cmocka_unit_test(retransmissions_repeat_refusals),
        cmocka_unit_test(a_refusal_is_repeated_as_it_was),
        cmocka_unit_test(records_carry_the_promise),
        cmocka_unit_test(one_change_message_a_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

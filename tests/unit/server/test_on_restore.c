/* What an earlier life made durable, and a store that cannot take more. */
#include "fixture.h"

static ps_input record(const client *c, uint64_t generation, const char *name, uint64_t length)
{
    ps_input in = {.type = PS_INPUT_RESTORE,
                   .u.restore = {.generation = generation,
                                 .user = span(c->user),
                                 .name = span(name),
                                 .content = {.length = length},
                                 .published = length > 0}};
    memcpy(in.u.restore.device, c->device, PS_DEVICE_BYTES);
    memset(in.u.restore.content.root, (int)(length & 0xff), PS_ROOT_BYTES);
    return in;
}

/* Gives a record (length 0: withdrawn); whether it was taken. */
static bool restore(const client *c, uint64_t generation, const char *name, uint64_t length)
{
    const ps_server_stats before = fixture_stats(c->f);
    ps_input in = record(c, generation, name, length);
    assert_int_equal(fixture_step(c->f, &in), PS_OK);
    const ps_server_stats after = fixture_stats(c->f);
    assert_int_equal(after.restored + after.restores_refused,
                     before.restored + before.restores_refused + 1);
    assert_int_equal(c->f->out.datagrams_len + c->f->out.events_len, 0);
    return after.restored > before.restored;
}

static fixture *empty(void)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    return fixture_new(&cfg);
}

/* Lives through it, remembers the records, and gives them to another machine: the same log. */
static void a_login_finds_the_log_as_it_was(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.records = true;
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    ps_input records[6];
    const char *names[] = {"x", "y", "x", "z", "y", "x"};
    const uint64_t lengths[] = {1, 2, 3, 4, 0, 6};
    for (size_t k = 0; k < 6; k++) {
        if (lengths[k] > 0) {
            assert_int_equal(client_publish(&a, names[k], lengths[k]), PS_E_NONE);
        } else {
            client_unpublish(&a, names[k]);
        }
        assert_int_equal(f->out.events_len, 1);
        const ps_event_record *e = &f->out.events[0].u.record;
        assert_int_equal(e->generation, k + 1);
        assert_int_equal(e->published, lengths[k] > 0);
        records[k] = record(&a, e->generation, names[k], lengths[k]);
        assert_int_equal(e->name.len, 1);
        assert_int_equal(e->name.data[0], names[k][0]);
    }
    client_sync(&a);
    fixture *g = fixture_new(&cfg);
    for (size_t k = 0; k < 6; k++) {
        assert_int_equal(fixture_step(g, &records[k]), PS_OK);
    }
    assert_int_equal(fixture_stats(g).restored, 6);
    assert_int_equal(fixture_stats(g).publications, 2);
    assert_int_equal(fixture_stats(g).sessions, 0);
    client b = client_make(g, "alice", 4001);
    client_login(&b);
    assert_int_equal(b.generation, 6);
    assert_true(b.digest == a.digest && a.digest != 0);
    assert_int_equal(client_publish(&b, "more", 7), PS_E_NONE); /* And goes on. */
    assert_int_equal(b.generation, 7);
    client_list(&b, PS_MSG_LOCATE, 0, "x");
    assert_int_equal(client_answer(&b, 0).type, PS_MSG_SOURCES);
    fixture_free(f);
    fixture_free(g);
}

static void what_is_not_newer_is_left_out(void **state)
{
    (void)state;
    fixture *f = empty();
    client a = client_make(f, "alice", 4001);
    assert_true(restore(&a, 5, "x", 1));
    assert_false(restore(&a, 5, "x", 2)); /* Twice the same. */
    assert_false(restore(&a, 4, "y", 2)); /* Out of order. */
    assert_false(restore(&a, 0, "y", 2));
    assert_true(restore(&a, 9, "y", 2)); /* What was refused in between left no record. */
    assert_true(restore(&a, 10, "never", 0));
    assert_int_equal(fixture_stats(f).publications, 2);
    client_login(&a);
    assert_int_equal(a.generation, 10);
    fixture_free(f);
}

/* Nothing is left of a device that withdrew all: its peer begins at 0, as it does while living. */
static void a_device_without_publications_is_forgotten(void **state)
{
    (void)state;
    fixture *f = empty();
    client a = client_make(f, "alice", 4001);
    assert_true(restore(&a, 1, "x", 1));
    assert_true(restore(&a, 2, "x", 0));
    assert_int_equal(fixture_stats(f).users, 0);
    assert_int_equal(fixture_stats(f).devices, 0);
    assert_true(restore(&a, 3, "y", 1));
    client_login(&a);
    assert_int_equal(a.generation, 3);
    fixture_free(f);
}

static void impossible_records_are_left_out(void **state)
{
    (void)state;
    fixture *f = empty();
    client a = client_make(f, "alice", 4001);
    assert_false(restore(&a, 1, "a/b", 1));
    assert_false(restore(&a, 1, "", 1));
    assert_false(restore(&a, 1, "x", PS_FILE_MAX + 1));
    client bad = client_make(f, "no such name/", 4001);
    assert_false(restore(&bad, 1, "x", 1));
    assert_int_equal(fixture_stats(f).users, 0);
    ps_input in = record(&a, 1, "x", 1);
    in.u.restore.user.data = NULL;
    assert_int_equal(fixture_step(f, &in), PS_INVALID);
    in = record(&a, 1, "x", 1);
    in.u.restore.name.data = NULL;
    assert_int_equal(fixture_step(f, &in), PS_INVALID);
    fixture_free(f);
}

/* Each table full: the record is left out, and leaves nothing behind. */
static void full_tables_leave_records_out(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        ps_server_config cfg;
        fixture_config(&cfg);
        uint32_t *caps[] = {&cfg.max_users, &cfg.max_devices, &cfg.max_publications};
        if (which < 3) {
            *caps[which] = 1;
        } else {
            cfg.name_bytes = 0;
        }
        fixture *f = fixture_new(&cfg);
        client a = client_make(f, "alice", 4001);
        client b = client_make(f, "bob", 4002);
        const char *longer = "a name that does not fit its record and needs a block";
        assert_true(restore(&a, 1, "x", 1));
        assert_false(restore(&b, 1, which < 3 ? "y" : longer, 1));
        assert_int_equal(fixture_stats(f).users, 1);
        assert_int_equal(fixture_stats(f).devices, 1);
        assert_int_equal(fixture_stats(f).publications, 1);
        assert_true(restore(&a, 2, "x", 5)); /* What is there can change. */
        fixture_free(f);
    }
}

static void a_device_that_is_online_knows_better(void **state)
{
    (void)state;
    fixture *f = empty();
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_false(restore(&a, 7, "x", 1));
    client_sync(&a);
    assert_int_equal(a.generation, 0);
    assert_int_equal(fixture_stats(f).publications, 0);
    client other = client_make(f, "alice", 4002); /* Her other device is not. */
    assert_true(restore(&other, 7, "x", 1));
    assert_int_equal(fixture_stats(f).publications, 1);
    fixture_free(f);
}

/* A store that takes no records: changes wait, all else goes on. */
static void a_store_that_is_full_makes_changes_wait(void **state)
{
    (void)state;
    fixture *f = empty();
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_NONE);
    client_sync(&a);
    const uint64_t digest = a.digest;
    ps_input in = {.type = PS_INPUT_STORE, .u.store_retry_ms = 700};
    assert_int_equal(fixture_step(f, &in), PS_OK);
    for (unsigned k = 0; k < 2; k++) {
        uint8_t b[PS_DATAGRAM_MAX];
        ps_writer w = client_packet(&a, b);
        ps_changes_writer cw;
        const ps_publication entry = {.name = span("x")};
        const ps_message_type type = k == 0 ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH;
        assert_true(ps_changes_begin(&w, &cw, type, ++a.request, a.generation + 1));
        assert_true(ps_changes_add(&w, &cw, &entry));
        assert_true(ps_changes_end(&w, &cw));
        fixture_clear(f);
        client_send(&a, &w);
        client_expect_error(&a, PS_E_BUSY);
        ps_error_message m;
        assert_true(ps_error_decode(client_answer(&a, 0).body, &m));
        assert_int_equal(m.retry_ms, 700);
        assert_int_equal(fixture_stats(f).changes_busy, k + 1);
    }
    client_sync(&a);
    assert_int_equal(a.generation, 1);
    assert_true(a.digest == digest);
    client_list(&a, PS_MSG_LIST_FILES, 0, "");
    assert_int_equal(client_answer(&a, 0).type, PS_MSG_FILES);
    in.u.store_retry_ms = 0;
    assert_int_equal(fixture_step(f, &in), PS_OK);
    client_unpublish(&a, "x");
    client_sync(&a);
    assert_int_equal(a.digest, 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_finds_the_log_as_it_was),
        cmocka_unit_test(what_is_not_newer_is_left_out),
        cmocka_unit_test(a_device_without_publications_is_forgotten),
        cmocka_unit_test(impossible_records_are_left_out),
        cmocka_unit_test(full_tables_leave_records_out),
        cmocka_unit_test(a_device_that_is_online_knows_better),
        cmocka_unit_test(a_store_that_is_full_makes_changes_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

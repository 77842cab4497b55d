#include "fixture.h"

typedef struct located {
    unsigned active, inactive, pages, own;
    ps_addr addr; /* Of the last active one. */
    uint64_t length;
} located;

static located locate_all(client *c, const char *name)
{
    located l = {0};
    uint64_t cursor = 0;
    do {
        client_list(c, PS_MSG_LOCATE, cursor, name);
        ps_message m = client_answer(c, 0);
        ps_page page;
        assert_int_equal(m.type, PS_MSG_SOURCES);
        assert_true(ps_page_decode(PS_MSG_SOURCES, m.body, &page));
        ps_source source;
        while (ps_page_next_source(&page, &source)) {
            l.active += source.active;
            l.inactive += !source.active;
            l.own += source.own;
            l.length = source.content.length;
            if (source.addrs_count > 0) {
                assert_true(source.active);
                assert_int_equal(source.addrs[0].kind, PS_ADDR_OBSERVED);
                l.addr = source.addrs[0].addr;
            }
        }
        l.pages++;
        assert_true(l.pages < 100);
        cursor = page.next;
    } while (cursor != 0);
    return l;
}

static void names_the_observed_address(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    a.addr.ip[3] = 9;
    client_login(&a);
    client_login(&b);
    client_list(&b, PS_MSG_LOCATE, 0, "x");
    client_expect_error(&b, PS_E_NOT_FOUND);
    assert_int_equal(client_publish(&a, "x", 5), PS_E_NONE);
    located l = locate_all(&b, "x");
    assert_int_equal(l.active, 1);
    assert_int_equal(l.length, 5);
    assert_int_equal(l.addr.ip[3], 9);   /* Where the packets came from ... */
    assert_int_equal(l.addr.port, 7000); /* ... and the port that the login named. */
    assert_int_equal(locate_all(&a, "x").own, 1);
    f->now_us += 1500000;
    client_heartbeat(&b);
    f->now_us += 1500000;
    l = locate_all(&b, "x");
    assert_int_equal(l.active, 0);
    assert_int_equal(l.inactive, 1);
    fixture_free(f);
}

static void many_sources_are_paged(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = 200;
    cfg.search_names = 7;
    fixture *f = fixture_new(&cfg);
    client *c = calloc(150, sizeof *c);
    char(*names)[8] = calloc(150, sizeof *names);
    assert_non_null(c);
    assert_non_null(names);
    for (uint16_t i = 0; i < 150; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%u", i);
        c[i] = client_make(f, names[i], (uint16_t)(4000 + i));
        client_login(&c[i]);
        assert_int_equal(client_publish(&c[i], "same", 5), PS_E_NONE);
    }
    located l = locate_all(&c[0], "same");
    assert_int_equal(l.active, 150);
    assert_int_equal(l.own, 1);
    assert_true(l.pages >= 150 / 7);
    /* Of those that are away, four at most are told. */
    f->now_us += 1500000;
    for (size_t i = 0; i < 10; i++) {
        client_heartbeat(&c[i]);
    }
    f->now_us += 1500000;
    l = locate_all(&c[0], "same");
    assert_int_equal(l.active, 10);
    assert_true(l.inactive <= PS_LOCATE_INACTIVE);
    free(c);
    free(names);
    fixture_free(f);
}

/* A cursor that no longer stands, or never did, starts over: nobody is left out, nothing loops. */
static void strange_cursors_start_over(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.search_names = 1;
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    client_login(&a);
    client_login(&b);
    assert_int_equal(client_publish(&a, "x", 5), PS_E_NONE);
    assert_int_equal(client_publish(&b, "x", 5), PS_E_NONE);
    assert_int_equal(client_publish(&b, "other", 5), PS_E_NONE);
    client_list(&a, PS_MSG_LOCATE, 0, "x");
    ps_page page;
    assert_true(ps_page_decode(PS_MSG_SOURCES, client_answer(&a, 0).body, &page));
    assert_int_not_equal(page.next, 0);
    const uint64_t cursors[] = {3, 4, 1000, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        client_list(&a, PS_MSG_LOCATE, cursors[i], "x");
        assert_int_equal(client_answer(&a, 0).type, PS_MSG_SOURCES);
    }
    client_unpublish(&b, "x");
    client_list(&a, PS_MSG_LOCATE, page.next, "x");
    assert_true(ps_page_decode(PS_MSG_SOURCES, client_answer(&a, 0).body, &page));
    assert_int_equal(page.count, 1);
    fixture_free(f);
}

/* Who is online, but not with the device that has the file, is no source that can be asked. */
static void another_device_of_the_owner(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    client_login(&a);
    assert_int_equal(client_publish(&a, "x", 5), PS_E_NONE);
    f->now_us += 3000000;
    assert_int_equal(fixture_tick(f), PS_OK);
    client other = client_make(f, "alice", 4003);
    client_login(&other);
    client_login(&b);
    const located l = locate_all(&b, "x");
    assert_int_equal(l.active, 0);
    assert_int_equal(l.inactive, 1);
    assert_int_equal(l.addr.port, 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_observed_address),
        cmocka_unit_test(many_sources_are_paged),
        cmocka_unit_test(strange_cursors_start_over),
        cmocka_unit_test(another_device_of_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

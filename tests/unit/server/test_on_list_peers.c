#include "fixture.h"

/* All pages; sets a bit for each "u<n>" and fails on one that comes twice. */
static uint64_t all_peers(client *c, unsigned *pages)
{
    uint64_t seen = 0;
    uint64_t cursor = 0;
    *pages = 0;
    do {
        client_list(c, PS_MSG_LIST_PEERS, cursor, "");
        ps_page page;
        assert_int_equal(client_answer(c, 0).request, c->request);
        assert_true(ps_page_decode(PS_MSG_PEERS, client_answer(c, 0).body, &page));
        ps_span user;
        while (ps_page_next_peer(&page, &user)) {
            uint64_t n = (uint64_t)strtoull((const char *)user.data + 1, NULL, 10);
            assert_int_equal(seen >> n & 1, 0);
            seen |= UINT64_C(1) << n;
        }
        cursor = page.next;
        (*pages)++;
    } while (cursor != 0);
    return seen;
}

static void leaves_out_the_asker_and_the_silent(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.search_names = 2;
    fixture *f = fixture_new(&cfg);
    client c[5];
    const char *names[] = {"u0.", "u1.", "u2.", "u3.", "u4."};
    unsigned pages;
    c[0] = client_make(f, names[0], 4000);
    client_login(&c[0]);
    assert_int_equal(all_peers(&c[0], &pages), 0);
    for (uint16_t i = 1; i < 5; i++) {
        c[i] = client_make(f, names[i], (uint16_t)(4000 + i));
        client_login(&c[i]);
    }
    assert_int_equal(all_peers(&c[0], &pages), 0x1e);
    assert_int_equal(pages, 3); /* Two users are examined a page. */
    assert_int_equal(all_peers(&c[3], &pages), 0x17);
    f->now_us += 2000000;
    for (size_t i = 1; i < 5; i++) {
        if (i != 2) {
            client_heartbeat(&c[i]);
        }
    }
    f->now_us += 1000000; /* u0 and u2 have been silent for 3 s; no tick has come. */
    assert_int_equal(all_peers(&c[3], &pages), 0x12);
    fixture_free(f);
}

static void a_cursor_beyond_the_end_ends(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "u1", 4001);
    client_login(&a);
    const uint64_t cursors[] = {1, 8, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        client_list(&a, PS_MSG_LIST_PEERS, cursors[i], "");
        ps_page page;
        assert_true(ps_page_decode(PS_MSG_PEERS, client_answer(&a, 0).body, &page));
        assert_int_equal(page.count, 0);
        assert_int_equal(page.next, 0);
    }
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_out_the_asker_and_the_silent),
        cmocka_unit_test(a_cursor_beyond_the_end_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

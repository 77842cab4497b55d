#include "fixture.h"

static ps_page one_page(client *c, ps_message_type type, uint64_t cursor, const char *text)
{
    client_list(c, type, cursor, text);
    ps_page page;
    assert_int_equal(client_answer(c, 0).type, PS_MSG_FILES);
    assert_true(ps_page_decode(PS_MSG_FILES, client_answer(c, 0).body, &page));
    return page;
}

/* Counts per name "f<n>..." how often it is listed over all pages. */
static void all_files(client *c, ps_message_type type, const char *text, unsigned seen[256])
{
    memset(seen, 0, 256 * sizeof seen[0]);
    uint64_t cursor = 0;
    do {
        ps_page page = one_page(c, type, cursor, text);
        ps_file file;
        while (ps_page_next_file(&page, &file)) {
            seen[strtoul((const char *)file.name.data + 1, NULL, 10) & 255]++;
        }
        assert_true(page.next == 0 || page.next > cursor);
        cursor = page.next;
    } while (cursor != 0);
}

static fixture *two(client *a, client *b)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.search_names = 7;
    fixture *f = fixture_new(&cfg);
    *a = client_make(f, "alice", 4001);
    *b = client_make(f, "bob", 4002);
    client_login(a);
    client_login(b);
    return f;
}

static void lists_everything_once_in_order(void **state)
{
    (void)state;
    client a;
    client b;
    fixture *f = two(&a, &b);
    unsigned seen[256];
    all_files(&b, PS_MSG_LIST_FILES, "", seen);
    char name[PS_NAME_MAX + 1];
    for (unsigned i = 0; i < 100; i++) {
        int len = snprintf(name, sizeof name, "f%03u", i);
        memset(name + len, 'x', 200);
        name[len + 1 + (int)(i * 2)] = 0;
        assert_int_equal(client_publish(i % 3 ? &a : &b, name, i), PS_E_NONE);
    }
    all_files(&b, PS_MSG_LIST_FILES, "", seen);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(seen[i], 1);
    }
    fixture_free(f);
}

/* Between any two pages files come and go; who was there throughout appears exactly once. */
static void survives_changes_between_pages(void **state)
{
    (void)state;
    client a;
    client b;
    fixture *f = two(&a, &b);
    char name[32];
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "f%u.", i);
        assert_int_equal(client_publish(&a, name, i), PS_E_NONE);
    }
    unsigned seen[256] = {0};
    uint64_t cursor = 0;
    unsigned gone = 0;
    do {
        ps_page page = one_page(&b, PS_MSG_LIST_FILES, cursor, "");
        ps_file file;
        while (ps_page_next_file(&page, &file)) {
            seen[strtoul((const char *)file.name.data + 1, NULL, 10) & 255]++;
        }
        cursor = page.next;
        for (unsigned k = 0; k < 3 && gone < 100; k++, gone += 2) { /* Before and behind it. */
            (void)snprintf(name, sizeof name, "f%u.", gone);
            client_unpublish(&a, name);
            (void)snprintf(name, sizeof name, "f%u.", 100 + gone);
            assert_int_equal(client_publish(&a, name, 1), PS_E_NONE);
        }
    } while (cursor != 0);
    for (unsigned i = 1; i < 100; i += 2) {
        assert_int_equal(seen[i], 1);
    }
    for (unsigned i = 0; i < 256; i++) {
        assert_true(seen[i] <= 1);
    }
    fixture_free(f);
}

static void search_leaves_out_own_and_ignores_case(void **state)
{
    (void)state;
    client a;
    client b;
    fixture *f = two(&a, &b);
    assert_int_equal(client_publish(&a, "f1 Holiday.JPG", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "f2 holiday.png", 1), PS_E_NONE);
    assert_int_equal(client_publish(&b, "f3 holiday.jpg", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "f4 \xc3\x89t\xc3\xa9", 1), PS_E_NONE);
    unsigned seen[256];
    all_files(&b, PS_MSG_SEARCH, "hOLIDAY", seen);
    assert_int_equal(seen[1] + seen[2], 2);
    assert_int_equal(seen[3], 0);
    all_files(&b, PS_MSG_SEARCH, "jpg", seen);
    assert_int_equal(seen[1], 1);
    assert_int_equal(seen[2], 0);
    all_files(&b, PS_MSG_SEARCH, "\xc3\xa9", seen);
    assert_int_equal(seen[4], 1);
    all_files(&b, PS_MSG_SEARCH, "absent", seen);
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(seen[i], 0);
    }
    fixture_free(f);
}

/* The matcher against a plain one, over all short texts and names of two letters. */
static void search_matches_like_a_plain_scan(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    client_login(&a);
    client_login(&b);
    char name[16];
    for (unsigned bits = 0; bits < 128; bits++) {
        for (unsigned i = 0; i < 7; i++) {
            name[i] = bits >> i & 1 ? 'b' : 'a';
        }
        name[7] = 0;
        assert_int_equal(client_publish(&a, name, 1), PS_E_NONE);
    }
    for (unsigned len = 1; len <= 5; len++) {
        for (unsigned bits = 0; bits < 1u << len; bits++) {
            char text[8] = {0};
            for (unsigned i = 0; i < len; i++) {
                text[i] = bits >> i & 1 ? 'B' : 'a';
            }
            unsigned want = 0;
            for (unsigned n = 0; n < 128; n++) {
                bool in = false;
                for (unsigned at = 0; at + len <= 7; at++) {
                    in = in || (n >> at & ((1u << len) - 1)) == bits;
                }
                want += in ? 1 : 0;
            }
            unsigned got = 0;
            uint64_t cursor = 0;
            do {
                ps_page page = one_page(&b, PS_MSG_SEARCH, cursor, text);
                got += page.count;
                cursor = page.next;
            } while (cursor != 0);
            assert_int_equal(got, want);
        }
    }
    fixture_free(f);
}

static void says_who_is_active_and_whose_it_is(void **state)
{
    (void)state;
    client a;
    client b;
    fixture *f = two(&a, &b);
    assert_int_equal(client_publish(&a, "f1.", 1), PS_E_NONE);
    assert_int_equal(client_publish(&b, "f2.", 1), PS_E_NONE);
    f->now_us += 1500000;
    client_heartbeat(&b);
    f->now_us += 1500000;
    ps_page page = one_page(&b, PS_MSG_LIST_FILES, 0, "");
    ps_file file;
    assert_true(ps_page_next_file(&page, &file));
    assert_false(file.active); /* alice is silent for 3 s. Her publication stays. */
    assert_false(file.own);
    assert_memory_equal(file.user.data, "alice", 5);
    assert_true(ps_page_next_file(&page, &file));
    assert_true(file.active);
    assert_true(file.own);
    assert_false(ps_page_next_file(&page, &file));
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_everything_once_in_order),
        cmocka_unit_test(survives_changes_between_pages),
        cmocka_unit_test(search_leaves_out_own_and_ignores_case),
        cmocka_unit_test(search_matches_like_a_plain_scan),
        cmocka_unit_test(says_who_is_active_and_whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commands/located.h"

#include <stdlib.h>
#include <string.h>

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

/* A source of `user`: a content of this length whose root is all `byte`, served at `port`. */
static void add(struct located *s, const char *user, uint64_t length, uint8_t byte, uint16_t port)
{
    static uint8_t key[PS_KEY_BYTES] = {1};
    ps_event_entry e = {.user = span(user), .content = {.length = length}, .active = port != 0};
    memset(e.content.root, byte, sizeof e.content.root);
    if (port != 0) {
        e.addr = (ps_addr){.ip = {127, 0, 0, 1}, .port = port, .family = PS_ADDR_V4};
        e.ticket = span(user);
        e.key = (ps_span){key, sizeof key};
    }
    located_add(s, "me", &e);
}

static void ones_own_is_left_out(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    add(&s, "me", 1, 0xaa, 1);
    assert_true(s.own);
    assert_int_equal(s.count, 0);
    add(&s, "meg", 1, 0xaa, 1);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].user, "meg");
    located_free(&s);
}

static void contents_differ_by_root_or_length(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    assert_int_equal(located_contents(&s), 0);
    add(&s, "bob", 1, 0xaa, 1);
    add(&s, "carol", 1, 0xaa, 0);
    assert_int_equal(located_contents(&s), 1);
    add(&s, "dave", 2, 0xaa, 1);
    add(&s, "erin", 1, 0xaa, 1);
    add(&s, "frank", 1, 0xab, 1);
    assert_int_equal(located_contents(&s), 3);
    assert_int_equal(located_content(&s, 0)->root[0], 0xaa);
    assert_int_equal(located_content(&s, 1)->length, 2);
    assert_int_equal(located_content(&s, 2)->root[0], 0xab);
    assert_null(located_content(&s, 3));
    const ps_content content = *located_content(&s, 0);
    located_keep(&s, &content);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.items[2].user, "erin");
    located_free(&s);
}

static void a_prefix_chooses(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    add(&s, "bob", 1, 0xaa, 1);
    add(&s, "carol", 1, 0xab, 2);
    located_keep_root(&s, "a");
    assert_int_equal(s.count, 2);
    located_keep_root(&s, "AB");
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].user, "carol");
    located_keep_root(&s, "abac");
    assert_int_equal(s.count, 0);
    located_free(&s);
}

static void only_who_serves_now_is_asked(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    add(&s, "away", 1, 0xaa, 0);
    struct data_source *active = NULL;
    assert_int_equal(located_active(&s, &active), 0);
    free(active);
    add(&s, "bob", 1, 0xaa, 7);
    add(&s, "carol", 1, 0xaa, 8);
    assert_int_equal(located_active(&s, &active), 2);
    assert_int_equal(active[0].addr.port + active[1].addr.port, 15);
    const char *first = active[0].addr.port == 7 ? "bob" : "carol";
    assert_int_equal(active[0].ticket_len, strlen(first));
    assert_memory_equal(active[0].ticket, first, strlen(first));
    assert_int_equal(active[0].key[0], 1);
    free(active);
    located_free(&s);
}

static void without_a_ticket_nobody_is_asked(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    struct data_source *active = NULL;
    assert_false(located_lack_tickets(&s));
    add(&s, "away", 1, 0xaa, 0);
    assert_false(located_lack_tickets(&s));
    add(&s, "bob", 1, 0xaa, 7);
    assert_false(located_lack_tickets(&s));
    s.items[1].at.ticket_len = 0;
    assert_true(located_lack_tickets(&s));
    assert_int_equal(located_active(&s, &active), 0);
    free(active);
    located_free(&s);
}

static void an_address_has_its_user(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    const ps_addr none = {.family = PS_ADDR_NONE};
    add(&s, "away", 1, 0xaa, 0);
    add(&s, "bob", 1, 0xaa, 7);
    assert_string_equal(located_user(&s, &s.items[1].at.addr), "bob");
    const ps_addr other = {.ip = {127, 0, 0, 1}, .port = 8, .family = PS_ADDR_V4};
    assert_null(located_user(&s, &other));
    assert_null(located_user(&s, &none));
    located_free(&s);
}

static void want(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void owners_are_named(void **state)
{
    (void)state;
    struct located s = {.items = NULL};
    ps_content content = {.length = 1};
    memset(content.root, 0xaa, sizeof content.root);
    want(located_owners(&s, &content), "");
    add(&s, "alice", 1, 0xaa, 1);
    add(&s, "mallory", 1, 0xab, 0);
    want(located_owners(&s, &content), "alice");
    add(&s, "bob", 1, 0xaa, 1);
    want(located_owners(&s, &content), "alice and bob");
    add(&s, "carol", 1, 0xaa, 1);
    want(located_owners(&s, &content), "alice, bob and 1 other");
    add(&s, "dave", 1, 0xaa, 1);
    want(located_owners(&s, &content), "alice, bob and 2 others");
    want(located_describe(&s, 0), "--root aaaaaaaaaaaa  1 B, of alice, bob and 2 others");
    want(located_describe(&s, 1), "--root abababababab  1 B, of mallory (away)");
    located_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ones_own_is_left_out),
        cmocka_unit_test(contents_differ_by_root_or_length),
        cmocka_unit_test(a_prefix_chooses),
        cmocka_unit_test(only_who_serves_now_is_asked),
        cmocka_unit_test(without_a_ticket_nobody_is_asked),
        cmocka_unit_test(an_address_has_its_user),
        cmocka_unit_test(owners_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

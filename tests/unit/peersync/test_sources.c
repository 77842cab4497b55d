#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commands/sources.h"

#include <stdlib.h>
#include <string.h>

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

/* A source of `user`: a content of this length whose root is all `byte`, served at `port`. */
static void add(struct sources *s, const char *user, uint64_t length, uint8_t byte, uint16_t port)
{
    ps_event_entry e = {.user = span(user), .content = {.length = length}, .active = port != 0};
    memset(e.content.root, byte, sizeof e.content.root);
    if (port != 0) {
        e.addr = (ps_addr){.ip = {127, 0, 0, 1}, .port = port, .family = PS_ADDR_V4};
    }
    sources_add(s, "me", &e);
}

static void ones_own_is_left_out(void **state)
{
    (void)state;
    struct sources s = {.items = NULL};
    add(&s, "me", 1, 0xaa, 1);
    assert_true(s.own);
    assert_int_equal(s.count, 0);
    add(&s, "meg", 1, 0xaa, 1);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].user, "meg");
    sources_free(&s);
}

static void contents_differ_by_root_or_length(void **state)
{
    (void)state;
    struct sources s = {.items = NULL};
    assert_true(sources_agree(&s));
    add(&s, "bob", 1, 0xaa, 1);
    add(&s, "carol", 1, 0xaa, 0);
    assert_true(sources_agree(&s));
    add(&s, "dave", 2, 0xaa, 1);
    assert_false(sources_agree(&s));
    s.count--;
    add(&s, "dave", 1, 0xab, 1);
    assert_false(sources_agree(&s));
    sources_free(&s);
}

static void a_prefix_chooses(void **state)
{
    (void)state;
    struct sources s = {.items = NULL};
    add(&s, "bob", 1, 0xaa, 1);
    add(&s, "carol", 1, 0xab, 2);
    sources_keep_root(&s, "a");
    assert_int_equal(s.count, 2);
    sources_keep_root(&s, "AB");
    assert_int_equal(s.count, 1);
    assert_string_equal(s.items[0].user, "carol");
    sources_keep_root(&s, "abac");
    assert_int_equal(s.count, 0);
    sources_free(&s);
}

static void only_who_serves_now_is_asked(void **state)
{
    (void)state;
    struct sources s = {.items = NULL};
    add(&s, "away", 1, 0xaa, 0);
    ps_addr *addrs = NULL;
    assert_int_equal(sources_active(&s, &addrs), 0);
    free(addrs);
    add(&s, "bob", 1, 0xaa, 7);
    add(&s, "carol", 1, 0xaa, 8);
    assert_int_equal(sources_active(&s, &addrs), 2);
    assert_int_equal(addrs[0].port + addrs[1].port, 15);
    free(addrs);
    sources_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ones_own_is_left_out),
        cmocka_unit_test(contents_differ_by_root_or_length),
        cmocka_unit_test(a_prefix_chooses),
        cmocka_unit_test(only_who_serves_now_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

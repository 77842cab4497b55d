#include "fixture.h"

static void finds_what_follows_a_gap(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){1, 1, 100, 1}, true);
    uint32_t v = device_online(d, "alice", 1);
    char name[16];
    for (uint32_t i = 1; i <= 100; i++) {
        ps_content c = content_of(i);
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_int_equal(ps_pub_add(d, v, span(name), &c), PS_E_NONE);
    }
    for (uint32_t i = 1; i <= 100; i++) {
        if (i % 7 != 0) {
            (void)snprintf(name, sizeof name, "f%u", i);
            ps_pub_remove(d, ps_pub_find(d, v, span(name)));
        }
    }
    assert_int_equal(ps_directory_check(d), 0);
    for (uint64_t serial = 0; serial <= 100; serial++) {
        uint32_t at = ps_order_after(d, serial);
        uint64_t want = (serial / 7 + 1) * 7;
        if (want > 100) {
            assert_int_equal(at, PS_NIL);
        } else {
            assert_int_equal(ps_pub_at(d, at)->serial, want);
        }
    }
    free(d);
}

/* The depth of the treap stays near what chance gives, even when every name is the client's. */
static void stays_shallow(void **state)
{
    (void)state;
    enum { N = 4096 };
    ps_directory *d = directory_new((ps_directory_caps){1, 1, N, 1}, true);
    uint32_t v = device_online(d, "alice", 1);
    char name[16];
    for (uint32_t i = 0; i < N; i++) {
        ps_content c = content_of(i);
        (void)snprintf(name, sizeof name, "%u", i);
        assert_int_equal(ps_pub_add(d, v, span(name), &c), PS_E_NONE);
    }
    uint32_t deepest = 0;
    for (uint64_t serial = 1; serial <= N; serial++) {
        uint32_t depth = 0;
        for (uint32_t at = d->root; ps_pub_at(d, at)->serial != serial; depth++) {
            const ps_pub *p = ps_pub_at(d, at);
            at = p->serial > serial ? p->left : p->right;
        }
        deepest = depth > deepest ? depth : deepest;
    }
    assert_true(deepest < 60); /* 2.99 log2(N) is expected at most. */
    free(d);
}

static void empties_from_either_end(void **state)
{
    (void)state;
    for (int newest = 0; newest <= 1; newest++) {
        ps_directory *d = directory_new((ps_directory_caps){1, 1, 32, 1}, true);
        uint32_t v = device_online(d, "alice", 1);
        char name[16];
        for (uint32_t i = 0; i < 32; i++) {
            ps_content c = content_of(i);
            (void)snprintf(name, sizeof name, "%u", i);
            assert_int_equal(ps_pub_add(d, v, span(name), &c), PS_E_NONE);
        }
        while (d->pubs.used > 0) {
            ps_pub_remove(d, newest ? d->newest : d->oldest);
            assert_int_equal(ps_directory_check(d), 0);
        }
        assert_int_equal(d->root, PS_NIL);
        free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_follows_a_gap),
        cmocka_unit_test(stays_shallow),
        cmocka_unit_test(empties_from_either_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

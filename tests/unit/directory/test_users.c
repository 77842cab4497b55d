#include "fixture.h"

static void finds_what_it_added(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){4, 4, 1, 1}, true);
    assert_int_equal(ps_user_find(d, span("alice")), PS_NIL);
    uint32_t alice = ps_user_add(d, span("alice"));
    uint32_t bob = ps_user_add(d, span("bob"));
    assert_int_not_equal(alice, bob);
    assert_int_equal(ps_user_find(d, span("alice")), alice);
    assert_int_equal(ps_user_find(d, span("bob")), bob);
    assert_int_equal(ps_user_find(d, span("alic")), PS_NIL);
    assert_int_equal(ps_user_find(d, span("alicee")), PS_NIL);
    assert_int_equal(ps_user_name(d, bob).len, 3);
    assert_memory_equal(ps_user_label(d, alice).bytes, "alice", 6);
    free(d);
}

static void fills_up_and_reuses(void **state)
{
    (void)state;
    for (uint32_t cap = 1; cap <= 9; cap++) {
        ps_directory *d = directory_new((ps_directory_caps){cap, 1, 1, 1}, cap % 2 == 0);
        char name[8];
        for (uint32_t i = 0; i < cap; i++) {
            (void)snprintf(name, sizeof name, "u%u", i);
            assert_int_not_equal(ps_user_add(d, span(name)), PS_NIL);
        }
        assert_int_equal(ps_user_add(d, span("one too many")), PS_NIL);
        for (uint32_t i = 0; i < cap; i++) {
            (void)snprintf(name, sizeof name, "u%u", i);
            ps_user_release(d, ps_user_find(d, span(name)));
            assert_int_equal(ps_user_find(d, span(name)), PS_NIL);
        }
        assert_int_equal(ps_directory_check(d), 0);
        assert_int_equal(d->users.used, 0);
        for (uint32_t i = 0; i < cap; i++) {
            (void)snprintf(name, sizeof name, "v%u", i);
            assert_int_not_equal(ps_user_add(d, span(name)), PS_NIL);
        }
        assert_int_equal(ps_user_add(d, span("again")), PS_NIL);
        free(d);
    }
}

static void keeps_who_is_referred_to(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){2, 2, 1, 1}, true);
    uint32_t u = ps_user_add(d, span("alice"));
    ps_user_at(d, u)->session = 7;
    ps_user_release(d, u);
    assert_int_equal(ps_user_find(d, span("alice")), u);
    ps_user_at(d, u)->session = PS_NIL;
    ps_user_at(d, u)->devices = 1;
    ps_user_release(d, u);
    assert_int_equal(ps_user_find(d, span("alice")), u);
    ps_user_at(d, u)->devices = 0;
    ps_user_release(d, u);
    assert_int_equal(ps_user_find(d, span("alice")), PS_NIL);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_it_added),
        cmocka_unit_test(fills_up_and_reuses),
        cmocka_unit_test(keeps_who_is_referred_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

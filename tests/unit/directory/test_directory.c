#include "fixture.h"

static void layout_sums_up_and_moves(void **state)
{
    (void)state;
    const ps_directory_caps caps = {3, 5, 7, 9};
    ps_layout l = {.size = sizeof(ps_directory)};
    ps_directory_layout(&l, 0, &caps, NULL);
    ps_directory *d = directory_new(caps, false);
    uint32_t v = device_online(d, "alice", 1);
    ps_content c = content_of(1);
    assert_int_equal(ps_pub_add(d, v, span("a name"), &c), PS_E_NONE);
    /* Nothing points anywhere: a copy elsewhere is as good. */
    void *copy = aligned_alloc(64, (l.size + 63) / 64 * 64);
    assert_non_null(copy);
    memcpy(copy, d, l.size);
    memset(d, 0xEE, l.size);
    free(d);
    d = copy;
    assert_int_equal(ps_directory_check(d), 0);
    assert_int_not_equal(ps_pub_find(d, v, span("a name")), PS_NIL);
    free(d);
}

static void too_large_overflows(void **state)
{
    (void)state;
    ps_layout l = {.size = SIZE_MAX / 2};
    const ps_directory_caps caps = {1, 1, 1, 1};
    ps_directory_layout(&l, 0, &caps, NULL);
    assert_false(l.overflow);
    l.size = SIZE_MAX - 200;
    ps_directory_layout(&l, 0, &caps, NULL);
    assert_true(l.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_sums_up_and_moves),
        cmocka_unit_test(too_large_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

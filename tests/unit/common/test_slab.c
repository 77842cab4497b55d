#include "unit.h"

#include "common/slab.h"

static void a_slab_is_zero_and_aligned(void **state)
{
    (void)state;
    const size_t len = 1u << 20;
    unsigned char *slab = ps_slab_map(len);
    assert_non_null(slab);
    assert_int_equal((uintptr_t)slab % 64, 0);
    assert_int_equal(slab[0], 0);
    assert_int_equal(slab[len - 1], 0);
    slab[len - 1] = 1;
    ps_slab_unmap(slab, len);
    ps_slab_unmap(NULL, 0);
}

static void what_cannot_be_mapped_is_null(void **state)
{
    (void)state;
    assert_null(ps_slab_map(0));
    assert_null(ps_slab_map(SIZE_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slab_is_zero_and_aligned),
        cmocka_unit_test(what_cannot_be_mapped_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One budget for all; nobody starves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffers.h"

#include "peersync/transfer.h"

static void the_budget_holds(void **state)
{
    struct buffers b;
    uint32_t allowance[4] = {0};
    uint8_t *held[4];
    (void)state;
    buffers_init(&b, 3u * PS_PIECE_BYTES + 4096);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(buffers_allow(&b, &allowance[i], false));
        assert_true(buffers_allow(&b, &allowance[i], false)); /* Still the same one. */
        held[i] = buffers_take(&b, PS_PIECE_BYTES, &allowance[i]);
        assert_int_equal(allowance[i], 0);
    }
    assert_false(buffers_allow(&b, &allowance[3], false));
    assert_true(buffers_allow(&b, &allowance[3], true)); /* Who holds none is let in. */
    held[3] = buffers_take(&b, 4096, &allowance[3]);     /* By its true length. */
    assert_int_equal(b.used, 3u * PS_PIECE_BYTES + 4096);
    assert_false(buffers_allow(&b, &allowance[3], false));
    buffers_give(&b, held[1], PS_PIECE_BYTES);
    assert_true(buffers_allow(&b, &allowance[1], false));
    buffers_disallow(&b, &allowance[1]);
    buffers_give(&b, held[0], PS_PIECE_BYTES);
    buffers_give(&b, held[2], PS_PIECE_BYTES);
    buffers_give(&b, held[3], 4096);
    assert_int_equal(b.used, 0);
    assert_null(b.spare); /* Nothing in use, nothing kept. */
    assert_int_equal(b.most, 4u * PS_PIECE_BYTES);
    buffers_destroy(&b);
}

static void whole_pieces_are_used_again(void **state)
{
    struct buffers b;
    uint32_t none = 0;
    (void)state;
    buffers_init(&b, 4u * PS_PIECE_BYTES);
    uint8_t *one = buffers_take(&b, PS_PIECE_BYTES, &none);
    uint8_t *two = buffers_take(&b, PS_PIECE_BYTES, &none);
    buffers_give(&b, one, PS_PIECE_BYTES);
    assert_ptr_equal(buffers_take(&b, PS_PIECE_BYTES, &none), one);
    buffers_give(&b, one, PS_PIECE_BYTES);
    buffers_give(&b, two, PS_PIECE_BYTES);
    buffers_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_holds),
        cmocka_unit_test(whole_pieces_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

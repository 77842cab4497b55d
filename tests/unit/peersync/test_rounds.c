/* Many in rounds of the loop: each once, in order, and ended from anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rounds.h"

struct seen {
    size_t count;
    size_t stop_at;
    size_t rounds; /* Of the loop. */
    struct rounds *under_way;
};

static void each(void *ctx, size_t i)
{
    struct seen *s = ctx;
    assert_int_equal(i, s->count);
    s->count++;
    if (s->count == s->stop_at) {
        rounds_stop(s->under_way);
        s->under_way = NULL;
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct seen *s = prepare->data;
    s->rounds++;
    /* The idle handle keeps the loop alive as long as it is at work. */
    uv_unref((uv_handle_t *)prepare);
}

static void run(struct seen *s, size_t count)
{
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_loop_init(&loop);
    uv_prepare_init(&loop, &prepare);
    prepare.data = s;
    uv_prepare_start(&prepare, on_prepare);
    s->under_way = rounds_start(&loop, count, each, s);
    assert_int_equal(s->count, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    rounds_stop(s->under_way);
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void each_comes_once_and_in_order(void **state)
{
    (void)state;
    for (size_t count = 0; count < 3; count++) {
        struct seen s = {0};
        run(&s, count);
        assert_int_equal(s.count, count);
    }
}

static void many_take_several_rounds(void **state)
{
    (void)state;
    struct seen s = {0};
    run(&s, 100000);
    assert_int_equal(s.count, 100000);
    assert_true(s.rounds > 50);
}

static void one_of_them_may_end_it(void **state)
{
    (void)state;
    struct seen s = {.stop_at = 700};
    run(&s, 100000);
    assert_int_equal(s.count, 700);
    struct seen last = {.stop_at = 5};
    run(&last, 5);
    assert_int_equal(last.count, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comes_once_and_in_order),
        cmocka_unit_test(many_take_several_rounds),
        cmocka_unit_test(one_of_them_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

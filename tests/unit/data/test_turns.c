/* Turns are given one at a time, in the order of their coming, and none is lost. */
#include "unit.h"

#include "turns.h"

#include <pthread.h>

static void who_comes_first_is_at_it(void **unused)
{
    (void)unused;
    struct turns t;
    struct turn a, b, c;
    turns_init(&t);
    for (int round = 0; round < 2; round++) {
        assert_true(turns_take(&t, &a));
        assert_false(turns_take(&t, &b));
        assert_ptr_equal(turns_next(&t), &b);
        /* It is taken until there is nothing left. */
        assert_false(turns_take(&t, &c));
        assert_false(turns_take(&t, &a));
        assert_ptr_equal(turns_next(&t), &c);
        assert_ptr_equal(turns_next(&t), &a);
        assert_null(turns_next(&t));
    }
    turns_free(&t);
}

#define THREADS 4u
#define TURNS   20000u

static struct turns shared;
static struct turn theirs[THREADS][TURNS];
/* Without a lock: only who is at it touches it. */
static unsigned done;

static void *come(void *arg)
{
    struct turn *mine = arg;
    for (unsigned i = 0; i < TURNS; i++) {
        struct turn *turn = turns_take(&shared, &mine[i]) ? &mine[i] : NULL;
        while (turn) {
            done++;
            turn = turns_next(&shared);
        }
    }
    return NULL;
}

static void one_at_a_time_and_all(void **unused)
{
    (void)unused;
    pthread_t threads[THREADS];
    turns_init(&shared);
    done = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come, theirs[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(done, THREADS * TURNS);
    assert_false(shared.taken);
    turns_free(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_first_is_at_it),
        cmocka_unit_test(one_at_a_time_and_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The clock that tickets expire by, and the keys that open them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define WALL_S UINT64_C(1800000000)

static int make(void **state)
{
    struct data *d = calloc(1, sizeof *d);
    assert_non_null(d);
    data_set_wall(d, 0);
    *state = d;
    return 0;
}

static int end(void **state)
{
    free(*state);
    return 0;
}

/* The clock runs on while a test does. */
static void assert_wall(const struct data *d, uint64_t wall_s)
{
    const uint64_t now_s = data_wall_s(d);
    assert_true(now_s >= wall_s && now_s < wall_s + 300);
}

static void an_unknown_clock_stays_unknown(void **state)
{
    struct data *d = *state;
    assert_int_equal(data_wall_s(d), 0);
    data_set_wall(d, UINT64_MAX);
    assert_int_equal(data_wall_s(d), 0);
    data_set_wall(d, WALL_S);
    assert_wall(d, WALL_S);
    data_set_wall(d, 0);
    assert_int_equal(data_wall_s(d), 0);
}

/* A reading is cut to whole seconds: one that is behind by a part of one is no news. */
static void the_nearest_reading_is_kept(void **state)
{
    struct data *d = *state;
    data_set_wall(d, WALL_S);
    const int64_t first = atomic_load(&d->wall_offset_us);
    data_set_wall(d, WALL_S - 1);
    assert_true(atomic_load(&d->wall_offset_us) == first);
    data_set_wall(d, WALL_S + 1);
    assert_true(atomic_load(&d->wall_offset_us) > first);
}

static void a_clock_that_is_set_is_followed(void **state)
{
    struct data *d = *state;
    data_set_wall(d, WALL_S);
    data_set_wall(d, WALL_S - 1000);
    assert_wall(d, WALL_S - 1000);
    data_set_wall(d, WALL_S + 100000);
    assert_wall(d, WALL_S + 100000);
}

static void a_ticket_gives_its_key(void **state)
{
    struct data *d = *state;
    struct node up;
    struct loop loop = {.data = d};
    const ps_content content = {.length = 5};
    uint8_t key[PS_KEY_BYTES];
    node_make(&up);
    d->cfg.crypto = up.cfg.crypto;
    const struct data_source source = node_source(&up, &content);
    const ps_span ticket = {source.ticket, source.ticket_len};
    data_set_wall(d, NODE_WALL_S);
    assert_false(admit_ticket(&loop, ticket, key)); /* The loop knows no keys yet. */
    loop.keys = up.keys;
    assert_true(admit_ticket(&loop, ticket, key));
    assert_memory_equal(key, source.key, sizeof key);
    data_set_wall(d, NODE_WALL_S + NODE_TICKET_S);
    assert_false(admit_ticket(&loop, ticket, key));
    node_end(&up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_unknown_clock_stays_unknown, make, end),
        cmocka_unit_test_setup_teardown(the_nearest_reading_is_kept, make, end),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_is_followed, make, end),
        cmocka_unit_test_setup_teardown(a_ticket_gives_its_key, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

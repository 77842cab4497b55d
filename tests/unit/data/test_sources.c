/* Whom to ask next, and whom never again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources.h"

static struct data_source at(uint16_t port)
{
    return (struct data_source){.addr = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4, .port = port},
                                .ticket_len = 1};
}

static uint16_t next(struct sources *s)
{
    return sources_next(s) ? sources_current(s)->addr.port : 0;
}

static void each_is_asked_in_turn(void **state)
{
    (void)state;
    struct data_source who[] = {at(1), at(2), at(3)};
    struct sources s;
    sources_init(&s, who, 3);
    assert_null(sources_current(&s));
    for (uint16_t i = 1; i <= 3; i++) {
        assert_int_equal(next(&s), i);
        sources_fail(&s, PS_E_STALLED, "slow", true);
        assert_null(sources_current(&s));
    }
    assert_int_equal(next(&s), 0);
    assert_true(sources_may_return(&s));
    sources_free(&s);
}

static void who_was_cut_off_is_asked_once_more(void **state)
{
    (void)state;
    struct data_source who[] = {at(1), at(2)};
    struct sources s;
    sources_init(&s, who, 2);
    assert_int_equal(next(&s), 1);
    sources_fail(&s, PS_E_CLOSED, "", true);
    assert_int_equal(next(&s), 1);
    sources_fail(&s, PS_E_CLOSED, "", true);
    assert_int_equal(next(&s), 2);
    sources_fail(&s, PS_E_CLOSED, "", false); /* It never answered. */
    assert_int_equal(next(&s), 0);
    sources_free(&s);
}

static void who_lies_is_ruled_out(void **state)
{
    static const struct {
        ps_error error;
        bool out;
    } cases[] = {{PS_E_MISMATCH, true},       {PS_E_PROTOCOL, true}, {PS_E_CHANGED, false},
                 {PS_E_NOT_PUBLISHED, false}, {PS_E_PLAIN, true},    {PS_E_CLOSED, false},
                 {PS_E_STALLED, false},       {PS_E_SLOTS, false},   {PS_E_FILE_TICKET, false}};
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data_source who[] = {at(1)};
        struct sources s;
        sources_init(&s, who, 1);
        assert_int_equal(next(&s), 1);
        sources_fail(&s, cases[i].error, "", false);
        assert_int_equal(sources_may_return(&s), !cases[i].out);
        for (unsigned k = 0; k < 3; k++) {
            sources_renew(&s, who, 1);
        }
        assert_int_equal(next(&s), cases[i].out ? 0 : 1);
        sources_free(&s);
    }
}

static void the_most_telling_failure_is_told(void **state)
{
    (void)state;
    struct data_source who[] = {at(1), at(2), at(3)};
    struct sources s;
    sources_init(&s, who, 3);
    (void)next(&s);
    sources_fail(&s, PS_E_SLOTS, "full", true);
    (void)next(&s);
    sources_fail(&s, PS_E_MISMATCH, "wrong", true);
    (void)next(&s);
    sources_fail(&s, PS_E_CLOSED, "gone", false);
    assert_int_equal(s.worst.error, PS_E_MISMATCH);
    assert_string_equal(s.worst.text, "wrong");
    assert_int_equal(s.worst.from.port, 2);
    /* And what is waited for. */
    assert_int_equal(s.passing.error, PS_E_CLOSED);
    assert_string_equal(s.passing.text, "gone");
    assert_int_equal(s.passing.from.port, 3);
    sources_free(&s);
}

static void fresh_ones_replace_those_not_tried(void **state)
{
    (void)state;
    struct data_source who[] = {at(1), at(2), at(3)};
    struct data_source fresh[] = {at(3), at(4)};
    struct sources s;
    sources_init(&s, who, 3);
    assert_int_equal(next(&s), 1);
    fresh[0].ticket_len = 9;
    sources_renew(&s, fresh, 2);
    assert_int_equal(sources_current(&s)->addr.port, 1); /* Asked at this moment. */
    sources_fail(&s, PS_E_STALLED, "", true);
    assert_int_equal(next(&s), 3);
    assert_int_equal(sources_current(&s)->ticket_len, 9);
    sources_fail(&s, PS_E_STALLED, "", true);
    assert_int_equal(next(&s), 4);
    sources_free(&s);
}

static void who_may_come_back_is_not_forgotten(void **state)
{
    (void)state;
    struct data_source honest[] = {at(1)}, liar[] = {at(2)};
    struct sources s;
    sources_init(&s, honest, 1);
    assert_int_equal(next(&s), 1);
    sources_fail(&s, PS_E_CLOSED, "gone", false);
    for (unsigned i = 0; i < 3; i++) {
        sources_renew(&s, liar, 1);
        if (next(&s) == 2) {
            sources_fail(&s, PS_E_MISMATCH, "wrong", true);
        }
        assert_int_equal(next(&s), 0);
        assert_true(sources_may_return(&s));
    }
    /* Until it lies itself. */
    sources_renew(&s, honest, 1);
    assert_int_equal(next(&s), 1);
    sources_fail(&s, PS_E_MISMATCH, "wrong", true);
    assert_false(sources_may_return(&s));
    sources_free(&s);
}

static void tickets_that_are_refused_are_told_apart(void **state)
{
    (void)state;
    struct data_source who[] = {at(1), at(2)};
    struct sources s;
    sources_init(&s, who, 2);
    (void)next(&s);
    sources_fail(&s, PS_E_FILE_TICKET, "", true);
    (void)next(&s);
    sources_fail(&s, PS_E_CLOSED, "", false);
    assert_true(sources_want_tickets(&s));
    sources_renew(&s, who, 1);
    assert_false(sources_want_tickets(&s)); /* It has a new one. */
    sources_free(&s);
}

static void a_stream_of_liars_does_not_grow_it(void **state)
{
    (void)state;
    struct sources s;
    sources_init(&s, NULL, 0);
    for (uint16_t i = 1; i < 3 * DATA_SOURCES_MAX; i++) {
        struct data_source who[] = {at(i)};
        sources_renew(&s, who, 1);
        assert_int_equal(next(&s), i);
        sources_fail(&s, PS_E_MISMATCH, "", true);
    }
    assert_true(s.count <= DATA_SOURCES_MAX + 2);
    sources_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_asked_in_turn),
        cmocka_unit_test(who_was_cut_off_is_asked_once_more),
        cmocka_unit_test(who_lies_is_ruled_out),
        cmocka_unit_test(the_most_telling_failure_is_told),
        cmocka_unit_test(fresh_ones_replace_those_not_tried),
        cmocka_unit_test(who_may_come_back_is_not_forgotten),
        cmocka_unit_test(tickets_that_are_refused_are_told_apart),
        cmocka_unit_test(a_stream_of_liars_does_not_grow_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

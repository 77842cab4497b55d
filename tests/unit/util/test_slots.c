#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/slots.h"

enum { CAP = 4 };

typedef struct record {
    uint32_t link;
    uint32_t mark;
} record;

static void fresh_records_come_in_order_and_untouched(void **state)
{
    (void)state;
    record table[CAP];
    memset(table, 0xa5, sizeof table);
    ps_slots s;
    ps_slots_init(&s, CAP);
    for (uint32_t i = 0; i < CAP; i++) {
        assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), i);
        assert_int_equal(s.used, i + 1);
        assert_int_equal(table[i].link, 0xa5a5a5a5);
    }
    assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), PS_NIL);
    assert_int_equal(s.used, CAP);
}

static void a_table_of_none_is_full(void **state)
{
    (void)state;
    record table[1] = {{0, 0}};
    ps_slots s;
    ps_slots_init(&s, 0);
    assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), PS_NIL);
    assert_int_equal(s.used, 0);
}

/* What was given back last comes first, then what was never used; only the first word is lost. */
static void returned_records_come_first(void **state)
{
    (void)state;
    record table[CAP] = {{0, 0}};
    ps_slots s;
    ps_slots_init(&s, CAP);
    for (uint32_t i = 0; i < 3; i++) {
        table[ps_slots_take(&s, table, sizeof table[0])].mark = i + 7;
    }
    ps_slots_give(&s, table, sizeof table[0], 0);
    ps_slots_give(&s, table, sizeof table[0], 2);
    assert_int_equal(s.used, 1);
    assert_int_equal(table[0].mark, 7);
    assert_int_equal(table[2].mark, 9);
    assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), 2);
    assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), 0);
    assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), 3);
    assert_int_equal(ps_slots_take(&s, table, sizeof table[0]), PS_NIL);
    assert_int_equal(s.used, CAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_records_come_in_order_and_untouched),
        cmocka_unit_test(a_table_of_none_is_full),
        cmocka_unit_test(returned_records_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

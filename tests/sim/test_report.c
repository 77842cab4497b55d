/* Whether many swarms suffered enough to prove something. */
#include "unit.h"

#include "report.h"

#include <string.h>

static report_sum sum_of(uint64_t each, uint64_t commands, uint64_t succeeded)
{
    report_sum sum = {.swarms = 1};
    for (int f = 0; f < FAULT_COUNT; f++) {
        sum.faults[f] = each;
    }
    sum.counts.commands = commands;
    sum.counts.succeeded = succeeded;
    return sum;
}

/* What it says of the sum. */
static bool judge_of(const report_sum *sum, uint32_t peers, char text[512])
{
    memset(text, 0, 512);
    FILE *out = fmemopen(text, 512, "w");
    assert_non_null(out);
    const bool good = report_cruel_enough(out, sum, peers);
    assert_int_equal(fclose(out), 0);
    return good;
}

static bool judge(const report_sum *sum, char text[512])
{
    return judge_of(sum, 20, text);
}

static void all_kinds_and_enough_success_are_enough(void **state)
{
    (void)state;
    char text[512];
    const report_sum sum = sum_of(100, 1000, 300);
    assert_true(judge(&sum, text));
    assert_string_equal(text, "");
}

static void a_kind_that_never_began_is_named(void **state)
{
    (void)state;
    char text[512];
    report_sum sum = sum_of(100, 1000, 900);
    sum.faults[FAULT_MOVE] = 0;
    assert_false(judge(&sum, text));
    assert_non_null(strstr(text, fault_text(FAULT_MOVE)));
    assert_null(strstr(text, fault_text(FAULT_FLOOD)));
}

/* Small swarms have no second devices. */
static void a_kind_that_cannot_begin_is_not_missed(void **state)
{
    (void)state;
    char text[512];
    report_sum sum = sum_of(100, 1000, 900);
    sum.faults[FAULT_SECOND_DEVICE] = 0;
    assert_false(judge_of(&sum, 10, text));
    assert_true(judge_of(&sum, 9, text));
    assert_string_equal(text, "");
}

static void too_little_success_is_said(void **state)
{
    (void)state;
    char text[512];
    const report_sum sum = sum_of(100, 1000, 299);
    assert_false(judge(&sum, text));
    assert_non_null(strstr(text, "fewer than 30 %"));
}

/* Of a few minutes nobody can tell. */
static void few_prove_nothing_either_way(void **state)
{
    (void)state;
    char text[512];
    report_sum sum = sum_of(1, 999, 0);
    sum.faults[FAULT_MOVE] = 0;
    assert_true(judge(&sum, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_and_enough_success_are_enough),
        cmocka_unit_test(a_kind_that_never_began_is_named),
        cmocka_unit_test(a_kind_that_cannot_begin_is_not_missed),
        cmocka_unit_test(too_little_success_is_said),
        cmocka_unit_test(few_prove_nothing_either_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

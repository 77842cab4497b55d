#include "unit.h"

#include "common/exit_codes.h"

#include "peersync/base.h"

#include <errno.h>

static void numbers_are_distinct_and_usable(void **state)
{
    (void)state;
    static const int numbers[] = {
#define NUMBER(name, number, meaning) number,
        PS_EXIT_LIST(NUMBER)
#undef NUMBER
    };
    const size_t count = sizeof numbers / sizeof numbers[0];
    for (size_t i = 0; i < count; i++) {
        assert_true(numbers[i] >= 0 && numbers[i] < 126 && numbers[i] != 1);
        assert_string_not_equal(ps_exit_meaning(numbers[i]), "unknown");
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(numbers[i], numbers[j]);
        }
    }
    assert_string_equal(ps_exit_meaning(1), "unknown");
}

static void every_error_has_a_code(void **state)
{
    (void)state;
#define HAS_CODE(name, number, what, advice)                                                       \
    assert_string_not_equal(ps_exit_meaning((int)ps_exit_of_error(number)), "unknown");
    PS_ERROR_LIST(HAS_CODE)
#undef HAS_CODE
    assert_int_equal(ps_exit_of_error(PS_E_NONE), PS_EXIT_DONE);
    assert_int_equal(ps_exit_of_error(PS_E_CREDENTIALS), PS_EXIT_REFUSED);
    assert_int_equal(ps_exit_of_error(PS_E_NO_ACTIVE_PEER), PS_EXIT_NO_ACTIVE_PEER);
    assert_int_equal(ps_exit_of_error(PS_E_SERVER_KEY), PS_EXIT_SERVER_KEY);
    assert_int_equal(ps_exit_of_error(PS_E_THROTTLED), PS_EXIT_BUSY);
    assert_int_equal(ps_exit_of_error(60000), PS_EXIT_PROTOCOL);
}

static void a_shortage_is_the_systems(void **state)
{
    (void)state;
    assert_int_equal(ps_exit_of_errno(ENOMEM, PS_EXIT_LISTEN), PS_EXIT_SYSTEM);
    assert_int_equal(ps_exit_of_errno(EMFILE, PS_EXIT_LISTEN), PS_EXIT_SYSTEM);
    assert_int_equal(ps_exit_of_errno(EADDRINUSE, PS_EXIT_LISTEN), PS_EXIT_LISTEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_distinct_and_usable),
        cmocka_unit_test(every_error_has_a_code),
        cmocka_unit_test(a_shortage_is_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

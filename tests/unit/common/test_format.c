#include "unit.h"

#include "common/format.h"

static void assert_size(uint64_t bytes, const char *expected)
{
    char out[PS_FORMAT_SIZE_BYTES];
    assert_string_equal(ps_format_size(out, bytes), expected);
}

static void sizes_round_to_tenths(void **state)
{
    (void)state;
    assert_size(0, "0 B");
    assert_size(1023, "1023 B");
    assert_size(1024, "1.0 KiB");
    assert_size(1536, "1.5 KiB");
    assert_size(1024 * 1024 - 1, "1.0 MiB");
    assert_size(UINT64_C(3) << 30, "3.0 GiB");
    assert_size((UINT64_C(1) << 40) - 1, "1.0 TiB");
    assert_size(UINT64_C(1) << 50, "1.0 PiB");
    assert_size(UINT64_MAX, "16.0 EiB");
}

static void assert_count(uint64_t n, const char *expected)
{
    char out[PS_FORMAT_COUNT_BYTES];
    assert_string_equal(ps_format_count(out, n), expected);
}

static void counts_have_groups_of_three_digits(void **state)
{
    (void)state;
    assert_count(0, "0");
    assert_count(999, "999");
    assert_count(1000, "1,000");
    assert_count(34120, "34,120");
    assert_count(100000, "100,000");
    assert_count(1234567, "1,234,567");
    assert_count(UINT64_MAX, "18,446,744,073,709,551,615");
}

static void assert_duration(uint64_t us, const char *expected)
{
    char out[PS_FORMAT_SPAN_BYTES];
    assert_string_equal(ps_format_duration(out, us), expected);
}

static void durations_have_two_units(void **state)
{
    (void)state;
    assert_duration(0, "0.0 s");
    assert_duration(440000, "0.4 s");
    assert_duration(9999999, "9.9 s");
    assert_duration(10000000, "10 s");
    assert_duration(200000000, "3 min 20 s");
    assert_duration(UINT64_C(7500) * 1000000, "2 h 05 min");
    assert_duration(UINT64_C(273600) * 1000000, "3 d 04 h");
    char out[PS_FORMAT_SPAN_BYTES];
    ps_format_duration(out, UINT64_MAX);
}

static void times_are_rfc_3339(void **state)
{
    (void)state;
    char out[PS_FORMAT_TIME_BYTES];
    assert_string_equal(ps_format_time(out, 0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(ps_format_time(out, UINT64_C(951827696789123)), "2000-02-29T12:34:56.789Z");
    ps_format_time(out, UINT64_MAX);
}

static void roots_are_hexadecimal(void **state)
{
    (void)state;
    char out[PS_FORMAT_ROOT_BYTES];
    const uint8_t root[PS_ROOT_BYTES] = {0x01, 0xab, [31] = 0xff};
    assert_string_equal(ps_format_root(out, root),
                        "01ab0000000000000000000000000000000000000000000000000000000000ff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_round_to_tenths),
        cmocka_unit_test(counts_have_groups_of_three_digits),
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(times_are_rfc_3339),
        cmocka_unit_test(roots_are_hexadecimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "peersyncd/check_config.h"

#include "common/exit_codes.h"

#include <stdio.h>
#include <string.h>

/* The project's own bounds: what one session and one publication may cost. */
static void records_stay_within_their_bounds(void **state)
{
    (void)state;
    ps_server_config config;
    ps_server_config_default(&config);
    const uint64_t session = ps_bytes_per_session(&config);
    const uint64_t publication = ps_bytes_per_publication(&config);
    assert_true(session > 0 && session <= 384);
    assert_true(publication > 0 && publication <= 160);
}

/* The printed lines add up to the printed total, which is what the server maps. */
static void the_printed_sum_is_the_total(void **state)
{
    (void)state;
    static char text[16384];
    static ps_daemon_config config;
    ps_daemon_options options;
    static const ps_words words = {.len = 0};
    char error[256];
    ps_daemon_options_default(&options);
    options.credentials = "/nonexistent/credentials.txt";
    assert_int_equal(
        ps_daemon_configure(&options, &words, "peersyncd", &config, error, sizeof error),
        PS_EXIT_DONE);
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    assert_int_equal(ps_check_config(&config, out), PS_EXIT_DONE);
    fclose(out);
    unsigned long long sum = 0;
    unsigned long long total = 0;
    const char *memory = strstr(text, "\nmemory\n");
    assert_non_null(memory);
    for (const char *line = strchr(memory + 8, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        char what[64];
        unsigned long long records = 0;
        unsigned long long bytes = 0;
        if (sscanf(line + 1, "  total %llu", &total) == 1) {
            break;
        }
        if (sscanf(line + 1, "  padding %llu", &bytes) == 1 ||
            sscanf(line + 1, "  %52[^\n] %llu %llu", what, &records, &bytes) == 3) {
            sum += bytes;
        }
    }
    assert_true(total == ps_server_size(&config.server));
    assert_true(sum == total);
    assert_non_null(strstr(text, "none: without --state"));
    assert_non_null(strstr(text, "peersyncd user add NAME --credentials /nonexistent/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_stay_within_their_bounds),
        cmocka_unit_test(the_printed_sum_is_the_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

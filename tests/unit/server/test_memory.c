#include "fixture.h"

static uint64_t total(const ps_server_config *cfg)
{
    ps_memory_line lines[16];
    size_t count = ps_server_memory(cfg, lines, 16);
    assert_true(count > 0 && count <= 16);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        assert_non_null(lines[i].what);
        sum += lines[i].bytes;
    }
    return sum;
}

static void the_lines_sum_up(void **state)
{
    (void)state;
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    for (uint32_t k = 1; k < 2000; k = k * 3 + 1) {
        cfg.max_sessions = k;
        cfg.max_publications = 2000 - k;
        cfg.max_users = cfg.max_devices = k;
        const uint64_t size = ps_server_size(&cfg);
        assert_true(total(&cfg) <= size && size < total(&cfg) + 64);
    }
    assert_int_equal(ps_server_memory(&cfg, NULL, 0), ps_server_memory(&cfg, NULL, 0));
}

/* The promises: 384 bytes a session with its user and device, 160 a publication beside its name.
 * Measured as the difference that a million more make. */
static void a_session_and_a_publication_cost_what_was_promised(void **state)
{
    (void)state;
    const uint32_t million = UINT32_C(1) << 20;
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = cfg.max_publications = million;
    cfg.name_bytes = 0;
    const uint64_t base = ps_server_size(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = 2 * million;
    const uint64_t session = (ps_server_size(&cfg) - base) / million;
    assert_in_range(session, sizeof(ps_session), 384);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = million;
    cfg.max_publications = 2 * million;
    const uint64_t publication = (ps_server_size(&cfg) - base) / million;
    assert_in_range(publication, 1, 160);
    print_message("%u bytes a session, %u a publication\n", (unsigned)session,
                  (unsigned)publication);
}

/* More than any machine needs is refused, before it is summed up. */
static void more_than_the_most_is_refused(void **state)
{
    (void)state;
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    cfg.network_per_s = 1000000;
    assert_int_not_equal(ps_server_size(&cfg), 0);
    cfg.network_per_s++;
    assert_int_equal(ps_server_size(&cfg), 0);
    ps_server_config_default(&cfg);
    cfg.name_bytes = (UINT64_C(1) << 24) * PS_NAME_MAX + 1;
    assert_int_equal(ps_server_size(&cfg), 0);
    assert_int_equal(ps_server_memory(&cfg, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lines_sum_up),
        cmocka_unit_test(a_session_and_a_publication_cost_what_was_promised),
        cmocka_unit_test(more_than_the_most_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

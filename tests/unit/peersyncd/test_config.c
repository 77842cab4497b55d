#include "unit.h"

#include "peersyncd/config.h"

#include "common/exit_codes.h"

#include <string.h>

static ps_daemon_options options;
static ps_daemon_config config;
static char error[1024];

static int configure(const char *word)
{
    const ps_words words = {.items = &word, .len = word != NULL ? 1 : 0};
    return ps_daemon_configure(&options, &words, "./peersyncd", &config, error, sizeof error);
}

static int reset(void **state)
{
    (void)state;
    ps_daemon_options_default(&options);
    return 0;
}

static void the_default_is_port_5000_of_loopback(void **state)
{
    (void)state;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_int_equal(config.listen_len, 1);
    assert_int_equal(config.listen[0].port, 5000);
    assert_int_equal(config.listen[0].ip[0], 127);
    assert_string_equal(config.credentials, "credentials.txt");
    assert_true(config.server.mem_is_zero);
    assert_false(config.server.records); /* There is nowhere to keep them. */
    assert_int_equal(configure("0"), PS_EXIT_DONE);
    assert_int_equal(config.listen[0].port, 0);
}

static void listen_replaces_loopback_and_takes_the_port(void **state)
{
    (void)state;
    options.listen = (ps_string_list){.items = {"0.0.0.0", "[::]", "10.0.0.1:7", "8"}, .len = 4};
    assert_int_equal(configure("6000"), PS_EXIT_DONE);
    assert_int_equal(config.listen_len, 4);
    assert_int_equal(config.listen[0].port, 6000);
    assert_int_equal(config.listen[1].family, PS_ADDR_V6);
    assert_int_equal(config.listen[1].port, 6000);
    assert_int_equal(config.listen[2].port, 7);
    assert_int_equal(config.listen[3].port, 8);
}

static void bad_words_are_usage(void **state)
{
    (void)state;
    assert_int_equal(configure("65536"), PS_EXIT_USAGE);
    assert_int_equal(configure("-1"), PS_EXIT_USAGE);
    assert_int_equal(configure("usr"), PS_EXIT_USAGE);
    assert_int_equal(configure(""), PS_EXIT_USAGE);
    options.listen = (ps_string_list){.items = {"nowhere:5"}, .len = 1};
    assert_int_equal(configure(NULL), PS_EXIT_USAGE);
    assert_non_null(strstr(error, "--listen 'nowhere:5'"));
}

static void a_journal_is_kept_only_when_asked_for(void **state)
{
    (void)state;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_null(config.journal);
    options.journal = "inputs";
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_string_equal(config.journal, "inputs");
}

static void credentials_follow_the_state_directory(void **state)
{
    (void)state;
    options.state = "/var/lib/x";
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_string_equal(config.credentials, "/var/lib/x/credentials.txt");
    assert_string_equal(config.credentials_option, " --state ");
    assert_true(config.server.records);
    options.credentials = "users";
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_string_equal(config.credentials, "users");
    assert_string_equal(config.credentials_option, " --credentials ");
    static char path[PS_STATE_PATH_MAX + 1];
    memset(path, 'a', sizeof path - 1);
    options.credentials = path;
    assert_int_equal(configure(NULL), PS_EXIT_USAGE);
}

static void capacities_follow_what_was_typed(void **state)
{
    (void)state;
    ps_server_config usual;
    ps_server_config_default(&usual);
    options.max_sessions = (uint64_t)usual.max_sessions * 4;
    options.max_publications = (uint64_t)usual.max_publications / 2;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_int_equal(config.server.max_users, usual.max_users * 4);
    assert_int_equal(config.server.max_devices, usual.max_devices * 4);
    assert_int_equal(config.server.max_user_publications, usual.max_publications / 2);
    assert_true(config.server.name_bytes == usual.name_bytes / 2);
    options.max_publications = (uint64_t)usual.max_publications * 2;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_int_equal(config.server.max_user_publications, usual.max_publications * 2);
    options.name_bytes = 0;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_true(config.server.name_bytes == 0);
}

static void the_smallest_and_the_largest_are_possible(void **state)
{
    (void)state;
    options.max_sessions = options.max_users = options.max_publications = 1;
    options.max_user_publications = options.max_logins = 1;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_true(ps_server_size(&config.server) > 0);
    const uint64_t most = UINT64_C(1) << 24;
    options.max_sessions = options.max_users = options.max_publications = most;
    options.max_user_publications = most;
    options.max_logins = PS_LOGIN_SLOTS_MAX;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_true(ps_server_size(&config.server) > 0);
}

static void logins_and_handshakes_fit_together(void **state)
{
    (void)state;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_true(config.login_threads >= 1 && config.login_threads <= 4);
    assert_true(config.server.max_pending_logins > config.login_slots);
    assert_true(config.server.max_handshakes >= config.server.max_pending_logins);
    assert_int_equal(config.server.ticket_s, 86400);
    assert_int_equal(config.server.file_ticket_s, 3600);
    options.ticket_hours = 1;
    options.file_ticket_minutes = 2;
    options.max_logins = 5000;
    options.login_threads = 7;
    options.handshakes_per_second = 11;
    options.open_handshakes_per_second = 0;
    options.network_handshakes_per_second = 3;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_int_equal(config.server.ticket_s, 3600);
    assert_int_equal(config.server.file_ticket_s, 120);
    assert_int_equal(config.login_slots, 5000);
    assert_int_equal(config.login_threads, 7);
    assert_int_equal(config.server.handshakes_per_s, 11);
    assert_int_equal(config.server.open_per_s, 0);
    assert_int_equal(config.server.network_per_s, 3);
    assert_true(config.server.max_handshakes >= config.server.max_pending_logins);
    options.max_handshakes = 100;
    assert_int_equal(configure(NULL), PS_EXIT_USAGE);
    assert_non_null(strstr(error, "--max-handshakes must be at least 5064"));
    options.max_handshakes = 6000;
    assert_int_equal(configure(NULL), PS_EXIT_DONE);
    assert_int_equal(config.server.max_handshakes, 6000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_default_is_port_5000_of_loopback, reset),
        cmocka_unit_test_setup(listen_replaces_loopback_and_takes_the_port, reset),
        cmocka_unit_test_setup(bad_words_are_usage, reset),
        cmocka_unit_test_setup(a_journal_is_kept_only_when_asked_for, reset),
        cmocka_unit_test_setup(credentials_follow_the_state_directory, reset),
        cmocka_unit_test_setup(capacities_follow_what_was_typed, reset),
        cmocka_unit_test_setup(logins_and_handshakes_fit_together, reset),
        cmocka_unit_test_setup(the_smallest_and_the_largest_are_possible, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "rig.h"

static tape t;
static char *text;

/* The lines of inputs `from` to `up`. */
static void explain(uint64_t from, uint64_t up)
{
    static replay_result result;
    size_t len = 0;
    free(text);
    text = NULL;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    const replay_lines lines = {.to = to, .from = from, .up = up};
    assert_true(replays(&t, &lines, &result));
    assert_int_equal(fclose(to), 0);
}

static int forget(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    return 0;
}

#define has(words)     assert_non_null(strstr(text, words))
#define has_not(words) assert_null(strstr(text, words))

static void a_servers_history_is_told(void **state)
{
    (void)state;
    record_server(&t);
    explain(1, UINT64_MAX);
    has("      1 0.000000 <- WALL_CLOCK 1700000000 s\n");
    has("      2 0.001000 <- 127.0.0.1:4000 to 0000000000000000 counter 0: LOGIN request 7 user "
        "\"alice\" secret of 11 bytes");
    has("      2 0.001000 ** LOGIN_REQUEST user \"alice\" from 127.0.0.1:4000 login ");
    has("      4 0.003000 <- VERDICT on login ");
    has("      4 0.003000 ** SESSION_OPENED \"alice\" at 127.0.0.1:4000\n");
    has("      4 0.003000 -> 127.0.0.1:4000 to 0000000000000001 counter 1: LOGIN_OK request 7");
    has("      5 0.004000 <- 127.0.0.1:4002 no packet, 40 bytes: unknown packet type\n");
    has("      5 0.004000 !! dropped: type (unknown packet type)\n");
    has("      6 0.005000 -> 127.0.0.1:4001 to 0000000000000001 counter 0: ERROR request 8 "
        "CREDENTIALS (3)");
    has("      7 0.006000 <- ENTROPY of 22 bytes\n");
    has(" ** SESSION_CLOSED \"alice\" at 127.0.0.1:4000 by silence\n");
    has_not(PASSWORD);
    has_not("password???");
}

static void a_peers_history_is_told(void **state)
{
    (void)state;
    record_peer(&t);
    explain(1, UINT64_MAX);
    has("      1 0.000000 <- LOGIN at 127.0.0.1:5000 user \"alice\" secret of 11 bytes, stream "
        "port 7001\n");
    has("      1 0.000000 -> 127.0.0.1:5000 to 0000000000000000 counter 0: LOGIN request ");
    has("      2 0.001000 <- PUBLISH tag abc \"song.ogg\" 5 bytes, root 000000000000...\n");
    has(" ** REFUSED TIMEOUT");
    has_not(PASSWORD);
}

static void only_the_inputs_that_were_asked_for_are_told(void **state)
{
    (void)state;
    record_server(&t);
    explain(4, 5);
    has_not("WALL_CLOCK");
    has("SESSION_OPENED");
    has("!! dropped");
    has_not("SESSION_CLOSED");
    explain(11, UINT64_MAX);
    assert_string_equal(text, "");
}

/* Every kind has a line, whatever it says; names cannot steer a terminal. */
static void every_kind_of_input_is_told(void **state)
{
    (void)state;
    for (int type = PS_INPUT_TICK; type <= PS_INPUT_LOCATE; type++) {
        ps_input in = {.type = (ps_input_type)type, .now_us = 1};
        size_t len = 0;
        if (type == PS_INPUT_SEARCH) {
            in.u.command.text = span_of("\x1b[31m");
        }
        if (type == PS_INPUT_RESTORE) {
            in.u.restore.name = span_of("\x1b[31m");
        }
        forget(NULL);
        FILE *to = open_memstream(&text, &len);
        assert_non_null(to);
        replay_print_input(to, 1, 1500001, &in);
        assert_int_equal(fclose(to), 0);
        has("      1 -1.500000 <- ");
        assert_int_equal(text[len - 1], '\n');
        assert_null(strchr(text, 0x1b));
        assert_string_not_equal(replay_input_name(in.type), "unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_history_is_told),
        cmocka_unit_test(a_peers_history_is_told),
        cmocka_unit_test(only_the_inputs_that_were_asked_for_are_told),
        cmocka_unit_test(every_kind_of_input_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}

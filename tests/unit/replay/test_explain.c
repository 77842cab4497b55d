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

/* DATA is told by its messages: what came as it was opened in place, what goes out from a copy. */
static void a_servers_history_is_told_of(uint32_t kind)
{
    static tape alice;
    record_both(&t, &alice, kind);
    explain(1, UINT64_MAX);
    has("      1 0.000000 <- WALL_CLOCK 1700000000 s\n");
    has("      2 0.002000 <- 127.0.0.1:4001 INITIATE from ");
    has("      2 0.002000 -> 127.0.0.1:4001 RESPOND to ");
    has(" counter 1: LOGIN request ");
    has(" user \"alice\" secret of 11 bytes, method 1 device 64657669...");
    has(" ** LOGIN_REQUEST user \"alice\" from 127.0.0.1:4001 login ");
    has(" by password\n");
    has(" by password, device known\n");
    has(" by ticket, device known\n");
    has(" <- VERDICT on login ");
    has(" ** SESSION_OPENED \"alice\" at 127.0.0.1:4001\n");
    has(" counter 1: LOGIN_OK request ");
    has(" bytes, file keys of 3 epochs from 19674\n");
    has(" LOCATE request ");
    has(" of \"alice\" active at 127.0.0.1:7001 ticket of 125\n");
    has(" -> 127.0.0.1:4002 RETRY to ");
    has(" with a cookie\n");
    has(" secret of 11 bytes, method 1, beside it a ticket of ");
    has(" ERROR request ");
    has(" CREDENTIALS (3)");
    has(": PUBLISH request ");
    has(" generation 1 \"song.ogg\" (5 bytes");
    has(" <- 127.0.0.1:4002 no packet, 40 bytes: unknown packet type\n");
    has(" !! dropped: type (unknown packet type)\n");
    has(" <- 127.0.0.1:4002 to 0000000000000000 counter 0: sealed, 27 bytes\n");
    has(" -> 127.0.0.1:4002 RESET to 0000000000000000 counter 0\n");
    has(" <- ENTROPY of 22 bytes\n");
    has(" <- EXPEL \"bob\"\n");
    has(" ** SESSION_CLOSED \"alice\" at 127.0.0.1:4001 by replaced by the same device\n");
    has(" ** SESSION_CLOSED \"alice\" at 127.0.0.1:4001 by silence\n");
    has_not(PASSWORD);
    has_not("password???");
}

static void a_servers_history_is_told(void **state)
{
    (void)state;
    a_servers_history_is_told_of(PS_CRYPTO_REAL);
    a_servers_history_is_told_of(PS_CRYPTO_STAND_IN);
}

static void a_peers_history_is_told(void **state)
{
    (void)state;
    record_peer(&t);
    explain(1, UINT64_MAX);
    has("      1 0.000000 <- LOGIN at 127.0.0.1:4000 user \"alice\" secret of 11 bytes, ticket of "
        "0, "
        "stream port 7001\n");
    has("      1 0.000000 -> 127.0.0.1:4000 INITIATE from ");
    has(" <- 127.0.0.1:4000 RESPOND to ");
    has(" ** SERVER_KEY ");
    has(" <- TRUST ");
    has(" counter 1: LOGIN request ");
    has(" counter 1: LOGIN_OK request ");
    has(" ** TICKET of ");
    has(" ** FILE_KEYS of 3 epochs from 19674\n");
    has(" ** LOGGED_IN, seen as 127.0.0.1:4001\n");
    has(" <- PUBLISH tag abc \"song.ogg\" 5 bytes, root 000000000000...\n");
    has(": PUBLISHED request ");
    has(" ** LOGGED_OUT\n");
    has_not(PASSWORD);
}

static void a_source_is_told_without_its_key(void **state)
{
    (void)state;
    ps_journal_head head = small_peer(PS_CRYPTO_STAND_IN, 1);
    const uint64_t drops[PS_DROP_COUNT] = {0};
    replay_machine m;
    size_t len = 0;
    assert_null(replay_machine_open(&m, &head));
    ps_event *e = &m.out.events[m.out.events_len++];
    *e = (ps_event){.type = PS_EVENT_SOURCE};
    e->u.entry.user = span_of("alice");
    e->u.entry.ticket = span_of("do not print this");
    e->u.entry.key = span_of("nor this");
    forget(NULL);
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    replay_print_outcome(to, 1, 0, 0, &m, drops);
    assert_int_equal(fclose(to), 0);
    replay_machine_close(&m);
    has(" away ticket of 17 bytes\n");
    has_not("this");
}

static void only_the_inputs_that_were_asked_for_are_told(void **state)
{
    (void)state;
    record_server(&t);
    explain(3, 4);
    has_not("WALL_CLOCK");
    has("LOGIN_REQUEST");
    has("SESSION_OPENED");
    has_not("SESSION_CLOSED");
    explain(server_inputs + 1, UINT64_MAX);
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
        replay_print_input(to, 1, 1500001, &in, 0);
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
        cmocka_unit_test(a_source_is_told_without_its_key),
        cmocka_unit_test(only_the_inputs_that_were_asked_for_are_told),
        cmocka_unit_test(every_kind_of_input_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}

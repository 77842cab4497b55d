#include "rig.h"

#include <sys/stat.h>
#include <unistd.h>

static tape t;
static tape copy;
static char dir[64];
static char path[128];

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/scrubbed", dir);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static const char *scrub(void)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    static char why[256];
    ps_journal_memory memory = {.data = t.bytes, .len = t.len};
    return replay_scrub(ps_journal_read_memory, &memory, buffer, path, why, sizeof why);
}

static void load_copy(void)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    copy.len = fread(copy.bytes, 1, sizeof copy.bytes, file);
    fclose(file);
}

static void absent(const void *what, size_t len)
{
    assert_int_equal(place_of_bytes(&copy, 0, what, len), SIZE_MAX);
}

static void present(const void *what, size_t len)
{
    assert_int_not_equal(place_of_bytes(&t, 0, what, len), SIZE_MAX);
    absent(what, len);
}

/* The copy replays, and says what it is. */
static void the_copy_is_a_true_journal(void)
{
    static replay_result result;
    const replay_lines no_lines = {.to = NULL};
    assert_null(scrub());
    load_copy();
    assert_true(replays(&copy, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_true(result.head.scrubbed);
    assert_true(replays(&t, &no_lines, &result));
    assert_false(result.head.scrubbed);
}

/* What a machine that opens the copy is told: requests to verify a password, and by ticket. */
static void requests_in_the_copy(unsigned *by_password, unsigned *by_ticket)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    ps_journal_memory memory = {.data = copy.bytes, .len = copy.len};
    ps_journal_reader reader;
    ps_journal_record record;
    ps_journal_head head;
    replay_machine m;
    ps_input in;
    ps_journal_reader_init(&reader, ps_journal_read_memory, &memory, buffer, &head);
    assert_null(replay_machine_open(&m, &head));
    *by_password = *by_ticket = 0;
    while (ps_journal_next(&reader, &record) == PS_JOURNAL_OK &&
           ps_journal_next_input(&reader, &in)) {
        (void)replay_machine_step(&m, &in);
        for (size_t i = 0; i < m.out.events_len; i++) {
            const ps_event_login *login = &m.out.events[i].u.login;
            if (m.out.events[i].type != PS_EVENT_LOGIN_REQUEST) {
                continue;
            }
            *by_password += !login->by_ticket;
            *by_ticket += login->by_ticket;
            if (login->by_ticket) {
                assert_int_equal(login->credential[0], 0);
            } else {
                assert_memory_equal(login->password.data, "***********", 11);
            }
        }
    }
    replay_machine_close(&m);
}

static void a_servers_secrets_are_replaced(void **state)
{
    (void)state;
    static tape alice;
    static const uint32_t kinds[] = {PS_CRYPTO_REAL, PS_CRYPTO_STAND_IN};
    for (size_t k = 0; k < 2; k++) {
        unsigned by_password, by_ticket;
        const ps_journal_head head = small_server(kinds[k]);
        record_both(&t, &alice, kinds[k]);
        the_copy_is_a_true_journal();
        present(head.server.static_secret, 32);
        present(head.server.realm_secret, 32);
        present(credential, sizeof credential);
        present(PASSWORD, strlen(PASSWORD)); /* In what was no packet. */
        absent(last_ticket, last_ticket_len);
        assert_int_equal(unlink(path), 0);
        requests_in_the_copy(&by_password, &by_ticket);
        assert_int_equal(by_password, 4);
        assert_true(by_ticket > 0);
    }
}

/* Does the machine of this journal put these bytes into its output? */
static bool says(const tape *journal, const uint8_t what[PS_KEY_BYTES])
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    ps_journal_memory memory = {.data = journal->bytes, .len = journal->len};
    ps_journal_reader reader;
    ps_journal_record record;
    ps_journal_head head;
    replay_machine m;
    ps_input in;
    bool found = false;
    ps_journal_reader_init(&reader, ps_journal_read_memory, &memory, buffer, &head);
    assert_null(replay_machine_open(&m, &head));
    while (ps_journal_next(&reader, &record) == PS_JOURNAL_OK) {
        while (ps_journal_next_input(&reader, &in)) {
            (void)replay_machine_step(&m, &in);
            for (size_t at = 0; at + PS_KEY_BYTES <= m.out.bytes_len; at++) {
                found = found || memcmp(m.out.bytes + at, what, PS_KEY_BYTES) == 0;
            }
        }
    }
    replay_machine_close(&m);
    return found;
}

/* The copy's server has the same seed, and yet hands out other keys: these seals hide nothing. */
static void a_copy_makes_no_key_of_a_transfer(void **state)
{
    (void)state;
    record_server(&t);
    the_copy_is_a_true_journal();
    assert_true(says(&t, file_key));
    assert_true(says(&t, file_ticket_key));
    assert_false(says(&copy, file_key));
    assert_false(says(&copy, file_ticket_key));
}

/* The same lines but for keys and ids of nobody: the story is the same. */
static void a_servers_copy_tells_the_same_story(void **state)
{
    (void)state;
    static replay_result result;
    char *text[2] = {NULL, NULL};
    record_server(&t);
    assert_null(scrub());
    load_copy();
    for (unsigned i = 0; i < 2; i++) {
        size_t len = 0;
        const replay_lines lines = {
            .to = open_memstream(&text[i], &len), .from = 1, .up = UINT64_MAX};
        assert_non_null(lines.to);
        assert_true(replays(i == 0 ? &t : &copy, &lines, &result));
        assert_int_equal(fclose(lines.to), 0);
    }
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

static void a_peers_secrets_are_replaced(void **state)
{
    (void)state;
    const ps_journal_head head = small_peer(PS_CRYPTO_STAND_IN, 0x5e + ALICE);
    record_peer(&t);
    the_copy_is_a_true_journal();
    present(head.peer.seed, 32);
    present(PASSWORD, strlen(PASSWORD));
    present(last_ticket, last_ticket_len);
    present(device, sizeof device);
    present(file_key, sizeof file_key); /* Nothing of what the server said is in the copy. */
    assert_int_not_equal(place_of(&copy, PREAMBLE, "***********"), SIZE_MAX);
    assert_int_not_equal(place_of(&copy, PREAMBLE, "alice"), SIZE_MAX);
    assert_int_not_equal(place_of(&copy, PREAMBLE, "song.ogg"), SIZE_MAX);
}

static void a_cut_journal_is_copied_up_to_the_cut(void **state)
{
    (void)state;
    static replay_result result;
    const replay_lines no_lines = {.to = NULL};
    record_server(&t);
    t.len -= 3;
    assert_null(scrub());
    load_copy();
    assert_true(replays(&copy, &no_lines, &result));
    assert_int_equal(result.end, PS_JOURNAL_END);
    assert_int_equal(result.inputs, server_inputs - 1);
}

static void what_cannot_be_done_is_told(void **state)
{
    (void)state;
    record_server(&t);
    strcat(path, "/nowhere");
    assert_non_null(scrub());
    snprintf(path, sizeof path, "%s/scrubbed", dir);
    t.bytes[0] = 'X';
    assert_non_null(scrub());
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_servers_secrets_are_replaced, enter, leave),
        cmocka_unit_test_setup_teardown(a_copy_makes_no_key_of_a_transfer, enter, leave),
        cmocka_unit_test_setup_teardown(a_servers_copy_tells_the_same_story, enter, leave),
        cmocka_unit_test_setup_teardown(a_peers_secrets_are_replaced, enter, leave),
        cmocka_unit_test_setup_teardown(a_cut_journal_is_copied_up_to_the_cut, enter, leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_done_is_told, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

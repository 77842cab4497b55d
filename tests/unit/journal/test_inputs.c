#include "rig.h"

static uint8_t bytes[4096];
static ps_input all[EVERY_INPUT];

static size_t put(const ps_input *in)
{
    sheet s = {.base = bytes, .cap = sizeof bytes};
    ps_journal_input_put(&s, in);
    assert_false(s.full);
    return s.len;
}

/* There and back; the spans live in `bytes`. */
static ps_input again(ps_input_type type)
{
    ps_input out;
    const size_t len = put(&all[type - PS_INPUT_TICK]);
    strip s = {.at = bytes, .left = len};
    ps_journal_input_get(&s, &out);
    assert_false(s.bad);
    assert_int_equal(s.left, 0);
    assert_int_equal(out.type, type);
    assert_true(out.now_us == UINT64_C(0xfedcba9876543210) + (type - PS_INPUT_TICK));
    return out;
}

static int fill(void **state)
{
    (void)state;
    every_input(all);
    return 0;
}

static void assert_content(const ps_content *a, const ps_content *b)
{
    assert_true(a->length == b->length);
    assert_memory_equal(a->root, b->root, PS_ROOT_BYTES);
}

static void what_the_network_brings_comes_back(void **state)
{
    (void)state;
    const ps_input_datagram *was = &all[1].u.datagram;
    const ps_input out = again(PS_INPUT_DATAGRAM);
    assert_memory_equal(&out.u.datagram.from, &was->from, sizeof was->from);
    assert_int_equal(out.u.datagram.endpoint, 0xa1b2c3d4);
    assert_int_equal(out.u.datagram.len, 4);
    assert_memory_equal(out.u.datagram.data, was->data, 4);
    (void)again(PS_INPUT_TICK);
}

static void what_the_host_of_a_server_says_comes_back(void **state)
{
    (void)state;
    ps_input out = again(PS_INPUT_ENTROPY);
    assert_true(span_equal(out.u.entropy, all[2].u.entropy));
    out = again(PS_INPUT_WALL_CLOCK);
    assert_true(out.u.wall_s == UINT64_C(0x1020304050607080));
    out = again(PS_INPUT_VERDICT);
    assert_true(out.u.verdict.pending == UINT64_C(0x8877665544332211));
    assert_int_equal(out.u.verdict.error, PS_E_NONE);
    assert_int_equal(out.u.verdict.retry_ms, 0x01020304);
    assert_memory_equal(out.u.verdict.credential, all[4].u.verdict.credential, 16);
    all[4].u.verdict.error = PS_E_CREDENTIALS;
    out = again(PS_INPUT_VERDICT);
    assert_int_equal(out.u.verdict.error, PS_E_CREDENTIALS);
    assert_int_equal(out.u.verdict.credential[0], 0); /* It has no meaning then. */
    all[4].u.verdict.error = PS_E_NONE;
    out = again(PS_INPUT_EXPEL);
    assert_true(span_equal(out.u.expel, span_of("mallory")));
    out = again(PS_INPUT_STORE);
    assert_int_equal(out.u.store_retry_ms, 0x0a0b0c0d);
}

static void a_restored_record_comes_back(void **state)
{
    (void)state;
    const ps_input_restore *was = &all[5].u.restore;
    const ps_input out = again(PS_INPUT_RESTORE);
    assert_true(out.u.restore.generation == 77);
    assert_true(span_equal(out.u.restore.user, was->user));
    assert_memory_equal(out.u.restore.device, was->device, PS_DEVICE_BYTES);
    assert_true(span_equal(out.u.restore.name, was->name));
    assert_content(&out.u.restore.content, &was->content);
    assert_true(out.u.restore.published);
}

static void what_the_host_of_a_peer_says_comes_back(void **state)
{
    (void)state;
    const ps_input_login *was = &all[8].u.login;
    ps_input out = again(PS_INPUT_LOGIN);
    assert_memory_equal(&out.u.login.server, &was->server, sizeof was->server);
    assert_int_equal(out.u.login.endpoint, 2);
    assert_int_equal(out.u.login.stream_port, 0xfedc);
    assert_memory_equal(out.u.login.device, was->device, PS_DEVICE_BYTES);
    assert_true(span_equal(out.u.login.user, was->user));
    assert_true(span_equal(out.u.login.password, was->password));
    assert_true(span_equal(out.u.login.ticket, was->ticket));
    assert_true(out.u.login.key_known);
    assert_memory_equal(out.u.login.server_key, was->server_key, PS_KEY_BYTES);
    all[8].u.login.key_known = false;
    out = again(PS_INPUT_LOGIN);
    assert_false(out.u.login.key_known);
    assert_int_equal(out.u.login.server_key[0], 0);
    all[8].u.login.key_known = true;
    out = again(PS_INPUT_TRUST);
    assert_memory_equal(out.u.trust, all[9].u.trust, PS_KEY_BYTES);
    (void)again(PS_INPUT_LOGOUT);
    for (int type = PS_INPUT_PUBLISH; type <= PS_INPUT_LOCATE; type++) {
        const ps_input_command *command = &all[type - PS_INPUT_TICK].u.command;
        out = again((ps_input_type)type);
        assert_true(out.u.command.tag == command->tag);
        assert_true(span_equal(out.u.command.text, command->text));
    }
    out = again(PS_INPUT_PUBLISH);
    assert_content(&out.u.command.content, &all[11].u.command.content);
}

/* Every proper prefix lacks something; every room that is too small says so. */
static void prefixes_and_small_rooms_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EVERY_INPUT; i++) {
        const size_t len = put(&all[i]);
        for (size_t cut = 0; cut < len; cut++) {
            ps_input out;
            uint8_t *exact = exact_copy(bytes, cut);
            strip short_strip = {.at = exact, .left = cut};
            ps_journal_input_get(&short_strip, &out);
            assert_true(short_strip.bad);
            sheet small = {.base = exact, .cap = cut};
            ps_journal_input_put(&small, &all[i]);
            assert_true(small.full);
            free(exact);
        }
    }
}

static void kinds_that_are_not_known_are_refused(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        ps_input out;
        memset(bytes, 0, sizeof bytes);
        bytes[8] = (uint8_t)type;
        strip s = {.at = bytes, .left = sizeof bytes};
        ps_journal_input_get(&s, &out);
        assert_int_equal(s.bad, type < PS_INPUT_TICK || type > PS_INPUT_LOCATE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_network_brings_comes_back),
        cmocka_unit_test(what_the_host_of_a_server_says_comes_back),
        cmocka_unit_test(a_restored_record_comes_back),
        cmocka_unit_test(what_the_host_of_a_peer_says_comes_back),
        cmocka_unit_test(prefixes_and_small_rooms_are_refused),
        cmocka_unit_test(kinds_that_are_not_known_are_refused),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}

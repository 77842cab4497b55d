/* Who has the ticket and its key gets a connection of TLS 1.3; nobody else does. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

static void test_both_ends_agree(void **state)
{
    (void)state;
    rig r;
    uint8_t client[32];
    uint8_t server[32];
    uint8_t first[32];
    rig_open(&r);
    rig_connect(&r);
    assert_string_equal(ps_tls_cipher(r.client), ps_tls_cipher(r.server));
    assert_non_null(strstr(ps_tls_cipher(r.client), "_SHA256"));
    ps_tls_binding(r.client, client);
    ps_tls_binding(r.server, server);
    assert_memory_equal(client, server, 32);
    memcpy(first, client, 32);
    assert_false(ps_tls_refused(r.client));
    rig_send(&r, r.client, r.server, "ask", 3);
    rig_send(&r, r.server, r.client, "answer", 6);
    rig_connect(&r);
    ps_tls_binding(r.client, client);
    assert_memory_not_equal(client, first, 32);
    rig_close(&r);
}

/* Ends on one processor agree on what is fast there. The build runs this test a second time with
 * the processor's AES instructions hidden from OpenSSL, and says what it expects then. */
static void test_fast_cipher(void **state)
{
    (void)state;
    rig r;
    const char *expected = getenv("PEERSYNC_EXPECTED_CIPHER");
    rig_open(&r);
    rig_connect(&r);
    if (expected) {
        assert_string_equal(ps_tls_cipher(r.client), expected);
    }
    rig_close(&r);
}

/* Whatever the stream makes of the bytes' bounds. */
static void test_any_split(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    r.pipe.most = 1;
    rig_connect(&r);
    rig_send(&r, r.client, r.server, "ask", 3);
    for (uint64_t seed = 0; seed < 20; seed++) {
        r.pipe.most = 200;
        r.pipe.split = true;
        r.pipe.random = test_random_of(seed);
        r.pipe.way[seed % 2].limit = 50;
        rig_connect(&r);
        rig_send(&r, r.server, r.client, "answer", 6);
    }
    rig_close(&r);
}

static void test_first_byte(void **state)
{
    (void)state;
    rig r;
    uint8_t byte = 0;
    size_t n = 0;
    rig_open(&r);
    rig_ends(&r, rig_ticket(&r), r.key);
    assert_int_equal(ps_tls_handshake(r.client), PS_AGAIN);
    assert_int_equal(ps_tls_wants(r.client), PS_READABLE);
    assert_int_equal(r.io.read(r.io.ctx, RIG_SERVER, &byte, 1, &n), PS_OK);
    assert_int_equal(byte, PS_TLS_FIRST_BYTE);
    rig_close(&r);
}

static void expect_refusal(rig *r, ps_span ticket, const uint8_t *key, const char *server)
{
    rig_ends(r, ticket, key);
    assert_false(rig_shake(r));
    assert_int_equal(ps_tls_handshake(r->client), PS_FAILED);
    assert_string_equal(ps_tls_error(r->client), "the other side refused the ticket");
    assert_true(ps_tls_refused(r->client));
    assert_false(ps_tls_refused(r->server));
    assert_int_equal(ps_tls_handshake(r->server), PS_FAILED);
    assert_string_equal(ps_tls_error(r->server), server);
    assert_int_equal(ps_tls_wants(r->server), 0);
    rig_expect(r->server, PS_FAILED);
    assert_int_equal(ps_tls_flush(r->server), PS_FAILED);
    assert_int_equal(ps_tls_finish(r->server), PS_FAILED);
    assert_string_equal(ps_tls_cipher(r->server), "");
}

static void test_wrong_key(void **state)
{
    (void)state;
    rig r;
    uint8_t key[PS_KEY_BYTES];
    rig_open(&r);
    for (size_t bit = 0; bit < 8 * sizeof key; bit += 37) {
        memcpy(key, r.key, sizeof key);
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_refusal(&r, rig_ticket(&r), key, "it does not know the ticket's key");
    }
    memset(key, 0, sizeof key);
    expect_refusal(&r, rig_ticket(&r), key, "it does not know the ticket's key");
    rig_close(&r);
}

static void test_wrong_ticket(void **state)
{
    (void)state;
    rig r;
    uint8_t ticket[RIG_TICKET_LEN];
    rig_open(&r);
    memcpy(ticket, r.ticket, sizeof ticket);
    for (size_t at = 0; at < sizeof ticket; at += 31) {
        ticket[at] ^= 0x10u;
        expect_refusal(&r, (ps_span){ticket, sizeof ticket}, r.key, "its ticket is not good here");
        ticket[at] ^= 0x10u;
    }
    expect_refusal(&r, (ps_span){ticket, sizeof ticket - 1}, r.key, "its ticket is not good here");
    assert_true(r.looks > 0);
    rig_close(&r);
}

/* A context of a peer that only downloads serves nobody. */
static void test_no_uploader(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    ps_tls_context *up = r.up;
    r.up = r.down;
    expect_refusal(&r, rig_ticket(&r), r.key, "its ticket is not good here");
    r.up = up;
    rig_close(&r);
}

static void test_calls_before_the_handshake(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    rig_ends(&r, rig_ticket(&r), r.key);
    assert_string_equal(ps_tls_error(r.client), "");
    assert_int_equal(ps_tls_flush(r.client), PS_OK);
    r.pipe.way[0].limit = 20;
    assert_int_equal(ps_tls_handshake(r.client), PS_AGAIN);
    assert_int_equal(ps_tls_wants(r.client), PS_READABLE | PS_WRITABLE);
    assert_int_equal(ps_tls_flush(r.client), PS_AGAIN);
    r.pipe.way[0].limit = TEST_PIPE_BYTES;
    assert_int_equal(ps_tls_flush(r.client), PS_OK);
    assert_true(rig_shake(&r));
    rig_ends(&r, rig_ticket(&r), r.key);
    rig_expect(r.client, PS_FAILED);
    assert_string_equal(ps_tls_error(r.client), "no handshake was made");
    ps_tls_free(NULL);
    ps_tls_context_free(NULL);
    rig_close(&r);
}

/* A stream that breaks or ends under the handshake. */
static void test_hung_up(void **state)
{
    (void)state;
    rig r;
    rig_open(&r);
    rig_ends(&r, rig_ticket(&r), r.key);
    assert_int_equal(ps_tls_handshake(r.client), PS_AGAIN);
    assert_int_equal(r.io.finish(r.io.ctx, RIG_SERVER), PS_OK);
    assert_int_equal(ps_tls_handshake(r.client), PS_FAILED);
    assert_string_equal(ps_tls_error(r.client), "the other side hung up in the middle");
    assert_false(ps_tls_refused(r.client));
    rig_ends(&r, rig_ticket(&r), r.key);
    r.pipe.broken = true;
    assert_int_equal(ps_tls_handshake(r.client), PS_FAILED);
    assert_string_equal(ps_tls_error(r.client), "the connection broke");
    assert_int_equal(ps_tls_handshake(r.server), PS_FAILED);
    assert_string_equal(ps_tls_error(r.server), "the connection broke");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_agree), cmocka_unit_test(test_fast_cipher),
        cmocka_unit_test(test_any_split),       cmocka_unit_test(test_first_byte),
        cmocka_unit_test(test_wrong_key),       cmocka_unit_test(test_wrong_ticket),
        cmocka_unit_test(test_no_uploader),     cmocka_unit_test(test_calls_before_the_handshake),
        cmocka_unit_test(test_hung_up),
    };
    return cmocka_run_group_tests_name("tls handshake", tests, NULL, NULL);
}

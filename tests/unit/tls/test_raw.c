/* OpenSSL's own client and server against ours: what is agreed, and what is never agreed. */
#include "raw.h"
#include "rig.h"

#include <openssl/rand.h>
#include <string.h>

/* Our server with that client, or the other way round. @return true: both handshakes are done. */
static bool shake(rig *r, raw *w, ps_tls *ours)
{
    bool raw_done = false;
    bool ours_done = false;
    for (unsigned turn = 0; turn < 100; turn++) {
        const int theirs = raw_shake(w);
        const ps_status status = ps_tls_handshake(ours);
        raw_done = theirs == 1;
        ours_done = status == PS_OK;
        if (theirs < 0 || status == PS_FAILED) {
            return false;
        }
        if (raw_done && ours_done) {
            return true;
        }
    }
    (void)r;
    return false;
}

static void start(rig *r, raw *w)
{
    rig_open(r);
    rig_ends(r, rig_ticket(r), r->key);
    raw_open(w, &r->io, RIG_CLIENT, r->key);
    raw_identity(w, rig_ticket(r));
}

static void stop(rig *r, raw *w)
{
    raw_close(w);
    rig_close(r);
}

static void test_each_cipher(void **state)
{
    (void)state;
    static const char *const ciphers[] = {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"};
    for (unsigned i = 0; i < 2; i++) {
        rig r;
        raw w;
        char got[5] = "";
        uint8_t theirs[32];
        uint8_t ours[32];
        start(&r, &w);
        assert_int_equal(SSL_CTX_set_ciphersuites(w.ctx, ciphers[i]), 1);
        raw_start(&w, false);
        assert_true(shake(&r, &w, r.server));
        assert_string_equal(ps_tls_cipher(r.server), ciphers[i]);
        assert_int_equal(
            SSL_export_keying_material(w.ssl, theirs, 32, "EXPORTER-peersync-open", 22, NULL, 0, 0),
            1);
        ps_tls_binding(r.server, ours);
        assert_memory_equal(theirs, ours, 32);
        assert_int_equal(SSL_write(w.ssl, "hello", 5), 5);
        raw_move(&w);
        size_t n = 0;
        assert_int_equal(ps_tls_read(r.server, got, sizeof got, &n), PS_OK);
        assert_memory_equal(got, "hello", 5);
        stop(&r, &w);
    }
}

/* Our client meets a server that has one cipher only. */
static void test_each_cipher_as_client(void **state)
{
    (void)state;
    static const char *const ciphers[] = {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"};
    for (unsigned i = 0; i < 2; i++) {
        rig r;
        raw w;
        start(&r, &w);
        w.stream = RIG_SERVER;
        assert_int_equal(SSL_CTX_set_ciphersuites(w.ctx, ciphers[i]), 1);
        raw_start(&w, true);
        assert_true(shake(&r, &w, r.client));
        assert_string_equal(ps_tls_cipher(r.client), ciphers[i]);
        stop(&r, &w);
    }
}

/* A client that puts ChaCha20 first has no AES instructions: it gets its way. */
static void test_chacha_first(void **state)
{
    (void)state;
    rig r;
    raw w;
    start(&r, &w);
    assert_int_equal(
        SSL_CTX_set_ciphersuites(w.ctx, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"), 1);
    raw_start(&w, false);
    assert_true(shake(&r, &w, r.server));
    assert_string_equal(ps_tls_cipher(r.server), "TLS_CHACHA20_POLY1305_SHA256");
    stop(&r, &w);
}

static void expect_failure(rig *r, raw *w, const char *words)
{
    raw_start(w, false);
    assert_false(shake(r, w, r->server));
    assert_int_equal(ps_tls_handshake(r->server), PS_FAILED);
    assert_string_equal(ps_tls_error(r->server), words);
    stop(r, w);
}

static void test_no_key_offered(void **state)
{
    (void)state;
    rig r;
    raw w;
    start(&r, &w);
    w.identity[0] = '\0';
    expect_failure(&r, &w, "it offered no ticket");
}

/* The identity is the ticket's one text: padding, other alphabets and loose ends are refused. */
static void test_other_texts_of_the_ticket(void **state)
{
    (void)state;
    static const char *const endings[] = {"=", "==", "A", "\n", ".", "AAAA"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        rig r;
        raw w;
        start(&r, &w);
        strcat(w.identity, endings[i]);
        expect_failure(&r, &w, "its ticket is not good here");
    }
    rig r;
    raw w;
    start(&r, &w);
    r.ticket_len = 184;
    raw_identity(&w, rig_ticket(&r));
    w.identity[strlen(w.identity) - 1]++; /* The same bytes, but bits that should be zero. */
    expect_failure(&r, &w, "its ticket is not good here");
    start(&r, &w);
    memset(w.identity, 'A', 500);
    expect_failure(&r, &w, "its ticket is not good here");
}

static void test_tls_1_2(void **state)
{
    (void)state;
    rig r;
    raw w;
    start(&r, &w);
    assert_int_equal(SSL_CTX_set_max_proto_version(w.ctx, TLS1_2_VERSION), 1);
    expect_failure(&r, &w, "it speaks no TLS 1.3");
}

static void test_other_ciphers(void **state)
{
    (void)state;
    rig r;
    raw w;
    start(&r, &w);
    assert_int_equal(SSL_CTX_set_ciphersuites(w.ctx, "TLS_AES_256_GCM_SHA384"), 1);
    expect_failure(&r, &w, "it has none of our ciphers");
}

/* Another group first: the client is asked again, and answers. */
static void test_another_group(void **state)
{
    (void)state;
    char groups[] = "P-521:P-256:X25519";
    rig r;
    raw w;
    start(&r, &w);
    assert_int_equal(SSL_CTX_set1_groups_list(w.ctx, groups), 1);
    raw_start(&w, false);
    assert_true(shake(&r, &w, r.server));
    assert_int_equal(r.looks, 2);
    stop(&r, &w);
}

static unsigned tickets;

static int count_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    (void)session;
    tickets++;
    return 0;
}

/* No ticket comes, and the session that the client kept opens nothing. */
static void test_no_resumption(void **state)
{
    (void)state;
    rig r;
    raw w;
    uint8_t byte = 0;
    tickets = 0;
    start(&r, &w);
    SSL_CTX_set_session_cache_mode(w.ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(w.ctx, count_ticket);
    raw_start(&w, false);
    assert_true(shake(&r, &w, r.server));
    rig_expect(r.server, PS_AGAIN);
    assert_int_equal(ps_tls_flush(r.server), PS_OK);
    raw_move(&w);
    assert_int_equal(SSL_read(w.ssl, &byte, 1), -1);
    assert_int_equal(tickets, 0);
    SSL_SESSION *session = SSL_get1_session(w.ssl);
    assert_non_null(session);
    assert_int_equal(SSL_SESSION_is_resumable(session), 0);
    SSL_free(w.ssl);
    rig_ends(&r, rig_ticket(&r), r.key);
    w.identity[0] = '\0';
    raw_start(&w, false);
    (void)SSL_set_session(w.ssl, session);
    assert_false(shake(&r, &w, r.server));
    assert_int_equal(ps_tls_handshake(r.server), PS_FAILED);
    SSL_SESSION_free(session);
    stop(&r, &w);
}

/* Early data is refused: the handshake goes on, and the bytes never come out. */
static void test_no_early_data(void **state)
{
    (void)state;
    rig r;
    raw w;
    char got[8] = "";
    size_t n = 0;
    start(&r, &w);
    w.max_early_data = 1000;
    raw_start(&w, false);
    assert_int_equal(SSL_write_early_data(w.ssl, "early", 5, &n), 1);
    assert_true(shake(&r, &w, r.server));
    assert_int_equal(SSL_get_early_data_status(w.ssl), SSL_EARLY_DATA_REJECTED);
    assert_int_equal(SSL_write(w.ssl, "late", 4), 4);
    raw_move(&w);
    assert_int_equal(ps_tls_read(r.server, got, sizeof got, &n), PS_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(got, "late", 4);
    stop(&r, &w);
}

/* A server that does not know the ticket has nothing to show, or a certificate: our client goes. */
static void test_server_without_the_key(void **state)
{
    (void)state;
    for (unsigned certified = 0; certified < 2; certified++) {
        rig r;
        raw w;
        start(&r, &w);
        w.stream = RIG_SERVER;
        w.ignorant = true;
        if (certified) {
            raw_certify(&w);
        }
        raw_start(&w, true);
        assert_false(shake(&r, &w, r.client));
        assert_int_equal(ps_tls_handshake(r.client), PS_FAILED);
        assert_string_equal(ps_tls_error(r.client), "the other side refused the ticket");
        stop(&r, &w);
    }
}

/* New keys under way, asked for from there: both directions go on. */
static void test_key_update(void **state)
{
    (void)state;
    rig r;
    raw w;
    char got[8] = "";
    size_t n = 0;
    start(&r, &w);
    raw_start(&w, false);
    assert_true(shake(&r, &w, r.server));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(w.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_write(w.ssl, "more", 4), 4);
        raw_move(&w);
        assert_int_equal(ps_tls_read(r.server, got, sizeof got, &n), PS_OK);
        assert_int_equal(n, 4);
        const ps_span part = {(const uint8_t *)"back", 4};
        assert_int_equal(ps_tls_write(r.server, &part, 1, &n), PS_OK);
        assert_int_equal(ps_tls_flush(r.server), PS_OK);
        raw_move(&w);
        assert_int_equal(SSL_read(w.ssl, got, sizeof got), 4);
        assert_memory_equal(got, "back", 4);
    }
    stop(&r, &w);
}

/* Keys without end are work for us and next to none for the other side: it is cut off. */
static void test_endless_keys(void **state)
{
    (void)state;
    rig r;
    raw w;
    start(&r, &w);
    raw_start(&w, false);
    assert_true(shake(&r, &w, r.server));
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(SSL_key_update(w.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(w.ssl), 1);
    }
    raw_move(&w);
    rig_expect(r.server, PS_FAILED);
    assert_string_equal(ps_tls_error(r.server), "the other side broke the rules of TLS");
    stop(&r, &w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_cipher),
        cmocka_unit_test(test_each_cipher_as_client),
        cmocka_unit_test(test_chacha_first),
        cmocka_unit_test(test_no_key_offered),
        cmocka_unit_test(test_other_texts_of_the_ticket),
        cmocka_unit_test(test_tls_1_2),
        cmocka_unit_test(test_other_ciphers),
        cmocka_unit_test(test_another_group),
        cmocka_unit_test(test_no_resumption),
        cmocka_unit_test(test_no_early_data),
        cmocka_unit_test(test_server_without_the_key),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_endless_keys),
    };
    return cmocka_run_group_tests_name("tls raw", tests, NULL, NULL);
}

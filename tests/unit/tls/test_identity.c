/* Tickets as base64url without padding: one text for each ticket, and nothing else is read. */
#include "tls/tls_internal.h"

#include "unit.h"

#include <string.h>

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

/* RFC 4648, section 10, without the padding; and the two characters of the URL alphabet. */
static const char *const vectors[][2] = {
    {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},     {"foob", "Zm9vYg"},
    {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint8_t text[PS_TLS_IDENTITY_MAX];
        uint8_t ticket[PS_TLS_TICKET_MAX];
        const size_t len = ps_tls_identity_encode(span(vectors[i][0]), text);
        assert_int_equal(len, strlen(vectors[i][1]));
        assert_memory_equal(text, vectors[i][1], len);
        assert_int_equal(ps_tls_identity_decode((ps_span){text, len}, ticket),
                         strlen(vectors[i][0]));
        assert_memory_equal(ticket, vectors[i][0], strlen(vectors[i][0]));
    }
}

static void test_every_length(void **state)
{
    (void)state;
    uint8_t bytes[PS_TLS_TICKET_MAX + 1];
    uint8_t text[PS_TLS_IDENTITY_MAX];
    uint8_t back[PS_TLS_TICKET_MAX];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 89 + 200);
    }
    for (size_t len = 0; len <= PS_TLS_TICKET_MAX; len++) {
        const size_t got = ps_tls_identity_encode((ps_span){bytes, len}, text);
        assert_int_equal(got, (len * 4 + 2) / 3);
        assert_int_equal(ps_tls_identity_decode((ps_span){text, got}, back), len);
        assert_memory_equal(back, bytes, len);
    }
    assert_int_equal(PS_TLS_TICKET_MAX, 186);
    assert_int_equal(ps_tls_identity_encode((ps_span){bytes, sizeof bytes}, text), 0);
}

static void test_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "Z",    "Zg==",  "Zm8=",  "Zh",   "Zm9",  "Zm9vY",      "+_8",
        "-/8", "Zg\n", " Zm9v", "Zm 9v", "Zm9.", "Zm9~", "Zm\xc3\xa9", "Zm9vZ",
    };
    uint8_t ticket[PS_TLS_TICKET_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ps_tls_identity_decode(span(bad[i]), ticket), 0);
    }
    const uint8_t zero[4] = {'Z', 'm', 0, 'v'};
    assert_int_equal(ps_tls_identity_decode((ps_span){zero, 4}, ticket), 0);
    uint8_t long_one[PS_TLS_IDENTITY_MAX + 4];
    memset(long_one, 'A', sizeof long_one);
    assert_int_equal(ps_tls_identity_decode((ps_span){long_one, PS_TLS_IDENTITY_MAX}, ticket), 186);
    assert_int_equal(ps_tls_identity_decode((ps_span){long_one, sizeof long_one}, ticket), 0);
    assert_int_equal(ps_tls_identity_decode((ps_span){long_one, PS_TLS_IDENTITY_MAX + 2}, ticket),
                     0);
}

/* Of all texts of two characters, exactly the 256 canonical ones are read, each as its own byte. */
static void test_canonical(void **state)
{
    (void)state;
    bool seen[256] = {false};
    unsigned read = 0;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            const uint8_t text[2] = {(uint8_t)a, (uint8_t)b};
            uint8_t ticket[PS_TLS_TICKET_MAX];
            if (ps_tls_identity_decode((ps_span){text, 2}, ticket) == 1) {
                assert_false(seen[ticket[0]]);
                seen[ticket[0]] = true;
                read++;
            }
        }
    }
    assert_int_equal(read, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests_name("tls identity", tests, NULL, NULL);
}

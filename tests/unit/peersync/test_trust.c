#include "unit.h"

#include "common/address.h"
#include "common/fingerprint.h"
#include "trust.h"

#include <string.h>

static uint8_t key[PS_KEY_BYTES], other[PS_KEY_BYTES];
static char right[PS_FINGERPRINT_BYTES], wrong[PS_FINGERPRINT_BYTES];

static int make_keys(void **state)
{
    (void)state;
    memset(key, 1, sizeof key);
    memset(other, 2, sizeof other);
    ps_fingerprint_format(right, key);
    ps_fingerprint_format(wrong, other);
    return 0;
}

/* All facts but the named key, for each of which the answer stands beside them. */
static void a_new_key_is_judged_by_where_the_server_is_and_who_can_be_asked(void **state)
{
    (void)state;
    static const enum trust_action want[2][2][2] = {
        /* elsewhere */ {{TRUST_NOT_NEW, TRUST_AND_SAY}, {TRUST_IF_PERSON, TRUST_AND_SAY}},
        /* loopback */ {{TRUST_AND_SAY, TRUST_AND_SAY}, {TRUST_AND_SAY, TRUST_AND_SAY}},
    };
    for (unsigned i = 0; i < 8; i++) {
        const bool loopback = (i & 1u) != 0;
        const bool person = (i & 2u) != 0;
        const bool accept_new = (i & 4u) != 0;
        const struct trust_facts facts = {loopback, person, accept_new, NULL};
        assert_int_equal(trust_decide(&facts, key), want[loopback][person][accept_new]);
        assert_true(trust_remembered(&facts, key));
    }
}

static void a_named_key_counts_and_no_other(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct trust_facts facts = {(i & 1u) != 0, (i & 2u) != 0, (i & 4u) != 0, right};
        assert_int_equal(trust_decide(&facts, key), TRUST_SILENTLY);
        assert_int_equal(trust_decide(&facts, other), TRUST_NOT_NAMED);
        assert_true(trust_remembered(&facts, key));
        assert_false(trust_remembered(&facts, other));
        facts.named = wrong;
        assert_int_equal(trust_decide(&facts, key), TRUST_NOT_NAMED);
        assert_false(trust_remembered(&facts, key));
    }
}

static void this_machine_is_a_number_or_localhost(void **state)
{
    (void)state;
    static const struct {
        const char *text, *resolved;
        bool is;
    } servers[] = {
        {"5000", "127.0.0.1:5000", true},
        {"127.3.4.5:1", "127.3.4.5:1", true},
        {"[0::1]:1", "[::1]:1", true},
        {"LocalHost:1", "127.0.0.1:1", true},
        {"localhost:1", "[::1]:1", true},
        {"localhost:1", "10.0.0.1:1", false},
        {"10.0.0.1:1", "10.0.0.1:1", false},
        {"host.example:1", "127.0.0.1:1", false},
        {"localhost.example:1", "127.0.0.1:1", false},
        {"local:1", "[::1]:1", false},
    };
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        char server[PS_ADDRESS_CANONICAL];
        ps_addr addr;
        ps_address_canonical(servers[i].text, server);
        assert_null(ps_address_parse(servers[i].resolved, &addr));
        assert_int_equal(trust_is_loopback(server, &addr), servers[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_is_judged_by_where_the_server_is_and_who_can_be_asked),
        cmocka_unit_test(a_named_key_counts_and_no_other),
        cmocka_unit_test(this_machine_is_a_number_or_localhost),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}

#include "records.h"

#include "peersync/crypto_openssl.h"
#include "peersyncd/store_index.h"

#include <string.h>

static const uint8_t salt[PS_STORE_SALT] = {1};
static ps_store_index index_;

static void add(const change *changes, size_t n)
{
    ps_store_index_init(&index_, ps_crypto_openssl(), salt);
    for (size_t i = 0; i < n; i++) {
        const ps_input_restore r = change_record(&changes[i]);
        assert_true(ps_store_index_add(&index_, &r, i + 1));
    }
}

/* A letter for each change: '+' counts, '-' does not. */
static void assert_counts(const change *changes, size_t n, const char *expected)
{
    char seen[64] = "";
    add(changes, n);
    for (size_t i = 0; i < n; i++) {
        const ps_input_restore r = change_record(&changes[i]);
        seen[i] = ps_store_index_counts(&index_, &r, i + 1) ? '+' : '-';
    }
    ps_store_index_free(&index_);
    assert_string_equal(seen, expected);
}

#define PUB(d, n, g)                                                                               \
    {                                                                                              \
        .device = (d), .name = (n), .published = true, .generation = (g), .length = 1              \
    }
#define UNP(d, n, g)                                                                               \
    {                                                                                              \
        .device = (d), .name = (n), .generation = (g)                                              \
    }
#define COUNTS(expected, ...)                                                                      \
    do {                                                                                           \
        const change list[] = {__VA_ARGS__};                                                       \
        assert_counts(list, sizeof list / sizeof list[0], expected);                               \
    } while (0)

static void the_last_of_a_name_counts(void **state)
{
    (void)state;
    COUNTS("+", PUB(0, 0, 1));
    COUNTS("-+", PUB(0, 0, 1), PUB(0, 0, 2));
    COUNTS("++", PUB(0, 0, 1), PUB(0, 1, 2));
    COUNTS("++", PUB(0, 0, 1), PUB(1, 0, 1));
    COUNTS("++", PUB(1, 0, 1), PUB(2, 0, 1)); /* One user's devices. */
}

/* The last change of all counts where the device still publishes something: it says where its log
 * stands. */
static void a_device_keeps_its_place(void **state)
{
    (void)state;
    COUNTS("+-+", PUB(0, 0, 1), PUB(0, 1, 2), UNP(0, 1, 3));
    COUNTS("+--+", PUB(0, 0, 1), PUB(0, 1, 2), UNP(0, 1, 3), PUB(0, 2, 4));
    COUNTS("+---+", PUB(0, 0, 1), PUB(0, 1, 2), UNP(0, 1, 3), UNP(0, 3, 4), UNP(0, 3, 5));
    COUNTS("--", PUB(0, 0, 1), UNP(0, 0, 2));
    COUNTS("----", PUB(0, 0, 1), PUB(0, 1, 2), UNP(0, 1, 3), UNP(0, 0, 4));
    COUNTS("-", UNP(0, 0, 1));
    COUNTS("--+", PUB(0, 0, 1), UNP(0, 0, 2), PUB(0, 0, 3));
}

/* A log that began anew makes nothing of what was before. */
static void a_log_begins_anew(void **state)
{
    (void)state;
    COUNTS("--+", PUB(0, 0, 1), UNP(0, 0, 2), PUB(0, 1, 1));
    COUNTS("--+", PUB(0, 0, 1), PUB(0, 1, 2), PUB(0, 2, 1));
    COUNTS("--++", PUB(0, 0, 1), PUB(0, 1, 2), PUB(0, 2, 1), PUB(0, 0, 2));
    COUNTS("---", PUB(0, 0, 1), PUB(0, 1, 2), UNP(0, 2, 1));
    COUNTS("-+-+", PUB(0, 0, 5), PUB(1, 0, 5), PUB(0, 0, 1), PUB(0, 0, 2));
}

/* Against the walk through all changes: what counts gives the same, and nothing counts for naught.
 */
static void what_counts_is_what_is_known(void **state)
{
    (void)state;
    static change changes[400];
    for (uint64_t seed = 0; seed < 60; seed++) {
        const size_t n = 1 + (size_t)(seed * 7 % 400);
        test_random random = test_random_of(seed);
        known after = {0};
        known again = {0};
        size_t counting = 0;
        size_t least = 0;
        for (size_t i = 0; i < n; i++) {
            changes[i] = change_next(&after, &random);
        }
        add(changes, n);
        for (size_t i = 0; i < n; i++) {
            const ps_input_restore r = change_record(&changes[i]);
            if (ps_store_index_counts(&index_, &r, i + 1)) {
                known_restore(&again, &r);
                counting++;
            }
        }
        ps_store_index_free(&index_);
        known_assert_equal(&after, &again);
        for (size_t device = 0; device < DEVICES; device++) {
            for (size_t name = 0; name < NAMES; name++) {
                least += after.length[device][name] != 0;
            }
        }
        assert_true(counting >= least && counting <= least + DEVICES);
    }
}

/* The table grows; what was not added does not count. */
static void many_names(void **state)
{
    (void)state;
    change c = PUB(0, 4, 1);
    ps_store_index_init(&index_, ps_crypto_openssl(), salt);
    const ps_input_restore unknown = change_record(&c);
    assert_false(ps_store_index_counts(&index_, &unknown, 1));
    char name[16];
    ps_input_restore r = unknown;
    r.name.data = (const uint8_t *)name;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            r.generation = i + 1;
            r.name.len = 4;
            memcpy(name, &i, 4);
            memset(r.device, (int)(i % 100), PS_DEVICE_BYTES);
            if (round == 0) {
                assert_true(ps_store_index_add(&index_, &r, i + 1));
            } else {
                assert_true(ps_store_index_counts(&index_, &r, i + 1));
                assert_false(ps_store_index_counts(&index_, &r, i + 2));
            }
        }
    }
    assert_false(ps_store_index_counts(&index_, &unknown, 1));
    ps_store_index_free(&index_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_a_name_counts),
        cmocka_unit_test(a_device_keeps_its_place),
        cmocka_unit_test(a_log_begins_anew),
        cmocka_unit_test(what_counts_is_what_is_known),
        cmocka_unit_test(many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

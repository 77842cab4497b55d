#include "unit.h"

#include "channel/file_ticket.h"
#include "exact.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

#define EPOCH    UINT64_C(19675)
#define EXPIRES  UINT64_C(1700003600)
#define SHORTEST (8u + PS_FILE_TICKET_SALT + 1u + 8u + 8u + 32u + 32u + 1u + PS_TAG_BYTES)

static uint8_t realm[32];
static uint8_t salt[PS_FILE_TICKET_SALT];
static uint8_t device[PS_DEVICE_BYTES];
static ps_file_keys keys; /* Of the device: of the epoch before, EPOCH, and the next. */

static const ps_span user = {(const uint8_t *)"grace", 5};

static ps_file_keys keys_of(const uint8_t of[PS_DEVICE_BYTES], uint64_t first, uint32_t count)
{
    ps_file_keys k = {.first_epoch = first, .count = count};
    for (uint32_t i = 0; i < count && i < PS_FILE_EPOCHS; i++) {
        ps_file_key_derive(ps_crypto_sodium(), realm, of, user, first + i, k.keys[i]);
    }
    return k;
}

static int setup(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < sizeof realm; i++) {
        realm[i] = i;
    }
    memcpy(salt, realm, sizeof salt);
    memset(device, 0xd1, sizeof device);
    keys = keys_of(device, EPOCH - 1, PS_FILE_EPOCHS);
    return 0;
}

static ps_file_ticket ticket_of(const char *downloader)
{
    ps_file_ticket t = {.content = {.length = 123456789}, .expires_s = EXPIRES};
    memset(t.content.root, 0xb0, sizeof t.content.root);
    memset(t.key, 0xc5, sizeof t.key);
    t.downloader.len = (uint8_t)strlen(downloader);
    memcpy(t.downloader.bytes, downloader, t.downloader.len);
    return t;
}

static size_t seal(const ps_file_ticket *t, uint8_t out[PS_FILE_TICKET_MAX])
{
    return ps_file_ticket_seal(ps_crypto_sodium(), keys.keys[1], EPOCH, salt, t, out);
}

/* From a block of its exact size, whose bytes stay as they came. What does not open says nothing.
 */
static bool opens_with(const ps_file_keys *k, uint64_t wall_s, const uint8_t *bytes, size_t len,
                       ps_file_ticket *t)
{
    static const ps_file_ticket nothing;
    uint8_t *exact = exact_copy(bytes, len);
    memset(t, 0xee, sizeof *t);
    const bool good = ps_file_ticket_open(ps_crypto_sodium(), k, wall_s, (ps_span){exact, len}, t);
    assert_memory_equal(exact, bytes, len);
    free(exact);
    if (!good) {
        assert_memory_equal(t->key, nothing.key, sizeof nothing.key);
        assert_true(t->expires_s == 0 && t->downloader.len == 0);
        assert_true(ps_content_equal(&t->content, &nothing.content));
    }
    return good;
}

static bool opens(const uint8_t *bytes, size_t len, ps_file_ticket *t)
{
    return opens_with(&keys, EXPIRES - 1, bytes, len, t);
}

static void assert_ticket_equal(const ps_file_ticket *a, const ps_file_ticket *b)
{
    assert_true(ps_content_equal(&a->content, &b->content));
    assert_true(a->expires_s == b->expires_s);
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_int_equal(a->downloader.len, b->downloader.len);
    assert_memory_equal(a->downloader.bytes, b->downloader.bytes, a->downloader.len);
}

/* Made by Python's hmac and cryptography (OpenSSL). */
static const char foreign[] = "0000000000004cdb000102030405060708090a0b0c0d0e0f"
                              "e22b2ecd31e12a5179908496ff8dd272e1cb5c387671ec499a641f5931ddddc3"
                              "24c3c54b4def71ecdcf759aec618675f65c55a16c4540bead81ea255a345d2db"
                              "17253373ab11cf8337b71c6c68261ae98cea8f798e78503062840347c52a8521"
                              "46d116e478bd23";

static void the_bytes_are_those_of_another_implementation(void **state)
{
    (void)state;
    const ps_file_ticket t = ticket_of("alice");
    uint8_t out[PS_FILE_TICKET_MAX];
    uint8_t mac[PS_OPEN_MAC_BYTES];
    uint8_t binding[32];
    ps_file_ticket back;
    assert_true(hex_equal("4d1afac2ee26506ec23a79e4bc9454979721402bd04718605dd06e4fbd0cbf89",
                          keys.keys[1], PS_KEY_BYTES));
    const size_t len = seal(&t, out);
    assert_true(hex_equal(foreign, out, len));
    assert_true(opens(out, len, &back));
    assert_ticket_equal(&t, &back);
    memset(binding, 0x0b, sizeof binding);
    ps_open_mac(ps_crypto_sodium(), t.key, binding, (ps_span){out, len}, mac);
    assert_true(hex_equal("b5eb1dcbea40c495a9d257c06befcd1ab9ac299907ada607c668ace29fbf84c6", mac,
                          sizeof mac));
}

/* The key, what binds it to the stream, and the ticket. */
static void everything_counts_in_the_mac(void **state)
{
    (void)state;
    uint8_t input[3][32] = {{1}, {2}, {3}};
    uint8_t mac[2][PS_OPEN_MAC_BYTES];
    for (size_t bit = 0; bit < 8 * sizeof input; bit++) {
        for (size_t k = 0; k < 2; k++) {
            ps_open_mac(ps_crypto_sodium(), input[0], input[1], (ps_span){input[2], 32}, mac[k]);
            input[bit / 256][bit / 8 % 32] ^= (uint8_t)(1u << bit % 8);
        }
        assert_memory_not_equal(mac[0], mac[1], sizeof mac[0]);
    }
}

static void downloaders_of_every_length_come_back(void **state)
{
    (void)state;
    test_random r = test_random_of(1);
    for (size_t len = 0; len <= PS_USER_MAX; len++) {
        ps_file_ticket t = {.content = {.length = test_random_u64(&r)},
                            .expires_s = test_random_u64(&r) | EXPIRES,
                            .downloader = {.len = (uint8_t)len}};
        ps_file_ticket back;
        uint8_t out[PS_FILE_TICKET_MAX];
        test_random_bytes(&r, t.content.root, sizeof t.content.root);
        test_random_bytes(&r, t.key, sizeof t.key);
        test_random_bytes(&r, t.downloader.bytes, len);
        const size_t n = seal(&t, out);
        assert_int_equal(n, SHORTEST + len);
        assert_true(opens(out, n, &back));
        assert_ticket_equal(&t, &back);
    }
    assert_int_equal(SHORTEST + PS_USER_MAX, PS_FILE_TICKET_MAX);
}

static void every_bit_counts(void **state)
{
    (void)state;
    const ps_file_ticket t = ticket_of("bob");
    ps_file_ticket back;
    uint8_t out[PS_FILE_TICKET_MAX];
    const size_t len = seal(&t, out);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(opens(out, len, &back));
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(opens(out, len, &back));
}

static void truncated_and_lengthened_ones_are_refused(void **state)
{
    (void)state;
    char downloader[PS_USER_MAX + 1] = {0};
    memset(downloader, 'u', PS_USER_MAX);
    const ps_file_ticket t = ticket_of(downloader);
    ps_file_ticket back;
    uint8_t out[2u * PS_FILE_TICKET_MAX] = {0};
    const size_t len = seal(&t, out);
    for (size_t n = 0; n <= sizeof out; n++) {
        assert_int_equal(opens(out, n, &back), n == len);
    }
    assert_false(opens_with(&keys, 1, NULL, 0, &back));
}

static void it_ends_by_the_second(void **state)
{
    (void)state;
    const ps_file_ticket t = ticket_of("carol");
    ps_file_ticket back;
    uint8_t out[PS_FILE_TICKET_MAX];
    const size_t len = seal(&t, out);
    assert_true(opens_with(&keys, 1, out, len, &back));
    assert_true(opens_with(&keys, EXPIRES - 1, out, len, &back));
    assert_false(opens_with(&keys, EXPIRES, out, len, &back));
    assert_false(opens_with(&keys, EXPIRES + 1, out, len, &back));
    assert_false(opens_with(&keys, UINT64_MAX, out, len, &back));
    assert_false(opens_with(&keys, 0, out, len, &back)); /* Nobody knows the time. */
}

/* Epochs from 0 to the last: those that the keys stand for, and no other. Only as many keys count
 * as are said to be set, and none beyond the array. */
static void the_epoch_chooses_the_key(void **state)
{
    (void)state;
    static const uint64_t firsts[] = {0, 1, 100, UINT64_MAX - 2, UINT64_MAX};
    const ps_file_ticket t = ticket_of("dave");
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        for (uint32_t count = 0; count <= PS_FILE_EPOCHS + 2; count++) {
            ps_file_keys k = keys_of(device, firsts[i], PS_FILE_EPOCHS);
            k.count = count == PS_FILE_EPOCHS + 2 ? UINT32_MAX : count;
            for (uint64_t at = 0; at < PS_FILE_EPOCHS + 4; at++) {
                const uint64_t epoch = firsts[i] + at - 2; /* Round the ends, too. */
                uint8_t key[PS_KEY_BYTES];
                uint8_t out[PS_FILE_TICKET_MAX];
                ps_file_ticket back;
                ps_file_key_derive(ps_crypto_sodium(), realm, device, user, epoch, key);
                const size_t len =
                    ps_file_ticket_seal(ps_crypto_sodium(), key, epoch, salt, &t, out);
                const bool known = epoch >= firsts[i] && epoch - firsts[i] < count &&
                                   epoch - firsts[i] < PS_FILE_EPOCHS;
                assert_int_equal(opens_with(&k, 1, out, len, &back), known);
            }
        }
    }
}

/* Told in the clear, the epoch is no more to be believed than the rest. */
static void another_epochs_key_does_not_open_it(void **state)
{
    (void)state;
    const ps_file_ticket t = ticket_of("erin");
    ps_file_ticket back;
    uint8_t out[PS_FILE_TICKET_MAX];
    const size_t len = seal(&t, out);
    for (unsigned i = 0; i < PS_FILE_EPOCHS; i++) {
        out[7] = (uint8_t)(EPOCH - 1 + i);
        assert_int_equal(opens(out, len, &back), i == 1);
    }
}

static void others_cannot_open_it(void **state)
{
    (void)state;
    const ps_file_ticket t = ticket_of("frank");
    ps_file_ticket back;
    uint8_t out[PS_FILE_TICKET_MAX];
    const size_t len = seal(&t, out);
    for (size_t bit = 0; bit < 8 * sizeof device; bit++) {
        uint8_t other[PS_DEVICE_BYTES];
        memcpy(other, device, sizeof other);
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const ps_file_keys k = keys_of(other, EPOCH - 1, PS_FILE_EPOCHS);
        assert_false(opens_with(&k, 1, out, len, &back));
    }
    for (size_t bit = 0; bit < 8 * sizeof realm; bit++) {
        realm[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const ps_file_keys k = keys_of(device, EPOCH - 1, PS_FILE_EPOCHS);
        realm[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(opens_with(&k, 1, out, len, &back));
    }
    assert_true(opens_with(&keys, 1, out, len, &back));
}

/* The key of each name is its own, of no length, of the longest, and of the beginning of another.
 */
static void another_users_key_is_another(void **state)
{
    (void)state;
    uint8_t longest[PS_USER_MAX];
    memset(longest, 'g', sizeof longest);
    const ps_span names[] = {user,      {(const uint8_t *)"grade", 5}, {user.data, 4},
                             {NULL, 0}, {longest, PS_USER_MAX - 1},    {longest, PS_USER_MAX}};
    uint8_t made[6][PS_KEY_BYTES];
    for (size_t i = 0; i < 6; i++) {
        ps_file_key_derive(ps_crypto_sodium(), realm, device, names[i], EPOCH, made[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(made[i], made[j], PS_KEY_BYTES);
        }
    }
    assert_memory_equal(made[0], keys.keys[1], PS_KEY_BYTES);
}

static void salts_make_tickets_of_their_own(void **state)
{
    (void)state;
    const ps_file_ticket t = ticket_of("grace");
    uint8_t a[PS_FILE_TICKET_MAX];
    uint8_t b[PS_FILE_TICKET_MAX];
    const size_t len = seal(&t, a);
    salt[0] ^= 1;
    assert_int_equal(seal(&t, b), len);
    salt[0] ^= 1;
    for (size_t i = 8 + PS_FILE_TICKET_SALT; i + 16 <= len; i += 16) {
        assert_memory_not_equal(a + i, b + i, 16);
    }
}

static void random_bytes_are_refused(void **state)
{
    (void)state;
    test_random r = test_random_of(2);
    ps_file_ticket back;
    for (size_t len = 0; len <= PS_FILE_TICKET_MAX + 8; len++) {
        for (int i = 0; i < 20; i++) {
            uint8_t bytes[PS_FILE_TICKET_MAX + 8];
            test_random_bytes(&r, bytes, len);
            if (len >= 8 && i % 2 == 0) { /* Of an epoch whose key is there. */
                memset(bytes, 0, 6);
                bytes[6] = (uint8_t)(EPOCH >> 8);
                bytes[7] = (uint8_t)EPOCH;
            }
            assert_false(opens(bytes, len, &back));
        }
    }
}

/* A text sealed with the right key, as a later version of a server of this realm might. */
static size_t seal_text(const uint8_t *text, size_t len, uint8_t *out)
{
    uint8_t own[PS_HASH_BYTES];
    uint8_t *const at = out + 8 + sizeof salt;
    ps_derive(ps_crypto_sodium(), keys.keys[1], "file ticket", (ps_span){salt, sizeof salt}, own);
    memset(out, 0, 6);
    out[6] = (uint8_t)(EPOCH >> 8);
    out[7] = (uint8_t)EPOCH;
    memcpy(out + 8, salt, sizeof salt);
    memcpy(at, text, len);
    ps_crypto_sodium()->seal(own, 0, NULL, 0, at, len, at + len);
    return 8 + sizeof salt + len + PS_TAG_BYTES;
}

static void other_formats_and_lengths_are_refused_though_genuine(void **state)
{
    (void)state;
    uint8_t text[PS_FILE_TICKET_MAX] = {1};
    uint8_t out[2u * PS_FILE_TICKET_MAX];
    const size_t fixed = SHORTEST - 8 - PS_FILE_TICKET_SALT - PS_TAG_BYTES;
    ps_file_ticket back;
    memset(text + 1, 0xff, 8); /* It does not expire. */
    for (size_t len = 0; len <= sizeof text; len++) {
        for (size_t said = 0; said < 256; said++) {
            text[fixed - 1] = (uint8_t)said;
            const size_t n = seal_text(text, len, out);
            assert_int_equal(opens(out, n, &back),
                             len >= fixed && len - fixed == said && said <= PS_USER_MAX);
        }
    }
    text[fixed - 1] = 4;
    for (unsigned format = 0; format < 256; format++) {
        text[0] = (uint8_t)format;
        const size_t n = seal_text(text, fixed + 4, out);
        assert_int_equal(opens(out, n, &back), format == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_another_implementation),
        cmocka_unit_test(everything_counts_in_the_mac),
        cmocka_unit_test(downloaders_of_every_length_come_back),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(truncated_and_lengthened_ones_are_refused),
        cmocka_unit_test(it_ends_by_the_second),
        cmocka_unit_test(the_epoch_chooses_the_key),
        cmocka_unit_test(another_epochs_key_does_not_open_it),
        cmocka_unit_test(others_cannot_open_it),
        cmocka_unit_test(another_users_key_is_another),
        cmocka_unit_test(salts_make_tickets_of_their_own),
        cmocka_unit_test(random_bytes_are_refused),
        cmocka_unit_test(other_formats_and_lengths_are_refused_though_genuine),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

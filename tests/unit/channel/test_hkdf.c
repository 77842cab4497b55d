#include "unit.h"

#include "channel/hkdf.h"
#include "exact.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"

#include <stdlib.h>
#include <string.h>

static void repeat(uint8_t *to, uint8_t byte, size_t len)
{
    memset(to, byte, len);
}

static void check_hmac(ps_span key, ps_span text, const char *expected)
{
    uint8_t mac[PS_HASH_BYTES];
    ps_hmac(ps_crypto_sodium(), key, &(ps_pieces){{text}}, mac);
    assert_true(hex_equal(expected, mac, strlen(expected) / 2));
    /* In pieces it is the same text, wherever it is cut. */
    for (size_t i = 0; i <= text.len; i++) {
        const size_t rest = text.len - i;
        const ps_pieces cut = {{{text.data, i},
                                {text.data + i, rest / 2},
                                {text.data + i + rest / 2, rest - rest / 2}}};
        ps_hmac(ps_crypto_sodium(), key, &cut, mac);
        assert_true(hex_equal(expected, mac, strlen(expected) / 2));
    }
}

/* RFC 4231, section 4: all seven; the fifth is cut to 16 bytes there. */
static void the_vectors_of_rfc_4231(void **state)
{
    (void)state;
    uint8_t key[131];
    uint8_t text[50];
    repeat(key, 0x0b, 20);
    check_hmac((ps_span){key, 20}, span_of("Hi There"),
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check_hmac(span_of("Jefe"), span_of("what do ya want for nothing?"),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    repeat(key, 0xaa, 20);
    repeat(text, 0xdd, 50);
    check_hmac((ps_span){key, 20}, (ps_span){text, 50},
               "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    for (uint8_t i = 0; i < 25; i++) {
        key[i] = (uint8_t)(i + 1);
    }
    repeat(text, 0xcd, 50);
    check_hmac((ps_span){key, 25}, (ps_span){text, 50},
               "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    repeat(key, 0x0c, 20);
    check_hmac((ps_span){key, 20}, span_of("Test With Truncation"),
               "a3b6167473100ee06e0c796c2955552b");
    repeat(key, 0xaa, 131);
    check_hmac((ps_span){key, 131},
               span_of("Test Using Larger Than Block-Size Key - Hash Key First"),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    check_hmac((ps_span){key, 131},
               span_of("This is a test using a larger than block-size key and a larger than "
                       "block-size data. The key needs to be hashed before being used by the "
                       "HMAC algorithm."),
               "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* Made by Python's hmac: key byte i = 7 i + length. Over 64 bytes a key is hashed first. */
static void keys_of_every_kind_of_length(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *mac;
    } cases[] = {
        {0, "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351"},
        {1, "df55998f9fc33d78ac99d1d8ebc2b6e16aa076c4189946942a82b55d5dee8dc7"},
        {31, "d5255700c3435398a1fd9ef0b86cc36360c52cb95013581ef3981df87e3691ba"},
        {32, "5220058beab5e52b6ddd4fa2356f55eea834a095602c6a8c7bf13dea59ebe68f"},
        {33, "049c2b02b87a232e1377f6c50be8efa22328a3e408d7967102cdf01faf3e3b7c"},
        {63, "a6971c469513193dbd413cbe805a652682aadd042255eef766f0dd8883fcb5ce"},
        {64, "85e6f1c9b84721e1d5f0198866bd56e2c2761a139a075099861021cb1518cb7b"},
        {65, "5c8aa921eb05102c08a2cd8b5e2f158e6eef415bfdeff300439166bddc1869e2"},
        {127, "8be7aedbeffac72c7cac939ee5465af327605bc8acc9a462d91398913c99db81"},
        {128, "93d4cf2a9abad355099f1c879ca9f742d567def7b6cffb495cb492d19a278902"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[128];
        for (size_t k = 0; k < cases[i].len; k++) {
            bytes[k] = (uint8_t)(k * 7 + cases[i].len);
        }
        uint8_t *key = exact_copy(bytes, cases[i].len);
        check_hmac((ps_span){key, cases[i].len}, span_of("abc"), cases[i].mac);
        free(key);
    }
}

static void a_hash_of_two_pieces(void **state)
{
    (void)state;
    /* FIPS 180-4's example, and the empty text. */
    const ps_span abc = span_of("abc");
    const ps_span none = {NULL, 0};
    uint8_t out[PS_HASH_BYTES];
    for (size_t i = 0; i <= abc.len; i++) {
        ps_hash(ps_crypto_sodium(), (ps_span){abc.data, i}, (ps_span){abc.data + i, abc.len - i},
                out);
        assert_true(hex_equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                              out, sizeof out));
    }
    ps_hash(ps_crypto_sodium(), none, none, out);
    assert_true(hex_equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", out,
                          sizeof out));
    /* A hash may be made of the one before it, in place. */
    ps_hash(ps_crypto_sodium(), (ps_span){out, sizeof out}, none, out);
    assert_true(hex_equal("5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456", out,
                          sizeof out));
}

/* HKDF(key, input) is RFC 5869's with the key as salt, no info, 64 bytes. */
static void hkdf_is_rfc_5869(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t key[PS_HASH_BYTES] = {0};
    uint8_t input[32];
    uint8_t a[PS_HASH_BYTES];
    uint8_t b[PS_HASH_BYTES];
    /* Its test case 3, whose absent salt is 32 zeros; it ends after ten bytes of `b`. */
    repeat(input, 0x0b, 22);
    ps_hkdf(c, key, (ps_span){input, 22}, a, b);
    assert_true(
        hex_equal("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d", a, sizeof a));
    assert_true(hex_equal("9d201395faa4b61a96c8", b, 10));
    /* Made by Python's hmac. */
    for (uint8_t i = 0; i < 32; i++) {
        key[i] = i;
        input[i] = (uint8_t)(64 + i);
    }
    ps_hkdf(c, key, (ps_span){input, 32}, a, b);
    assert_true(
        hex_equal("7b9c5887f2588eab712af506e25e94421a2cc4441acb532b91c18590ac87ab88", a, sizeof a));
    assert_true(
        hex_equal("040b7747f813fed43f0b0017b30fa27128619ba90923e688b1e578c8f264f33b", b, sizeof b));
    /* Without input, and the key replaced by what comes out. */
    ps_hkdf(c, key, (ps_span){NULL, 0}, key, b);
    assert_true(hex_equal("1d7e0d6f1d9da2d68dabed53b5f88345f3fd01cb75411fbe5aa4293bd8f430d6", key,
                          sizeof key));
    assert_true(
        hex_equal("3ed9b8035bbf370b8cfef7ff15007de45488e18660c84e3d996e8e6c658fa7f8", b, sizeof b));
}

static void derived_keys_depend_on_all_they_are_made_of(void **state)
{
    (void)state;
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t secret[PS_HASH_BYTES];
    uint8_t out[PS_HASH_BYTES];
    for (uint8_t i = 0; i < 32; i++) {
        secret[i] = i;
    }
    ps_derive(c, secret, "ticket", (ps_span){secret, 16}, out);
    assert_true(hex_equal("31ed7fc4be58b8f9d1721aae6632fc85e424888cf8108dda615caeab437cdc27", out,
                          sizeof out));
    ps_derive(c, secret, "ticket", (ps_span){NULL, 0}, out);
    assert_true(hex_equal("a570dd28956e2d95b01f7e2f568f2d9f5b4e4b16d980bba85495c536d742415e", out,
                          sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4231),
        cmocka_unit_test(keys_of_every_kind_of_length),
        cmocka_unit_test(a_hash_of_two_pieces),
        cmocka_unit_test(hkdf_is_rfc_5869),
        cmocka_unit_test(derived_keys_depend_on_all_they_are_made_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

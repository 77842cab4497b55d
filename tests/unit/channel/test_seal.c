#include "unit.h"

#include "channel/seal.h"
#include "exact.h"
#include "hex.h"
#include "peersync/crypto_sodium.h"
#include "wire/packet.h"

#include <stdlib.h>
#include <string.h>

#define TEXT         "messages"
#define PACKET_BYTES (PS_PACKET_HEADER + (sizeof TEXT - 1) + PS_TAG_BYTES)

static uint8_t key[32];

static int setup(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < sizeof key; i++) {
        key[i] = i;
    }
    return 0;
}

static size_t header(uint8_t *packet, uint64_t counter)
{
    packet[0] = 4;
    for (uint8_t i = 1; i < 9; i++) {
        packet[i] = i;
    }
    ps_store64(packet + 9, counter);
    return PS_PACKET_HEADER;
}

static size_t sealed(uint8_t *packet, uint64_t counter, const void *text, size_t len)
{
    const size_t at = header(packet, counter);
    memcpy(packet + at, text, len);
    return ps_packet_seal(ps_crypto_sodium(), key, packet, at + len);
}

/* Made by Python's cryptography (OpenSSL). */
static void the_bytes_are_those_of_another_implementation(void **state)
{
    (void)state;
    uint8_t packet[PACKET_BYTES];
    assert_int_equal(sealed(packet, UINT64_C(0x0102030405060708), TEXT, 8), PACKET_BYTES);
    assert_true(hex_equal("0401020304050607080102030405060708"
                          "9d2cde97ca5e8f6b6240614b44b54c5dcbf7e2f5df23fb18",
                          packet, sizeof packet));
}

static void opens_to_what_was_sealed_at_every_length(void **state)
{
    (void)state;
    static uint8_t text[PS_DATAGRAM_MAX];
    const size_t max = PS_DATAGRAM_MAX - PS_PACKET_HEADER - PS_TAG_BYTES;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 5);
    }
    for (size_t len = 0; len <= max; len++) {
        uint8_t *packet = malloc(PS_PACKET_HEADER + len + PS_TAG_BYTES);
        ps_span messages;
        assert_non_null(packet);
        const size_t n = sealed(packet, len, text, len);
        assert_int_equal(n, PS_PACKET_HEADER + len + PS_TAG_BYTES);
        assert_true(ps_packet_open(ps_crypto_sodium(), key, packet, n, &messages));
        assert_ptr_equal(messages.data, packet + PS_PACKET_HEADER);
        assert_int_equal(messages.len, len);
        assert_memory_equal(messages.data, text, len);
        free(packet);
    }
}

/* Type and receiver id are not part of the seal: they only lead to the key. */
static void every_bit_of_counter_text_and_tag_counts(void **state)
{
    (void)state;
    uint8_t good[PACKET_BYTES];
    ps_span messages;
    const size_t len = sealed(good, UINT64_MAX - 1, TEXT, sizeof TEXT - 1);
    for (size_t bit = 8 * 9; bit < 8 * len; bit++) {
        uint8_t packet[PACKET_BYTES];
        memcpy(packet, good, len);
        packet[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ps_packet_open(ps_crypto_sodium(), key, packet, len, &messages));
    }
    key[0] ^= 1;
    uint8_t packet[PACKET_BYTES];
    memcpy(packet, good, len);
    assert_false(ps_packet_open(ps_crypto_sodium(), key, packet, len, &messages));
    key[0] ^= 1;
    assert_true(ps_packet_open(ps_crypto_sodium(), key, good, len, &messages));
}

static void truncated_packets_are_refused(void **state)
{
    (void)state;
    uint8_t good[PACKET_BYTES];
    ps_span messages;
    const size_t len = sealed(good, 9, TEXT, sizeof TEXT - 1);
    for (size_t n = 0; n < len; n++) {
        uint8_t *packet = exact_copy(good, n);
        assert_false(ps_packet_open(ps_crypto_sodium(), key, packet, n, &messages));
        free(packet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_another_implementation),
        cmocka_unit_test(opens_to_what_was_sealed_at_every_length),
        cmocka_unit_test(every_bit_of_counter_text_and_tag_counts),
        cmocka_unit_test(truncated_packets_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

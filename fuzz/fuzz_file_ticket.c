/* File tickets under keys that the target knows. The input is opened as a ticket as it stands, and
 * once more as salt and text that are sealed with the right key of some epoch first, so that what
 * lies behind the seal is reached. A ticket that opens is the one that its contents make; one bit
 * of it changed, it is none; and it opens neither after its end nor with another device's keys. */
#include "channel/file_ticket.h"

#include <stdlib.h>
#include <string.h>

#include "peersync/crypto_sodium.h"

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

/* More than any ticket's text, so that those that are too long are tried too. */
#define TEXT_MAX 256u
#define FIXED    (1u + 8u + 8u + PS_ROOT_BYTES + PS_KEY_BYTES + 1u)
#define HEAD     (8u + PS_FILE_TICKET_SALT)
#define EPOCH    UINT64_C(19675)

static const uint8_t realm[32] = {'f', 'u', 'z', 'z'};
static const uint8_t device[PS_DEVICE_BYTES] = {1, 2, 3};
static const ps_span user = {(const uint8_t *)"judy", 4};

static uint64_t load64(const uint8_t *p)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++) {
        v = v * 256u + p[i];
    }
    return v;
}

static ps_file_keys keys_of(const uint8_t of[PS_DEVICE_BYTES], uint32_t count)
{
    ps_file_keys keys = {.first_epoch = EPOCH, .count = count};
    for (uint32_t i = 0; i < PS_FILE_EPOCHS; i++) {
        ps_file_key_derive(ps_crypto_sodium(), realm, of, user, EPOCH + i, keys.keys[i]);
    }
    return keys;
}

/* What opened is what seals to these bytes. */
static void check_opened(const ps_file_keys *keys, const uint8_t *bytes, size_t len,
                         uint64_t wall_s, const ps_file_ticket *t)
{
    uint8_t *again = malloc(PS_FILE_TICKET_MAX);
    const uint64_t epoch = load64(bytes);
    REQUIRE(again && epoch >= EPOCH && epoch - EPOCH < keys->count);
    REQUIRE(t->downloader.len <= PS_USER_MAX && wall_s != 0 && wall_s < t->expires_s);
    REQUIRE(ps_file_ticket_seal(ps_crypto_sodium(), keys->keys[epoch - EPOCH], epoch, bytes + 8, t,
                                again) == len);
    REQUIRE(memcmp(again, bytes, len) == 0);
    free(again);
}

/* Opens a block of exactly its size. */
static bool opens(const ps_file_keys *keys, const uint8_t *bytes, size_t len, uint64_t wall_s)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    ps_file_keys *exact_keys = malloc(sizeof *keys);
    REQUIRE(exact && exact_keys);
    *exact_keys = *keys;
    if (len > 0) {
        memcpy(exact, bytes, len);
    }
    ps_file_ticket t;
    const bool good =
        ps_file_ticket_open(ps_crypto_sodium(), exact_keys, wall_s, (ps_span){exact, len}, &t);
    REQUIRE(len == 0 || memcmp(exact, bytes, len) == 0);
    if (good) {
        check_opened(keys, bytes, len, wall_s, &t);
    } else {
        REQUIRE(t.expires_s == 0 && t.content.length == 0 && t.downloader.len == 0);
    }
    free(exact_keys);
    free(exact);
    return good;
}

/* Which epoch, salt and text from the input; sealed by hand, not by what seals tickets. */
static void check_sealed(const uint8_t *data, size_t len)
{
    const ps_crypto *c = ps_crypto_sodium();
    uint8_t sealed[HEAD + TEXT_MAX + PS_TAG_BYTES] = {0};
    uint8_t key[PS_HASH_BYTES];
    if (len < 2 + PS_FILE_TICKET_SALT || len - 2 - PS_FILE_TICKET_SALT > TEXT_MAX) {
        return;
    }
    /* More than there is room for is not read. */
    const uint32_t count = data[0] % (PS_FILE_EPOCHS + 3);
    const uint32_t which = data[0] / 16u % (PS_FILE_EPOCHS + 1);
    const ps_file_keys keys = keys_of(device, count);
    const uint8_t *epoch_key = keys.keys[which % PS_FILE_EPOCHS];
    const size_t text_len = len - 2 - PS_FILE_TICKET_SALT;
    uint8_t *const text = sealed + HEAD;
    sealed[6] = (uint8_t)((EPOCH + which) >> 8);
    sealed[7] = (uint8_t)(EPOCH + which);
    memcpy(sealed + 8, data + 2, PS_FILE_TICKET_SALT);
    memcpy(text, data + 2 + PS_FILE_TICKET_SALT, text_len);
    const bool whole = text_len >= FIXED && text_len <= FIXED + PS_USER_MAX && text[0] == 1 &&
                       text[FIXED - 1] == text_len - FIXED;
    const uint64_t expires_s = text_len >= 9 ? load64(text + 1) : 0;
    ps_derive(c, epoch_key, "file ticket", (ps_span){sealed + 8, PS_FILE_TICKET_SALT}, key);
    c->seal(key, 0, NULL, 0, text, text_len, text + text_len);
    const size_t sealed_len = HEAD + text_len + PS_TAG_BYTES;
    REQUIRE(opens(&keys, sealed, sealed_len, 1) ==
            (whole && which < count && which < PS_FILE_EPOCHS && expires_s > 1));
    REQUIRE(!opens(&keys, sealed, sealed_len, 0));
    REQUIRE(!opens(&keys, sealed, sealed_len, expires_s));
    uint8_t other[PS_DEVICE_BYTES];
    memcpy(other, device, sizeof other);
    other[data[1] % sizeof other] ^= 1u;
    const ps_file_keys others = keys_of(other, PS_FILE_EPOCHS);
    REQUIRE(!opens(&others, sealed, sealed_len, 1));
    /* A bit that the input chooses. */
    const size_t bit = (data[1] * 256u + data[0]) % (8u * sealed_len);
    sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    REQUIRE(!opens(&keys, sealed, sealed_len, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const ps_file_keys keys = keys_of(device, PS_FILE_EPOCHS);
    (void)opens(&keys, data, len, 1);
    check_sealed(data, len);
    return 0;
}

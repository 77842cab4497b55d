#include "common/fingerprint.h"

#include <sodium.h>
#include <string.h>

#define PREFIX       "SHA256:"
#define PREFIX_BYTES (sizeof PREFIX - 1)
#define BASE64_BYTES (PS_FINGERPRINT_BYTES - 1 - PREFIX_BYTES)

_Static_assert(sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES,
                                         sodium_base64_VARIANT_ORIGINAL_NO_PADDING) ==
                   BASE64_BYTES + 1,
               "a fingerprint's length");

void ps_fingerprint_format(char out[PS_FINGERPRINT_BYTES], const uint8_t key[PS_KEY_BYTES])
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, key, PS_KEY_BYTES);
    memcpy(out, PREFIX, PREFIX_BYTES);
    sodium_bin2base64(out + PREFIX_BYTES, BASE64_BYTES + 1, digest, sizeof digest,
                      sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What is left of a text without what is forgiven. */
static ps_span essence(const char *text)
{
    while (is_space(*text)) {
        text++;
    }
    if (strncmp(text, PREFIX, PREFIX_BYTES) == 0) {
        text += PREFIX_BYTES;
    }
    size_t len = strlen(text);
    while (len > 0 && is_space(text[len - 1])) {
        len--;
    }
    return (ps_span){(const uint8_t *)text, len};
}

bool ps_fingerprint_matches(const char *text, const uint8_t key[PS_KEY_BYTES])
{
    char right[PS_FINGERPRINT_BYTES];
    ps_fingerprint_format(right, key);
    const ps_span given = essence(text);
    return given.len == BASE64_BYTES && memcmp(given.data, right + PREFIX_BYTES, BASE64_BYTES) == 0;
}

bool ps_fingerprint_well_formed(const char *text)
{
    const ps_span given = essence(text);
    uint8_t digest[crypto_hash_sha256_BYTES];
    size_t len = 0;
    return given.len == BASE64_BYTES &&
           sodium_base642bin(digest, sizeof digest, (const char *)given.data, given.len, NULL, &len,
                             NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
           len == sizeof digest;
}

#include "peersyncd/key_file.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BASE64 sodium_base64_VARIANT_ORIGINAL

bool ps_key_file_read(ps_span file, uint8_t secret[PS_KEY_FILE_SECRET])
{
    const char *begin = (const char *)file.data;
    const char *end = begin + file.len;
    while (begin < end && *begin == '#') {
        const char *newline = memchr(begin, '\n', (size_t)(end - begin));
        begin = newline != NULL ? newline + 1 : end;
    }
    while (end > begin && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    size_t got = 0;
    const bool good = sodium_base642bin(secret, PS_KEY_FILE_SECRET, begin, (size_t)(end - begin),
                                        NULL, &got, NULL, BASE64) == 0 &&
                      got == PS_KEY_FILE_SECRET;
    return good && !sodium_is_zero(secret, PS_KEY_FILE_SECRET);
}

size_t ps_key_file_write(const char *comment, const uint8_t secret[PS_KEY_FILE_SECRET],
                         char out[PS_KEY_FILE_BYTES])
{
    char base64[sodium_base64_ENCODED_LEN(PS_KEY_FILE_SECRET, BASE64)];
    sodium_bin2base64(base64, sizeof base64, secret, PS_KEY_FILE_SECRET, BASE64);
    const int len = snprintf(out, PS_KEY_FILE_BYTES, "%s\n%s\n", comment, base64);
    sodium_memzero(base64, sizeof base64);
    return (size_t)len;
}

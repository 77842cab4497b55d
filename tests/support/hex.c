#include "hex.h"

#include <stdlib.h>
#include <string.h>

static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    if (at == NULL) {
        abort();
    }
    return (unsigned)(at - digits);
}

size_t hex_bytes(const char *hex, uint8_t *out, size_t cap)
{
    const size_t len = strlen(hex) / 2;
    if (strlen(hex) % 2 != 0 || len > cap) {
        abort();
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    }
    return len;
}

bool hex_equal(const char *hex, const uint8_t *bytes, size_t len)
{
    if (strlen(hex) != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1])) != bytes[i]) {
            return false;
        }
    }
    return true;
}

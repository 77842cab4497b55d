/* Text that came out of the programs, read back by readers of its own: what no terminal may see,
 * and strings of JSON. */
#ifndef PS_FUZZ_TEXT_WORLD_H
#define PS_FUZZ_TEXT_WORLD_H

#include "harness.h"

/* The next character, decoded first and judged then; 0 bytes: not UTF-8. */
static inline size_t utf8_read(const uint8_t *data, size_t len, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = len > 0 ? data[0] : 0xff;
    const size_t bytes = first < 0x80             ? 1u
                         : (first & 0xe0) == 0xc0 ? 2u
                         : (first & 0xf0) == 0xe0 ? 3u
                         : (first & 0xf8) == 0xf0 ? 4u
                                                  : 0u;
    if (bytes == 0 || bytes > len) {
        return 0;
    }
    *character = bytes == 1 ? first : first & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
        *character = *character << 6 | (data[i] & 0x3fu);
    }
    const bool good = *character >= least[bytes] && *character <= 0x10ffff &&
                      (*character < 0xd800 || *character > 0xdfff);
    return good ? bytes : 0;
}

/* Steers a terminal: controls of both sets, and what turns the direction of text or breaks lines
 * (UAX #9, TR 36). */
static inline bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x2028 ||
           c == 0x2029 || c == 0xfeff;
}

/* What is printed is UTF-8, and nothing in it steers. */
static inline void must_be_safe(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c = 0;
        const size_t n = utf8_read((const uint8_t *)text + at, len - at, &c);
        must(n > 0 && !steers(c));
        at += n;
    }
}

static inline unsigned hex4(const char *text)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        const char c = text[i];
        must((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

/* Reads the inside of a JSON string (RFC 8259) up to its quote or `len`, into `out` (at least `len`
 * bytes). @return what was read of the text. */
static inline size_t json_read(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
    size_t at = 0, to = 0;
    while (at < len && text[at] != '"') {
        const uint8_t c = (uint8_t)text[at++];
        must(c >= 0x20);
        if (c != '\\') {
            out[to++] = c;
            continue;
        }
        must(at < len);
        const char kind = text[at++];
        if (kind != 'u') {
            must(kind == '"' || kind == '\\');
            out[to++] = (uint8_t)kind;
            continue;
        }
        must(len - at >= 4);
        const unsigned code = hex4(text + at);
        at += 4;
        must(code < 0xd800 || code > 0xdfff); /* The writer needs no pairs. */
        if (code < 0x80) {
            out[to++] = (uint8_t)code;
        } else if (code < 0x800) {
            out[to++] = (uint8_t)(0xc0 | code >> 6);
            out[to++] = (uint8_t)(0x80 | (code & 0x3f));
        } else {
            out[to++] = (uint8_t)(0xe0 | code >> 12);
            out[to++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
            out[to++] = (uint8_t)(0x80 | (code & 0x3f));
        }
    }
    *out_len = to;
    return at;
}

/* What a text is after JSON: bytes that are not UTF-8 become U+FFFD. `out` has 3 * len bytes. */
static inline size_t json_mends(const uint8_t *text, size_t len, uint8_t *out)
{
    size_t to = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c = 0;
        const size_t n = utf8_read(text + at, len - at, &c);
        if (n == 0) {
            memcpy(out + to, "\xef\xbf\xbd", 3);
            to += 3;
            at++;
        } else {
            memcpy(out + to, text + at, n);
            to += n;
            at += n;
        }
    }
    return to;
}

#endif

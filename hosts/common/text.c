#include "common/text.h"

#include <stdio.h>
#include <string.h>

/* Reads one continuation-checked sequence; the bounds of the second byte keep out overlong forms,
 * surrogates and what lies above U+10FFFF (RFC 3629, section 4). */
size_t ps_utf8_next(ps_span text, uint32_t *code)
{
    if (text.len == 0) {
        return 0;
    }
    const uint8_t first = text.data[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    const size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.len < n) {
        return 0;
    }
    const uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text.data[1] < least || text.data[1] > most) {
        return 0;
    }
    uint32_t c = first & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c * 64u + (text.data[i] & 0x3fu);
    }
    *code = c;
    return n;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* Characters without a shape that change what stands around them: direction marks, separators,
 * joiners, the byte order mark, tags and variation selectors. */
static bool is_invisible(uint32_t c)
{
    return c == 0x00ad || c == 0x061c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Room of one written unit: the longest is "\xNN" four times. */
#define UNIT_MAX 20

/* Appends units whole, and keeps room for the dots that show a cut. */
typedef struct sink {
    char *out;
    size_t cap, len;
    size_t sure; /* Length up to which dots still fit behind. */
} sink;

static bool put(sink *s, const char *unit, size_t n)
{
    if (s->len + n >= s->cap) {
        return false;
    }
    memcpy(s->out + s->len, unit, n);
    s->len += n;
    if (s->len + 3 < s->cap) {
        s->sure = s->len;
    }
    return true;
}

static size_t cut(sink *s)
{
    s->len = s->sure;
    for (int i = 0; i < 3 && s->len + 1 < s->cap; i++) {
        s->out[s->len++] = '.';
    }
    s->out[s->len] = '\0';
    return s->len;
}

size_t ps_text_safe(char *out, size_t cap, ps_span text)
{
    if (cap == 0) {
        return 0;
    }
    sink s = {.out = out, .cap = cap};
    while (text.len > 0) {
        char unit[UNIT_MAX];
        uint32_t c = 0;
        size_t n = ps_utf8_next(text, &c);
        size_t unit_len = n;
        if (n == 0 || is_control(c)) {
            /* U+0080..9F are two bytes: each is escaped by itself. */
            n = 1;
            unit_len = (size_t)snprintf(unit, sizeof unit, "\\x%02x", text.data[0]);
        } else if (is_invisible(c)) {
            unit_len = (size_t)snprintf(unit, sizeof unit, "\\u{%x}", (unsigned)c);
        } else {
            memcpy(unit, text.data, n);
        }
        if (!put(&s, unit, unit_len)) {
            return cut(&s);
        }
        text.data += n;
        text.len -= n;
    }
    out[s.len] = '\0';
    return s.len;
}

size_t ps_text_safe_string(char *out, size_t cap, const char *text)
{
    return ps_text_safe(out, cap, (ps_span){(const uint8_t *)text, strlen(text)});
}

size_t ps_text_json(char *out, size_t cap, ps_span text)
{
    if (cap == 0) {
        return 0;
    }
    sink s = {.out = out, .cap = cap};
    while (text.len > 0) {
        char unit[UNIT_MAX];
        uint32_t c = 0;
        size_t n = ps_utf8_next(text, &c);
        size_t unit_len = n;
        if (n == 0) {
            n = 1;
            unit_len = 3;
            memcpy(unit, "\xef\xbf\xbd", 3);
        } else if (c == '"' || c == '\\') {
            unit_len = 2;
            unit[0] = '\\';
            unit[1] = (char)c;
        } else if (is_control(c) || (c < 0x10000 && is_invisible(c))) {
            unit_len = (size_t)snprintf(unit, sizeof unit, "\\u%04x", (unsigned)c);
        } else {
            memcpy(unit, text.data, n);
        }
        if (!put(&s, unit, unit_len)) {
            break;
        }
        text.data += n;
        text.len -= n;
    }
    out[s.len] = '\0';
    return s.len;
}

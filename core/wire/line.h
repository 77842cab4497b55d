/* A line of text in the caller's room: for explain.c alone, which has no snprintf. */
#ifndef PS_WIRE_LINE_H
#define PS_WIRE_LINE_H

#include "peersync/base.h"

#include <string.h>

/* Text and a NUL; `cut` when something did not fit, and then nothing more is added. */
typedef struct ps_line {
    char *text;
    size_t cap, len;
    bool cut;
} ps_line;

static inline void ps_line_bytes(ps_line *l, const char *bytes, size_t len)
{
    if (l->cut || len >= l->cap - l->len) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, bytes, len);
    l->len += len;
}

static inline void ps_line_string(ps_line *l, const char *string)
{
    size_t len = 0;
    while (string[len] != '\0') {
        len++;
    }
    ps_line_bytes(l, string, len);
}

static inline void ps_line_number(ps_line *l, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    ps_line_bytes(l, digits + at, sizeof digits - at);
}

static inline void ps_line_hex(ps_line *l, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char pair[2] = {"0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15]};
        ps_line_bytes(l, pair, 2);
    }
}

/* 16 digits. */
static inline void ps_line_id(ps_line *l, uint64_t v)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
    }
    ps_line_hex(l, bytes, sizeof bytes);
}

/* In quotes; what is not plain ASCII, and quote and backslash, as \xNN. */
static inline void ps_line_quoted(ps_line *l, ps_span s)
{
    ps_line_bytes(l, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        const uint8_t c = s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            const char plain = (char)c;
            ps_line_bytes(l, &plain, 1);
        } else {
            ps_line_bytes(l, "\\x", 2);
            ps_line_hex(l, &c, 1);
        }
    }
    ps_line_bytes(l, "\"", 1);
}

/* Ends the text; where it was cut, its last characters become dots. */
static inline size_t ps_line_end(ps_line *l)
{
    if (l->cut) {
        size_t dots = l->cap - 1 < 3 ? l->cap - 1 : 3;
        l->len = l->len + dots < l->cap ? l->len : l->cap - 1 - dots;
        for (; dots > 0; dots--) {
            l->text[l->len++] = '.';
        }
    }
    l->text[l->len] = '\0';
    return l->len;
}

#endif

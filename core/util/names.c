#include "peersync/base.h"

/* One character of well-formed UTF-8 (RFC 3629, section 4). */
typedef struct character {
    uint32_t code;
    uint32_t bytes; /* 0: the bytes are not well-formed. */
} character;

/* The first byte says how many follow and which range the second one has: this leaves out overlong
 * forms (E0, F0), the surrogates (ED) and what lies above U+10FFFF (F4). */
static character next_character(const uint8_t *p, size_t left)
{
    const character malformed = {0, 0};
    const uint32_t first = p[0];
    uint32_t bytes, low = 0x80, high = 0xbf;
    if (first < 0x80) {
        return (character){first, 1};
    } else if (first < 0xc2) {
        return malformed;
    } else if (first < 0xe0) {
        bytes = 2;
    } else if (first < 0xf0) {
        bytes = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first < 0xf5) {
        bytes = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    } else {
        return malformed;
    }
    if (left < bytes || p[1] < low || p[1] > high) {
        return malformed;
    }
    uint32_t code = (first & (0x7fu >> bytes)) * 64u + (p[1] & 0x3fu);
    for (uint32_t i = 2; i < bytes; i++) {
        if ((p[i] & 0xc0u) != 0x80) {
            return malformed;
        }
        code = code * 64u + (p[i] & 0x3fu);
    }
    return (character){code, bytes};
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static bool is_dots(ps_span name)
{
    return name.data[0] == '.' && (name.len == 1 || (name.len == 2 && name.data[1] == '.'));
}

ps_name_fault ps_name_check(ps_span name)
{
    if (name.len == 0) {
        return PS_NAME_EMPTY;
    }
    if (name.len > PS_NAME_MAX) {
        return PS_NAME_TOO_LONG;
    }
    for (size_t at = 0; at < name.len;) {
        const character c = next_character(name.data + at, name.len - at);
        if (c.bytes == 0) {
            return PS_NAME_NOT_UTF8;
        }
        if (c.code == '/' || c.code == '\\') {
            return PS_NAME_SEPARATOR;
        }
        if (is_control(c.code)) {
            return PS_NAME_CONTROL;
        }
        at += c.bytes;
    }
    return is_dots(name) ? PS_NAME_DOTS : PS_NAME_OK;
}

ps_name_fault ps_user_check(ps_span user)
{
    if (user.len > PS_USER_MAX) {
        return PS_NAME_USER_TOO_LONG;
    }
    const ps_name_fault fault = ps_name_check(user);
    if (fault != PS_NAME_OK) {
        return fault;
    }
    for (size_t i = 0; i < user.len; i++) {
        if (user.data[i] == ' ' || user.data[i] == '#') {
            return PS_NAME_USER_CHARACTER;
        }
    }
    return PS_NAME_OK;
}

const char *ps_name_fault_text(ps_name_fault fault)
{
    switch (fault) {
    case PS_NAME_OK:
        return "it is fine";
    case PS_NAME_EMPTY:
        return "it is empty";
    case PS_NAME_TOO_LONG:
        return "it is longer than 255 bytes";
    case PS_NAME_NOT_UTF8:
        return "it is not UTF-8";
    case PS_NAME_SEPARATOR:
        return "it holds '/' or '\\'";
    case PS_NAME_CONTROL:
        return "it holds a control character";
    case PS_NAME_DOTS:
        return "it is \".\" or \"..\"";
    case PS_NAME_USER_TOO_LONG:
        return "it is longer than 64 bytes";
    case PS_NAME_USER_CHARACTER:
        return "it holds a space or '#'";
    }
    return "it cannot be used";
}

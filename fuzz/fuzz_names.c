/* Names as they come from anybody, against a reader of UTF-8 that decodes first and judges then;
 * and every text that the core has for a number. */
#include "harness.h"

/* The next character; false: not UTF-8 (overlong, a surrogate, too large, cut short). */
static bool decode(const uint8_t *data, size_t len, size_t *at, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = data[*at];
    const size_t bytes = first < 0x80             ? 1u
                         : (first & 0xe0) == 0xc0 ? 2u
                         : (first & 0xf0) == 0xe0 ? 3u
                         : (first & 0xf8) == 0xf0 ? 4u
                                                  : 0u;
    if (bytes == 0 || bytes > len - *at) {
        return false;
    }
    *character = bytes == 1 ? first : first & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((data[*at + i] & 0xc0) != 0x80) {
            return false;
        }
        *character = *character << 6 | (data[*at + i] & 0x3fu);
    }
    *at += bytes;
    return *character >= least[bytes] && *character <= 0x10ffff &&
           (*character < 0xd800 || *character > 0xdfff);
}

/* True when a name of these bytes may be: of one character after the other, and as a whole. */
static bool fine(const uint8_t *data, size_t len, bool user)
{
    for (size_t at = 0; at < len;) {
        uint32_t c;
        if (!decode(data, len, &at, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '/' ||
            c == '\\' || (user && (c == ' ' || c == '#'))) {
            return false;
        }
    }
    const bool dots = len > 0 && len <= 2 && data[0] == '.' && data[len - 1] == '.';
    return len > 0 && !dots && len <= (user ? PS_USER_MAX : PS_NAME_MAX);
}

static void has_text(const char *text)
{
    must(text != NULL && text[0] != '\0');
}

static void texts(unsigned code)
{
    has_text(ps_error_name(code));
    has_text(ps_error_text(code));
    has_text(ps_error_advice(code));
    has_text(ps_drop_name((ps_drop)code));
    has_text(ps_drop_text((ps_drop)code));
    has_text(ps_name_fault_text((ps_name_fault)code));
    must((strcmp(ps_drop_name((ps_drop)code), "unknown") == 0) == (code >= PS_DROP_COUNT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size + (size == 0));
    must(exact != NULL);
    if (size > 0) {
        memcpy(exact, data, size);
    }
    const ps_span name = {exact, size};
    const ps_name_fault fault = ps_name_check(name);
    const ps_name_fault user = ps_user_check(name);
    must((fault == PS_NAME_OK) == fine(exact, size, false));
    must((user == PS_NAME_OK) == fine(exact, size, true));
    has_text(ps_name_fault_text(fault));
    has_text(ps_name_fault_text(user));
    tape t = {data, size};
    const unsigned code = take8(&t);
    texts(code < 250 ? code : (unsigned)take64(&t));
    const ps_addr a = {.port = (uint16_t)(code & 1u),
                       .family = code & 2u ? 4 : 6,
                       .ip = {code & 4u},
                       .scope = code >> 3 & 1u};
    const ps_addr b = {.port = (uint16_t)(code >> 4 & 1u),
                       .family = code & 32u ? 4 : 6,
                       .ip = {code >> 4 & 4u},
                       .scope = code >> 7};
    must(ps_addr_equal(&a, &b) == (memcmp(&a, &b, sizeof a) == 0));
    free(exact);
    return 0;
}

#include "width.h"

#include "common/text.h"

#include <string.h>
#include <wchar.h>

#define DOTS         "..."
#define DOTS_COLUMNS 3u
/* Fewer columns than this show an end alone. */
#define BOTH_ENDS 8u

/* Takes one character. @return its bytes; *columns is its width. */
static size_t next(const char *text, size_t *columns)
{
    uint32_t code = 0;
    const size_t n = ps_utf8_next((ps_span){(const uint8_t *)text, strlen(text)}, &code);
    const int w = n == 0 ? 1 : wcwidth((wchar_t)code);
    *columns = w < 0 ? 1u : (size_t)w;
    return n == 0 ? 1 : n;
}

size_t width_of(const char *text)
{
    size_t sum = 0;
    while (*text != '\0') {
        size_t columns = 0;
        text += next(text, &columns);
        sum += columns;
    }
    return sum;
}

/* Bytes of the longest front that fits, with what combines with its last character. */
static size_t front(const char *text, size_t columns, size_t cap)
{
    size_t at = 0;
    while (text[at] != '\0') {
        size_t w = 0;
        const size_t n = next(text + at, &w);
        if (w > columns || at + n >= cap) {
            break;
        }
        columns -= w;
        at += n;
    }
    return at;
}

/* Where the longest back begins that fits; not with a mark that combines with what is left out. */
static const char *back(const char *text, size_t columns)
{
    size_t left = width_of(text);
    while (*text != '\0') {
        size_t w = 0;
        const size_t n = next(text, &w);
        if (left <= columns && w > 0) {
            break;
        }
        text += n;
        left -= w;
    }
    return text;
}

size_t width_fit(char *out, size_t cap, const char *text, size_t columns)
{
    const size_t len = strlen(text);
    if (cap == 0) {
        return 0;
    }
    if (width_of(text) <= columns && len < cap) {
        memcpy(out, text, len + 1);
        return width_of(out);
    }
    if (columns < BOTH_ENDS) {
        const size_t n = front(text, columns, cap);
        memcpy(out, text, n);
        out[n] = '\0';
        return width_of(out);
    }
    /* The end tells more: what kind of file it is, which part. */
    const size_t room = columns - DOTS_COLUMNS;
    const char *tail = back(text, room - room / 2);
    const size_t tail_len = strlen(tail);
    if (tail_len + sizeof DOTS > cap) {
        out[0] = '\0';
        return 0;
    }
    const size_t n = front(text, room / 2, cap - tail_len - (sizeof DOTS - 1));
    memcpy(out, text, n);
    memcpy(out + n, DOTS, sizeof DOTS - 1);
    memcpy(out + n + sizeof DOTS - 1, tail, tail_len + 1);
    return width_of(out);
}

void width_cut(char *text, size_t columns)
{
    text[front(text, columns, strlen(text) + 1)] = '\0';
}

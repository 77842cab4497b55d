#include "selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool selection_has(const selection *s, uint32_t number)
{
    return number >= 1 && number <= s->len ? s->chosen[number - 1] : s->rest;
}

/* What was said of the rest holds for the new places. */
static bool reach(selection *s, uint32_t len)
{
    if (len <= s->len) {
        return true;
    }
    bool *more = realloc(s->chosen, len * sizeof *more);
    if (more == NULL) {
        return false;
    }
    for (uint32_t i = s->len; i < len; i++) {
        more[i] = s->rest;
    }
    s->chosen = more;
    s->len = len;
    return true;
}

bool selection_set(selection *s, uint32_t number, bool chosen)
{
    if (number < 1 || number > SELECTION_MAX || !reach(s, number)) {
        return false;
    }
    s->chosen[number - 1] = chosen;
    return true;
}

bool selection_copy(selection *to, const selection *from)
{
    *to = (selection){.rest = from->rest};
    if (!reach(to, from->len)) {
        return false;
    }
    if (from->len > 0) {
        memcpy(to->chosen, from->chosen, from->len * sizeof *to->chosen);
    }
    return true;
}

void selection_invert(selection *s)
{
    s->rest = !s->rest;
    for (uint32_t i = 0; i < s->len; i++) {
        s->chosen[i] = !s->chosen[i];
    }
}

/* "7", from here on; moves *at behind it. 0: there is none. */
static uint32_t number_at(const char **at)
{
    uint32_t number = 0;
    while (**at >= '0' && **at <= '9' && number <= SELECTION_MAX) {
        number = number * 10 + (uint32_t)(**at - '0');
        ++*at;
    }
    return number <= SELECTION_MAX ? number : 0;
}

static const char *choose(selection *s, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n <= to; n++) {
        if (!selection_set(s, n, true)) {
            return "there is no memory for it";
        }
    }
    return NULL;
}

const char *selection_parse(selection *s, const char *text)
{
    static const char *const wrong = "numbers from 1 to 1000000 are meant, as in 3,7-12,20-";
    const char *at = text;
    *s = (selection){.rest = false};
    for (;;) {
        const uint32_t from = number_at(&at);
        uint32_t to = from;
        if (from == 0) {
            return wrong;
        }
        if (*at == '-' && at[1] == '\0') {
            const char *why = choose(s, from, s->len > from ? s->len : from);
            s->rest = true;
            return why;
        }
        if (*at == '-') {
            at++;
            to = number_at(&at);
        }
        if (to < from || (*at != ',' && *at != '\0')) {
            return wrong;
        }
        const char *why = choose(s, from, to);
        if (why != NULL || *at == '\0') {
            return why;
        }
        at++;
    }
}

void selection_print(const selection *s, char *out, size_t cap)
{
    size_t len = 0;
    uint32_t n = 1;
    out[0] = '\0';
    while (n <= s->len + 1 && len < cap) {
        const uint32_t from = n;
        while (n <= s->len && selection_has(s, n)) {
            n++;
        }
        const char *comma = len > 0 ? "," : "";
        int wrote = 0;
        if (n > s->len && s->rest) {
            wrote = snprintf(out + len, cap - len, "%s%" PRIu32 "-", comma, from);
        } else if (n == from + 1) {
            wrote = snprintf(out + len, cap - len, "%s%" PRIu32, comma, from);
        } else if (n > from) {
            wrote = snprintf(out + len, cap - len, "%s%" PRIu32 "-%" PRIu32, comma, from, n - 1);
        }
        len += wrote > 0 ? (size_t)wrote : 0;
        n++;
    }
}

void selection_free(selection *s)
{
    free(s->chosen);
    *s = (selection){.rest = false};
}

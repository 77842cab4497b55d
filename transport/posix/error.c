#include "posix/error.h"

#include <stdio.h>
#include <string.h>

/* POSIX and GNU disagree about strerror_r(); each form fills or returns its words here. */
static const char *words_posix(int result, const char *buf)
{
    return result == 0 ? buf : "unknown error";
}

static const char *words_gnu(const char *result, const char *buf)
{
    (void)buf;
    return result;
}

#define WORDS(call, buf) _Generic((call), int : words_posix, char * : words_gnu)((call), (buf))

ps_status ps_posix_fail(ps_posix_error *why, int number, const char *what)
{
    if (!why) {
        return PS_FAILED;
    }
    why->number = number;
    if (number == 0) {
        snprintf(why->text, sizeof why->text, "%s", what);
        return PS_FAILED;
    }
    char buf[96] = "";
    snprintf(why->text, sizeof why->text, "%s: %s", what,
             WORDS(strerror_r(number, buf, sizeof buf), buf));
    return PS_FAILED;
}

ps_status ps_posix_fail_at(ps_posix_error *why, int number, const char *what, const ps_addr *at)
{
    char text[PS_ADDR_TEXT];
    char both[PS_ADDR_TEXT + 32];
    snprintf(both, sizeof both, "%s %s", what, ps_addr_format(at, text));
    return ps_posix_fail(why, number, both);
}

#include "peersync/base.h"

const char *ps_error_name(unsigned code)
{
    switch (code) {
#define NAME_OF(name, number, what, advice)                                                        \
    case number:                                                                                   \
        return #name;
        PS_ERROR_LIST(NAME_OF)
#undef NAME_OF
    default:
        return "UNKNOWN";
    }
}

const char *ps_error_text(unsigned code)
{
    switch (code) {
#define TEXT_OF(name, number, what, advice)                                                        \
    case number:                                                                                   \
        return what;
        PS_ERROR_LIST(TEXT_OF)
#undef TEXT_OF
    default:
        return "an error that this program does not know";
    }
}

const char *ps_error_advice(unsigned code)
{
    switch (code) {
#define ADVICE_OF(name, number, what, advice)                                                      \
    case number:                                                                                   \
        return advice;
        PS_ERROR_LIST(ADVICE_OF)
#undef ADVICE_OF
    default:
        return "update this program";
    }
}

const char *ps_drop_name(ps_drop reason)
{
    static const char *const names[PS_DROP_COUNT] = {
#define NAME_OF(upper, name, text) [PS_DROP_##upper] = name,
        PS_DROP_LIST(NAME_OF)
#undef NAME_OF
    };
    return (unsigned)reason < PS_DROP_COUNT ? names[reason] : "unknown";
}

const char *ps_drop_text(ps_drop reason)
{
    static const char *const texts[PS_DROP_COUNT] = {
#define TEXT_OF(upper, name, text) [PS_DROP_##upper] = text,
        PS_DROP_LIST(TEXT_OF)
#undef TEXT_OF
    };
    return (unsigned)reason < PS_DROP_COUNT ? texts[reason] : "unknown";
}

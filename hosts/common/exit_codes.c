#include "common/exit_codes.h"

#include "peersync/base.h"

#include <errno.h>

const char *ps_exit_meaning(int code)
{
    switch (code) {
#define PS_EXIT_CASE(name, number, meaning)                                                        \
    case number:                                                                                   \
        return meaning;
        PS_EXIT_LIST(PS_EXIT_CASE)
#undef PS_EXIT_CASE
    default:
        return "unknown";
    }
}

ps_exit ps_exit_of_error(unsigned error)
{
    switch (error) {
    case PS_E_NONE:
    case PS_E_SUPERSEDED:
        return PS_EXIT_DONE;
    case PS_E_CREDENTIALS:
    case PS_E_TICKET:
        return PS_EXIT_REFUSED;
    case PS_E_ACTIVE:
        return PS_EXIT_ACTIVE;
    case PS_E_BUSY:
    case PS_E_QUOTA:
    case PS_E_FULL:
    case PS_E_THROTTLED:
        return PS_EXIT_BUSY;
    case PS_E_NOT_FOUND:
        return PS_EXIT_NOT_FOUND;
    case PS_E_NO_ACTIVE_PEER:
        return PS_EXIT_NO_ACTIVE_PEER;
    case PS_E_BAD_NAME:
        return PS_EXIT_USAGE;
    case PS_E_TIMEOUT:
    case PS_E_NOT_LOGGED_IN:
        return PS_EXIT_UNREACHABLE;
    case PS_E_CANCELLED:
        return PS_EXIT_INTERRUPTED;
    case PS_E_NOT_PUBLISHED:
    case PS_E_CHANGED:
    case PS_E_MISMATCH:
    case PS_E_STALLED:
    case PS_E_CLOSED:
    case PS_E_SLOTS:
    case PS_E_PLAIN:
    case PS_E_FILE_TICKET:
        return PS_EXIT_TRANSFER;
    case PS_E_SERVER_KEY:
        return PS_EXIT_SERVER_KEY;
    case PS_E_IO:
        return PS_EXIT_LOCAL_FILE;
    default:
        return PS_EXIT_PROTOCOL;
    }
}

ps_exit ps_exit_of_errno(int number, ps_exit other)
{
    switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return PS_EXIT_SYSTEM;
    default:
        return other;
    }
}

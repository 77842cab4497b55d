/* What the files of peersync_fault.so share; fault.c says what it is. */
#ifndef PEERSYNC_TESTS_FAULT_H
#define PEERSYNC_TESTS_FAULT_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FAULT_EXPORT __attribute__((visibility("default")))
/* Not an errno: half of it is taken. */
#define FAULT_SHORT (-1)

enum fault_class {
    FAULT_ALLOC,
    FAULT_LIBS,
    FAULT_SEND,
    FAULT_RECV,
    FAULT_WRITE,
    FAULT_READ,
    FAULT_SYNC,
    FAULT_OPEN,
    FAULT_OTHER,
    FAULT_CLASSES
};

/* Past this library: what a call would have reached without it. */
#define FAULT_NEXT(name)                                                                           \
    static __typeof__(name) *next;                                                                 \
    if (next == NULL) {                                                                            \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
    }

/* Counts a call. @return the error that it shall have, or 0. */
int fault_count(enum fault_class class, const char *what, const void *caller);
/* The class is the one that is counted in this run. */
bool fault_counts(enum fault_class class);
/* The call comes from the program, not from a library. */
bool fault_is_own(const void *caller);
/* Reports how many calls there were, when the program ends. */
void fault_tell_calls(void);

/* Leaves the enclosing function with `failed` when this call is to fail. */
#define FAULT_HERE(class, what, failed)                                                            \
    do {                                                                                           \
        const int injected = fault_count(class, what, __builtin_return_address(0));                \
        if (injected != 0) {                                                                       \
            errno = injected == FAULT_SHORT ? EIO : injected;                                      \
            return failed;                                                                         \
        }                                                                                          \
    } while (0)

/* The call `name`, which returns -1 when it fails. */
#define FAULT_CALL(class, name, list, pass)                                                        \
    FAULT_EXPORT int name list                                                                     \
    {                                                                                              \
        FAULT_NEXT(name);                                                                          \
        FAULT_HERE(class, #name, -1);                                                              \
        return next pass;                                                                          \
    }

#endif

/* Lines of a list, kept until it is whole: a server that restarts makes a list begin anew, and what
 * was printed cannot be taken back. */
#ifndef PEERSYNC_KEPT_H
#define PEERSYNC_KEPT_H

#include "out.h"

struct kept {
    char *bytes;
    size_t len, cap;
};

void kept_add(struct kept *k, const char *bytes, size_t len);
/* Forgets all. */
void kept_clear(struct kept *k);
/* Prints all, and forgets it. */
void kept_print(struct kept *k, struct out *out);

#endif

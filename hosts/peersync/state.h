/* The state directory of one installation: who it is (a random device id), and the lock that keeps
 * a second process of the same user out. */
#ifndef PEERSYNC_STATE_H
#define PEERSYNC_STATE_H

#include "common/exit_codes.h"
#include "common/state_dir.h"
#include "peersync/base.h"

struct state {
    ps_state_dir dir;
    bool open;
    bool fresh; /* Nothing was there before. */
    uint8_t device[PS_DEVICE_BYTES];
};

/* Opens and locks `path`, or the user's default directory where it is NULL, and reads the device
 * id, or makes one.
 * @return PS_EXIT_DONE, or why not with a sentence in `why`. */
ps_exit state_open(struct state *s, const char *path, const char *user, char *why, size_t why_cap);
/* Closes it. `discard`: if it was fresh (a mistyped user name), leaves nothing behind but the keys
 * of servers that were accepted. */
void state_close(struct state *s, bool discard);

#endif

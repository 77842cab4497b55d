/* Replay window (RFC 6479's idea, without its block ring): which of the 256 counters up to the
 * highest one accepted were taken is remembered; what is older is refused. */
#ifndef PS_CHANNEL_REPLAY_H
#define PS_CHANNEL_REPLAY_H

#include "peersync/base.h"

#define PS_REPLAY_WINDOW 256u

typedef struct ps_replay {
    uint64_t next;    /* Highest accepted counter + 1; 0: none yet. */
    uint64_t bits[4]; /* Bit (c % 256): counter c of the window was accepted. */
} ps_replay;

/* True when the counter is new. UINT64_MAX is never accepted. */
bool ps_replay_is_new(const ps_replay *r, uint64_t counter);
/* Records a counter for which ps_replay_is_new() holds (after the packet proved genuine). */
void ps_replay_accept(ps_replay *r, uint64_t counter);

#endif

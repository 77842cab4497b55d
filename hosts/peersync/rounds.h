/* Does one thing for each of many, some in each round of the loop, so that heartbeats and signals
 * are not held up however many there are. */
#ifndef PEERSYNC_ROUNDS_H
#define PEERSYNC_ROUNDS_H

#include <stddef.h>
#include <uv.h>

struct rounds;

/* Calls `each` for 0 to `count` - 1, from the loop, never from within this call. */
struct rounds *rounds_start(uv_loop_t *loop, size_t count, void (*each)(void *ctx, size_t i),
                            void *ctx);
/* Ends it, done or not; also from within `each`. The loop must run once more afterwards. NULL is
 * allowed. */
void rounds_stop(struct rounds *r);

#endif

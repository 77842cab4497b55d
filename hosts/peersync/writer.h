/* A thread that writes to stdout and stderr, in order, from a queue that grows as needed. */
#ifndef PEERSYNC_WRITER_H
#define PEERSYNC_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct writer;

/* `closed` and `drained` are called on the loop's thread: stdout has no reader any more; the queue
 * has become empty. NULL when the system refuses a thread. */
struct writer *writer_open(uv_loop_t *loop, void (*closed)(void *), void (*drained)(void *),
                           void *ctx);
/* Queues bytes for a descriptor; dropped once that one is broken. */
void writer_put(struct writer *w, int fd, const char *bytes, size_t len);
/* Bytes in the queue, those under way included. */
size_t writer_waiting(struct writer *w);
/* What broke the descriptor: an errno, or 0. */
int writer_error(struct writer *w, int fd);
/* Waits until the queue is empty. */
void writer_flush(struct writer *w);
/* Ends the thread once the queue is empty; if not `patient`, gives up after half a second and
 * leaves the thread to the end of the process. The loop must run once more afterwards. */
void writer_close(struct writer *w, bool patient);

#endif

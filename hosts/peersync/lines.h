/* Standard input, line by line, on the loop: a terminal, a pipe, a file or /dev/null. One line is
 * handed out at a time; the next one waits until lines_next() asks for it. */
#ifndef PEERSYNC_LINES_H
#define PEERSYNC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* Longest line, in bytes, without its newline. */
#define LINE_MAX_BYTES 65535u

struct lines;

/* What came when lines_next() was called. */
enum line_kind {
    LINE_TEXT,     /* `text`: NUL-ended, without newline. */
    LINE_TOO_LONG, /* More than LINE_MAX_BYTES; it was dropped. */
    LINE_HAS_NUL,  /* Binary; it was dropped. */
    LINE_END       /* End of input; also when it cannot be read. */
};

struct lines *lines_open(uv_loop_t *loop, int fd,
                         void (*taken)(void *ctx, enum line_kind kind, char *text), void *ctx);
/* Asks for one line; `taken` is called once, from the loop, never from within this call. */
void lines_next(struct lines *l);
/* Closes the handles; the loop must run once more afterwards. NULL is allowed. */
void lines_close(struct lines *l);

#endif

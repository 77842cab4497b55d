#include "lines.h"

#include "data/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 16384u

struct lines {
    uv_loop_t *loop;
    int fd;
    void (*taken)(void *ctx, enum line_kind kind, char *text);
    void *ctx;
    uv_poll_t poll;  /* Terminals, pipes, sockets. */
    uv_fs_t read;    /* What cannot be polled: files, /dev/null. */
    uv_idle_t later; /* A line is in the buffer already. */
    bool polled;
    bool asked, reading, ended, dropping, closed;
    unsigned open_handles;
    size_t len;
    size_t looked; /* Bytes that hold no newline. */
    char buffer[LINE_MAX_BYTES + 1];
    char text[LINE_MAX_BYTES + 1];
};

static void look(struct lines *l);

static void hand_out(struct lines *l, enum line_kind kind)
{
    l->asked = false;
    uv_idle_stop(&l->later);
    if (l->polled) {
        uv_poll_stop(&l->poll);
    }
    l->taken(l->ctx, kind, l->text);
}

/* Takes the first `len` bytes of the buffer, and the newline behind them, as a line. */
static void take(struct lines *l, size_t len, bool newline)
{
    const size_t used = len + (newline ? 1u : 0u);
    const bool dropped = l->dropping;
    const bool binary = memchr(l->buffer, '\0', len) != NULL;
    memcpy(l->text, l->buffer, len);
    l->text[len] = '\0';
    if (len > 0 && l->text[len - 1] == '\r') {
        l->text[len - 1] = '\0';
    }
    memmove(l->buffer, l->buffer + used, l->len - used);
    l->len -= used;
    l->looked = 0;
    l->dropping = false;
    hand_out(l, dropped ? LINE_TOO_LONG : binary ? LINE_HAS_NUL : LINE_TEXT);
}

static void got(struct lines *l, ssize_t n)
{
    if (n > 0) {
        l->len += (size_t)n;
    } else {
        l->ended = true;
    }
    look(l);
}

static void on_read(uv_fs_t *request)
{
    struct lines *l = request->data;
    const ssize_t n = request->result;
    uv_fs_req_cleanup(request);
    l->reading = false;
    if (l->closed) {
        if (l->open_handles == 0) {
            free(l);
        }
        return;
    }
    got(l, n);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct lines *l = poll->data;
    size_t room = sizeof l->buffer - l->len;
    if (room > READ_BYTES) {
        room = READ_BYTES;
    }
    const ssize_t n = status < 0 ? 0 : read(l->fd, l->buffer + l->len, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    got(l, n);
}

/* Hands out a line if there is one, else sees that more is read. */
static void look(struct lines *l)
{
    if (!l->asked || l->closed) {
        return;
    }
    const char *newline = memchr(l->buffer + l->looked, '\n', l->len - l->looked);
    if (newline != NULL) {
        take(l, (size_t)(newline - l->buffer), true);
        return;
    }
    l->looked = l->len;
    if (l->ended) {
        if (l->len > 0 || l->dropping) {
            take(l, l->len, false);
        } else {
            hand_out(l, LINE_END);
        }
        return;
    }
    if (l->len == sizeof l->buffer) {
        l->dropping = true;
        l->len = l->looked = 0;
    }
    if (l->polled) {
        uv_poll_start(&l->poll, UV_READABLE | UV_DISCONNECT, on_readable);
    } else if (!l->reading) {
        size_t room = sizeof l->buffer - l->len;
        const uv_buf_t into =
            uv_buf_init(l->buffer + l->len, room > READ_BYTES ? READ_BYTES : (unsigned)room);
        l->read.data = l;
        l->reading = uv_fs_read(l->loop, &l->read, l->fd, &into, 1, -1, on_read) == 0;
    }
}

static void on_later(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    look(idle->data);
}

struct lines *lines_open(uv_loop_t *loop, int fd,
                         void (*taken)(void *ctx, enum line_kind kind, char *text), void *ctx)
{
    struct lines *l = data_alloc(1, sizeof *l);
    l->loop = loop;
    l->fd = fd;
    l->taken = taken;
    l->ctx = ctx;
    uv_idle_init(loop, &l->later);
    l->later.data = l;
    l->open_handles = 1;
    /* libuv probes the descriptor here: files and the like are refused. It also makes it
     * non-blocking, which whoever shares it (a shell) would feel; that is undone, for what is read
     * is there already. */
    const int flags = fcntl(fd, F_GETFL);
    l->polled = uv_poll_init(loop, &l->poll, fd) == 0;
    if (l->polled) {
        (void)fcntl(fd, F_SETFL, flags);
        l->poll.data = l;
        l->open_handles++;
    }
    return l;
}

void lines_next(struct lines *l)
{
    l->asked = true;
    uv_idle_start(&l->later, on_later);
}

static void on_closed(uv_handle_t *handle)
{
    struct lines *l = handle->data;
    if (--l->open_handles == 0 && !l->reading) {
        free(l);
    }
}

void lines_close(struct lines *l)
{
    if (l == NULL) {
        return;
    }
    l->closed = true;
    uv_close((uv_handle_t *)&l->later, on_closed);
    if (l->polled) {
        uv_close((uv_handle_t *)&l->poll, on_closed);
    }
}

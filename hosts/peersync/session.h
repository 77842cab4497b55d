/* One login at one server: the peer's machine, its pump and its socket, on the loop. Everything
 * happens on the control thread. */
#ifndef PEERSYNC_SESSION_H
#define PEERSYNC_SESSION_H

#include "common/exit_codes.h"
#include "peersync/peer.h"

#include <uv.h>

struct session;

/* An event of a command: PEER, FILE, SOURCE, AGAIN (forget these) and at last DONE. Spans live for
 * the call. */
typedef void (*session_answer)(void *ctx, const ps_event *event);

struct session_config {
    uv_loop_t *loop;
    ps_addr server;
    const char *journal; /* Path; NULL: none is kept. */
    /* SERVER_KEY, TICKET, FILE_KEYS, LOGGED_IN, REFUSED, LOST, PUT_OFF, UNLISTED, LOGGED_OUT. Spans
     * live for the call. */
    void (*account)(void *ctx, const ps_event *event);
    /* What the server's clock says now, in seconds since 1970; told often, once it is known. */
    void (*clock)(void *ctx, uint64_t wall_s);
    /* The socket broke; no more events come. `why` is a sentence. */
    void (*failed)(void *ctx, const char *why);
    /* The journal has stopped; the session goes on. */
    void (*journal_failed)(void *ctx, const char *why);
    void *ctx;
};

/* Opens a socket and makes the machine, in *out. Not DONE: a sentence in `why`, and *out is NULL.
 */
ps_exit session_open(const struct session_config *cfg, struct session **out, char *why,
                     size_t why_cap);
/* Ends it without a word to the server. Pending answers are not called. The loop must run once
 * more afterwards. NULL is allowed. */
void session_close(struct session *s);

/* Whom to log in. The machine keeps copies. */
struct session_account {
    const char *user;
    const char *password;
    const uint8_t *device;     /* PS_DEVICE_BYTES. */
    const uint8_t *server_key; /* PS_KEY_BYTES; NULL: not known yet. */
    ps_span ticket;            /* May be empty. */
    uint16_t stream_port;
};

/* Logs in; ends in LOGGED_IN or REFUSED. Before that, SERVER_KEY may ask for session_trust(). */
void session_login(struct session *s, const struct session_account *account);
/* The key of SERVER_KEY is the server's: the login goes on. */
void session_trust(struct session *s, const uint8_t key[PS_KEY_BYTES]);
void session_logout(struct session *s);

/* Starts PUBLISH, UNPUBLISH, LIST_*, SEARCH or LOCATE. `answer` (may be NULL) is called from the
 * loop, never from within this call. `content` is PUBLISH's, else NULL.
 * DONE is the last answer. */
void session_request(struct session *s, ps_input_type type, const char *text,
                     const ps_content *content, session_answer answer, void *ctx);
/* No answer is called any more, of requests under way or to come. */
void session_mute(struct session *s);

void session_stats(const struct session *s, ps_peer_stats *stats);

#endif

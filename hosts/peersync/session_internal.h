/* The session, as its files see it: what it is made of (session_life.c), and how it runs
 * (session.c). */
#ifndef PEERSYNC_SESSION_INTERNAL_H
#define PEERSYNC_SESSION_INTERNAL_H

#include "common/journal_file.h"
#include "peersync/posix.h"
#include "peersync/pump.h"
#include "session.h"

/* Output memory: room for many steps. */
#define OUT_BYTES     (64u * PS_DATAGRAM_MAX)
#define OUT_DATAGRAMS 128u
#define OUT_EVENTS    (8u * PS_PEER_STEP_EVENTS)

struct request {
    struct request *next, *prev; /* All of the session. */
    struct request *queued;      /* Not submitted yet: the next one. */
    session_answer answer;
    void *ctx;
    ps_input_type type;
    ps_content content;
    char *text;
};

struct session {
    struct session_config cfg;
    ps_posix_udp *udp;
    ps_transport transport;
    ps_peer *peer;
    void *slab;
    size_t slab_len;
    ps_pump pump;
    uint8_t bytes[OUT_BYTES];
    ps_datagram datagrams[OUT_DATAGRAMS];
    ps_event events[OUT_EVENTS];
    uv_poll_t poll;
    uv_timer_t timer;
    uv_timer_t journal_timer;
    ps_journal_file *journal; /* NULL: none is kept. */
    int poll_events;
    unsigned open_handles;
    bool driving, failed, muted;
    struct request *requests;            /* All. */
    struct request *queue, **queue_tail; /* To be submitted, in order. */
};

/* Waits for the socket and for the machine's next deadline; `soon`: for neither. `status` is what
 * the pump said last. */
void session_wait(struct session *s, ps_status status, bool soon);
/* Takes a request off the list, and frees it. */
void session_request_free(struct session *s, struct request *r);

#endif

/* An uploader's and a downloader's end of one stream in memory. The uploader knows one ticket. */
#ifndef PS_TESTS_TLS_RIG_H
#define PS_TESTS_TLS_RIG_H

#include "peersync/tls.h"
#include "pipe.h"
#include "unit.h"

#define RIG_TICKET_LEN 186u
/* The client's stream is 1, the server's 2. */
#define RIG_CLIENT 1u
#define RIG_SERVER 2u

typedef struct rig {
    test_pipe pipe;
    ps_stream_transport io;
    ps_tls_context *up;
    ps_tls_context *down;
    ps_tls *server;
    ps_tls *client;
    uint8_t ticket[RIG_TICKET_LEN];
    size_t ticket_len; /* As the uploader knows it. */
    uint8_t key[PS_KEY_BYTES];
    unsigned looks; /* How often the uploader was asked. */
} rig;

/* Contexts and a pipe; no ends yet. */
void rig_open(rig *r);
void rig_close(rig *r);
/* The two ends: the downloader with these; any earlier ones go, and the pipe is new. */
void rig_ends(rig *r, ps_span ticket, const uint8_t key[PS_KEY_BYTES]);
/* Both handshakes in turn. @return true: both are done; false: one has failed. */
bool rig_shake(rig *r);
/* Ends with the right ticket, and the handshake made. */
void rig_connect(rig *r);
ps_span rig_ticket(const rig *r);

/* Writes all of it, flushes, and reads it at the other end; fails the test otherwise. */
void rig_send(rig *r, ps_tls *from, ps_tls *to, const void *bytes, size_t len);
/* Reads once: what is there; fails the test when it is not `want`. */
void rig_expect(ps_tls *t, ps_status want);

#endif

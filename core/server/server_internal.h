/* The server's machine, seen from inside. Files: server.c (init, step, time), memory.c (the sum),
 * sessions.c, logins.c (passwords under verification), takeover.c (a user's second device), reply.c
 * (answers into the slab), reset.c, and one on_*.c for each message and input. */
#ifndef PS_SERVER_INTERNAL_H
#define PS_SERVER_INTERNAL_H

#include "channel/replay.h"
#include "directory/directory.h"
#include "peersync/server.h"
#include "peersync/transfer.h"
#include "util/assert.h"
#include "util/canary.h"
#include "util/clock.h"
#include "util/prng.h"
#include "wire/messages.h"

/* Sessions that a tick may close before it answers PS_MORE. */
#define PS_SERVER_TICK_EVICTIONS 64u
/* Retry hint of a full table, in milliseconds. */
#define PS_SERVER_BUSY_MS 1000u
/* Inactive publications that a LOCATE answer may name: enough to say that the file exists. */
#define PS_LOCATE_INACTIVE 4u

/* One session: two cache lines. A heartbeat touches both and its timeout's node. */
typedef struct ps_session {
    uint32_t next; /* Free list. */
    uint32_t user; /* PS_NIL: the record is free. */
    uint64_t id;   /* Receiver id of packets to the server. */
    ps_replay replay;
    uint64_t tx_counter; /* Of the last datagram sent. */

    uint64_t client_id;  /* Receiver id of packets to the client. */
    uint64_t generation; /* Copies of the device's, to leave the device's cache line alone. */
    uint64_t digest;
    ps_addr addr;
    uint32_t endpoint;
    uint32_t device;
    uint16_t stream_port;
    uint16_t datagram_max;
    uint32_t probe; /* The login + 1 that waits for this session's silence; 0: none. */
} ps_session;

_Static_assert(sizeof(ps_session) == 128, "two cache lines");

/* CHALLENGEs to a session before another device of its user replaces it: one each takeover_ms / 7.
 * Where a fifth of the packets is lost each way, all seven go unanswered once in 1,300 times. */
#define PS_PROBES 7u
/* Logins whose probes a tick looks at before it answers PS_MORE. */
#define PS_SERVER_TICK_PROBES 4u

/* A login whose password the host verifies, or whose user's other device is probed. */
typedef struct ps_pending {
    uint32_t next;
    uint32_t tag;       /* Changes with every use of the record: stale verdicts do not match. */
    uint64_t client_id; /* 0: the record is free. */
    uint64_t probed;    /* The session that is probed, by its id; 0: under verification. */
    ps_addr addr;
    uint32_t endpoint;
    uint32_t request;
    uint16_t stream_port;
    uint16_t datagram_max;
    uint8_t device[PS_DEVICE_BYTES];
    uint8_t probes; /* Sent so far. */
    uint8_t user_len;
    uint8_t user[PS_USER_MAX];
} ps_pending;

struct ps_server {
    ps_server_config cfg;
    ps_clock clock;
    uint64_t wall_s;
    uint64_t wall_set_us; /* When wall_s was told. */
    ps_prng prng;
    ps_sipkey id_key;      /* Permutes session numbers into receiver ids. */
    uint64_t last_session; /* Number of the last session. */
    ps_sipkey table_key;
    uint64_t life;     /* Told at login. */
    uint64_t reset_us; /* When the second began in which reset_left RESETs may still be sent. */
    uint32_t reset_left;
    uint32_t late_times;     /* Late steps in a row that gave time. */
    uint64_t late_at_us;     /* The last late step. */
    uint64_t commit_seq;     /* Of the last record. */
    uint32_t store_retry_ms; /* Not 0: the host's store takes no records. */
    ps_server_stats stats;

    ps_slots sessions, pendings;
    ps_timeouts liveness, verification, probing; /* The last two share pending_times. */
    uint32_t session_mask, pending_mask;
    size_t sessions_at, session_index_at, session_times_at; /* From the machine's address. */
    size_t pendings_at, pending_heads_at, pending_times_at;

    ps_directory directory;
};

static inline void *ps_server_at(const ps_server *s, size_t offset)
{
    return (void *)((uintptr_t)s + offset);
}

static inline ps_session *ps_session_at(const ps_server *s, uint32_t i)
{
    return (ps_session *)ps_server_at(s, s->sessions_at) + i;
}

static inline ps_timeout_node *ps_session_times(const ps_server *s)
{
    return ps_server_at(s, s->session_times_at);
}

static inline ps_pending *ps_pending_at(const ps_server *s, uint32_t i)
{
    return (ps_pending *)ps_server_at(s, s->pendings_at) + i;
}

static inline ps_timeout_node *ps_pending_times(const ps_server *s)
{
    return ps_server_at(s, s->pending_times_at);
}

/* memory.c: lays the slab out; fills offsets of `s` and lines when not NULL. 0: impossible. */
size_t ps_server_layout(const ps_server_config *cfg, ps_server *s, ps_memory_line *lines,
                        size_t cap, size_t *count);
ps_directory_caps ps_server_directory_caps(const ps_server_config *cfg);

/* session_index.c */
typedef struct ps_index_entry {
    uint32_t half; /* The low half of the id. */
    uint32_t slot; /* The record's number + 1; 0: free. */
} ps_index_entry;

/* Inputs whose tables are prefetched together. */
#define PS_LOOK_AHEAD 24u

uint32_t ps_session_find(const ps_server *s, uint64_t id); /* Alive or not; PS_NIL. */
void ps_session_index_add(ps_server *s, uint32_t session);
void ps_session_index_remove(ps_server *s, uint32_t session);
/* Starts loading what the next inputs (at most PS_LOOK_AHEAD) will touch: index, then records and
 * timeouts, then those timeouts' neighbours. At a million sessions every one of these is a cache
 * miss; together they cost little more than one. Reads only; a wrong guess costs a load. */
void ps_session_look_ahead(const ps_server *s, const ps_input in[], size_t n);

/* sessions.c */
bool ps_session_alive(const ps_server *s, uint32_t session);
/* PS_NIL when the table is full. The user and the device have none. */
uint32_t ps_session_open(ps_server *s, uint32_t user, uint32_t device, const ps_pending *p,
                         ps_output *out);
void ps_session_close(ps_server *s, uint32_t session, ps_close_reason reason, ps_output *out);
/* Is this user online, as of now? */
bool ps_user_active(const ps_server *s, uint32_t user);

/* logins.c */
uint32_t ps_pending_find(const ps_server *s, const ps_addr *addr, uint64_t client_id);
uint32_t ps_pending_add(ps_server *s, const ps_login *m, uint32_t request,
                        const ps_input_datagram *in); /* PS_NIL when the table is full. */
void ps_pending_remove(ps_server *s, uint32_t pending);

/* takeover.c: a verified login of a user who is online on another device. */
/* Begins to probe that device, or refuses the login (it is probed for another one already). */
void ps_takeover_begin(ps_server *s, uint32_t pending, uint32_t session, ps_output *out);
/* The session gave a sign of life: the login that waited for its silence is refused. */
void ps_takeover_end(ps_server *s, uint32_t session, ps_output *out);
/* A probe has gone unanswered for its time: the next one, or the login. */
void ps_takeover_due(ps_server *s, uint32_t pending, ps_output *out);

/* The answers to one packet: messages gathered into as few datagrams as they fit. */
typedef struct ps_reply {
    ps_server *s;
    ps_output *out;
    uint32_t session;
    bool open; /* A datagram is begun: out->datagrams[datagrams_len], not yet counted. */
    ps_writer writer;
    uint64_t commit_seq;
} ps_reply;

/* reply.c: a datagram at the slab's end (the step has made sure of the room), */
ps_writer ps_datagram_begin(ps_output *out, size_t cap);
void ps_datagram_end(ps_server *s, ps_output *out, const ps_writer *w, const ps_addr *to,
                     uint32_t endpoint, uint64_t commit_seq);
/* and the answers to a packet. fresh: the next message begins a datagram of its own, for pages and
 * promises. */
ps_writer *ps_reply_begin(ps_reply *r, bool fresh);
void ps_reply_flush(ps_reply *r);
void ps_reply_error(ps_reply *r, uint32_t request, ps_error code, uint32_t retry_ms);
/* One message to an address that has no session, under counter 0. */
void ps_refuse(ps_server *s, ps_output *out, const ps_addr *to, uint32_t endpoint,
               uint64_t client_id, uint32_t request, ps_error code, uint32_t retry_ms);
void ps_welcome(ps_server *s, ps_output *out, uint32_t session, uint32_t request);
/* CHALLENGE in a session, in a datagram of its own. */
void ps_challenge(ps_server *s, ps_output *out, uint32_t session);

/* reset.c: tells the sender that no session has this receiver id, unless too many were told. */
void ps_reset(ps_server *s, const ps_input_datagram *in, const ps_packet *packet, ps_output *out);

/* on_*.c: a message of a live session. False: its body is malformed; drop the rest. */
bool ps_on_heartbeat(ps_reply *r, const ps_message *m);
bool ps_on_changes(ps_reply *r, const ps_message *m);
bool ps_on_list_peers(ps_reply *r, const ps_message *m);
bool ps_on_list_files(ps_reply *r, const ps_message *m); /* SEARCH too. */
bool ps_on_locate(ps_reply *r, const ps_message *m);
bool ps_on_digests(ps_reply *r, const ps_message *m);
bool ps_on_list_names(ps_reply *r, const ps_message *m);
bool ps_on_logout(ps_reply *r, const ps_message *m);

void ps_on_datagram(ps_server *s, const ps_input_datagram *in, ps_output *out);
void ps_on_login(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                 ps_output *out);
void ps_on_verdict(ps_server *s, const ps_input_verdict *in, ps_output *out);
/* Ends a verified login: opens its session, or refuses it. */
void ps_login_admit(ps_server *s, uint32_t pending, ps_output *out);
void ps_on_restore(ps_server *s, const ps_input_restore *in);

/* The wall clock now, or 0 when it was never told. */
uint64_t ps_server_wall_s(const ps_server *s);

static inline void ps_server_drop(ps_server *s, ps_drop why)
{
    s->stats.drops[why]++;
}

#endif

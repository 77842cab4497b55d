/* The server's machine, seen from inside. Files: server.c (init, step, time), memory.c (the sum),
 * receivers.c (who has a receiver id), handshakes.c (their pool), networks.c (what each source
 * network may begin), sessions.c, moves.c (a session's new address), takeover.c (a user's second
 * device), file_tickets.c, reply.c (answers into the slab), reset.c, unseal.c (for tools), and one
 * on_*.c for each packet, message and input. */
#ifndef PS_SERVER_INTERNAL_H
#define PS_SERVER_INTERNAL_H

#include "channel/cookie.h"
#include "channel/replay.h"
#include "channel/secrets.h"
#include "channel/wipe.h"
#include "directory/directory.h"
#include "peersync/server.h"
#include "peersync/transfer.h"
#include "util/assert.h"
#include "util/canary.h"
#include "util/clock.h"
#include "util/prng.h"
#include "util/rate.h"
#include "wire/messages.h"

/* Sessions that a tick may close before it answers PS_MORE. */
#define PS_SERVER_TICK_EVICTIONS 64u
/* Retry hint of a full table, in milliseconds. */
#define PS_SERVER_BUSY_MS 1000u
/* Inactive publications that a LOCATE answer may name: enough to say that the file exists. */
#define PS_LOCATE_INACTIVE 4u

/* Keys that were replaced live on for what is still under way. */
#define PS_OLD_KEYS_US UINT64_C(10000000)
/* A clock that is set back by less does not void the tickets of before. */
#define PS_CLOCK_SLACK_S UINT64_C(3600)
/* So long after its end a ticket still shows that its device has been in before: 90 days. */
#define PS_KNOWN_S UINT64_C(7776000)
/* LOGINs that one handshake may try: by ticket, by password, and by another password. */
#define PS_LOGIN_TRIES 3u

/* The keys of one channel. */
typedef struct ps_channel {
    uint8_t rx[32]; /* What the client sends. */
    uint8_t tx[32];
} ps_channel;

/* One session: three cache lines. A heartbeat touches them and its timeout's node. */
typedef struct ps_session {
    union {
        uint32_t next;  /* Free list. */
        uint32_t epoch; /* Of a session: the first whose file key it is told; PS_NIL: none is. */
    };
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

    ps_channel keys;
} ps_session;

_Static_assert(sizeof(ps_session) == 192, "three cache lines");

/* CHALLENGEs to a session before another device of its user replaces it: one each takeover_ms / 7.
 * Where a fifth of the packets is lost each way, all seven go unanswered once in 1,300 times. */
#define PS_PROBES 7u
/* Logins whose probes a tick looks at before it answers PS_MORE. */
#define PS_SERVER_TICK_PROBES 4u

/* What a handshake's record is for. */
typedef enum ps_handshake_state {
    PS_HANDSHAKE_FREE = 0,
    PS_HANDSHAKE_OPEN,      /* RESPOND was sent. The client's address is not proven. */
    PS_HANDSHAKE_VERIFYING, /* A LOGIN waits for the host's verdict. */
    PS_HANDSHAKE_PROBING,   /* It waits for the silence of the user's other device. */
    PS_HANDSHAKE_REFUSED,   /* The LOGIN was refused; the client may try another one. */
    PS_HANDSHAKE_ADMITTED,  /* There is a session; the record is kept to repeat the answer. */
    PS_HANDSHAKE_REPLACED   /* Keys of a session whose client has fresh ones. */
} ps_handshake_state;

/* A handshake, the login on it, and what is left of a session for a while. What only these need
 * stays out of the sessions' records. */
typedef struct ps_handshake {
    uint32_t next;  /* Free list, or the chain of a bucket by address and client id. */
    uint32_t tag;   /* Changes with every login: stale verdicts do not match. */
    uint8_t state;  /* ps_handshake_state. */
    bool charged;   /* Its network has paid for it. */
    bool known;     /* The device has shown a ticket of this user. */
    bool by_ticket; /* The LOGIN that waits is. */
    uint8_t tries;  /* LOGINs so far. */
    uint64_t client_id;
    uint64_t id; /* Receiver id of packets to the server; ADMITTED: of the session. */
    ps_replay replay;
    uint64_t tx_counter;
    ps_channel keys;
    ps_addr addr;
    uint32_t endpoint;
    uint32_t request; /* Of the last LOGIN. */
    uint32_t retry_ms;
    uint16_t error; /* REFUSED: how. */
    uint16_t stream_port;
    uint16_t datagram_max;
    uint8_t probes;   /* Sent so far. */
    uint64_t probed;  /* PROBING: the other session, by its id. */
    uint64_t session; /* REPLACED: the one that goes on, by its id; 0: none, */
    uint64_t begins;  /* and the counter that came next in it then. */
    uint8_t credential[PS_CREDENTIAL_BYTES];
    uint8_t device[PS_DEVICE_BYTES];
    uint8_t user_len;
    uint8_t user[PS_USER_MAX];
    uint64_t message;                  /* Keyed hash of the client's: knows its INITIATE again, */
    uint8_t respond[PS_RESPOND_BYTES]; /* which gets the same RESPOND. */
} ps_handshake;

/* What a source network may still begin: one entry of the table, chosen among four by hash. */
typedef struct ps_network {
    uint64_t hash; /* Of the network; 0: unused. */
    ps_rate_bucket bucket;
} ps_network;

struct ps_server {
    ps_server_config cfg;
    ps_clock clock;
    uint64_t wall_s;
    uint64_t wall_set_us; /* When wall_s was told. */
    ps_prng prng;
    ps_secrets secrets;
    ps_cookie_keys cookies;
    uint8_t public_key[PS_KEY_BYTES];
    ps_sipkey id_key;       /* Permutes numbers into receiver ids. */
    uint64_t last_receiver; /* Number of the last one. */
    ps_sipkey table_key;
    ps_sipkey move_key;    /* Makes the nonces that prove a new address. */
    ps_sipkey network_key; /* Hashes source networks. */
    uint64_t life;         /* Told at login. */
    ps_rate_bucket handshake_rate, open_rate, retry_rate, reset_rate;
    uint32_t retiring;       /* The handshake + 1 that holds the keys just replaced; 0: none. */
    uint32_t logins;         /* Handshakes that are VERIFYING or PROBING. */
    uint32_t late_times;     /* Late steps in a row that gave time. */
    uint64_t late_at_us;     /* The last late step. */
    uint64_t commit_seq;     /* Of the last record. */
    uint32_t store_retry_ms; /* Not 0: the host's store takes no records. */
    ps_server_stats stats;

    ps_slots sessions, handshakes;
    ps_timeouts liveness; /* Of sessions. */
    /* Of handshakes: they share their nodes. */
    ps_timeouts opening, logging_in, probing, refused, admitted, aging;
    uint32_t index_mask, handshake_mask, network_mask;
    size_t sessions_at, session_times_at, index_at; /* From the machine's address. */
    size_t handshakes_at, handshake_heads_at, handshake_times_at, networks_at;

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

static inline ps_handshake *ps_handshake_at(const ps_server *s, uint32_t i)
{
    return (ps_handshake *)ps_server_at(s, s->handshakes_at) + i;
}

static inline ps_timeout_node *ps_handshake_times(const ps_server *s)
{
    return ps_server_at(s, s->handshake_times_at);
}

/* memory.c: lays the slab out; fills offsets of `s` and lines when not NULL. 0: impossible. */
size_t ps_server_layout(const ps_server_config *cfg, ps_server *s, ps_memory_line *lines,
                        size_t cap, size_t *count);
ps_directory_caps ps_server_directory_caps(const ps_server_config *cfg);

/* receivers.c: who has a receiver id. A slot below max_sessions is a session, the others are
 * handshakes, from max_sessions on. */
typedef struct ps_index_entry {
    uint32_t half; /* The low half of the id. */
    uint32_t slot; /* The slot + 1; 0: free. */
} ps_index_entry;

/* Inputs whose tables are prefetched together. */
#define PS_LOOK_AHEAD 24u

uint64_t ps_receiver_new(ps_server *s);                     /* An id that nobody has had. */
uint32_t ps_receiver_find(const ps_server *s, uint64_t id); /* A slot, or PS_NIL. */
void ps_receiver_add(ps_server *s, uint32_t slot);
void ps_receiver_remove(ps_server *s, uint32_t slot);
/* The session with this id, alive or not; PS_NIL. */
uint32_t ps_session_find(const ps_server *s, uint64_t id);
/* Starts loading what the next inputs (at most PS_LOOK_AHEAD) will touch: index, then records and
 * timeouts, then those timeouts' neighbours. At a million sessions every one of these is a cache
 * miss; together they cost little more than one. Reads only; a wrong guess costs a load. */
void ps_session_look_ahead(const ps_server *s, const ps_input in[], size_t n);

/* sessions.c */
bool ps_session_alive(const ps_server *s, uint32_t session);
/* Makes a session of an admitted handshake. PS_NIL when the table is full. The user and the device
 * have none. */
uint32_t ps_session_open(ps_server *s, uint32_t user, uint32_t device, uint32_t handshake,
                         ps_output *out);
void ps_session_close(ps_server *s, uint32_t session, ps_close_reason reason, ps_output *out);
/* Is this user online, as of now? */
bool ps_user_active(const ps_server *s, uint32_t user);

/* handshakes.c */
/* The one of this client and first message (by its hash), whatever its state; PS_NIL. Another
 * message is another one: who makes up or damages an INITIATE with a client's id keeps it from
 * nothing. */
uint32_t ps_handshake_find(const ps_server *s, const ps_addr *addr, uint64_t client_id,
                           uint64_t message);
/* The one that this session has come from, while its record is there; PS_NIL. */
uint32_t ps_handshake_of(const ps_server *s, const ps_session *x);
/* A fresh record; if need be that of the oldest client which has not answered. PS_NIL: all are at
 * work. It is FREE still: the caller fills it in and adds it. */
uint32_t ps_handshake_take(ps_server *s);
/* Puts a filled-in record under its timeout, into the index and (unless REPLACED) the buckets. */
void ps_handshake_add(ps_server *s, uint32_t i, ps_handshake_state state);
/* Moves it to another state and that one's timeout. */
void ps_handshake_turn(ps_server *s, uint32_t i, ps_handshake_state state);
void ps_handshake_remove(ps_server *s, uint32_t i);
/* Keeps a session's keys, which its client is about to replace, for a while (retiring). */
void ps_handshake_retire(ps_server *s, const ps_session *x);
/* Forgets what has expired, a bounded number. */
void ps_handshakes_tick(ps_server *s, ps_output *out);
uint64_t ps_handshakes_due_us(const ps_server *s);

/* networks.c: may this address, which was proven, begin another handshake? Takes it. */
bool ps_network_take(ps_server *s, const ps_addr *addr);

/* moves.c: an authentic packet of a session came from an address that is not the session's. */
/* Asks that address for a sign, if the packet was long enough to ask for one. */
void ps_move_ask(ps_server *s, uint32_t session, const ps_input_datagram *in, ps_output *out);
/* Does this CHALLENGE_OK's nonce prove that address? */
bool ps_move_proves(const ps_server *s, const ps_session *x, const ps_addr *from, uint64_t nonce);

/* takeover.c: a verified login of a user who is online on another device. */
/* Begins to probe that device, or refuses the login (it is probed for another one already). */
void ps_takeover_begin(ps_server *s, uint32_t handshake, uint32_t session, ps_output *out);
/* The session gave a sign of life: the login that waited for its silence is refused. */
void ps_takeover_end(ps_server *s, uint32_t session, ps_output *out);
/* A probe has gone unanswered for its time: the next one, or the login. */
void ps_takeover_due(ps_server *s, uint32_t handshake, ps_output *out);

/* file_tickets.c */
/* The epoch before this one: the first whose keys a session that begins now is told. PS_NIL: none,
 * without a wall clock. */
uint32_t ps_server_first_epoch(const ps_server *s);
/* What a session's uploads open file tickets with; none when it began without a wall clock. Wipe
 * it. */
void ps_server_file_keys(const ps_server *s, const ps_session *x, ps_file_keys *out);
/* What a downloader shows to be admitted. Wipe it. */
typedef struct ps_admission {
    size_t len; /* Of the ticket; 0: there is none, for want of a clock now or at the login. */
    uint8_t key[PS_KEY_BYTES];
    uint8_t ticket[PS_FILE_TICKET_MAX];
} ps_admission;
/* For this publication, at its device, whose session this is. Costs some thirty SHA-256 blocks. */
void ps_server_admission(ps_server *s, const ps_session *uploader, uint32_t pub, ps_span asker,
                         ps_admission *out);

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
/* one of a session's channel, for one message, sealed at its end, to any address, */
ps_writer ps_session_packet(ps_output *out, ps_session *x);
void ps_session_packet_end(ps_server *s, ps_output *out, ps_writer *w, const ps_session *x,
                           const ps_addr *to, uint32_t endpoint);
/* and the answers to a packet. fresh: the next message begins a datagram of its own, for pages and
 * promises. */
ps_writer *ps_reply_begin(ps_reply *r, bool fresh);
void ps_reply_flush(ps_reply *r);
void ps_reply_error(ps_reply *r, uint32_t request, ps_error code, uint32_t retry_ms);
/* Refuses the login of a handshake. */
void ps_refuse(ps_server *s, ps_output *out, uint32_t handshake, ps_error code, uint32_t retry_ms);
/* The same answer again. */
void ps_refuse_again(ps_server *s, ps_output *out, uint32_t handshake);
/* LOGIN_OK, with a ticket while the handshake's record is there. */
void ps_welcome(ps_server *s, ps_output *out, uint32_t session, uint32_t request);
/* CHALLENGE in a session, in a datagram of its own. */
void ps_challenge(ps_server *s, ps_output *out, uint32_t session);

/* reset.c: tells the sender that nobody has this receiver id, unless too many were told. */
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
void ps_on_initiate(ps_server *s, const ps_input_datagram *in, const ps_packet *packet,
                    ps_output *out);
/* The only message of a packet that came under a handshake's keys, from its address. */
void ps_on_login(ps_server *s, uint32_t handshake, const ps_message *m, ps_output *out);
void ps_on_verdict(ps_server *s, const ps_input_verdict *in, ps_output *out);
/* Ends a verified login: opens its session, or refuses it. */
void ps_login_admit(ps_server *s, uint32_t handshake, ps_output *out);
void ps_on_expel(ps_server *s, ps_span name, ps_output *out);
void ps_on_restore(ps_server *s, const ps_input_restore *in);

/* The wall clock now, or 0 when it was never told. */
uint64_t ps_server_wall_s(const ps_server *s);

static inline void ps_server_drop(ps_server *s, ps_drop why)
{
    s->stats.drops[why]++;
}

#endif

/* The peer's machine from inside: its records, and who offers what to whom.
 *
 *   peer.c          size, init, counters
 *   step.c          inputs, ticks, deadline
 *   on_datagram.c   a packet's way in
 *   handshake.c     INITIATE, RESPOND, RETRY, VERSIONS: keys, and whose they are
 *   login.c         attempts, return after a loss
 *   rekey.c         fresh keys for a session, what still comes under the old ones
 *   heartbeats.c    the cycle, LOST
 *   logout.c        leaving
 *   requests.c      table of lists under way
 *   request_heap.c  their order of next sending
 *   on_page.c       PEERS, FILES, SOURCES
 *   on_error.c      ERROR
 *   publications.c  table of names, dirty ones in a line
 *   publish.c       the commands
 *   changes.c       the log's message in flight
 *   digest.c        what all that is wanted adds up to
 *   repair.c        what the server's log differs in, bucket by bucket
 *   pushes.c        CHALLENGE, PUSH
 *   send.c rtt.c    datagrams out, their timing
 *   check.c         every invariant
 */
#ifndef PS_PEER_INTERNAL_H
#define PS_PEER_INTERNAL_H

#include "channel/noise.h"
#include "channel/replay.h"
#include "channel/secrets.h"
#include "channel/wipe.h"
#include "peer/rtt.h"
#include "peersync/peer.h"
#include "util/assert.h"
#include "util/canary.h"
#include "util/clock.h"
#include "util/name_store.h"
#include "util/prng.h"
#include "util/slots.h"
#include "util/timeouts.h"
#include "wire/messages.h"

/* Bounds of one input's work. */
#define PS_PEER_TICK_REQUESTS 16u  /* Requests sent again or ended. */
#define PS_PEER_TICK_CANCELS  32u  /* Publications' commands cancelled. */
#define PS_PEER_TICK_WALK     256u /* Records looked at in a repair, */
#define PS_PEER_TICK_SETTLED  48u  /* and commands that this may end. */
#define PS_PEER_CHANGES       64u  /* Entries of a message of changes. */

/* What a datagram has beside its messages. */
#define PS_PEER_OVERHEAD (PS_PACKET_HEADER + PS_TAG_BYTES)

/* One datagram of a step is kept for the answers to CHALLENGE and PUSH. */
#define PS_PEER_SENDS (PS_PEER_STEP_DATAGRAMS - 1u)

/* Every message of a packet can end one command, or tell one thing; one can open a session (and
 * bring a ticket and keys), one end it. */
_Static_assert(PS_PAGE_ENTRIES + PS_PEER_CHANGES + PS_PACKET_MESSAGES + 4 <= PS_PEER_STEP_EVENTS,
               "a datagram's events fit a step's room");
_Static_assert(2 * PS_PEER_TICK_REQUESTS + PS_PEER_TICK_CANCELS + PS_PEER_TICK_SETTLED + 2 <=
                   PS_PEER_STEP_EVENTS,
               "a tick's events fit a step's room");

/* No log gets this far; a server that says so is not believed. */
#define PS_GENERATION_MAX (UINT64_MAX / 2)

/* Times in microseconds. */
#define PS_LOGIN_BACKOFF_MIN_US UINT64_C(100000)
#define PS_LOGIN_BACKOFF_MAX_US UINT64_C(1000000)
#define PS_HANDSHAKE_US         UINT64_C(5000000)  /* Of one ephemeral key, after a loss. */
#define PS_LOGIN_ATTEMPT_US     UINT64_C(16000000) /* The server forgets a login after 15 s. */
#define PS_LOGIN_BUSY_MAX_US    UINT64_C(60000000) /* No server can send us away for longer. */
#define PS_LOGIN_ACTIVE_US      UINT64_C(3000000)  /* While another device has our place. */
#define PS_RESET_PAUSE_US       UINT64_C(1000000)  /* Handshakes by RESET: one a second. */
#define PS_REKEY_PAUSE_US       UINT64_C(1000000)  /* No session is younger when it is replaced. */
#define PS_OLD_KEYS_US          UINT64_C(10000000) /* What is still under way to us arrives. */
#define PS_LOGOUT_RESEND_US     UINT64_C(150000)
#define PS_LOGOUT_GIVE_UP_US    UINT64_C(1000000)

/* A request id is a number of its own above the place that waits for the answer: a slot of the
 * table of requests, or one of these. So an answer is found without a search, and a late one
 * matches nothing. */
#define PS_ID_PLACE_BITS 11u
enum {
    PS_ID_LOGIN = 1024, /* Above all slots. */
    PS_ID_HEARTBEAT,
    PS_ID_CHANGES,
    PS_ID_LOGOUT,
    PS_ID_REPAIR
};
#define PS_PEER_REQUESTS_MAX 1024u

/* A LIST_PEERS, LIST_FILES, SEARCH or LOCATE: one message at a time, page by page. */
typedef struct ps_peer_request {
    uint32_t id;      /* Of the page that is waited for. First: the free list's link. */
    uint32_t heap_at; /* Position in the heap; PS_NIL: the slot is free. */
    uint64_t serial;  /* Counts commands: who is older. */
    uint64_t tag;
    uint64_t cursor;
    uint64_t next_us;     /* The heap's key: when something is due, at most deadline_us. */
    uint64_t deadline_us; /* Then it ends with PS_E_TIMEOUT; every page moves it. */
    uint64_t sent_us;
    uint8_t message; /* ps_message_type of the request. */
    uint8_t tries;   /* Sendings of this page's request. */
    bool matched;    /* LOCATE: there is a source, */
    bool reachable;  /* and one that is active and not our own. */
    bool anew;       /* The next sending begins the list anew: the host is told. */
    uint8_t text_len;
    uint8_t text[PS_NAME_MAX];
} ps_peer_request;

enum {
    PS_PUB_USED = 1,
    PS_PUB_WANTED = 2,    /* To be published; else a tombstone, which goes when acknowledged. */
    PS_PUB_QUEUED = 4,    /* In the line of dirty names. */
    PS_PUB_IN_FLIGHT = 8, /* In the message in flight. QUEUED too: it has changed since. */
    PS_PUB_WAITING = 16   /* A command waits for the acknowledgement. */
};

/* A name that this peer publishes, or wants gone. Clean: acknowledged (or found right) in this
 * epoch, and neither queued nor in flight. A repair begins an epoch: records of an older one are
 * those that it has not judged yet. */
typedef struct ps_peer_pub {
    uint32_t chain; /* Index + 1 of the next one in its bucket. First: the free list's link. */
    uint32_t flags;
    uint32_t prev, next; /* In the line of dirty names, while QUEUED. */
    uint32_t epoch;      /* When it was judged, acknowledged or changed last. */
    ps_name_ref name;
    ps_content content;
    uint64_t tag;
} ps_peer_pub;

/* The one message of changes in flight, kept byte for byte: what is retransmitted is the same. */
typedef struct ps_peer_flight {
    uint64_t generation; /* Of its first entry. */
    uint64_t next_us, sent_us;
    uint32_t id;
    uint8_t type;  /* PS_MSG_PUBLISH or PS_MSG_UNPUBLISH. */
    uint8_t count; /* 0: nothing is in flight. */
    uint8_t tries;
    uint16_t len;
    uint32_t pubs[PS_PEER_CHANGES];
    uint8_t bytes[PS_DATAGRAM_MAX - PS_PEER_OVERHEAD];
} ps_peer_flight;

/* What one handshake has agreed on. */
typedef struct ps_peer_channel {
    uint64_t client_id; /* Receiver id of what comes; 0: there is no channel. */
    uint64_t id;        /* Receiver id of what goes; 0: not agreed on yet. */
    uint64_t tx_counter;
    ps_replay replay;
    uint8_t tx_key[32], rx_key[32];
} ps_peer_channel;

typedef enum ps_attempt_phase {
    PS_ATTEMPT_NONE = 0,
    PS_ATTEMPT_INITIATING, /* INITIATE is sent until a RESPOND proves genuine. */
    PS_ATTEMPT_ASKING,     /* First contact: the host is asked about the server's key. */
    PS_ATTEMPT_LOGGING_IN  /* LOGIN is sent until it is answered. */
} ps_attempt_phase;

typedef struct ps_peer_attempt {
    uint8_t phase;
    bool retried;   /* A RETRY was answered at once since the last sending in time. */
    bool rekey;     /* It is for fresh keys alone: the session that there is lacks nothing. */
    bool by_ticket; /* LOGGING_IN: the ticket stands for the password. */
    ps_peer_channel channel;
    ps_noise noise;                   /* INITIATING. */
    uint8_t public_key[PS_KEY_BYTES]; /* INITIATING: of the ephemeral one. */
    uint8_t cookie[16];               /* INITIATING: as the last RETRY gave it, or zeros. */
    uint8_t server_key[PS_KEY_BYTES]; /* ASKING. */
    uint64_t next_us;                 /* The next sending, */
    uint64_t backoff_us;              /* and how long after it the one that follows. */
    uint64_t patience_us;             /* How long after a refusal the next attempt comes. */
    uint64_t renew_us;                /* The first sending from then on begins another handshake. */
    uint64_t deadline_us;             /* First login: PS_E_TIMEOUT. */
    uint64_t left_us;                 /* ASKING: how much of that was left. */
    uint64_t sent_us;
    uint32_t id;
    uint32_t tries;  /* Sendings in this phase. */
    uint32_t told;   /* The reason of PUT_OFF that the host was told last. */
    uint32_t resets; /* Of its own channel that were believed. */
} ps_peer_attempt;

typedef struct ps_peer_heartbeats {
    uint64_t every_us, dead_us, resend_us; /* As the server said at login. */
    uint64_t contact_us;                   /* Sending of the last contact that was acknowledged. */
    uint64_t began_us;                     /* First sending of the current heartbeat. */
    uint64_t next_us;
    uint64_t acked; /* The log's position when the current heartbeat was first sent. */
    uint32_t id;
    uint32_t tries;  /* Sendings of the current heartbeat; 0: it is acknowledged. */
    uint32_t graces; /* Late steps forgiven since the last contact, up to PS_LATE_TIMES. */
} ps_peer_heartbeats;

/* What goes on from a suspicion to the knowledge of what differs; changes wait meanwhile. */
typedef enum ps_repair_phase {
    PS_REPAIR_NONE = 0,
    PS_REPAIR_SUM,     /* The digests of what is wanted are being summed up. */
    PS_REPAIR_DIGESTS, /* The server's are asked for. */
    PS_REPAIR_NAMES,   /* Its names in the buckets that differ are asked for. */
    PS_REPAIR_WALK     /* Our names in these are put into the line, all others are settled. */
} ps_repair_phase;

typedef struct ps_peer_repair {
    uint8_t phase;
    uint8_t first; /* DIGESTS: the next bucket to ask for. */
    uint8_t tries;
    uint32_t id;
    uint32_t walk_at;
    uint64_t next_us, sent_us;
    uint64_t digest; /* The server's. */
    uint64_t cursor; /* NAMES. */
    uint8_t differ[PS_BUCKET_BYTES];
    uint8_t names[PS_BUCKET_BYTES]; /* Of these, those in which the server lists something. */
} ps_peer_repair;

typedef struct ps_peer_logout {
    uint64_t next_us, give_up_us;
    uint32_t id;
    uint32_t cancel_at; /* The next dirty name whose command is cancelled, or PS_NIL. */
    bool answered;      /* Or given up. */
} ps_peer_logout;

/* What logs in again after a loss. */
typedef struct ps_peer_account {
    uint64_t ticket_expires_s; /* By the server's clock. */
    ps_addr server;
    uint32_t endpoint;
    uint16_t stream_port;
    uint8_t device[PS_DEVICE_BYTES];
    uint8_t user_len, password_len, ticket_len;
    bool ticket_alone; /* It was given to this machine, and may stand for the password. */
    bool key_known;
    uint8_t server_key[PS_KEY_BYTES];
    uint8_t user[PS_USER_MAX];
    uint8_t password[PS_PASSWORD_MAX];
    uint8_t ticket[PS_TICKET_MAX];
} ps_peer_account;

struct ps_peer {
    const ps_crypto *crypto; /* The only pointer in the slab. */
    ps_secrets secrets;
    ps_clock clock;
    ps_peer_state state;
    uint32_t request_sequence; /* Upper part of the last request id. */
    uint64_t request_us;
    size_t datagram_max;
    ps_prng prng;
    ps_sipkey name_key;
    ps_rtt rtt;
    uint64_t life;     /* Of the server, as it said at the last login. */
    uint64_t wall_s;   /* The server's clock, */
    uint64_t wall_us;  /* when it said so. */
    uint64_t reset_us; /* When a RESET may be believed again. */
    ps_peer_account account;
    ps_peer_attempt attempt;
    ps_peer_channel session;
    uint64_t session_us;    /* When it began, */
    uint64_t rekey_us;      /* and when it is so old that it gets fresh keys, */
    uint64_t rekey_packets; /* or after how many packets. */
    uint64_t rekey_every_us;
    ps_peer_channel old;   /* The session's keys before these, */
    uint64_t old_until_us; /* until then. */
    ps_peer_heartbeats heartbeats;
    ps_peer_logout logout;

    size_t requests_at, heap_at, pubs_at, heads_at, blocks_at; /* Offsets of the tables. */

    ps_slots requests;
    uint64_t next_serial;
    uint64_t drain_before; /* Requests with a lower serial end with drain_error. */
    uint32_t drain_error;

    ps_slots pubs;
    uint32_t heads_mask;
    ps_name_pool names;
    uint32_t dirty_head, dirty_tail;
    uint32_t clean; /* Publications that are clean. */
    uint32_t epoch; /* Rises with each repair. */
    ps_sipkey digest_key;
    uint32_t summed;           /* Records below are in the sums: all of them: UINT32_MAX. */
    uint64_t digest;           /* Over what is wanted, */
    uint64_t sums[PS_BUCKETS]; /* and by bucket. */
    ps_peer_repair repair;
    uint64_t acked;   /* The log's last generation known to be applied, */
    bool acked_known; /* in the log of this account. */
    ps_peer_flight flight;
    bool changes_refused; /* BUSY in this session, since a message was taken: the host knows. */

    ps_peer_stats stats;
};

/* One input under way: where its output goes, and what it may still cause. */
typedef struct ps_peer_turn {
    ps_peer *p;
    ps_output *out;
    ps_peer_channel *channel; /* What the datagram under construction is sealed with, or NULL. */
    uint32_t sends_left;
    uint32_t entries_left;   /* Of pages. */
    bool answers_in_attempt; /* They go under the attempt's keys. */
    size_t answers_len;      /* Answers to CHALLENGE and PUSH: one datagram at the input's end. */
    uint8_t answers[PS_PACKET_MESSAGES * (PS_MESSAGE_HEADER + 8u)];
} ps_peer_turn;

static inline ps_peer_request *ps_peer_request_at(const ps_peer *p, uint32_t i)
{
    void *base = (uint8_t *)(uintptr_t)p + p->requests_at;
    return (ps_peer_request *)base + i;
}

static inline uint32_t *ps_peer_heap(const ps_peer *p)
{
    void *base = (uint8_t *)(uintptr_t)p + p->heap_at;
    return base;
}

static inline ps_peer_pub *ps_peer_pub_at(const ps_peer *p, uint32_t i)
{
    void *base = (uint8_t *)(uintptr_t)p + p->pubs_at;
    return (ps_peer_pub *)base + i;
}

static inline uint32_t *ps_peer_heads(const ps_peer *p)
{
    void *base = (uint8_t *)(uintptr_t)p + p->heads_at;
    return base;
}

static inline ps_name_block *ps_peer_blocks(const ps_peer *p)
{
    void *base = (uint8_t *)(uintptr_t)p + p->blocks_at;
    return base;
}

/* send.c */

/* False: this input has sent its share; what is due stays due. */
bool ps_peer_can_send(const ps_peer_turn *t);
/* Begins a datagram of the session in the output; only after ps_peer_can_send(). What is written
 * is sealed by ps_peer_packet_end(). */
ps_writer ps_peer_packet_begin(ps_peer_turn *t);
/* One for a LOGIN, in the attempt's channel. */
ps_writer ps_peer_login_packet_begin(ps_peer_turn *t);
/* One in the clear: its header is the caller's too. */
ps_writer ps_peer_clear_packet_begin(ps_peer_turn *t);
void ps_peer_packet_end(ps_peer_turn *t, const ps_writer *w);
/* Sends the answers that were gathered. */
void ps_peer_answers_flush(ps_peer_turn *t);
/* A fresh event in the output; the caller fills it. */
ps_event *ps_peer_event(ps_peer_turn *t, ps_event_type type);
void ps_peer_done(ps_peer_turn *t, uint64_t tag, uint32_t error, uint32_t retry_ms);
void ps_peer_drop(ps_peer *p, ps_drop why);
/* An id for the answer that `place` waits for. */
uint32_t ps_peer_new_id(ps_peer *p, uint32_t place);
/* Up to a part of `interval_us` (an eighth), so that peers do not move in step. */
uint64_t ps_peer_jitter_us(ps_peer *p, uint64_t interval_us);

/* handshake.c */

/* Another handshake for the attempt under way: a new client id and key. Nothing is sent. */
void ps_peer_handshake_begin(ps_peer *p);
void ps_peer_handshake_send(ps_peer_turn *t);
/* RESPOND, RETRY and VERSIONS, which come in the clear; RESPOND is opened in place. */
void ps_peer_on_respond(ps_peer_turn *t, const ps_packet *packet);
void ps_peer_on_retry(ps_peer_turn *t, const ps_packet *packet);
void ps_peer_on_versions(ps_peer_turn *t, const ps_packet *packet);
bool ps_peer_trust_valid(const ps_peer *p, const uint8_t key[PS_KEY_BYTES]);
void ps_peer_on_trust_command(ps_peer_turn *t);

/* login.c */
bool ps_peer_login_valid(const ps_peer *p, const ps_input_login *in);
void ps_peer_on_login_command(ps_peer_turn *t, const ps_input_login *in);
/* Begins an attempt, in this state or beside it; `rekey`: for fresh keys alone. */
void ps_peer_attempt_begin(ps_peer_turn *t, ps_peer_state state, bool rekey);
/* Something of the attempt was sent: says when the next sending is due. */
void ps_peer_attempt_sent(ps_peer *p);
/* The handshake is done, with the server that is meant: LOGIN. */
void ps_peer_attempt_log_in(ps_peer_turn *t);
/* Ends the attempt, the session and all that waits for either. */
void ps_peer_refuse(ps_peer_turn *t, uint32_t error, uint32_t retry_ms, ps_span text);
/* Tells the host, once a reason, that the return is put off. */
void ps_peer_put_off(ps_peer_turn *t, uint32_t error, uint32_t retry_ms);
/* The server fell silent: tries again, for ever. */
void ps_peer_lose(ps_peer_turn *t);
/* The server says that it does not know this session: logs in beside it. Or this handshake: begins
 * another. */
void ps_peer_on_reset(ps_peer_turn *t, const ps_packet *packet);
void ps_peer_login_due(ps_peer_turn *t);
uint64_t ps_peer_login_deadline_us(const ps_peer *p);
void ps_peer_on_login_ok(ps_peer_turn *t, const ps_message *m);
void ps_peer_on_refusal(ps_peer_turn *t, const ps_message *m);
/* Password and ticket: nothing will log in again. */
void ps_peer_account_wipe(ps_peer *p);

/* rekey.c */

/* The attempt's channel becomes the session. `silently`: the one before is over only for what goes;
 * else it is wiped. */
void ps_peer_session_open(ps_peer *p, bool silently);
/* Wipes it, and what is left of the one before. */
void ps_peer_session_end(ps_peer *p);
/* Begins what replaces the session's keys, ends the old ones. */
void ps_peer_rekey_due(ps_peer_turn *t);
uint64_t ps_peer_rekey_deadline_us(const ps_peer *p);

/* heartbeats.c */
void ps_peer_heartbeats_start(ps_peer *p, const ps_login_ok *m, uint64_t contact_us);
void ps_peer_heartbeats_due(ps_peer_turn *t);
uint64_t ps_peer_heartbeats_deadline_us(const ps_peer *p);
void ps_peer_on_heartbeat_ok(ps_peer_turn *t, const ps_message *m);
/* A step came late: the server has that much more time, unless it had it too often. */
void ps_peer_heartbeats_late(ps_peer *p, uint64_t late_us);

/* logout.c */
void ps_peer_on_logout_command(ps_peer_turn *t);
void ps_peer_logout_due(ps_peer_turn *t);
/* Cancels some commands; ends the leaving when all is done. */
void ps_peer_logout_settle(ps_peer_turn *t);
uint64_t ps_peer_logout_deadline_us(const ps_peer *p);
void ps_peer_on_logout_ok(ps_peer_turn *t, const ps_message *m);

/* requests.c */
void ps_peer_on_list_command(ps_peer_turn *t, ps_input_type type, const ps_input_command *in);
/* The request that waits for an answer with this id, or PS_NIL. */
uint32_t ps_peer_request_find(const ps_peer *p, uint32_t id);
/* Goes on with the next page. */
void ps_peer_request_page(ps_peer_turn *t, uint32_t i, uint64_t cursor);
void ps_peer_request_finish(ps_peer_turn *t, uint32_t i, uint32_t error, uint32_t retry_ms);
/* The server is busy: the same again later, while there is time. */
void ps_peer_request_put_off(ps_peer *p, uint32_t i, uint32_t retry_ms);
/* All that are there now are due at once: to be sent in the new session (and where the server is in
 * another life, from the beginning), */
void ps_peer_requests_wake(ps_peer *p, bool anew);
/* or to end with this error. */
void ps_peer_requests_drain(ps_peer *p, uint32_t error);
void ps_peer_requests_due(ps_peer_turn *t);

/* request_heap.c: positions follow next_us; equal ones stay as they are. */
void ps_peer_heap_push(ps_peer *p, uint32_t i);
void ps_peer_heap_remove(ps_peer *p, uint32_t i);
/* Request i's next_us has changed. */
void ps_peer_heap_update(ps_peer *p, uint32_t i);
/* The request with the smallest next_us, or PS_NIL. */
uint32_t ps_peer_heap_top(const ps_peer *p);

/* on_datagram.c, on_page.c, on_error.c, pushes.c */
void ps_peer_on_datagram(ps_peer_turn *t, const ps_input_datagram *in);
void ps_peer_on_page(ps_peer_turn *t, const ps_message *m);
void ps_peer_on_error(ps_peer_turn *t, const ps_message *m);
void ps_peer_on_challenge(ps_peer_turn *t, const ps_message *m);
void ps_peer_on_push(ps_peer_turn *t, const ps_message *m);

/* publications.c */
uint32_t ps_peer_pub_find(const ps_peer *p, ps_span name);
/* A record with no flag but USED, or PS_NIL: no room. */
uint32_t ps_peer_pub_add(ps_peer *p, ps_span name);
/* It must not be in flight. */
void ps_peer_pub_remove(ps_peer *p, uint32_t i);
bool ps_peer_pub_clean(const ps_peer *p, uint32_t i);
/* Puts it at the line's end, or (what comes back from a flight) at its head. */
void ps_peer_pub_queue(ps_peer *p, uint32_t i);
void ps_peer_pub_queue_first(ps_peer *p, uint32_t i);
void ps_peer_pub_unqueue(ps_peer *p, uint32_t i);
/* From now on no record counts as judged. */
void ps_peer_pubs_renew(ps_peer *p);
/* The record's wish is carried out or refused (`error`): ends its command, and forgets it unless it
 * stays published. It is in no line. */
void ps_peer_pub_settle(ps_peer_turn *t, uint32_t i, uint32_t error);

/* digest.c */
/* Another device: nothing is summed up. */
void ps_peer_digest_reset(ps_peer *p, const uint8_t device[PS_DEVICE_BYTES]);
/* Sums up some more records; false: not all yet. */
bool ps_peer_digest_walk(ps_peer *p);
/* Says what the record shall be, and keeps the sums. */
void ps_peer_pub_want(ps_peer *p, uint32_t i, const ps_content *content); /* NULL: gone. */
uint8_t ps_peer_pub_bucket(const ps_peer *p, uint32_t i);

/* repair.c */
/* True when all that is wanted was acknowledged, as far as this peer knows. */
bool ps_peer_settled(const ps_peer *p);
/* The server's log has this digest: finds what differs, if anything does. */
void ps_peer_repair_begin(ps_peer *p, uint64_t digest);
void ps_peer_repair_due(ps_peer_turn *t);
uint64_t ps_peer_repair_deadline_us(const ps_peer *p);
void ps_peer_on_digests_ok(ps_peer_turn *t, const ps_message *m);
void ps_peer_on_names(ps_peer_turn *t, const ps_message *m);

/* publish.c */
void ps_peer_on_publish_command(ps_peer_turn *t, ps_input_type type, const ps_input_command *in);

/* changes.c */
/* After a login: where the server's log stands decides what goes on. */
void ps_peer_changes_resume(ps_peer *p, uint64_t generation, uint64_t digest);
/* Numbers on from where the server's log stands, and compares all. */
void ps_peer_changes_restart(ps_peer *p, uint64_t generation, uint64_t digest);
/* Makes the next message and sends it, when none is in flight. */
void ps_peer_changes_fill(ps_peer_turn *t);
void ps_peer_changes_due(ps_peer_turn *t);
uint64_t ps_peer_changes_deadline_us(const ps_peer *p);
void ps_peer_on_published(ps_peer_turn *t, const ps_message *m);
void ps_peer_on_changes_error(ps_peer_turn *t, const ps_error_message *m);

#endif

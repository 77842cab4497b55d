/* A naive server beside the server: arrays, with an index where all would be walked through for
 * every answer, fed with what the server is fed. It knows who is online (invariant 1) and what
 * every device's log holds, and looks at each answer of the server and at each list that a peer
 * gets: what existed throughout is there exactly once, and nothing that did not exist. It reads
 * packets by itself (read.h). */
#ifndef PS_SIM_MODEL_H
#define PS_SIM_MODEL_H

#include "ledger.h"
#include "peersync/server.h"
#include "read.h"

struct world;
struct world_peer;
struct world_command;

/* Counters that a session's replay window looks back on. */
#define MODEL_WINDOW 256u

/* The counters of a channel that were taken. */
typedef struct model_window {
    uint64_t highest;
    uint64_t seen[MODEL_WINDOW];
    size_t seen_len;
} model_window;

/* A CHALLENGE that was sent to an address which the session does not have yet. */
typedef struct model_challenge {
    ps_addr addr;
    uint64_t nonce;
} model_challenge;

#define MODEL_CHALLENGES 64u

typedef struct model_session {
    bool open;
    uint32_t node;
    ps_addr addr;
    uint64_t id;        /* Receiver id of what the server takes; 0: not told yet. */
    uint64_t client_id; /* And of what it sends. */
    uint8_t device[PS_DEVICE_BYTES];
    uint64_t deadline_us; /* In the server's time. */
    uint64_t heard_us;
    model_window window;
    uint64_t old_id; /* Under the keys before these, which may live on for a while; or 0. */
    model_window old_window;
    model_challenge challenges[MODEL_CHALLENGES]; /* A ring. */
    uint32_t challenges_at;
    bool left;     /* LOGOUT was taken. */
    bool expelled; /* Its account is gone. */
    bool replaced; /* By the same device, so the server says: this one. */
    uint8_t before[PS_DEVICE_BYTES];
    bool keyed;           /* The server had a wall clock when it began, */
    uint64_t first_epoch; /* and tells it of the keys of this epoch and the two after it. */
    uint64_t since_us;    /* Online without a gap since then, in the network's time. */
} model_session;

typedef struct model_log {
    uint32_t user;
    uint8_t device[PS_DEVICE_BYTES];
    uint64_t generation;
    uint32_t live; /* Names that it lists. */
    uint32_t next; /* Another log of the user's; MODEL_NONE: the last. */
} model_log;

/* A publication, or what is remembered of one that is gone. */
typedef struct model_pub {
    uint32_t log;
    uint32_t hash; /* Of the name, to compare faster. */
    uint8_t name_len;
    uint8_t name[PS_NAME_MAX];
    ps_content content;
    uint64_t born_us, died_us; /* In the network's time; died 0: it is listed. */
    uint32_t next;             /* With the same bucket; MODEL_NONE: the last. */
} model_pub;

/* All that a list may show of a user under a name: filled and read by one look at a list. */
typedef struct model_group {
    const model_pub *pub; /* One of them; NULL: the place is free. */
    uint32_t user;
    uint32_t least, most, lines;
} model_group;

#define MODEL_NONE UINT32_MAX
/* Users whose ids were asked for last: a guess that is looked at before all others are. */
#define MODEL_GUESSES 1024u

/* A handshake that was answered, and the login that came in it. */
typedef struct model_handshake {
    uint64_t id, client_id;
    ps_addr addr;
    bool login;
    uint32_t user, node;
    uint8_t device[PS_DEVICE_BYTES];
    model_window window;
} model_handshake;

/* A cookie that the server gave to an address. */
typedef struct model_cookie {
    ps_addr addr;
    uint8_t bytes[16];
} model_cookie;

/* A ticket that it gave, by its hash. */
typedef struct model_ticket {
    uint32_t hash;
    uint64_t expires_s;
} model_ticket;

typedef struct model {
    struct world *w;
    uint64_t now_us, offset_us; /* The server's time, made of its node's clock. */
    uint64_t late_us;           /* As the server has counted it. */
    bool store_busy;
    model_session *sessions; /* One a user. */
    model_log *logs;
    size_t logs_len, logs_cap;
    uint32_t *users_logs; /* The first log of each user, or MODEL_NONE. */
    model_pub *pubs;
    size_t pubs_len, pubs_cap;
    uint32_t *buckets;   /* Twice pubs_cap chains of publications, by log and name. */
    model_group *groups; /* Twice pubs_cap places, open addressing. */
    uint32_t open;       /* Sessions that are. */
    uint32_t guesses[2][MODEL_GUESSES]; /* Users, by a session's id, and by a client's. */
    uint32_t live;
    model_handshake *handshakes; /* A ring of those seen last. */
    size_t handshakes_at;
    model_cookie *cookies; /* Rings, too, which outlive the server. */
    model_ticket *tickets;
    size_t cookies_at, tickets_at;
    uint64_t open_us; /* Handshakes without a cookie: the budget has been used up to here. */
    uint64_t wall_s, wall_us;       /* As the server was told, and when. */
    ps_server_stats before;         /* As of the step before. */
    uint64_t pages, entries, lists; /* Looked at. */
} model;

void model_init(model *m, struct world *w);
void model_free(model *m);

/* A naive server counts only what peers have really sent: w->sent_by_peers. The server has stepped
 * this one input (`bytes`: a datagram as it was before) and appended to the
 * output from these lengths on. */
void model_step(model *m, const ps_input *in, const uint8_t *bytes, const ps_output *before,
                const ps_output *out, const ps_server_stats *stats);
/* The server's process has died; what its store holds is told to the next one. */
void model_crash(model *m);
void model_restored(model *m, const ps_input_restore *in);
/* A peer's command has ended. */
void model_command(model *m, const struct world_peer *p, const struct world_command *c);

/* Is the user online from this device? */
bool model_on_device(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES]);
/* Is this listed for the device (content NULL: any)? And how many names are? */
bool model_lists(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES], ps_span name,
                 const ps_content *content);
uint32_t model_device_names(const model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES]);
/* Publications of a user that are listed now under this name, with any content. */
uint32_t model_listed(const model *m, uint32_t user, ps_span name);

#endif

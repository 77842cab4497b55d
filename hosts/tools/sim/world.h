/* A world for stories: one server and some peers on the simulated network, each machine driven by a
 * pump, with trivial hosts. After every step of every machine the world looks at what must always
 * hold (see world_machine.c and model.h); what does not hold ends the program with the line that
 * repeats it: seed, batch, time.
 *
 *     world_config cfg;
 *     world_config_default(&cfg, 3);
 *     world *w = world_new(&cfg);
 *     world_login(w, 0);
 *     WORLD_WAIT(w, 1000000, w->peers[0].online);
 *     world_command *c = world_list_files(w, 0);
 *     WORLD_WAIT(w, 1000000, c->done);
 *     world_free(w);
 *
 * The server is node 0, peer i is node 1 + i, user "user-<i>" (unless a story says otherwise) on a
 * device of its own. Times of the world are the network's; machines live in their nodes' clocks. */
#ifndef PS_TESTS_WORLD_H
#define PS_TESTS_WORLD_H

#include "model.h"
#include "peersync/pump.h"
#include "peersync/sim.h"
#include "peersync/sim_disk.h"
#include "peersyncd/store.h"
#include "peersyncd/store_load.h"
#include "proof.h"
#include "stream_end.h"

#include <stdio.h>

#define WORLD_NAME_BYTES 24u
/* Files that a peer serves at a time; others are told SLOTS. */
#define WORLD_SLOTS 10u

/* Ends the program when the condition does not hold. */
#define WORLD_REQUIRE(w, condition)                                                                \
    ((condition) ? (void)0 : world_fail((w), #condition, __FILE__, __LINE__))

/* Runs until the condition holds, at most `us` longer; then it must. */
#define WORLD_WAIT(w, us, condition)                                                               \
    do {                                                                                           \
        const uint64_t world_wait_until = ps_sim_now_us((w)->sim) + (us);                          \
        while (!(condition) && ps_sim_next_us((w)->sim) <= world_wait_until) {                     \
            (void)ps_sim_step((w)->sim);                                                           \
        }                                                                                          \
        WORLD_REQUIRE((w), condition);                                                             \
    } while (0)

typedef struct world world;
typedef struct world_peer world_peer;
typedef struct world_command world_command;
typedef struct world_upload world_upload;
typedef struct world_fetch world_fetch;
typedef struct world_file world_file;

typedef struct world_config {
    uint64_t seed;
    uint32_t batch; /* Datagrams at a time, in the network and in the pumps. */
    uint32_t peers;
    uint32_t check_every; /* Steps of a machine from one walk over its invariants to the next. */
    uint32_t verify_us;   /* What a password takes, on a thread of the server's pool. */
    uint32_t verify_threads, verify_queue; /* Of that pool; what finds no place is told BUSY. */
    uint32_t ask_ppm; /* Peers that do not know the server's key: their user looks at it. */
    bool model;       /* The naive server looks at every step, which is then of one input. */
    bool proof;       /* So does invariant 5, which needs no model. */
    bool scarce;      /* Tables may be full. */
    bool store;       /* The server has a store: publications outlive it. */
    uint32_t server_cost_ns, peer_cost_ns; /* Of a datagram received; 0: no work costs anything. */
    uint32_t handshake_cost_ns;            /* Of a handshake, charged to the server. */
    uint32_t captures;                     /* Datagrams that somebody who listens remembers. */
    bool lean;                             /* Peers share the memory of their outputs. */
    uint32_t receive_queue;                /* Of every node; 0: the simulator's. */
    uint32_t boxes;                        /* That will translate addresses, at most. */
    ps_sim_link link;
    ps_server_config server;
    ps_peer_config peer;
    /* Called at a peer's script_at_us, and when a command of a peer ended; may be NULL. */
    void (*script)(world *w, world_peer *p);
    void (*ended)(world *w, world_peer *p, world_command *c);
    /* Called with each of a peer's events that are not a command's; may be NULL. */
    void (*event)(world *w, world_peer *p, const ps_event *e);
    /* A peer is asked for a content: false when its user does not publish it, else the file. NULL:
     * nothing is published. */
    bool (*serve)(world *w, world_peer *p, const ps_content *content, world_file *file);
    /* Between bursts: PS_E_NONE, or why the file is not served any more; may be NULL. */
    uint32_t (*serving)(world *w, world_peer *p, const ps_content *content, const world_file *file);
    /* A fetch has ended, and is gone after this; may be NULL. Not called for those of a process
     * that crashed. */
    void (*fetched)(world *w, world_peer *p, world_fetch *f);
    /* Somebody on the way of whatever a node sends (0: the server): may change it, or (false) keep
     * it. May be NULL. */
    bool (*tamper)(world *w, uint32_t node, ps_datagram *dg, uint8_t *data);
    const ps_crypto *crypto; /* Of transfers; needed by whoever fetches. */
    /* A process begins (peer WORLD_SERVER: the server's; `server` or `peer` is what its machine was
     * made of, the other NULL): what is to be stepped in the machine's place, and steps it. Answers
     * `inner` where nobody looks on; may be NULL. The result lives until the next call for it. */
    ps_machine (*born)(void *ctx, uint32_t peer, ps_machine inner, const ps_server_config *server,
                       const ps_peer_config *peer_cfg);
    /* Something does not hold: called before the program ends; may be NULL. */
    void (*failing)(void *ctx);
    void *host; /* For these two. */
    /* The line that repeats a failure, after "repeat with: "; may be NULL. */
    const char *repeat;
    bool can_shorten; /* With --minimise added, that line looks for a shorter one. */
    void *ctx;        /* For all of them. */
} world_config;

/* A line of a list, copied. */
typedef struct world_line {
    char user[PS_USER_MAX + 1];
    char name[PS_NAME_MAX + 1];
    ps_content content;
    ps_addr addr;
    bool active;
    uint8_t key[PS_KEY_BYTES]; /* Of a source: its ticket's, */
    uint8_t ticket[PS_FILE_TICKET_MAX];
    size_t ticket_len; /* 0: there is none. */
} world_line;

struct world_command {
    world_command *next;
    world_command *ended_next;
    uint64_t tag;
    ps_input_type type;
    char text[PS_NAME_MAX + 1];
    ps_content content;
    uint64_t issued_us, done_us;
    bool done;
    uint32_t error;
    world_line *lines;
    size_t lines_len, lines_cap;
    void *ctx; /* The story's. */
};

/* What a peer serves: freed with the stream. */
struct world_file {
    uint8_t *bytes;
    ps_node *tree; /* NULL where the file fits one piece. */
    uint64_t id;   /* The story's. */
};

/* A download from one source. */
struct world_fetch {
    world_fetch *next;
    uint32_t source; /* The peer's index. */
    ps_content content;
    uint64_t started_us;
    stream_end_file file;
    uint8_t ticket[PS_FILE_TICKET_MAX];
    stream_end end; /* DONE: the file's bytes are there. */
    void *ctx;      /* The story's. */
};

/* Output memory of a pump, with guarded ends. */
typedef struct world_slab {
    ps_output out;
    uint8_t *memory;
} world_slab;

/* A machine seen through a face that looks at every step. */
typedef struct world_machine {
    world *w;
    void *self;
    uint32_t peer;    /* Index, or WORLD_SERVER. */
    ps_machine inner; /* Itself, */
    ps_machine face;  /* and as it is stepped: world_config.born. */
    const ps_transport *network;
    ps_transport tampered; /* The same, but for who stands on the way. */
    int (*check)(const void *self);
    world_slab slab;
    ps_pump pump;
    uint8_t *held; /* Memory for promises that wait for the store. */
    ps_datagram *held_datagrams;
    void *twin; /* Memory for a copy of the machine; NULL: none was needed yet. */
    uint64_t steps, batches;
} world_machine;

#define WORLD_SERVER UINT32_MAX
#define WORLD_NO_BOX UINT32_MAX

struct world_peer {
    world *w;
    uint32_t index;
    uint32_t user; /* Its own index, unless it is another user's second device. */
    uint32_t node;
    uint32_t box;     /* That translates its address (sim_nat.h), or WORLD_NO_BOX. */
    bool unreachable; /* Nobody can dial it. */
    uint8_t device[PS_DEVICE_BYTES];
    world_machine machine;
    void *memory;
    uint64_t script_at_us;  /* The story's; PS_TIME_NEVER: none. */
    void *ctx;              /* The story's. */
    ps_file_keys file_keys; /* What its uploads open tickets with. */

    /* What its host keeps in files: whose key the server's is, and its ticket. */
    bool key_known, key_asked;
    uint8_t server_key[PS_KEY_BYTES];
    uint8_t ticket[PS_TICKET_MAX];
    size_t ticket_len;
    uint32_t moves;          /* Addresses that it had before. */
    uint32_t password_known; /* As of so many changes, its user knows it. */

    bool online; /* Logged in, as its host was told. */
    bool leaving;
    uint32_t logins, refusals, losses, logouts; /* Events so far. */
    uint32_t put_offs, agains, unlisted;
    uint32_t error; /* Of the last refusal. */
    uint32_t retry_ms;
    char text[PS_TEXT_MAX + 1];
    uint64_t online_us, lost_us, login_us;
    ps_addr observed;

    world_command *commands; /* All that were not forgotten, newest first. */
    world_command *ended_head, *ended_tail;
    uint32_t open; /* Commands that have not ended. */
    uint64_t next_tag;

    world_upload *uploads; /* All streams that came in, oldest first. */
    uint32_t slots;        /* Files that they serve. */
    world_fetch *fetches;  /* Oldest first. */
    uint32_t fetching;
};

/* A login that waits for its password's verification. */
typedef struct world_verdict {
    uint64_t due_us;
    ps_input_verdict verdict;
} world_verdict;

/* Those under way, the first due first: [at, len). */
typedef struct world_verdicts {
    world_verdict *list;
    size_t at, len, cap;
} world_verdicts;

#define WORLD_THREADS_MAX 16u

/* Verifies passwords beside the loop: some threads, and a queue before them. */
typedef struct world_pool {
    uint64_t free_us[WORLD_THREADS_MAX]; /* When each has done what it was given. */
    uint64_t promised_us;                /* What was told BUSY fills it until then. */
    uint32_t most;                       /* Passwords that it has held at a time. */
    uint64_t verified, turned_away;
    world_verdicts verdicts;
} world_pool;

/* What the credentials file says of a user. */
typedef struct world_account {
    uint32_t changes; /* Of the password. */
    uint32_t hashes;  /* Times that the same one was stored anew. */
    bool removed;
} world_account;

/* A record as the server's store keeps it. */
typedef struct world_record {
    uint64_t commit_seq, generation;
    uint32_t user;
    uint8_t device[PS_DEVICE_BYTES];
    uint8_t name_len;
    uint8_t name[PS_NAME_MAX];
    uint32_t hash; /* Of the name. */
    ps_content content;
    bool published;
} world_record;

/* peersyncd's store on a simulated disk, and what was given to it: records[0 .. durable) it has
 * called durable. */
typedef struct world_store {
    ps_sim_disk *disk;
    ps_sim_disk_config manners; /* The disk's: see world_store_manners(). */
    ps_store store;
    bool syncing; /* And `sync` says until when. */
    ps_sim_disk_ticket sync;
    uint64_t again_us;  /* When work that failed is tried again. */
    uint64_t loaded_us; /* Until when a starting server waits for its disk. */
    uint32_t told_ms;   /* What the server was told of it. */
    world_record *records;
    size_t len, cap, durable;
    uint64_t lies; /* Of the disk's, those that the last start knew. */
    bool wiped, unsure;
    uint64_t failed_syncs; /* Of the disk's, those until the log was last written anew. */
    uint64_t lied_us;      /* When it last may have lost what it had called durable. */
    uint64_t syncs, failures;
    uint64_t torn; /* Starts that found a record cut off. */
} world_store;

/* A datagram that somebody has seen on its way. */
typedef struct world_capture {
    ps_addr from, to;
    size_t len;
    uint8_t data[PS_DATAGRAM_MAX];
} world_capture;

typedef struct world_server {
    world *w;
    uint32_t node;
    world_machine machine;
    void *memory;
    uint8_t static_secret[PS_KEY_BYTES], realm_secret[32]; /* Made once; a crash leaves them. */
    uint32_t busy_ms; /* Not 0: every login is refused as BUSY. */
    uint64_t requests, by_ticket;
    world_pool pool;
    world_verdicts at_once; /* What needs no password's time. */
    uint64_t handshakes;    /* Charged so far. */
    uint64_t wall_told_s, wall_told_us;
    world_store store;
    uint64_t crashed_us;
    uint64_t away_until_us; /* Until then, it may have been kept from its work. */
    bool clock_wrong;       /* And as long as its clock runs wrong. */
    uint32_t lives;
} world_server;

struct world {
    world_config cfg;
    ps_sim *sim;
    world_server server;
    world_peer *peers;
    world_account *accounts; /* One a peer. */
    world_slab shared;       /* lean: the peers' output. */
    model model;
    proof proof;
    ledger sent_by_peers, sent_by_server; /* What their machines have put out. */
    world_capture *captured;              /* A ring of cfg.captures. */
    uint64_t captured_len;                /* In all. */
    uint32_t attacker;                    /* A node of nobody's: see world_send_as(). */
    uint64_t steps, checks, rebatched;
    uint32_t live_evictions; /* Sessions that ended by silence, not because their peer left. */
    uint32_t held_evictions; /* Of these, sessions that their peers had not given up. */
};

_Noreturn void world_fail(const world *w, const char *what, const char *file, int line);

/* 20 ms each way, 2 ms of jitter, no faults; every step checked. */
void world_config_default(world_config *cfg, uint32_t peers);
world *world_new(const world_config *cfg);
void world_free(world *w);

uint64_t world_now_us(const world *w);
void world_run(world *w, uint64_t us);

/* ---- the server's host: world_server.c ---- */

/* @return false: its disk does not let it start, and it stays dead. */
bool world_server_boot(world *w);
/* kill -9: what it has written outlives it. */
void world_server_kill(world *w);
/* The power goes: of what was not synced, its disk keeps what `tail` says. */
void world_server_crash(world *w, ps_sim_disk_tail tail);
/* Somebody removes a dead server's log. */
void world_store_wipe(world *w);
/* The manners of its disk from now on; w->server.store.manners are those that it has. */
void world_store_manners(world *w, const ps_sim_disk_config *manners);
/* Its process stands still, or is busy with other work; its clock is set. */
void world_server_pause(world *w, uint64_t us);
void world_server_work(world *w, uint64_t us);
void world_server_clock(world *w, const ps_sim_clock *clock);
/* True when something has kept it from its work just now. */
bool world_server_was_away(const world *w);
ps_server_stats world_server_stats(const world *w);
/* What the store holds for a name of a user's device last; NULL: nothing. */
const world_record *world_store_last(const world *w, uint32_t user,
                                     const uint8_t device[PS_DEVICE_BYTES], ps_span name);

/* ---- a peer's host: world_peer.c, world_commands.c ---- */

/* The node that others see in a peer's place, and where they see it. */
uint32_t world_outer_node(const world *w, uint32_t i);
ps_addr world_outer_addr(const world *w, uint32_t i);
void world_user_name(uint32_t index, char out[WORLD_NAME_BYTES]);
void world_user_password(const world *w, uint32_t index, char out[WORLD_NAME_BYTES]);
/* The index of a user's name; UINT32_MAX: not one of ours. */
uint32_t world_user_index(const world *w, ps_span name);

/* ---- an attacker ---- */

/* Sends anything from anywhere. */
void world_send_as(world *w, const ps_addr *from, const ps_addr *to, const void *data, size_t len);
/* The same datagram again, from where it came. */
void world_replay(world *w, const world_capture *c);

/* ---- accounts: world_accounts.c ---- */

/* Somebody edits the credentials file, and the server's host acts upon it. */
void world_account_passwd(world *w, uint32_t user);
void world_account_rehash(world *w, uint32_t user); /* The same password, stored otherwise. */
void world_account_remove(world *w, uint32_t user);
void world_account_add(world *w, uint32_t user);
void world_server_public_key(const world *w, uint8_t key[PS_KEY_BYTES]);

void world_peer_boot(world *w, uint32_t i);
void world_peer_crash(world *w, uint32_t i);
/* Its network gives it another address. */
void world_peer_move(world *w, uint32_t i);
ps_peer_stats world_peer_stats(const world *w, uint32_t i);

void world_login(world *w, uint32_t i);
void world_login_as(world *w, uint32_t i, const char *user, const char *password);
void world_logout(world *w, uint32_t i);
/* All peers log in and are online. */
void world_login_all(world *w);

world_command *world_issue(world *w, uint32_t i, ps_input_type type, ps_span text,
                           const ps_content *content);
world_command *world_publish(world *w, uint32_t i, const char *name);
world_command *world_unpublish(world *w, uint32_t i, const char *name);
world_command *world_list_files(world *w, uint32_t i);
world_command *world_list_peers(world *w, uint32_t i);
world_command *world_search(world *w, uint32_t i, const char *text);
world_command *world_locate(world *w, uint32_t i, const char *name);
/* Runs until it has ended, which it must within 15 s; @return its error. */
uint32_t world_finish(world *w, world_command *c);
void world_forget(world_peer *p, world_command *c);
/* The content that world_publish() gives to a name. */
ps_content world_content(const char *name);
/* How many lines have this user and name; NULL: any. */
size_t world_count(const world_command *c, const char *user, const char *name);

/* Fetches the content of a line of LOCATE from where it says; see world_config.fetched. */
world_fetch *world_fetch_start(world *w, uint32_t i, const world_line *source);
/* The user does not want it any more: it ends as CANCELLED, unless it has ended already. */
void world_fetch_cancel(world *w, uint32_t i, world_fetch *f);

/* ---- inside ---- */

/* Reads the events of a round; after the last round, does what is due and sets the deadline. */
void world_server_read(world *w);
void world_server_settle(world *w);
void world_server_charge(world *w); /* For the handshakes since the last time. */
void world_peer_read(world_peer *p);
void world_peer_settle(world_peer *p);

/* world_streams.c: accepts, serves and fetches as far as it goes; when it wants to go on, in the
 * node's clock; what is left of a process that died. */
void world_streams_work(world_peer *p);
uint64_t world_streams_deadline_us(const world_peer *p);
void world_streams_drop(world_peer *p);

/* Makes the guarded output and the pump. */
void world_machine_init(world_machine *m, world *w, uint32_t node, uint32_t peer, ps_machine face,
                        int (*check)(const void *self), const ps_server_config *server_cfg,
                        const ps_peer_config *peer_cfg);
void world_machine_free(world_machine *m);
/* A session of this user was ended by silence. */
void world_evicted(world *w, uint32_t user, uint32_t node);
/* An instant of the network in a node's clock: now or later. */
uint64_t world_local_us(const world *w, uint32_t node, uint64_t at_us);

/* world_store.c, for world_server.c */
void world_store_init(world *w);
void world_store_free(world *w);
void world_store_add(world *w, const ps_event_record *e);
/* Ends a sync that is due, begins the next. */
void world_store_work(world *w);
uint64_t world_store_due_us(const world *w);
void world_store_kill(world *w);
void world_store_cut(world *w, ps_sim_disk_tail tail);
/* Finds what an earlier life has left. @return false: the disk refuses. */
bool world_store_load(world *w);
/* Gives what was found to a new server. */
void world_store_restore(world *w);
void world_server_submit(world *w, ps_input in);

/* world_accounts.c, for world_server.c: a login asks to be let in; when the next verdict is due, in
 * the network's time; gives those that are; a new process has none. */
void world_accounts_ask(world *w, const ps_event_login *e);
uint64_t world_accounts_due_us(const world *w);
void world_accounts_work(world *w);
void world_accounts_boot(world *w);
void world_accounts_free(world *w);

/* world_commands.c, for world_peer.c: the user has looked at the server's key. */
void world_trust(world_peer *p);

#endif

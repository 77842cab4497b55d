/* A world for stories: one server and some peers on the simulated network, each machine driven by a
 * pump, with trivial hosts. After every step of every machine the world looks at what must always
 * hold (see world_machine.c and world_model.c); what does not hold ends the program with the line
 * that repeats it: seed, batch, time.
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
 * The server is node 0, peer i is node 1 + i, user "user-<i>" on a device of its own. */
#ifndef PS_TESTS_WORLD_H
#define PS_TESTS_WORLD_H

#include "peersync/pump.h"
#include "peersync/sim.h"

#include <stdio.h>

#define WORLD_NAME_BYTES 24u

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

typedef struct world_config {
    uint64_t seed;
    uint32_t batch; /* Datagrams at a time, in the network and in the pumps. */
    uint32_t peers;
    uint32_t check_every; /* Steps of a machine from one walk over its invariants to the next. */
    uint32_t verify_us;   /* What a password takes. */
    ps_sim_link link;
    ps_server_config server;
    ps_peer_config peer;
    /* Called at a peer's script_at_us, and when a command of a peer ended; may be NULL. */
    void (*script)(world *w, world_peer *p);
    void (*ended)(world *w, world_peer *p, world_command *c);
    void *ctx; /* For both. */
} world_config;

/* A line of a list, copied. */
typedef struct world_line {
    char user[PS_USER_MAX + 1];
    char name[PS_NAME_MAX + 1];
    ps_content content;
    ps_addr addr;
    bool active;
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

/* Output memory of a pump, with guarded ends. */
typedef struct world_slab {
    ps_output out;
    uint8_t *memory;
} world_slab;

/* A machine seen through a face that looks at every step. */
typedef struct world_machine {
    world *w;
    void *self;
    uint32_t peer; /* Index, or WORLD_SERVER. */
    ps_machine face;
    int (*check)(const void *self);
    world_slab slab;
    ps_pump pump;
    uint64_t steps;
} world_machine;

#define WORLD_SERVER UINT32_MAX

struct world_peer {
    world *w;
    uint32_t index;
    uint32_t node;
    uint8_t device[PS_DEVICE_BYTES];
    world_machine machine;
    void *memory;
    uint64_t script_at_us; /* The story's; PS_TIME_NEVER: none. */
    void *ctx;             /* The story's. */

    bool online; /* Logged in, as its host was told. */
    bool leaving;
    uint32_t logins, refusals, losses, logouts; /* Events so far. */
    uint32_t error;                             /* Of the last refusal. */
    uint32_t retry_ms;
    char text[PS_TEXT_MAX + 1];
    uint64_t online_us, lost_us;
    ps_addr observed;

    world_command *commands; /* All that were not forgotten, newest first. */
    world_command *ended_head, *ended_tail;
    uint32_t open; /* Commands that have not ended. */
    uint64_t next_tag;
};

/* A login that waits for its password's verification. */
typedef struct world_verdict {
    uint64_t due_us;
    uint64_t pending;
    uint32_t error;
    uint32_t retry_ms;
} world_verdict;

typedef struct world_server {
    world *w;
    uint32_t node;
    world_machine machine;
    void *memory;
    uint32_t busy_ms; /* Not 0: every login is refused as BUSY. */
    uint64_t requests;
    world_verdict *verdicts; /* A queue: [at, len). */
    size_t verdicts_at, verdicts_len, verdicts_cap;
} world_server;

/* What the model knows of a user: told by the server's events and by what it was sent. */
typedef struct world_account {
    bool open;
    uint32_t node; /* Where the session is. */
    uint64_t opened_us, closed_us;
    uint8_t reason; /* Of the last close. */
} world_account;

struct world {
    world_config cfg;
    ps_sim *sim;
    world_server server;
    world_peer *peers;
    world_account *accounts; /* One a peer. */
    uint64_t *heard_us;      /* By node: when the server was sent something from there. */
    uint64_t steps, checks;
    uint32_t live_evictions; /* Sessions that ended by silence, not because their peer left. */
};

_Noreturn void world_fail(const world *w, const char *what, const char *file, int line);

/* 20 ms each way, 2 ms of jitter, no faults; every step checked. */
void world_config_default(world_config *cfg, uint32_t peers);
world *world_new(const world_config *cfg);
void world_free(world *w);

uint64_t world_now_us(const world *w);
void world_run(world *w, uint64_t us);

/* ---- the server's host: world_server.c ---- */

void world_server_boot(world *w);
void world_server_crash(world *w);
ps_server_stats world_server_stats(const world *w);

/* ---- a peer's host: world_peer.c, world_commands.c ---- */

void world_user_name(uint32_t index, char out[WORLD_NAME_BYTES]);
void world_user_password(uint32_t index, char out[WORLD_NAME_BYTES]);
/* The index of a user's name; UINT32_MAX: not one of ours. */
uint32_t world_user_index(const world *w, ps_span name);

void world_peer_boot(world *w, uint32_t i);
void world_peer_crash(world *w, uint32_t i);
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

/* ---- inside ---- */

/* Reads the events of a round; after the last round, does what is due and sets the deadline. */
void world_server_read(world *w);
void world_server_settle(world *w);
void world_peer_read(world_peer *p);
void world_peer_settle(world_peer *p);

/* Makes the guarded output and the pump. */
void world_machine_init(world_machine *m, world *w, uint32_t node, uint32_t peer, ps_machine face,
                        int (*check)(const void *self));
void world_machine_free(world_machine *m);
void world_model_inputs(world *w, const ps_input in[], size_t n);
void world_model_outputs(world *w, const ps_output *before, const ps_output *out, uint64_t now_us);

#endif

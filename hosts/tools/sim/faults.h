/* What can go wrong, drawn at random and undone after a while. */
#ifndef PS_SIM_FAULTS_H
#define PS_SIM_FAULTS_H

#include "dice.h"
#include "peersync/sim.h"
#include "peersync/sim_disk.h"

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, its word in scenarios and reports, for people). Counted each time that one begins. */
#define FAULT_LIST(X)                                                                              \
    X(WEATHER, "weather", "bad weather: loss, duplicates, late and cut datagrams")                 \
    X(BURSTS, "bursts", "bursts of loss")                                                          \
    X(PARTITION, "partition", "partitions")                                                        \
    X(ONE_WAY, "one-way", "one-way partitions")                                                    \
    X(NARROW, "narrow", "narrow links with short queues")                                          \
    X(PEER_CRASH, "peer-crash", "peers that crash and return")                                     \
    X(PEER_AMNESIA, "peer-amnesia", "peers that return without their memory")                      \
    X(SERVER_KILL, "server-kill",                                                                  \
      "server killed, its disk keeps, loses or tears what was not synced")                         \
    X(SERVER_LIES, "server-lies", "server's disk lies about its syncs, and the power goes")        \
    X(SERVER_WIPED, "server-wiped", "server killed, its store is gone")                            \
    X(SERVER_PAUSE, "server-pause", "server stopped for a while")                                  \
    X(PEER_PAUSE, "peer-pause", "peers stopped for a while")                                       \
    X(CLOCK_AHEAD, "clock-ahead", "clocks set ahead")                                              \
    X(CLOCK_BACK, "clock-back", "clocks set back")                                                 \
    X(CLOCK_DRIFT, "clock-drift", "clocks that run fast or slow")                                  \
    X(CLOCK_STOPPED, "clock-stopped", "clocks that stand still")                                   \
    X(SLOW_DISK, "slow-disk", "slow disk of the server")                                           \
    X(FULL_DISK, "full-disk", "full disk of the server")                                           \
    X(FAILING_DISK, "failing-disk",                                                                \
      "failing disk of the server, which may forget what it could not sync")                       \
    X(BUSY_SERVER, "busy-server", "server with too much work")                                     \
    X(SECOND_DEVICE, "second-device", "logins from a user's second device")                        \
    X(CORRUPTION, "corruption", "flipped bits")                                                    \
    X(MOVE, "move", "peers whose address changes")                                                 \
    X(REPLAY, "replay", "datagrams sent again by somebody, from where they came or elsewhere")     \
    X(WALL_CLOCK, "wall-clock", "server's wall clock set: tickets expire, cookies change")         \
    X(PASSWORD, "password", "passwords changed: tickets are void")                                 \
    X(FLOOD, "flood", "floods of handshakes from nowhere, with cookies made up")

typedef enum fault {
#define FAULT_ENUM(name, word, text) FAULT_##name,
    FAULT_LIST(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_COUNT
} fault;

/* What a server's end leaves of what was not synced. */
typedef enum fault_tail {
    FAULT_TAIL_LOST = PS_SIM_DISK_LOST, /* The power goes. */
    FAULT_TAIL_TORN = PS_SIM_DISK_TORN,
    FAULT_TAIL_SCATTERED = PS_SIM_DISK_SCATTERED,
    FAULT_TAIL_KEPT /* All of it: only the process ends. */
} fault_tail;

const char *fault_text(fault f);
/* All words, in the order of the enum, NULL at the end. */
extern const char *const fault_words[FAULT_COUNT + 1];

struct swarm;

typedef struct faults {
    uint64_t counts[FAULT_COUNT];
    uint32_t number;    /* Of the one drawn last, from 1 on. */
    dice dice;          /* Its own: the others of a seed are the same with it and without it. */
    char about[160];    /* What it drew, for people. */
    uint64_t next_us;   /* When the next one is drawn. */
    uint64_t better_us; /* When the network's weather changes back. */
    uint64_t server_us; /* When a killed server starts again; 0: it runs. */
    uint64_t disk_us;   /* When the server's disk is a good one again; 0: it is. */
    uint64_t lies_us;   /* When the power of a server whose disk lies goes; 0: it does not lie. */
    uint64_t dark_us;   /* And for how long. */
    uint64_t clocks_us; /* When clocks that run wrong are put right; 0: none does. */
    uint64_t kept_us;   /* Until then, somebody may be kept from his work, or not know yet. */
} faults;

/* Draws what is due, and undoes what is over. Called between instants of the network. */
void faults_work(struct swarm *s);
/* When faults_work() wants to be called again. */
uint64_t faults_due_us(const struct swarm *s);
/* Undoes everything: networks whole, processes running, clocks and disks as they should be. */
void faults_heal(struct swarm *s);

/* ---- what somebody decided, by chance or in a scenario ----
 * @return false: it cannot be now, for what is down already cannot go down. */

bool faults_pause_peer(struct swarm *s, uint32_t peer, uint64_t us);
/* The server's process stands still, or is busy. */
bool faults_keep_server(struct swarm *s, uint64_t us, bool by_work);
/* It starts again after so long, or when its disk lets it; `wipe`: without its log. */
bool faults_kill_server(struct swarm *s, uint64_t us, fault_tail tail, bool wipe);
void faults_set_clock(struct swarm *s, uint32_t node, const ps_sim_clock *clock);
void faults_move_peer(struct swarm *s, uint32_t peer);

/* ---- inside: fault_kinds.c ---- */

/* @return false: it could not be now. */
bool faults_begin(struct swarm *s, fault f);
/* A link without faults: where the scenario does not say another. */
ps_sim_link faults_fair(const struct swarm *s);
/* The manners of a good disk of the server. */
ps_sim_disk_config faults_good_disk(void);
/* What makes the server's disk that, or what the scenario says now; and at a swarm's beginning. */
void faults_put_disk_right(struct swarm *s);

#endif

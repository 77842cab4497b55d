/* What can go wrong, drawn at random and undone after a while. */
#ifndef PS_SIM_FAULTS_H
#define PS_SIM_FAULTS_H

#include "dice.h"
#include "peersync/sim.h"

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, for people). Counted each time that one begins. */
#define FAULT_LIST(X)                                                                              \
    X(WEATHER, "bad weather: loss, duplicates, late and cut datagrams")                            \
    X(BURSTS, "bursts of loss")                                                                    \
    X(PARTITION, "partitions")                                                                     \
    X(ONE_WAY, "one-way partitions")                                                               \
    X(NARROW, "narrow links with short queues")                                                    \
    X(PEER_CRASH, "peers that crash and return")                                                   \
    X(PEER_AMNESIA, "peers that return without their memory")                                      \
    X(SERVER_KILL, "server killed, its disk keeps, loses or tears what was not synced")            \
    X(SERVER_LIES, "server's disk lies about its syncs, and the power goes")                       \
    X(SERVER_WIPED, "server killed, its store is gone")                                            \
    X(SERVER_PAUSE, "server stopped for a while")                                                  \
    X(PEER_PAUSE, "peers stopped for a while")                                                     \
    X(CLOCK_AHEAD, "clocks set ahead")                                                             \
    X(CLOCK_BACK, "clocks set back")                                                               \
    X(CLOCK_DRIFT, "clocks that run fast or slow")                                                 \
    X(CLOCK_STOPPED, "clocks that stand still")                                                    \
    X(SLOW_DISK, "slow disk of the server")                                                        \
    X(FULL_DISK, "full disk of the server")                                                        \
    X(FAILING_DISK, "failing disk of the server, which may forget what it could not sync")         \
    X(BUSY_SERVER, "server with too much work")                                                    \
    X(SECOND_DEVICE, "logins from a user's second device")                                         \
    X(CORRUPTION, "flipped bits")                                                                  \
    X(MOVE, "peers whose address changes")                                                         \
    X(REPLAY, "datagrams sent again by somebody, from where they came or elsewhere")               \
    X(WALL_CLOCK, "server's wall clock set: tickets expire, cookies change")                       \
    X(PASSWORD, "passwords changed: tickets are void")                                             \
    X(FLOOD, "floods of handshakes from nowhere, with cookies made up")

typedef enum fault {
#define FAULT_ENUM(name, text) FAULT_##name,
    FAULT_LIST(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_COUNT
} fault;

const char *fault_text(fault f);

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

/* ---- inside: fault_kinds.c ---- */

/* @return false: it could not be now. */
bool faults_begin(struct swarm *s, fault f);
/* A link without faults. */
ps_sim_link faults_fair(void);
/* What makes the server's disk a good one, now and at a swarm's beginning. */
void faults_put_disk_right(struct swarm *s);
/* The server, which runs, is down for so long from now on. */
void faults_server_down(struct swarm *s, uint64_t us);
/* A peer whose clock stood still does not know that time has passed, and learns with its next
 * heartbeat what the server thinks of that. */
void faults_clock_changed(struct swarm *s);

#endif

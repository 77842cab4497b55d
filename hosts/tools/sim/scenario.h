/* A scenario: a swarm whose network, and what befalls it, a file describes (peersync-sim.1 says
 * how). Reading it is scenario_parse() in scenario_read.c, a function over bytes; carrying it out
 * is scenario_play.c. */
#ifndef PS_SIM_SCENARIO_H
#define PS_SIM_SCENARIO_H

#include "faults.h"
#include "peersync/sim.h"
#include "peersync/sim_nat.h"

#define SCENARIO_PEERS_MAX  1000u
#define SCENARIO_GROUPS_MAX 32u
#define SCENARIO_EVENTS_MAX 4096u
#define SCENARIO_NAME_MAX   31u
/* A day. */
#define SCENARIO_LENGTH_MAX_US (UINT64_C(86400) * 1000000)
/* Longest file, longest line, and most words of one. */
#define SCENARIO_BYTES_MAX  1048576u
#define SCENARIO_LINE_BYTES 1024u
#define SCENARIO_WORDS_MAX  32u

/* A set of the swarm's nodes: bit 0 is the server, bit 1 + i peer i. */
typedef struct scenario_nodes {
    uint64_t bits[(SCENARIO_PEERS_MAX + 1 + 63) / 64];
} scenario_nodes;

static inline bool scenario_has(const scenario_nodes *n, uint32_t node)
{
    return (n->bits[node / 64] >> (node % 64) & 1u) != 0;
}

/* Peers that are connected in one way. */
typedef struct scenario_group {
    char name[SCENARIO_NAME_MAX + 1];
    scenario_nodes nodes;
    bool has_link; /* Else the network's. */
    ps_sim_link link;
    ps_sim_rate rate;
    bool boxed; /* Each behind a box of its own. */
    ps_sim_nat nat;
    bool forwards; /* The box forwards the peer's port. */
} scenario_group;

typedef enum scenario_what {
    SCENARIO_CUT,
    SCENARIO_WEATHER,
    SCENARIO_CRASH,
    SCENARIO_PAUSE,
    SCENARIO_WORK,
    SCENARIO_CLOCK,
    SCENARIO_DISK,
    SCENARIO_MOVE,
    SCENARIO_REBOOT,
    SCENARIO_FAULT,
    SCENARIO_LOGIN,
    SCENARIO_LOGOUT,
    SCENARIO_PUBLISH,
    SCENARIO_UNPUBLISH,
    SCENARIO_GET,
    SCENARIO_HEAL
} scenario_what;

/* One line "at TIME WHAT ...". What it does not need is zero. */
typedef struct scenario_event {
    uint64_t at_us;  /* From the swarm's beginning. */
    uint64_t for_us; /* 0: until everything is mended. */
    uint32_t line;   /* Of the file. */
    scenario_what what;
    scenario_nodes nodes;  /* Whom it befalls; CUT: one side, */
    scenario_nodes others; /* and the other. */
    bool everywhere;       /* WEATHER: not only at `nodes`. */
    bool one_way;
    bool forgets;    /* CRASH: what was stored is gone. */
    fault_tail tail; /* CRASH of the server. */
    ps_sim_link link;
    ps_sim_clock clock;
    ps_sim_disk_config disk; /* DISK: capacity_bytes is what is free when it begins; 0: endless. */
    fault fault;
    uint32_t owner, file; /* GET: of whom; PUBLISH and others: which. */
} scenario_event;

/* Starts as zeros; scenario_free() ends it. */
typedef struct scenario {
    uint64_t seed;
    uint32_t peers, batch, check_every, pace; /* 0 of the last two: by the size of the swarm. */
    uint64_t length_us;
    uint64_t heal_us, fetch_us; /* Limits for what comes after healing; 0: the swarm's. */
    bool cruel;                 /* Random faults beside the file's. */
    bool idle;                  /* Users do nothing of their own accord. */
    ps_sim_link link;           /* Of who has none of his own. */
    scenario_group groups[SCENARIO_GROUPS_MAX];
    uint32_t groups_len;
    scenario_event *events; /* By their times; at the same time as in the file. */
    uint32_t events_len, events_cap;
} scenario;

/* What is wrong with a file: safe for a terminal, no full stop. */
typedef struct scenario_error {
    uint32_t line; /* From 1 on; 0: it is not a line's fault. */
    char text[640];
} scenario_error;

/* Reads the bytes of a file. @return false: `error` says why. `out` is to be freed in any case. */
bool scenario_parse(const char *text, size_t len, scenario *out, scenario_error *error);
void scenario_free(scenario *s);

/* ---- scenario_play.c: in a swarm whose configuration has one ---- */

/* What plays of it. Starts as zeros. */
typedef struct scenario_play {
    uint32_t next;        /* The event that comes next. */
    uint64_t *until_us;   /* Of each event: when it ends; 0: it is over, or has not begun. */
    uint32_t *partitions; /* Of each CUT. */
    uint64_t *capacities; /* Of each DISK: in all; 0: endless. */
} scenario_play;

/* Boxes, links and lines, before anybody says anything. */
void scenario_begin(struct swarm *s);
void scenario_end(struct swarm *s);
/* Does what is due, ends what is over. */
void scenario_work(struct swarm *s);
/* When scenario_work() wants to be called again; PS_TIME_NEVER: not before the next healing. */
uint64_t scenario_due_us(const struct swarm *s);
/* How long everything may stay as it is, from now on, until it is to be mended: at most to the end.
 */
uint64_t scenario_left_us(const struct swarm *s, uint64_t end_us);
/* Somebody else has mended the network, or the healing is over: what the scenario says counts
 * again.
 */
void scenario_restore(struct swarm *s);
/* All is to be mended. */
void scenario_heal(struct swarm *s);
/* Event i has begun, and is not over. */
bool scenario_plays(const struct swarm *s, uint32_t i);

/* ---- scenario_network.c ---- */

/* The same way without faults. */
ps_sim_link scenario_fair(const ps_sim_link *link);
/* What others see of a node of a set: the box before it. */
uint32_t scenario_outer(const struct swarm *s, uint32_t node);
/* Boxes, lines and links, before anybody says anything. */
void scenario_make_network(struct swarm *s);
/* As the weather is now. */
void scenario_set_links(const struct swarm *s);
/* What the scenario says of the server's disk now. */
ps_sim_disk_config scenario_disk(const struct swarm *s);

#endif

/* A swarm: random users on a network that is cruel to them for a while, then quiet, and so on for
 * hours. Under faults the world looks at every step (safety); after each healing everything must
 * come right within a stated time, and agree with what the users want (liveness). */
#ifndef PS_SIM_SWARM_H
#define PS_SIM_SWARM_H

#include "faults.h"
#include "files.h"
#include "scenario.h"
#include "selection.h"
#include "world.h"

/* One peer of so many is another's second device. */
#define SWARM_SECOND_DEVICES 10u
/* That one peer publishes and unpublishes; the last few are everybody's. */
#define SWARM_NAMES  14u
#define SWARM_SHARED 4u /* So many. */

/* What a sync of the server's store takes when its disk is well. */
#define SWARM_SYNC_US 2000u

/* Above every ps_error that can end a download. */
#define SWARM_ERRORS 64u

typedef struct swarm_config {
    uint64_t seed;
    uint32_t batch;
    uint32_t peers;
    uint32_t check_every;
    uint64_t length_us; /* In all. */
    uint64_t cruel_us;  /* Of each cruel time. */
    uint32_t pace;      /* Users think so many times as long: 1 is a second or two. */
    bool faults;        /* Else only the storm: a fifth lost, a twentieth doubled or late. */
    selection left_out; /* Faults, by their numbers, that do not happen. */
    bool in_step;       /* No jitter, and commands in instants 100 ms apart: many datagrams arrive
                           at the same time. */
    bool model;
    const scenario *scenario; /* What its network is and suffers; NULL: a swarm's. */
    const char *repeat;
    /* Called after each healing; may be NULL. */
    void (*progress)(void *ctx, const struct swarm *s);
    /* Called when a fault has begun; may be NULL. */
    void (*fault)(void *ctx, const struct swarm *s, fault f);
    /* Called when a command of a user's has ended, before it is forgotten; may be NULL. */
    void (*ended)(void *ctx, const world_command *c);
    /* Lets time pass like world_run(), which it replaces; may be NULL. */
    void (*run)(void *ctx, const struct swarm *s, uint64_t us);
    void *ctx;
    /* As in world_config; may be NULL. */
    ps_machine (*born)(void *host, uint32_t peer, ps_machine inner, const ps_server_config *server,
                       const ps_peer_config *peer_cfg);
    void (*failing)(void *host);
    void *host;
} swarm_config;

typedef struct swarm_counts {
    uint64_t commands, succeeded, timeouts, refused, cancelled;
    uint64_t fetches, fetched, fetch_bytes;
    uint64_t fetch_errors[SWARM_ERRORS]; /* By ps_error. */
    uint64_t logins, refusals, losses, put_offs, agains, unlisted;
    uint64_t repairs, buckets_resent, names_withdrawn, resets, rekeys;
    uint64_t events; /* Of a scenario, that happened to somebody. */
    uint64_t healings, worst_heal_us;
    uint64_t worst_login_us;  /* From asking for it to being online. */
    uint64_t worst_return_us; /* From noticing that the session is lost to the next one. */
    uint64_t worst_fetch_us;  /* Of a whole file. */
    uint64_t worst_list_us;   /* Of all files, after a healing. */
    uint64_t publications;    /* At the end. */
} swarm_counts;

/* What a peer's user wants, and what his file system would remember. */
typedef struct swarm_user {
    uint32_t versions[SWARM_NAMES]; /* Of each file; 0: it is not published. */
    uint32_t changes;
    bool second;            /* Another user's second device. */
    uint64_t down_until_us; /* Crashed: until then; 0: it runs. */
    dice dice;
} swarm_user;

typedef struct swarm {
    const swarm_config *cfg;
    world *w;
    swarm_user *users;
    files files; /* What the users' versions hold. */
    faults faults;
    scenario_play play;
    uint64_t begun_us; /* When it began to live. */
    bool quiet;        /* Healing: nobody does anything. */
    swarm_counts counts;
    ps_server_stats server; /* Of all lives of the server. */
    uint64_t live_evictions;
    uint64_t hash, steps, checks, rebatched, pages, lists;
    ps_sim_stats sim;
} swarm;

/* 50 peers, five minutes, seed 1, batch 64, every step checked, all faults. */
void swarm_config_default(swarm_config *cfg);
/* What a swarm of these peers and this length needs to end while somebody waits for it: users who
 * think longer, so that they do about a million things in all, and tables that are walked over less
 * often, so that the walks take about as long as the rest. Small swarms keep 1 and 1. */
void swarm_config_scale(swarm_config *cfg);
/* Ends the program where something does not hold. */
swarm swarm_run(const swarm_config *cfg);

/* For faults.c: the process of a user's peer dies, and comes back later; with `forgets` it has lost
 * what it published. */
bool swarm_crash(swarm *s, uint32_t peer, uint64_t away_us, bool forgets);

/* The program of a user's peer starts again, announces what it remembers, and logs in. */
void swarm_start(swarm *s, uint32_t peer);
/* For scenarios: as if the user had asked for it. @return false: he cannot now. */
bool swarm_change(swarm *s, uint32_t peer, uint32_t k, bool wanted);
bool swarm_get(swarm *s, uint32_t peer, uint32_t owner, uint32_t k);
/* Lets so much time pass, with faults and returns as they come due. */
void swarm_pass(swarm *s, uint64_t us);

/* swarm_heal.c: everything is mended; comes right, in time; and is compared with the users' wishes.
 */
void swarm_heal(swarm *s);

static inline void swarm_worst(uint64_t *worst_us, uint64_t us)
{
    *worst_us = us > *worst_us ? us : *worst_us;
}

/* ---- swarm_users.c ---- */

void swarm_file_name(uint32_t peer, uint32_t k, char out[PS_NAME_MAX + 1]);
/* The user wants this version to be published; 0: none. */
void swarm_want(swarm *s, uint32_t peer, uint32_t k, uint32_t version);
/* Tells the peer what its user wants to be published. */
void swarm_publish(swarm *s, uint32_t peer, uint32_t k);
/* He does the next thing within that. */
void swarm_think(swarm *s, world_peer *p, uint64_t least_us, uint64_t most_us);
/* For the world: a user's turn, what his peer tells him, and how his commands end. */
void swarm_act(world *w, world_peer *p);
void swarm_event(world *w, world_peer *p, const ps_event *e);
void swarm_ended(world *w, world_peer *p, world_command *c);

/* ---- swarm_fetch.c ---- */

bool swarm_serve(world *w, world_peer *p, const ps_content *content, world_file *file);
uint32_t swarm_serving(world *w, world_peer *p, const ps_content *content, const world_file *file);
void swarm_fetched(world *w, world_peer *p, world_fetch *f);
/* A user wants a file: his peer looks for it, and then fetches it from a source that is there. */
void swarm_fetch(swarm *s, uint32_t peer);
void swarm_located(swarm *s, world_peer *p, const world_command *c);
/* All has been well since then: the downloads end in time. */
bool swarm_fetches_ended(const swarm *s, uint64_t since_us);
/* Some users' files, all that they list, can be fetched. */
void swarm_fetch_listed(swarm *s);

#endif

/* What a box that translates addresses remembers. */
#ifndef PS_SIM_NAT_TABLE_H
#define PS_SIM_NAT_TABLE_H

#include "peersync/sim_nat.h"
#include "sim/sim_internal.h"

/* Whom the inside has sent to by a mapping: they may answer. */
typedef struct ps_sim_session {
    ps_addr remote; /* As far as the filter looks. */
    uint64_t used_us;
    uint32_t next; /* Of the mapping, or free. */
} ps_sim_session;

typedef struct ps_sim_mapping {
    ps_addr inside;
    ps_addr remote; /* As far as the mapping depends on it. */
    uint16_t port;  /* Outside. */
    bool stream;
    bool fixed;
    uint32_t generation; /* Counts up when the place is given back. */
    uint64_t used_us;
    uint32_t sessions;    /* List. */
    uint32_t next_inside; /* In a chain by the inner address; or free. */
    uint32_t next_port;   /* In a chain by the outer port. */
} ps_sim_mapping;

struct ps_sim_box {
    ps_sim_nat cfg;
    ps_sim_rng rng;
    uint16_t port; /* The next one that is counted. */
    ps_sim_nat_load load;
    ps_sim_mapping *mappings;
    uint32_t mappings_len, mappings_cap, mappings_free;
    uint32_t *by_inside, *by_port; /* Heads of chains; `buckets` each, a power of two. */
    uint32_t buckets;
    ps_sim_session *sessions;
    uint32_t sessions_len, sessions_cap, sessions_free;
};

/* An address as far as a behaviour looks at it. */
ps_addr ps_sim_nat_seen(const ps_addr *addr, ps_sim_nat_by by);

/* The mapping of what goes from inside to remote, or PS_SIM_NONE. Forgets it when it has expired.
 * For datagrams only. */
uint32_t ps_sim_mapping_out(struct ps_sim_box *box, uint64_t now_us, const ps_addr *inside,
                            const ps_addr *remote);
/* The mapping at an outer port, or PS_SIM_NONE; likewise. */
uint32_t ps_sim_mapping_at(struct ps_sim_box *box, uint64_t now_us, uint16_t port, bool stream);
/* A new one, at a port as the box finds them, or (`port` not 0) at this one. PS_SIM_NONE: full. */
uint32_t ps_sim_mapping_add(struct ps_sim_box *box, uint64_t now_us, const ps_addr *inside,
                            const ps_addr *remote, bool stream, uint16_t port);
/* True while the place holds this generation and has not expired. */
bool ps_sim_mapping_lives(struct ps_sim_box *box, uint64_t now_us, uint32_t mapping,
                          uint32_t generation);
void ps_sim_mapping_drop(struct ps_sim_box *box, uint32_t mapping);

/* The inside sent to remote. False: full. */
bool ps_sim_session_touch(struct ps_sim_box *box, uint64_t now_us, uint32_t mapping,
                          const ps_addr *remote);
/* Whether remote may answer, and counts as use if the box is so. */
bool ps_sim_session_admits(struct ps_sim_box *box, uint64_t now_us, uint32_t mapping,
                           const ps_addr *remote);

/* Forgets all but what is fixed. */
void ps_sim_nat_forget(struct ps_sim_box *box);

#endif

/**
 * @file sim_nat.h
 * Boxes that translate addresses (NAT) in a simulated network.
 *
 * A box is a node of its own kind. Nodes are put behind it; they keep their addresses (which stay
 * unique in the whole network, a simplification), but nobody outside reaches those: what they send
 * out is seen to come from the box's address and a port that the box mapped to them, and what comes
 * in to such a port is passed on to them if the box's filter lets it. Boxes can stand behind boxes.
 *
 * What goes through a box takes two hops, each with its own link, partition and chance: node to box
 * and box to the next. A link or a partition between two nodes that have boxes between them does
 * nothing: name the box (its id is a node's). Nodes behind the same box reach each other directly.
 * A datagram is translated when it arrives at the box; the way of a stream is found when it is
 * dialled. A box works without cost, has no queue but that of its rate (ps_sim_set_rate(), which
 * counts for its outer side), and a pause or a clock does nothing to it.
 *
 * ps_sim_crash() stops a box: nothing passes, and all that it mapped is forgotten; ps_sim_restart()
 * starts it again. Both in one instant are a reboot. ps_sim_move() gives it another outer address
 * and makes it forget too. Streams whose mapping was forgotten pass nothing any more, as behind
 * boxes that drop in silence: both ends break after ps_sim_config.stream_reset_us of trying.
 */
#ifndef PEERSYNC_SIM_NAT_H
#define PEERSYNC_SIM_NAT_H

#include "peersync/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Behind no box, for ps_sim_put_behind(). */
#define PS_SIM_OUTSIDE UINT32_MAX
/** At most so many boxes stand on the way out of a net, and as many on the way into another. */
#define PS_SIM_BOXES_MAX 4u

/** What a mapping, or what a filter lets in, depends on (RFC 4787, sections 4.1 and 5). */
typedef enum ps_sim_nat_by {
    PS_SIM_NAT_BY_NOTHING, /**< Endpoint-independent: one mapping to everybody; all may answer. */
    PS_SIM_NAT_BY_ADDRESS, /**< Address-dependent: the remote IP address. */
    PS_SIM_NAT_BY_PORT     /**< Address and port-dependent: the remote address and port. */
} ps_sim_nat_by;

/** How a mapping's outer port is found. One that is taken: the next one that is free. */
typedef enum ps_sim_nat_ports {
    PS_SIM_NAT_PORTS_KEPT,    /**< The inner port, where it is free (port preservation). */
    PS_SIM_NAT_PORTS_COUNTED, /**< One after the other. */
    PS_SIM_NAT_PORTS_RANDOM   /**< By a generator of the box's own. */
} ps_sim_nat_ports;

/** The four kinds of RFC 3489, section 5. */
typedef enum ps_sim_nat_kind {
    PS_SIM_NAT_FULL_CONE,       /**< Maps by nothing, filters by nothing. */
    PS_SIM_NAT_RESTRICTED_CONE, /**< Maps by nothing, filters by address. */
    PS_SIM_NAT_PORT_RESTRICTED, /**< Maps by nothing, filters by address and port. */
    PS_SIM_NAT_SYMMETRIC        /**< Maps and filters by address and port. */
} ps_sim_nat_kind;

/** A box. Start from ps_sim_nat_default(). */
typedef struct ps_sim_nat {
    size_t size;                /**< sizeof(ps_sim_nat). */
    ps_addr addr;               /**< The outer IP address. Family NONE: as for nodes. */
    ps_sim_nat_by mapping;      /**< Of datagrams; each stream has a mapping of its own. */
    ps_sim_nat_by filtering;    /**< Of datagrams. Who was sent to from inside may answer. */
    ps_sim_nat_ports ports;     /**< KEPT. */
    uint16_t first_port;        /**< Outer ports are from here to 65535: 1024. */
    uint64_t timeout_us;        /**< Datagrams: a mapping, and a filter's entry, is forgotten when
                                     nothing went out by it for so long: 120 s, RFC 4787's least. */
    bool refreshed_inward;      /**< What comes in counts as what goes out does: no. */
    bool hairpin;               /**< Nodes inside reach each other by their outer addresses, and are
                                     seen by them: no. */
    uint64_t stream_timeout_us; /**< A stream that was silent for so long is forgotten: 7,440 s,
                                     RFC 5382's least. */
    bool refuses_streams;  /**< A dial from outside that nothing admits is refused; otherwise it
                                is dropped, and breaks at ps_sim_config.stream_reset_us. */
    uint32_t max_mappings; /**< Datagrams' and streams' together: 65,536. What would need one
                                more is dropped. */
    uint32_t max_sessions; /**< Entries of the filter: 65,536; likewise. */
} ps_sim_nat;

/** A box's counters since the beginning, and what it holds now. */
typedef struct ps_sim_nat_load {
    uint64_t passed_out; /**< Datagrams translated on their way out. */
    uint64_t passed_in;  /**< On their way in, those that turned round in the box (hairpins) too. */
    uint64_t mapped;     /**< Mappings made. */
    uint64_t expired;    /**< Mappings forgotten by their timeout. */
    uint64_t blocked;    /**< Datagrams and dials that nothing admits; hairpins, if it has none;
                              datagrams from inside with a foreign source. */
    uint64_t full;       /**< Datagrams and dials by the limits, or the lack of memory. */
    uint32_t mappings;   /**< Now; those that have expired are counted until it notices. */
    uint32_t sessions;   /**< Likewise. */
} ps_sim_nat_load;

/** A box of this kind, with the defaults named above. */
void ps_sim_nat_default(ps_sim_nat *cfg, ps_sim_nat_kind kind);

/**
 * Adds a box; its id is a node's, and ids count on.
 * @return PS_OK; PS_INVALID (as ps_sim_add_node(); an impossible configuration); PS_FAILED no
 *         memory.
 */
ps_status ps_sim_add_nat(ps_sim *sim, const ps_sim_nat *cfg, uint32_t *id);

/**
 * Puts a node, or a box, behind a box, or (PS_SIM_OUTSIDE) in front of all. What is under way to it
 * arrives nowhere; streams that there are keep their way.
 * @return PS_OK; PS_INVALID an unknown node, no box, a box behind itself, or too many of them.
 */
ps_status ps_sim_put_behind(ps_sim *sim, uint32_t node, uint32_t box);

/**
 * Forwards an outer port for good, as an operator or UPnP does: datagrams and dials to it reach
 * `inside` (a node's address behind the box, or an inner box's) whoever sends them, and what
 * `inside` sends as datagrams leaves by it. Neither time nor a reboot touches it.
 * @return PS_OK; PS_INVALID no box, or a port that is 0 or mapped; PS_FAILED no memory, or full.
 */
ps_status ps_sim_nat_forward(ps_sim *sim, uint32_t box, uint16_t port, const ps_addr *inside);

/**
 * Where `remote` would see the datagrams of `inside` come from now, without sending one.
 * @return PS_OK; PS_AGAIN there is no such mapping; PS_INVALID no box.
 */
ps_status ps_sim_nat_mapped(ps_sim *sim, uint32_t box, const ps_addr *inside, const ps_addr *remote,
                            ps_addr *outside);

/** What the box did and holds. @return PS_OK; PS_INVALID no box. */
ps_status ps_sim_nat_stats(const ps_sim *sim, uint32_t box, ps_sim_nat_load *load);

#ifdef __cplusplus
}
#endif

#endif

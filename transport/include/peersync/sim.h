/**
 * @file sim.h
 * A network in one process, on virtual time: datagrams and streams between nodes, with faults.
 *
 * Time is an integer of microseconds and moves only in ps_sim_step() and ps_sim_run_until(). All
 * chance comes from one seed, and nothing depends on addresses in memory, on hash order
 * or on the machine's word size: the same calls with the same seed give the same trace, and
 * ps_sim_hash() says in 64 bits whether they did.
 *
 * A node is driven by its host. The simulator calls the node's `wake` when something arrived, when
 * a stream became readable or writable, or when the deadline that the host asked for has come. A
 * wake takes no virtual time; what it costs keeps the node busy afterwards (ps_sim_charge()). The
 * typical one runs a pump until nothing is left:
 *
 *     static void wake(void *ctx, uint64_t now_us)
 *     {
 *         struct host *h = ctx;
 *         ps_status status;
 *         do {
 *             status = ps_pump_run_once(&h->pump);
 *             read_events(h, &h->pump.out);
 *             ps_pump_clear_events(&h->pump);
 *         } while (status == PS_MORE);
 *         ps_sim_set_deadline(h->sim, h->node, ps_pump_deadline_us(&h->pump));
 *     }
 *
 * What the host does in answer to events it should do after the loop, or ask for a deadline: in the
 * middle of the loop the order of its commands and of the datagrams that are left would depend on
 * how many were handed out at a time (ps_sim_config.batch, which ps_pump.batch must not exceed).
 *
 * Order at equal times. In each instant the simulator first carries out everything on the network
 * that is due, in the order in which it was sent (a sequence number); then, in the order of their
 * ids, come the nodes whose work or pause ends: what they held back is sent, and they are marked if
 * a wake is owed to them; then it marks the nodes whose deadline is due, in the order of their ids;
 * then it wakes every marked node once, in the order of their ids. To a marked node that is busy or
 * paused it owes the wake, one for all. What arrives in the instant in which a node is free again
 * thus still meets the queue of the busy node, and is read in the same instant. Nothing that is
 * sent in an instant arrives in the same instant: every delay is at least 1 us. A wake must read
 * until PS_AGAIN: what it leaves is announced with the next arrival.
 */
#ifndef PEERSYNC_SIM_H
#define PEERSYNC_SIM_H

#include "peersync/crypto.h"
#include "peersync/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The network. It allocates when it grows (nodes, datagrams under way, streams), up to the limits
 *  of its configuration. */
typedef struct ps_sim ps_sim;

/** Any node, for ps_sim_set_link(). */
#define PS_SIM_ANY UINT32_MAX
/** One in a million: the unit of all probabilities. */
#define PS_SIM_PPM 1000000u
/** Most datagrams that one receive hands out. */
#define PS_SIM_BATCH_MAX 64u
/** A stream's bytes travel in segments of at most so many. */
#define PS_SIM_SEGMENT 16384u

/**
 * What loss_ppm does to a stream. When links of different models are on a stream's way (through
 * boxes), TCP counts for all of it.
 */
typedef enum ps_sim_stream_model {
    /** Each segment that is "lost" comes later by ps_sim_config.stream_retry_us, for each time that
     *  it is. Cheap, and kind: losses do not add up. */
    PS_SIM_STREAM_PLAIN,
    /**
     * As TCP Reno does in the mean, without following each packet of 1460 bytes. With the loss p,
     * the round trip R (the links' latency and half their jitter, both ways; what waits in queues
     * is not in it) and the timeout T = R + ps_sim_config.stream_retry_us:
     *
     * - A stream is never faster than 1460 bytes / (R sqrt(2p/3) + T min(1, 3 sqrt(3p/8)) p (1 +
     *   32 p^2)): the equation of Padhye, Firoiu, Towsley and Kurose (1998) as RFC 5348, section
     *   3.1, has it for b = 1. Its first part is that of Mathis, Semke, Mahdavi and Ott (1997),
     *   which leaves out that timeouts rule where more than one in a hundred is lost. At 2 % and
     *   50 ms that is 206 kB/s.
     * - It starts with 10 packets a round trip and doubles that every round trip until it is there;
     *   so it does again after it was idle for T.
     * - A segment of which a packet is lost comes later by R, a dial by T; if what is sent again is
     *   lost too, later by T, 2 T, ...
     *
     * A rate was chosen over single packets because it is exact in integers, costs nothing a packet
     * and can be checked with a pencil; what it lacks is the saw's teeth, that queues of others
     * grow a round trip, and that losses come together. ps_sim_config.stream_buffer bounds what is
     * under way, as a receiver's window does.
     */
    PS_SIM_STREAM_TCP
} ps_sim_stream_model;

/** One direction of the way between two nodes. All zero: 1 us and no faults. */
typedef struct ps_sim_link {
    uint32_t latency_us;    /**< Of every datagram and segment; 0 counts as 1. */
    uint32_t jitter_us;     /**< Added: uniform in 0..jitter_us. Datagrams can overtake each other,
                                 a stream's segments cannot. */
    uint32_t loss_ppm;      /**< Datagrams lost; for streams see stream_model. */
    uint32_t duplicate_ppm; /**< Datagrams that arrive twice, the copy with a jitter of its own. */
    uint32_t reorder_ppm;   /**< Datagrams held back for uniform 1..reorder_us more. */
    uint32_t reorder_us;
    uint64_t rate_bytes_s;  /**< 0: unlimited. Datagrams share it; each stream has it for itself. */
    uint32_t queue_bytes;   /**< With a rate: a datagram is dropped when more wait before it. */
    uint32_t burst_ppm;     /**< Datagrams that begin a burst of losses: from this one on all that
                                 go from this node to that one are lost (Gilbert and Elliott's
                                 channel), whatever loss_ppm says. 0 also ends one. */
    uint32_t burst_end_ppm; /**< Of the lost ones, those that are a burst's last: it is
                                 1,000,000 / burst_end_ppm long in the mean. 0: it never ends. */
    uint32_t truncate_ppm;  /**< Datagrams that arrive cut: to 0 up to all but one byte, uniform. */
    uint32_t corrupt_ppm;   /**< Datagrams that arrive with 1 to 4 bits turned over. Of a duplicated
                                 one each copy has its own chance of both, and streams have none. */
    ps_sim_stream_model stream_model; /**< What loss does to streams: PLAIN. */
    uint32_t stream_sever_ppm;   /**< Segments of bytes at which a stream breaks at both ends, as
                                      a firewall in the middle does it. */
    uint32_t stream_corrupt_ppm; /**< Segments of bytes that arrive with one bit turned over:
                                      what a sum of 16 bits misses. */
} ps_sim_link;

/** Limits and times. Start from ps_sim_config_default(). */
typedef struct ps_sim_config {
    size_t size;              /**< sizeof(ps_sim_config). */
    uint64_t seed;            /**< A run is this number. */
    uint64_t start_us;        /**< Where virtual time begins: 1,000,000. */
    uint64_t start_wall_s;    /**< wall_s() then; 0: nodes have no such clock. */
    uint32_t batch;           /**< Datagrams that one receive hands out: 1 to 64. */
    uint32_t max_nodes;       /**< 4096. */
    uint32_t max_packets;     /**< Datagrams under way or waiting in all: 262,144. More are dropped
                                   and counted. */
    uint32_t max_streams;     /**< Connections at a time: 4096. */
    uint32_t receive_queue;   /**< Datagrams that wait at a node: 1024. More are dropped. */
    uint32_t accept_queue;    /**< Connections that wait at a node: 128. More are refused. */
    uint32_t stream_buffer;   /**< Bytes under way or unread in each direction: 262,144. A stream
                                   has two thirds of that a round trip at most. */
    uint32_t stream_retry_us; /**< A segment that could not pass, or was "lost", tries again after:
                                   200,000. */
    uint32_t stream_reset_us; /**< A stream breaks at its writer when nothing passes for so long,
                                   and so does a dial that is not answered: 30,000,000. */
    ps_sim_link link;         /**< Of every pair without a link of its own: 1 ms. */
} ps_sim_config;

/** A node to add. All zero but `wake`: an IPv4 address of its own, port 5000, streams accepted. */
typedef struct ps_sim_node_config {
    ps_addr addr; /**< Family NONE: 10.x.y.z by the node's id. No two nodes share an IP address. */
    uint32_t endpoints; /**< Datagram endpoints, on the address's port and those after it; 0 counts
                             as 1. Streams are accepted at the first one's port. */
    bool deaf;          /**< Accepts no streams. */
    uint32_t receive_cost_ns; /**< Charged for each datagram that receive hands out. */
    uint32_t receive_queue;   /**< Datagrams that wait; 0: ps_sim_config.receive_queue. */
    void (*wake)(void *ctx, uint64_t now_us); /**< now_us: what the node's clock shows. May be
                                                   NULL. May call everything but the run functions
                                                   and ps_sim_destroy(). */
    void *ctx;                                /**< Handed to wake. */
} ps_sim_node_config;

/** A node's access to the network. All zero: unlimited. */
typedef struct ps_sim_rate {
    uint64_t up_bytes_s;       /**< All that the node sends; 0: unlimited. */
    uint64_t down_bytes_s;     /**< All that comes to it; likewise. */
    uint32_t up_queue_bytes;   /**< A datagram is dropped when more bytes of datagrams wait. */
    uint32_t down_queue_bytes; /**< Likewise, before the node. */
} ps_sim_rate;

/** How a node is doing; all but `waiting` since the beginning, crashes included. */
typedef struct ps_sim_node_load {
    uint64_t busy_us;    /**< Work done; not what is still to be done, nor what a crash ended. */
    uint64_t wakes;      /**< Calls of its wake. */
    uint64_t queue_full; /**< Datagrams dropped by its receive queue. */
    uint32_t waiting;    /**< Datagrams in it now. */
} ps_sim_node_load;

/** How to put a node's clock. All zero: it goes on, without a fault, from what it shows. */
typedef struct ps_sim_clock {
    int64_t jump_us;     /**< Once, now: ahead or back. A jump ends at 0 and at 2^63. */
    int32_t drift_ppm;   /**< From now on: too fast, or too slow; -100,000 to 100,000. */
    bool stopped;        /**< From now on it stands still. */
    int64_t wall_jump_s; /**< Once, now: of wall_s(), which jump_us leaves alone. It ends at 1. */
} ps_sim_clock;

/** Counters since the beginning. */
typedef struct ps_sim_stats {
    uint64_t instants;     /**< Times at which something happened. */
    uint64_t wakes;        /**< Calls of a node's wake. */
    uint64_t sent;         /**< Datagrams given to send. */
    uint64_t delivered;    /**< Datagrams put into a node's queue, copies included. */
    uint64_t lost;         /**< By loss_ppm. */
    uint64_t burst_lost;   /**< By a burst. */
    uint64_t duplicated;   /**< By duplicate_ppm. */
    uint64_t reordered;    /**< By reorder_ppm. */
    uint64_t truncated;    /**< By truncate_ppm; copies count each. */
    uint64_t corrupted;    /**< By corrupt_ppm; copies count each. */
    uint64_t cut;          /**< By a partition. */
    uint64_t unreachable;  /**< To no node, a wrong port, or a node that is down. */
    uint64_t link_full;    /**< By a link's or a node's queue_bytes. */
    uint64_t queue_full;   /**< By a node's receive queue. */
    uint64_t exhausted;    /**< By max_packets or the lack of memory. */
    uint64_t forwarded;    /**< Passed on by a box (sim_nat.h): beside what was given to send. */
    uint64_t nat_blocked;  /**< By a box: nothing admits them. */
    uint64_t nat_full;     /**< By a box that can remember no more. */
    uint64_t overruns;     /**< Datagrams behind whose end the receiver wrote: its bug. */
    uint64_t streams;      /**< Connections begun. */
    uint64_t resets;       /**< Ends of streams that broke. */
    uint64_t stream_bytes; /**< Delivered. */
    uint64_t severed;      /**< Segments by stream_sever_ppm. */
    uint64_t spoiled;      /**< Segments by stream_corrupt_ppm. */
    uint32_t packets;      /**< Under way, waiting or handed out now. */
    uint32_t streams_now;  /**< Connections that exist. */
} ps_sim_stats;

/** The defaults named above, seed 0. */
void ps_sim_config_default(ps_sim_config *cfg);

/** Makes a network. @return PS_OK; PS_INVALID an impossible configuration; PS_FAILED no memory. */
ps_status ps_sim_create(const ps_sim_config *cfg, ps_sim **out);
/** Frees all. NULL is fine. */
void ps_sim_destroy(ps_sim *sim);

/**
 * Adds a node; ids count from 0.
 * @return PS_OK; PS_INVALID (no room by max_nodes, an address that is taken); PS_FAILED no memory.
 */
ps_status ps_sim_add_node(ps_sim *sim, const ps_sim_node_config *cfg, uint32_t *id);

/** The node's view of the network; lives as long as the simulator. NULL for an unknown node. */
const ps_transport *ps_sim_transport(ps_sim *sim, uint32_t node);
/** The node's streams. @return NULL for an unknown node. */
const ps_stream_transport *ps_sim_stream_transport(ps_sim *sim, uint32_t node);
/** Where the node receives datagrams and accepts streams. */
ps_addr ps_sim_addr(const ps_sim *sim, uint32_t node);
/**
 * Gives the node another address (a laptop that roams, a NAT that has forgotten): what it sends
 * from now on comes from there. What is under way to the old one arrives nowhere. Streams that
 * there are go on; ps_sim_sever() ends them.
 * @return PS_OK; PS_INVALID an unknown node, or an IP address that another node has.
 */
ps_status ps_sim_move(ps_sim *sim, uint32_t node, const ps_addr *addr);
/**
 * Breaks all the node's streams, dials under way too, as a firewall does that forgets them, or an
 * address that changes under them: what is under way is gone, and a reset goes to each end.
 */
void ps_sim_sever(ps_sim *sim, uint32_t node);
/**
 * Sends a datagram that claims to come from any address: for nodes that lie. It leaves at once.
 * @param to where nobody is, it counts as unreachable. @param len at most PS_DATAGRAM_MAX.
 * @return PS_OK; PS_INVALID an unknown node or a longer datagram.
 */
ps_status ps_sim_send_as(ps_sim *sim, uint32_t node, const ps_addr *from, const ps_addr *to,
                         const void *data, size_t len);

/**
 * When the node wants to be woken without an arrival; replaces what it asked for before.
 * @param at_us in the node's clock, which shows at least this when the wake comes; what is not in
 *              the future counts as one microsecond from now, so that time moves on;
 *              PS_TIME_NEVER: not at all.
 */
void ps_sim_set_deadline(ps_sim *sim, uint32_t node, uint64_t at_us);

/**
 * Charges a node with work: a handshake, a password, a slow disk. It is busy until all that it was
 * charged is done, one after the other; a part of a microsecond counts, and it is free at the next
 * whole one. While it is busy it is not woken: what arrives waits in its receive queue (finite) and
 * its streams, and one wake for all, the deadline's too, comes when it is free. A datagram that it
 * sends while it is busy leaves when it is free; all that is sent in a wake does, as if the work of
 * the wake had come first, so that ps_sim_config.batch does not show. Segments of streams leave at
 * once.
 *
 * A node with a receive_cost_ns reads at most PS_SIM_BATCH_MAX datagrams in one wake, whatever the
 * batch is: then it works, and the rest waits as it does in a socket, and wakes it.
 *
 * What a wake sends before the first charge in the node's life leaves at once; charge 0 before the
 * run begins when nothing is received at a cost.
 *
 * @param ns of work, from now on or from the end of the work or pause that there is. Ignored for a
 *           node that is down or unknown.
 */
void ps_sim_charge(ps_sim *sim, uint32_t node, uint64_t ns);
/**
 * Stops the node's process (SIGSTOP, a suspended machine whose network is up) for so long from now;
 * while it is paused, to the later end. It is treated as a busy one: not woken, its datagrams wait,
 * and what it is made to send leaves at the end. Work waits too and ends later by the pause; the
 * clock goes on. A crash ends it. Ignored for a node that is down or unknown.
 */
void ps_sim_pause(ps_sim *sim, uint32_t node, uint64_t us);
/** How a node is doing, for a live table. @return PS_OK; PS_INVALID an unknown node. */
ps_status ps_sim_node_stats(const ps_sim *sim, uint32_t node, ps_sim_node_load *load);

/**
 * The node's process dies: its waiting datagrams, work and deadline are gone, its streams end, and
 * the other ends of them are reset. What is under way to it is lost if it arrives before the
 * restart. What it sends is dropped, and it is not woken.
 */
void ps_sim_crash(ps_sim *sim, uint32_t node);
/** The node is up again, at its old address, without a deadline. */
void ps_sim_restart(ps_sim *sim, uint32_t node);
/** True when the node has not crashed. */
bool ps_sim_is_up(const ps_sim *sim, uint32_t node);

/**
 * Puts a node's clock, which showed the simulator's time until the first call: all that the node
 * gets and gives is in it, now_us(), the stamps of inputs, the wake's now_us and deadlines. Drift
 * and standing still are those of wall_s() too, which counts on the same quartz. A timer that
 * is running has so long to go: with a clock that stands still it never comes, unless it is due; by
 * one that is fast or slow it comes sooner or later; a jump does not touch it. A crash and a
 * restart leave the clock.
 * @return PS_OK; PS_INVALID an unknown node, or a drift beyond the limits.
 */
ps_status ps_sim_set_clock(ps_sim *sim, uint32_t node, const ps_sim_clock *clock);
/** What the node's clock shows; 0 for an unknown node. */
uint64_t ps_sim_node_now_us(const ps_sim *sim, uint32_t node);

/** The link of every pair that has none of its own. */
void ps_sim_set_default_link(ps_sim *sim, const ps_sim_link *link);
/**
 * The link from one node to another, one way. PS_SIM_ANY stands for every node; the most exact link
 * counts: from-to, then from-any, then any-to, then the default. What is under way keeps its delay.
 * @param link NULL: removes it. @return PS_OK; PS_FAILED no memory.
 */
ps_status ps_sim_set_link(ps_sim *sim, uint32_t from, uint32_t to, const ps_sim_link *link);

/**
 * What a node can send and receive, all its datagrams and streams together. Streams take turns of a
 * segment (PS_SIM_SEGMENT), so that each has its fair share and who needs less than that is not
 * slowed; between two such turns up to as many bytes of datagrams pass: datagrams have half when
 * they need it, and never wait for more than one segment. A segment or datagram goes as a whole,
 * and takes at least 1 us. After that it goes by the links, whose rates count too. What says that a
 * stream was read costs nothing. A box (sim_nat.h) has its rate on its outer side; a stream that
 * passes several nodes with a rate in one direction waits at the slowest only.
 * @return PS_OK; PS_INVALID an unknown node.
 */
ps_status ps_sim_set_rate(ps_sim *sim, uint32_t node, const ps_sim_rate *rate);

/**
 * From now on nothing passes from the nodes `a` to the nodes `b`, nor back unless `one_way`; what
 * would arrive while it lasts is lost (datagrams) or waits (streams).
 * @param id for ps_sim_heal(). @return PS_OK; PS_INVALID an unknown node; PS_FAILED no memory.
 */
ps_status ps_sim_partition(ps_sim *sim, const uint32_t a[], size_t a_len, const uint32_t b[],
                           size_t b_len, bool one_way, uint32_t *id);
/** Ends a partition. */
void ps_sim_heal(ps_sim *sim, uint32_t id);
/** Ends all partitions. */
void ps_sim_heal_all(ps_sim *sim);

/** Virtual time now: the simulator's own, by which links and partitions go. */
uint64_t ps_sim_now_us(const ps_sim *sim);
/** When the next instant is; PS_TIME_NEVER: nothing is under way and no node is busy, paused
 *  or has a deadline to come. */
uint64_t ps_sim_next_us(const ps_sim *sim);
/** Runs the next instant. @return PS_OK; PS_AGAIN there is none. */
ps_status ps_sim_step(ps_sim *sim);
/** Runs every instant up to `until_us` and sets the clock to it (never back). */
void ps_sim_run_until(ps_sim *sim, uint64_t until_us);

/** The next number of the generator in [0, bound), bound >= 1: for hosts and their scripts. */
uint64_t ps_sim_random(ps_sim *sim, uint64_t bound);

/**
 * FNV-1a (64 bits) over all that happened: for each event its time, kind, nodes, length and bytes.
 * Events are: a datagram sent, its fate (lost, cut, ...) or delivery; a stream's opening, bytes,
 * end and reset; what a box passes on or blocks; a deadline; a crash, restart, move, pause,
 * partition and healing; a clock that is set; a note.
 */
uint64_t ps_sim_hash(const ps_sim *sim);
/** Adds an event of the host's own to the hash: an outcome that must repeat too. */
void ps_sim_note(ps_sim *sim, uint32_t node, const void *data, size_t len);

/** Copies the counters. */
void ps_sim_stats_get(const ps_sim *sim, ps_sim_stats *stats);

/**
 * Cryptography for worlds of thousands: FOR SIMULATIONS AND TESTS ONLY. IT HIDES NOTHING AND STOPS
 * NOBODY: SEALED TEXT STAYS READABLE, AND KEYS CAN BE COMPUTED FROM WHAT IS SEEN ON THE WIRE.
 *
 * To the core it behaves like the real algorithms (kind PS_CRYPTO_STAND_IN): a changed bit of key,
 * nonce, associated data, text or tag is refused, two secrets agree on a third, other bytes have
 * another digest. A point that is no public key of this implementation, or of low order, gives the
 * all-zero shared secret. It costs a few dozen nanoseconds a packet, allocates nothing, needs no
 * library, and gives the same bytes on every machine.
 *
 * @return static storage, with every function; usable from any thread.
 */
const ps_crypto *ps_sim_crypto(void);

#ifdef __cplusplus
}
#endif

#endif

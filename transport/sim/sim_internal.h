/* The simulator's parts. One struct holds all; each file owns a part of it:
 *   sim.c       life, instants, wakes          random.c    the generator
 *   queue.c     the heap of events             trace.c     the hash
 *   node.c      nodes, addresses, deadlines    clock.c     the nodes' clocks
 *   link.c      links, rates, partitions       work.c      busy and paused nodes
 *   datagram.c  the nodes' ps_transport        packets.c   the pool of datagrams
 *   damage.c    cut and turned over bytes
 *   stream.c    the nodes' ps_stream_transport
 *   flow.c      segments, windows, resets      conn.c      the table of connections
 *   way.c       a stream's way through boxes   tcp.c       what loss does to a stream
 *   nat.c       boxes that translate           nat_table.c what they remember
 *   gate.c      the nodes' rates
 *   disk.c      disks                          disk_files.c what is on them */
#ifndef PS_SIM_INTERNAL_H
#define PS_SIM_INTERNAL_H

#include "sim/streams.h"

#if defined(__SANITIZE_ADDRESS__)
#define PS_SIM_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PS_SIM_WITH_ASAN 1
#endif
#endif

/* ---- trace.c ---- */

/* Kinds of events in the trace. Numbers are part of the hash: add at the end. */
typedef enum ps_sim_kind {
    PS_SIM_SENT = 1,
    PS_SIM_DELIVERED,
    PS_SIM_LOST,
    PS_SIM_CUT,
    PS_SIM_UNREACHABLE,
    PS_SIM_LINK_FULL,
    PS_SIM_QUEUE_FULL,
    PS_SIM_EXHAUSTED,
    PS_SIM_STREAM_OPENED,
    PS_SIM_STREAM_BYTES,
    PS_SIM_STREAM_ENDED,
    PS_SIM_STREAM_RESET,
    PS_SIM_DEADLINE,
    PS_SIM_CRASHED,
    PS_SIM_RESTARTED,
    PS_SIM_PARTITIONED,
    PS_SIM_HEALED,
    PS_SIM_NOTE,
    PS_SIM_BURST_LOST,
    PS_SIM_TRUNCATED,
    PS_SIM_CORRUPTED,
    PS_SIM_CLOCK_SET,
    PS_SIM_PAUSED,
    PS_SIM_MOVED,
    PS_SIM_FORWARDED, /* By a box, with the bytes. */
    PS_SIM_BLOCKED,
    PS_SIM_FULL,
    PS_SIM_PUT_BEHIND,
    PS_SIM_DISK_ERROR, /* Of a disk's operation. */
    PS_SIM_DISK_CUT
} ps_sim_kind;

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
uint64_t ps_sim_fnv(uint64_t hash, const void *data, size_t len);
#define PS_SIM_FNV_BASIS UINT64_C(0xcbf29ce484222325)

/* An event's head, then `len` bytes in one piece or (trace_bytes) in several. */
void ps_sim_trace(ps_sim *sim, ps_sim_kind kind, uint32_t from, uint32_t to, const void *data,
                  size_t len);
void ps_sim_trace_head(ps_sim *sim, ps_sim_kind kind, uint32_t from, uint32_t to, size_t len);
void ps_sim_trace_bytes(ps_sim *sim, const void *data, size_t len);
/* Little-endian on every machine. */
void ps_sim_trace_number(ps_sim *sim, uint64_t number, size_t bytes);

/* ---- random.c ---- */

/* xoshiro256** (Blackman, Vigna), seeded by splitmix64. */
typedef struct ps_sim_rng {
    uint64_t s[4];
} ps_sim_rng;

/* One of splitmix64's numbers: x stirred until every bit depends on all of them; invertible. */
static inline uint64_t ps_sim_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void ps_sim_rng_seed(ps_sim_rng *g, uint64_t seed);
uint64_t ps_sim_rng_next(ps_sim_rng *g);
/* Uniform in [0, bound), bound >= 1. */
uint64_t ps_sim_rng_below(ps_sim_rng *g, uint64_t bound);
/* True with probability ppm / 1,000,000; always one draw. */
bool ps_sim_rng_chance(ps_sim_rng *g, uint32_t ppm);

/* ---- queue.c ---- */

typedef enum ps_sim_event_kind {
    PS_SIM_EVENT_PACKET,  /* index: a packet. */
    PS_SIM_EVENT_SEGMENT, /* index: a flow, whose first segment is due. */
    PS_SIM_EVENT_WINDOW,  /* index: a flow, whose writer learns what was read. */
    PS_SIM_EVENT_GATE,    /* index: node * 2 + way, where something has passed. */
    PS_SIM_EVENT_FREE,    /* index: a node, whose work or pause ends. */
    PS_SIM_EVENT_DEADLINE /* index: a node. */
} ps_sim_event_kind;

/* Order: at_us, then `order`: a sequence number, or 2^62 + node for what is free, or 2^63 + node
 * for deadlines. */
typedef struct ps_sim_event {
    uint64_t at_us;
    uint64_t order;
    ps_sim_event_kind kind;
    uint32_t index;
    uint32_t *where; /* Told the event's place at every move; NULL: nobody wants to know. */
} ps_sim_event;

/* A binary heap, from which events can be taken out in the middle. */
typedef struct ps_sim_queue {
    ps_sim_event *heap;
    uint32_t len, cap;
    uint64_t sequence;
} ps_sim_queue;

/* Room for `total` events. False: no memory. */
bool ps_sim_queue_reserve(ps_sim_queue *q, uint32_t total);
/* Adds in order of calls at equal times. The room was reserved. *where is PS_SIM_NONE before. */
void ps_sim_queue_add(ps_sim_queue *q, uint64_t at_us, ps_sim_event_kind kind, uint32_t index,
                      uint32_t *where);
/* As add, but at equal times after all those, by node: first who is free, then the deadlines. */
void ps_sim_queue_add_free(ps_sim_queue *q, uint64_t at_us, uint32_t node, uint32_t *where);
void ps_sim_queue_add_deadline(ps_sim_queue *q, uint64_t at_us, uint32_t node, uint32_t *where);
/* Takes the first event out. False when it is later than `until_us` or there is none. */
bool ps_sim_queue_pop(ps_sim_queue *q, uint64_t until_us, ps_sim_event *out);
/* Takes the event at *where out, if it is in; *where becomes PS_SIM_NONE. */
void ps_sim_queue_remove(ps_sim_queue *q, uint32_t *where);
void ps_sim_queue_free(ps_sim_queue *q);

/* ---- packets.c ---- */

/* Room for the longest datagram, one byte more for those that are longer, and a tail whose bytes
 * no receiver may touch. */
#define PS_SIM_PACKET_BYTES (PS_DATAGRAM_MAX + 8u)
#define PS_SIM_CHUNK        64u

typedef struct ps_sim_packet {
    uint8_t data[PS_SIM_PACKET_BYTES]; /* First: aligned as malloc's memory. */
    uint32_t from, to;                 /* Nodes. */
    uint32_t to_endpoint;
    uint32_t to_moves; /* How often `to` had moved when it was sent. */
    ps_addr source, dest;
    uint32_t len;  /* PS_DATAGRAM_MAX + 1 for all that is longer. */
    uint32_t next; /* In a list, or PS_SIM_NONE. */
} ps_sim_packet;

/* Packets stay where they are: chunks are added, never moved. */
typedef struct ps_sim_packets {
    ps_sim_packet **chunks;
    uint32_t cap;  /* Packets in the chunks. */
    uint32_t used; /* Of them. */
    uint32_t free; /* List. */
} ps_sim_packets;

/* PS_SIM_NONE: at max_packets, or no memory. */
uint32_t ps_sim_packet_take(ps_sim *sim);
void ps_sim_packet_give(ps_sim *sim, uint32_t index);
ps_sim_packet *ps_sim_packet_at(const ps_sim *sim, uint32_t index);
/* Guards what stands behind the packet's end while it is with a receiver; `unguard` counts an
 * overrun. Under AddressSanitizer even a read there is caught. */
void ps_sim_packet_guard(ps_sim_packet *p);
bool ps_sim_packet_unguard(ps_sim_packet *p);
void ps_sim_packets_free(ps_sim_packets *p);

/* ---- work.c ---- */

/* All zero but free_at: nothing to do, and not paused. */
typedef struct ps_sim_work {
    uint32_t cost_ns; /* Of a datagram received. */
    bool costly;      /* Has such a cost, or was charged. */
    bool waking;      /* Its wake runs. */
    bool owed;        /* A wake, when it is free. */
    uint32_t taken;   /* Datagrams received in this wake, when they cost. */
    uint32_t done_ns; /* Under 1000: */
    uint64_t done_us; /* its work ends at done_us and done_ns. Pauses are in it. */
    uint64_t paused_until_us;
    uint64_t charged_ns; /* In all. */
    uint32_t free_at;    /* The event of the end of both. */
} ps_sim_work;

bool ps_sim_work_away(const ps_sim_node *node);
/* What the node sends now waits until it is free. In a costly node's wake all does: how much work a
 * datagram of a wake comes after would else depend on how many were handed out at a time. */
bool ps_sim_work_holds(const ps_sim_node *node);
/* Datagrams that a receive may hand out. */
uint32_t ps_sim_work_room(const ps_sim_node *node);
void ps_sim_work_received(ps_sim_node *node, uint32_t count);
/* Wakes the node, now or when it is free. */
void ps_sim_work_wake(ps_sim_node *node);
/* The node is free. */
void ps_sim_work_free(ps_sim_node *node);
/* The node crashed. */
void ps_sim_work_forget(ps_sim_node *node);

/* ---- clock.c ---- */

/* All zero: it shows the simulator's time. */
typedef struct ps_sim_node_clock {
    uint64_t since_us;   /* The simulator's time at which it was set. */
    uint64_t counted_us; /* What it had counted then, and counts on from; */
    uint64_t ahead_us;   /* it shows so much more, by jumps, modulo 2^64; */
    uint64_t wall_ahead_s;
    int32_t drift_ppm;
    bool stopped;
} ps_sim_node_clock;

uint64_t ps_sim_clock_us(const ps_sim_node *node);
uint64_t ps_sim_clock_wall_s(const ps_sim_node *node);
/* The first time of the simulator after now at which the node's clock shows at least `shown_us`;
 * PS_TIME_NEVER: not as it goes now. */
uint64_t ps_sim_clock_when(const ps_sim_node *node, uint64_t shown_us);

/* ---- gate.c ---- */

enum { PS_SIM_GATE_UP, PS_SIM_GATE_DOWN };

/* One direction of a node's rate. Streams wait in a ring, and have turns of a segment each; the
 * datagrams, in the order in which they came, have up to as many bytes between two of those. */
typedef struct ps_sim_gate {
    uint64_t rate_bytes_s; /* 0: open. */
    uint32_t queue_bytes;
    bool busy; /* Something passes: `flow`, `packet` or what is gone. */
    uint32_t flow, packet;
    uint32_t flows_head, flows_tail;     /* Linked by ps_sim_flow.gates. */
    uint32_t packets_head, packets_tail; /* Linked by ps_sim_packet.next. */
    uint32_t packets_bytes;
    uint32_t credit; /* Bytes of datagrams before a stream's next turn. */
} ps_sim_gate;

/* All that needs no waiting: no rate, and nothing left from when there was one. */
bool ps_sim_gate_is_open(const ps_sim_node *node, uint32_t way);
/* The node whose gate what goes between `node` and its neighbour `other` must pass, or NULL. */
ps_sim_node *ps_sim_gate_of(const ps_sim *sim, uint32_t node, uint32_t other, uint32_t way);
/* The flow's first segment that has not passed waits for its turn. The flow is in no gate yet. */
void ps_sim_gate_flow(ps_sim *sim, ps_sim_node *node, uint32_t way, uint32_t flow);
/* False: more than queue_bytes wait. */
bool ps_sim_gate_packet(ps_sim *sim, ps_sim_node *node, uint32_t way, uint32_t packet);
/* The flow does not wait any more. */
void ps_sim_gate_leave(ps_sim *sim, uint32_t flow, uint32_t way);
void ps_sim_gate_event(ps_sim *sim, uint32_t gate);

/* ---- nat.c ---- */

typedef struct ps_sim_box ps_sim_box;

/* Frees a node's box, if it is one. */
void ps_sim_nat_free(ps_sim_node *node);
/* A box that crashed or moved forgets. */
void ps_sim_nat_reset(ps_sim_node *node);
/* What a datagram that came from this neighbour is to everybody else. */
ps_sim_verdict ps_sim_nat_translate(ps_sim *sim, ps_sim_node *node, uint32_t from, ps_addr *source,
                                    ps_addr *dest);

/* ---- node.c ---- */

struct ps_sim_node {
    ps_sim *sim;
    uint32_t id;
    bool up;
    bool deaf;
    uint32_t endpoints;
    ps_addr addr;
    uint32_t moves;  /* Times that it, or the net that it is in, changed. */
    uint32_t behind; /* A box, or PS_SIM_NONE. */
    ps_sim_box *box; /* NULL: it is a host. */
    ps_sim_gate gates[2];
    uint16_t next_port; /* Of streams dialled. */
    ps_sim_node_clock clock;
    uint64_t deadline_us; /* In the node's clock. */
    uint32_t deadline_at;
    void (*wake)(void *ctx, uint64_t now_us);
    void *ctx;
    ps_sim_work work;
    uint64_t wakes, queue_full;
    uint32_t receive_queue;
    uint32_t waiting_head, waiting_tail, waiting; /* Packets received. */
    uint32_t held_head, held_tail, held;          /* Packets to send when it is free. */
    uint32_t lent[PS_SIM_BATCH_MAX];              /* Packets handed out by the last receive. */
    uint32_t lent_len;
    uint32_t accept_head, accept_tail, accepting; /* Connections not yet accepted. */
    ps_transport transport;
    ps_stream_transport streams;
};

/* The node with this IP address, or PS_SIM_NONE. */
uint32_t ps_sim_node_find(const ps_sim *sim, const ps_addr *addr);
/* The node is woken at the end of this instant. */
void ps_sim_node_mark(ps_sim *sim, uint32_t node);
/* Puts the node's deadline where its clock has it now. */
void ps_sim_node_schedule(ps_sim_node *node);
void ps_sim_nodes_free(ps_sim *sim);

/* ---- link.c ---- */

/* A link of its own for a pair, and what a rate and a burst remember for a pair. */
typedef struct ps_sim_pair {
    uint32_t from, to;
    bool used;
    bool has_link;
    ps_sim_link link;
    uint64_t busy_until_us;
    bool burst;
} ps_sim_pair;

/* Open addressing, a power of two; pairs are never taken out, only their link. */
typedef struct ps_sim_pairs {
    ps_sim_pair *table;
    uint32_t len, cap;
    uint32_t links;  /* Pairs with a link. */
    uint32_t bursts; /* Pairs in a burst. */
} ps_sim_pairs;

/* Bits by node. */
typedef struct ps_sim_cut {
    uint32_t id;
    bool one_way;
    uint8_t *a, *b;
} ps_sim_cut;

const ps_sim_link *ps_sim_link_of(const ps_sim *sim, uint32_t from, uint32_t to);
/* True while a partition stands between. */
bool ps_sim_is_cut(const ps_sim *sim, uint32_t from, uint32_t to);
/* When `len` bytes have left by the link's rate; false: its queue is full. `busy_until_us` is the
 * link's memory. `queue_bytes` UINT32_MAX: waits as long as it takes. */
bool ps_sim_link_depart(const ps_sim_link *link, uint64_t now_us, uint64_t *busy_until_us,
                        uint32_t queue_bytes, uint32_t len, uint64_t *depart_us);
/* Microseconds that so many bytes take, rounded up. */
uint64_t ps_sim_transmit_us(uint64_t rate_bytes_s, uint64_t bytes);
/* The memory of a pair's rate; NULL: no memory. */
uint64_t *ps_sim_link_busy(ps_sim *sim, uint32_t from, uint32_t to);
/* A datagram of the pair would begin a burst, or end the one that it is in. *lost: it is in one.
 * False: no memory. */
bool ps_sim_link_burst(ps_sim *sim, const ps_sim_link *link, uint32_t from, uint32_t to,
                       bool begins, bool ends, bool *lost);
/* latency + a drawn jitter, at least 1. Always one draw. */
uint64_t ps_sim_link_delay_us(ps_sim *sim, const ps_sim_link *link);
void ps_sim_links_free(ps_sim *sim);

/* ---- damage.c ---- */

/* What the way does to one copy. */
typedef struct ps_sim_damage {
    bool truncated, corrupted;
    uint64_t seed; /* Of the places. */
} ps_sim_damage;

ps_sim_damage ps_sim_damage_draw(ps_sim *sim, const ps_sim_link *link);
/* Does it to the copy. Nothing is cut from, or turned over in, what has no bytes: then the flag is
 * taken back. */
void ps_sim_damage_do(ps_sim_damage *damage, uint8_t *data, uint32_t *len);

/* ---- datagram.c ---- */

void ps_sim_datagram_attach(ps_sim_node *node);
void ps_sim_datagram_arrive(ps_sim *sim, uint32_t packet);
/* It has passed a gate. */
void ps_sim_datagram_through(ps_sim *sim, uint32_t packet, uint32_t way);
/* Sends what was held. */
void ps_sim_datagram_depart(ps_sim_node *node);
/* Forgets what waits at the node, was handed out, or was held. */
void ps_sim_datagram_drop_all(ps_sim *sim, ps_sim_node *node);

/* ---- disk.c ---- */

void ps_sim_disks_free(ps_sim *sim);

/* ---- all of it ---- */

struct ps_sim {
    ps_sim_config cfg;
    uint64_t now_us;
    uint64_t hash;
    ps_sim_rng rng;
    ps_sim_rng faults; /* Of bursts and damage: links without them leave both as they were. */
    ps_sim_queue queue;
    ps_sim_packets packets;
    ps_sim_node **nodes; /* max_nodes pointers. */
    uint32_t nodes_len;
    uint32_t *by_ip; /* Open addressing: node + 1, or 0. */
    uint32_t by_ip_cap;
    uint64_t *marked; /* Bits by node: to be woken. */
    ps_sim_pairs pairs;
    ps_sim_cut *cuts;
    uint32_t cuts_len, cuts_cap, cut_ids;
    ps_sim_conns conns;
    bool rates;                /* A node has one, or had. */
    struct ps_sim_disk *disks; /* List, the last one first. */
    ps_sim_stats stats;
};

/* Events that the whole can have at a time. */
bool ps_sim_reserve_events(ps_sim *sim, uint32_t nodes, uint32_t packets, uint32_t conns);

#endif

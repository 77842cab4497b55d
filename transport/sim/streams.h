/* Streams: connections, the segments of their two flows, and their ways through boxes. */
#ifndef PS_SIM_STREAMS_H
#define PS_SIM_STREAMS_H

#include "peersync/sim.h"

#define PS_SIM_NONE UINT32_MAX

typedef struct ps_sim_node ps_sim_node;

/* What a box says to a datagram or to a dial. */
typedef enum ps_sim_verdict {
    PS_SIM_VERDICT_BLOCKED,
    PS_SIM_VERDICT_FULL,
    PS_SIM_OUTWARD,
    PS_SIM_INWARD
} ps_sim_verdict;

typedef enum ps_sim_segment_kind {
    PS_SIM_SEGMENT_OPEN,   /* The dial. */
    PS_SIM_SEGMENT_OPENED, /* Its answer. */
    PS_SIM_SEGMENT_BYTES,
    PS_SIM_SEGMENT_END,    /* Nothing more is written. */
    PS_SIM_SEGMENT_RESET,  /* The end that it reaches breaks. */
    PS_SIM_SEGMENT_SEVERED /* Both do. */
} ps_sim_segment_kind;

typedef struct ps_sim_segment {
    ps_sim_segment_kind kind;
    uint32_t len;
    uint32_t spoiled; /* 1 + the number of the bit that is turned over; 0: none. */
    uint64_t arrive_us;
} ps_sim_segment;

/* Segments under way in one direction; the last two places are kept for END and RESET. */
#define PS_SIM_SEGMENTS      64u
#define PS_SIM_SEGMENTS_KEPT 2u
/* A segment is "lost" at most so often in a row. */
#define PS_SIM_RETRIES_MAX 8

/* One direction of a connection. The ring holds bytes [acked, written) of the stream:
 *   acked <= read <= arrived <= written <= acked + stream_buffer
 * `acked` is what the writer knows to be read: it follows `read` by the way back. */
typedef struct ps_sim_flow {
    uint8_t *ring;
    uint64_t acked, read, arrived, written;
    uint64_t acking; /* What the window under way says. */
    ps_sim_segment segments[PS_SIM_SEGMENTS];
    uint32_t segments_head, segments_len;
    uint32_t departed; /* Of them, the first ones: they have left the sender. */
    struct {
        uint32_t node; /* In whose gate the next segment waits, or PS_SIM_NONE. */
        uint32_t next;
    } gates[2];
    uint64_t ramp_us;               /* With a TCP: since when its window grows; */
    bool ramping;                   /* it does. */
    uint32_t segment_at, window_at; /* Their events in the queue. */
    uint64_t stalled_since_us;      /* No segment passes since; PS_TIME_NEVER: they flow. */
    uint64_t mute_since_us;         /* No window passes since. */
    uint64_t busy_until_us;
    bool ended;   /* END has arrived. */
    bool reset;   /* RESET was sent. */
    bool blocked; /* The writer was refused and waits. */
} ps_sim_flow;

typedef struct ps_sim_end {
    uint32_t node;    /* PS_SIM_NONE: nobody was dialled. */
    bool gone;        /* Closed, crashed, or never there. */
    bool established; /* May write. */
    bool finished;    /* END was written. */
    bool broken;
} ps_sim_end;

#define PS_SIM_WAY_BOXES 8u

/* A stream's place in a box. */
typedef struct ps_sim_way_key {
    uint32_t box, mapping, generation;
    uint32_t moves; /* Of the box. */
} ps_sim_way_key;

/* Whom a stream passes, from end 0 to end 1. Nobody: two nodes, of which the second is NONE. */
typedef struct ps_sim_way {
    uint32_t nodes[PS_SIM_WAY_BOXES + 2];
    uint32_t len;
    ps_sim_way_key keys[PS_SIM_WAY_BOXES];
    uint32_t keys_len;
} ps_sim_way;

/* What the links of a way come to, seen from one end. */
typedef struct ps_sim_way_sum {
    uint64_t rate_bytes_s; /* The slowest; 0: unlimited. */
    uint32_t sever_ppm, corrupt_ppm;
    bool tcp; /* One of them has that model; else the rest is not filled in. */
    uint32_t loss_ppm;
    uint64_t rtt_us, rto_us;
} ps_sim_way_sum;

/* Flow 0 runs from end 0, which dialled, to end 1. */
typedef struct ps_sim_conn {
    bool used;
    uint32_t generation; /* Of the handles: counts up at each use of the place. */
    ps_addr from;        /* The dialler's address. */
    bool refused;        /* end 1's node does not listen there. */
    ps_sim_way way;
    ps_sim_end ends[2];
    ps_sim_flow flows[2];
    uint32_t next; /* In a list of accepts or of free places. */
} ps_sim_conn;

typedef struct ps_sim_conns {
    ps_sim_conn **table; /* Pointers: connections stay where they are. */
    uint32_t len, cap;
    uint32_t used, free;
} ps_sim_conns;

/* conn.c */
ps_sim_conn *ps_sim_conn_new(ps_sim *sim, uint32_t *index);
/* Frees it once both ends are gone. */
void ps_sim_conn_reap(ps_sim *sim, uint32_t index);
ps_stream ps_sim_conn_handle(const ps_sim_conn *c, uint32_t index, uint32_t end);
/* The connection and end that a node's handle names, or NULL. */
ps_sim_conn *ps_sim_conn_of(const ps_sim_node *node, ps_stream s, uint32_t *index, uint32_t *end);
/* The node crashed: all its ends are gone. */
void ps_sim_conns_crash(ps_sim *sim, ps_sim_node *node);
void ps_sim_conns_free(ps_sim *sim);

/* flow.c; `end` is the sending end, which is also the flow's number. */
void ps_sim_flow_push(ps_sim *sim, uint32_t conn, uint32_t end, ps_sim_segment_kind kind,
                      uint32_t len);
void ps_sim_flow_clear(ps_sim *sim, uint32_t conn, uint32_t end);
/* Bytes that may be written now. */
uint32_t ps_sim_flow_room(const ps_sim *sim, const ps_sim_flow *f);
void ps_sim_flow_put(ps_sim *sim, ps_sim_flow *f, const uint8_t *data, uint32_t len);
uint32_t ps_sim_flow_take(ps_sim *sim, uint32_t conn, uint32_t end, uint8_t *out, uint32_t cap);
/* The event of a flow (connection * 2 + end) is due. */
void ps_sim_flow_segment(ps_sim *sim, uint32_t flow);
void ps_sim_flow_window(ps_sim *sim, uint32_t flow);
/* Bytes of the segment that waits for a gate. */
uint32_t ps_sim_flow_waiting(const ps_sim_flow *f, uint32_t way);
/* That segment has passed. */
void ps_sim_flow_through(ps_sim *sim, uint32_t flow, uint32_t way);

/* way.c */
/* Finds the way of a dial and makes the mappings that it needs; fills ends[1].node, `refused`, and
 * what c->from is to the other end. */
void ps_sim_way_find(ps_sim *sim, const ps_sim_node *node, const ps_addr *to, ps_sim_conn *c);
/* Partitions and boxes let it pass. */
bool ps_sim_way_passes(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end);
void ps_sim_way_release(const ps_sim *sim, ps_sim_conn *c);
ps_sim_way_sum ps_sim_way_sum_of(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end);
/* Draws the delays, and without a TCP what losses add to them. */
uint64_t ps_sim_way_delay_us(ps_sim *sim, const ps_sim_conn *c, uint32_t from_end);
uint64_t ps_sim_way_travel_us(ps_sim *sim, const ps_sim_conn *c, uint32_t from_end);
/* The slowest gate on the way, or NULL. */
ps_sim_node *ps_sim_gate_of_way(const ps_sim *sim, const ps_sim_conn *c, uint32_t from_end,
                                uint32_t way);

/* nat.c; the key goes into the way. */
ps_sim_verdict ps_sim_nat_dial_out(ps_sim *sim, ps_sim_node *node, ps_addr *source,
                                   const ps_addr *dest, ps_sim_way *way);
ps_sim_verdict ps_sim_nat_dial_in(ps_sim *sim, ps_sim_node *node, ps_addr *dest, ps_sim_way *way);
bool ps_sim_nat_refuses(const ps_sim_node *node);
/* The box lives and remembers the stream, which is used now. */
bool ps_sim_nat_keeps(const ps_sim *sim, const ps_sim_way_key *key);
void ps_sim_nat_release(const ps_sim *sim, const ps_sim_way_key *key);

/* tcp.c */
/* What loss leaves of a stream, in bytes a second. */
uint64_t ps_sim_tcp_rate(uint32_t loss_ppm, uint64_t rtt_us, uint64_t rto_us);
/* The pace of what is sent now: that, or what the window has grown to. */
uint64_t ps_sim_tcp_pace(ps_sim_flow *f, uint64_t now_us, const ps_sim_way_sum *sum);
/* How much later a segment comes whole. */
uint64_t ps_sim_tcp_repair_us(ps_sim *sim, const ps_sim_way_sum *sum, uint32_t len);

/* stream.c */
void ps_sim_stream_attach(ps_sim_node *node);

#endif

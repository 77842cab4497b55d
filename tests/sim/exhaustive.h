/* Every combination of what can happen to a server and two peers, to a depth. The machines are the
 * core's; the network, the store and the hosts are small enough to be copied with them, so that a
 * search can go back: a state is one block of memory (exhaustive_search.c).
 *
 * A choice is one of: a datagram is delivered, dropped or duplicated; the clock advances to the
 * next deadline; a machine stands still, or is cut off, for longer than a peer may be silent; a
 * process is killed and starts again; the store syncs; a peer's address changes; a user gives the
 * next command of a script. A datagram that is not delivered stays on its way for as long as it
 * likes, which is delay and reordering. After each input of each machine the state is looked at
 * (exhaustive_look.c). */
#ifndef PS_TESTS_EXHAUSTIVE_H
#define PS_TESTS_EXHAUSTIVE_H

#include "peersync/peer.h"
#include "peersync/server.h"

#include <stdio.h>

enum {
    EX_SERVER = 0, /* Machines: the server, then the peers. */
    EX_PEERS = 2,
    EX_MACHINES = 1 + EX_PEERS,
    EX_NAMES = 2,      /* Files that a peer may publish. */
    EX_ADDRESSES = 4,  /* That a peer may have had. */
    EX_FLIGHT = 24,    /* Datagrams under way, while all of them are delivered as they come; */
    EX_WISHES = 16,    /* what a user wanted of a name since the last that was acknowledged; */
    EX_RECORDS = 16,   /* records of the store. */
    EX_COMMANDS = 8,   /* Of a script. */
    EX_DEPTH_MAX = 64, /* Choices of a path. */
    EX_CHOICES = 96,   /* Of a state. */
    EX_TOKEN = 8       /* Bytes of a choice in words. */
};

#define EX_ALL_FAULTS UINT32_MAX

/* ---- scenes: what users do, and where the search begins ---- */

typedef enum ex_command_type {
    EX_END = 0,
    EX_LOGIN,
    EX_LOGIN_WRONG, /* With a wrong password. */
    EX_LOGOUT,
    EX_PUBLISH,
    EX_UNPUBLISH,
    EX_LIST_FILES,
    EX_LIST_PEERS,
    EX_MOVE /* The network gives the peer another address. */
} ex_command_type;

typedef struct ex_command {
    uint8_t type;
    uint8_t name;
    uint8_t content; /* 1 and up. */
} ex_command;

typedef struct ex_scene {
    const char *name;
    const char *what;
    ex_command script[EX_PEERS][EX_COMMANDS];
    uint8_t before[EX_PEERS]; /* So many of these are done, without a fault, before it begins. */
    bool same_user;           /* The peers are two devices of one user. */
    uint32_t rekey_packets;   /* 0: as by default. */
    uint32_t quota;           /* Publications of a user; 0: enough. */
    uint32_t open_per_s;      /* Handshakes without a cookie; 0: enough. */
} ex_scene;

extern const ex_scene ex_scenes[];
extern const size_t ex_scenes_len;
const ex_scene *ex_scene_of(const char *name); /* Or NULL. */

/* ---- a state ---- */

/* A datagram under way. */
typedef struct ex_message {
    uint8_t from, to;   /* Machines. */
    uint8_t address;    /* The peer's, as counted in its moves. */
    uint8_t deliveries; /* So far. */
    uint8_t fresh;      /* Sent since the last choice was made. */
    uint8_t life;       /* The server's that sent it; from a peer: that it had heard of then. */
    uint8_t session;    /* From a peer that is online: which of the user's sessions was open. */
    uint8_t zero;
    uint16_t len;
    uint64_t commit_seq; /* It waits for the store. */
    uint8_t data[PS_DATAGRAM_MAX];
} ex_message;

/* What a user wanted of one name: the first is what was acknowledged last. 0: gone. */
typedef struct ex_wishes {
    uint32_t first; /* Its number. */
    uint8_t len;
    uint8_t ever; /* A bit for each that was ever wanted. */
    uint8_t values[EX_WISHES];
} ex_wishes;

/* A list under way: what was listed at the server from its command on, at least once and always. */
typedef struct ex_list {
    uint64_t tag; /* 0: none. */
    uint8_t seen[EX_PEERS][EX_NAMES];
    uint8_t once[EX_PEERS][EX_NAMES];
    uint8_t always[EX_PEERS][EX_NAMES];
} ex_list;

/* A peer's process and its host's files. */
typedef struct ex_peer {
    ex_wishes wishes[EX_NAMES];
    ex_list files, peers;
    uint8_t lives, commands, moves;
    uint8_t want_in, online, leaving;
    uint8_t ticket_len;
    uint8_t ticket[PS_TICKET_MAX];
    uint8_t wrong;                     /* The password that it logged in with last is. */
    uint8_t lists;                     /* That have ended well, */
    uint8_t shown[EX_PEERS][EX_NAMES]; /* and what the last one showed. */
    /* As the server can know it. */
    uint8_t open, sessions; /* A session of its address, and how many there were. */
    uint8_t closing;        /* LOGOUT was sent. */
    uint64_t fresh_us;      /* A datagram of its own came for the first time, or a session began. */
    uint64_t heard_us;      /* One that the server has certainly taken. */
    uint8_t heard[EX_ADDRESSES]; /* Life of the server that this address has heard of. */
    uint8_t proven[EX_ADDRESSES];
    uint32_t in[EX_ADDRESSES], out[EX_ADDRESSES]; /* Bytes before the proof. */
} ex_peer;

typedef struct ex_record {
    uint64_t commit_seq, generation;
    uint8_t peer, name, content; /* 0: unpublished. */
} ex_record;

typedef struct ex_state {
    uint64_t now_us;
    uint64_t server_us; /* The server's last step, */
    uint64_t due_us;    /* and what it waited for then. */
    uint64_t late_us;   /* Time that late steps may have given to sessions since. */
    uint64_t spared_us; /* No session may end by silence at this instant: a step came late. */
    uint64_t committed; /* The server's promises up to here are kept. */
    uint8_t server_lives;
    uint8_t lates; /* Late steps of this life. */
    uint8_t records_len, durable;
    uint8_t flight_len;
    ex_record records[EX_RECORDS];
    ex_peer peers[EX_PEERS];
} ex_state;

/* ---- choices ---- */

typedef enum ex_kind {
    EX_DELIVER = 0, /* Datagram `arg`. */
    EX_DROP,
    EX_DUPLICATE, /* It is delivered, and may be once more. */
    EX_TICK,      /* The clock advances to the next deadline. */
    EX_FREEZE,    /* Machine `arg` stands still for a while. */
    EX_CUT,       /* Machine `arg` (the server, so that it is all) hears nobody for a while. */
    EX_RESTART,   /* Machine `arg` is killed, and starts again. */
    EX_SYNC,      /* The store has made all durable. */
    EX_COMMAND    /* The user of machine `arg` gives the next command. */
} ex_kind;

typedef struct ex_choice {
    uint8_t kind, arg;
} ex_choice;

/* ---- the explorer ---- */

typedef struct ex_counts {
    uint64_t transitions; /* Choices made. */
    uint64_t states;      /* Different ones, as far as the set of those visited remembers. */
    uint64_t pruned;      /* Choices that led to a state which was visited already. */
    uint64_t steps;       /* Inputs of machines. */
    uint64_t healed;      /* States from which all came right again. */
    uint64_t worst_online_us, worst_listed_us;
} ex_counts;

typedef struct ex {
    const ex_scene *scene;
    uint32_t flight; /* Datagrams under way at a time: what is sent beyond is lost. */
    ps_server_config server;
    ps_peer_config peer;
    uint8_t server_key[PS_KEY_BYTES];
    size_t server_at, peers_at, peer_len, flight_at, state_len; /* Layout of a state. */
    ps_output out[EX_MACHINES];                                 /* Room of a step. */
    uint8_t *twin;                                              /* Room for a machine. */
    struct {
        uint64_t pending;
        uint32_t error;
    } verdicts[8]; /* Of logins that the server asks for in this step. */
    size_t verdicts_len;
    bool running;   /* All that is sent is delivered: no limit to it but EX_FLIGHT. */
    bool restoring; /* A server that has started takes its records. */
    bool healing;   /* Faults are over. */
    FILE *tell;     /* Tells each step; NULL: silent. */
    ex_counts counts;
    ex_choice path[EX_DEPTH_MAX];
    size_t path_len;
} ex;

#define EX_REQUIRE(x, condition)                                                                   \
    ((condition) ? (void)0 : ex_fail((x), #condition, __FILE__, __LINE__))

/* Tells what does not hold, and the path that leads there; ends the program. */
_Noreturn void ex_fail(const ex *x, const char *what, const char *file, int line);

/* exhaustive_machines.c */
void ex_init(ex *x, const ex_scene *scene, uint32_t flight);
void ex_free(ex *x);
ex_state *ex_state_new(const ex *x);
void ex_state_copy(const ex *x, ex_state *to, const ex_state *from);
void *ex_machine(const ex *x, const ex_state *s, uint32_t machine);
ex_message *ex_flight(const ex *x, const ex_state *s);
uint64_t ex_deadline_us(const ex *x, const ex_state *s, uint32_t machine);
/* Steps one input now, looks at what came of it. */
void ex_step(ex *x, ex_state *s, uint32_t machine, ps_input *in);
/* Ticks what is due and gives the verdicts, until nothing is due now. Bit m of `frozen`: machine m
 * stands still. */
void ex_settle(ex *x, ex_state *s, uint32_t frozen);
void ex_deliver(ex *x, ex_state *s, uint32_t index, bool keep);
void ex_remove(const ex *x, ex_state *s, uint32_t index);

/* exhaustive_hosts.c: processes and their users. */
void ex_boot_server(ex *x, ex_state *s);
void ex_boot_peer(ex *x, ex_state *s, uint32_t peer);
bool ex_can_command(const ex *x, const ex_state *s, uint32_t peer);
void ex_command_give(ex *x, ex_state *s, uint32_t peer);
void ex_list_files(ex *x, ex_state *s, uint32_t peer);
void ex_log_in(ex *x, ex_state *s, uint32_t peer, bool wrong);
void ex_on_server_event(ex *x, ex_state *s, const ps_event *e);
void ex_on_peer_event(ex *x, ex_state *s, uint32_t peer, const ps_event *e);
void ex_sync(ex *x, ex_state *s);
ps_addr ex_addr(uint32_t peer, uint32_t moves);
const char *ex_user(const ex *x, uint32_t peer);
void ex_device(uint32_t peer, uint8_t device[PS_DEVICE_BYTES]);
const char *ex_name(uint32_t name);
uint8_t ex_wish(const ex_state *s, uint32_t peer, uint32_t name); /* The last one. */

/* exhaustive_look.c: what must hold. */
void ex_look_at_lateness(ex_state *s);
void ex_look_at_server(ex *x, ex_state *s);
void ex_look_at_delivery(ex_state *s, const ex_message *m, bool taken);
void ex_look_at_proofs(ex *x, const ex_state *s);
void ex_look_at_close(ex *x, ex_state *s, const ps_event_session *e);
void ex_look_at_line(ex *x, ex_state *s, uint32_t peer, const ps_event *e);
void ex_look_at_end(ex *x, ex_state *s, uint32_t peer, const ps_event_done *e);
/* What the server lists: a content, or 0. */
uint8_t ex_listed(const ex *x, const ex_state *s, uint32_t peer, uint32_t name);
bool ex_active(const ex *x, const ex_state *s, uint32_t peer);
bool ex_peer_at(const ps_addr *addr, uint32_t *peer); /* Whose address it is. */

/* exhaustive_choices.c */
/* @return how many there are. faults[i]: whether choice i is one. */
size_t ex_choices(const ex *x, const ex_state *s, ex_choice *choices, bool *faults);
void ex_choose(ex *x, ex_state *s, ex_choice c);
/* Brings the scene to where the search begins. */
void ex_begin(ex *x, ex_state *s);
/* All is healed: everybody comes online and sees what everybody publishes, within the time. */
void ex_heal(ex *x, ex_state *s);
void ex_token(ex_choice c, char token[EX_TOKEN]);
bool ex_token_read(const char *token, ex_choice *c);

/* exhaustive_search.c */
typedef struct ex_limits {
    uint32_t depth;
    uint32_t faults;     /* On a path, or EX_ALL_FAULTS. */
    uint32_t heal_every; /* One state in so many is healed; 0: none. */
    double until_s;      /* Of ex_seconds(); 0: however long it takes. */
    size_t memory;       /* Bytes for the set of states visited. */
} ex_limits;

double ex_seconds(void);
double ex_cpu_seconds(void); /* Of this process. */
/* @return false when the time was up before all was searched. */
bool ex_search(ex *x, const ex_limits *limits);
/* Repeats a path of tokens, telling each step. False: it is no path. */
bool ex_replay(ex *x, const char *path, bool heal);

#endif

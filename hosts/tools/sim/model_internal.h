/* The model's parts: model.c (tables, sessions), model_inputs.c (what the server takes),
 * model_answers.c (what it says), model_tickets.c (what of it opens transfers), model_lists.c (what
 * a peer is shown). */
#ifndef PS_SIM_MODEL_INTERNAL_H
#define PS_SIM_MODEL_INTERNAL_H

#include "model.h"
#include "world.h"

uint32_t model_hash(ps_span name);
uint32_t model_node(const model *m, const ps_addr *addr);
/* The log of a user's device, made where it is missing. */
uint32_t model_log_of(model *m, uint32_t user, const uint8_t device[PS_DEVICE_BYTES]);
/* The listed publication of a log under a name, or NULL. */
model_pub *model_find(const model *m, uint32_t log, ps_span name);
void model_add(model *m, uint32_t log, ps_span name, const ps_content *content);
void model_end(model *m, model_pub *pub);
/* A number from 0 to below `bound`, a power of two, that a hash and a small number make. */
size_t model_spread(uint32_t hash, uint32_t number, size_t bound);
uint32_t model_published(const model *m, uint32_t user);
/* Is the user online as of the server's now? */
bool model_online(const model *m, uint32_t user);
/* The user whose session sends to this client id, or MODEL_NONE. */
uint32_t model_asker(model *m, uint64_t client_id);
/* A device without publications and without a session is forgotten by the server. */
void model_forget(model *m, uint32_t log);

/* model_handshakes.c: what INITIATE and tickets are worth. The handshake by the id that its client
 * was given, or by the client's own; NULL: not seen. */
model_handshake *model_handshake_of(const model *m, uint64_t id);
model_handshake *model_handshake_for(const model *m, uint64_t client_id);
void model_handshake_add(model *m, const ps_addr *addr, uint64_t client_id, uint64_t id);
void model_handshakes_init(model *m);
void model_handshakes_free(model *m);
void model_handshakes_crash(model *m);
void model_cookie_add(model *m, const ps_addr *addr, const uint8_t cookie[16]);
/* The server has begun a handshake for this INITIATE: with a cookie it gave, or within its budget
 * for those without. */
void model_began(model *m, const ps_addr *from, const uint8_t *initiate);
void model_ticket_add(model *m, ps_span ticket, uint64_t expires_s);
/* By its clock, the server may take this ticket. */
bool model_ticket_good(const model *m, ps_span ticket);

/* model_tickets.c. The server's wall clock; 0: it has none. */
uint64_t model_wall_s(const model *m);
/* A session begins: by the clock of now it will be told of keys. */
void model_file_epochs(const model *m, model_session *s);
/* LOGIN_OK's keys for uploads are those of this session's device and of its beginning. */
void model_file_keys(const model *m, const model_session *s, ps_span field);
/* A source's entry ends in the ticket that it should have: for this content at this user's device,
 * and for nobody but who asked. Owner MODEL_NONE, or who asked: in none. */
void model_file_ticket(const model *m, uint32_t owner, const ps_content *content, uint32_t asker,
                       read_cursor *entry);

/* model_sessions.c. A session has been heard; one has begun, or ended. */
void model_sign_of_life(model *m, model_session *s);
void model_opened(model *m, const ps_event_session *e);
void model_closed(model *m, const ps_event_session *e);

/* What one input made the server owe: filled by the input's side, compared by the answers'. */
typedef struct model_owed {
    ps_addr from;    /* Of the datagram, */
    unsigned type;   /* and its packet's type; 0: no datagram. */
    bool genuine;    /* A peer has really sent it. */
    bool no_session; /* The server says so. */
    bool misplaced;  /* So, too. */
    bool moved;      /* It proves a session's new address. */
    ps_span ticket;  /* A login's, by which it wants to come in; or empty. */
    bool taken;      /* The input was a packet that a session takes. */
    bool changes;    /* A message of changes was taken. */
    bool busy;       /* It must be answered BUSY. */
    uint32_t request;
    uint64_t generation;
    uint32_t refused;
    uint8_t indices[64];
    uint16_t errors[64]; /* FULL is the server's word. */
    uint32_t user;       /* Who asked. */
    uint32_t log;
    uint32_t locate_request; /* Of a LOCATE, and its name. */
    ps_span locate;
    uint8_t bytes[PS_DATAGRAM_MAX]; /* The entries of the changes, to apply those not refused. */
} model_owed;

void model_input(model *m, const ps_input *in, const uint8_t *bytes, const ps_output *before,
                 const ps_output *out, model_owed *owed);
void model_answers(model *m, const ps_output *before, const ps_output *out, const model_owed *owed);

#endif

/* Every control message: its fields, encoder and decoder. One .c file a conversation:
 *   login.c heartbeat.c publish.c repair.c list.c locate.c logout.c push.c error.c; address.c for
 *   all
 *
 * Decoders take a message's body, reject what is malformed (false) and borrow spans from it. They
 * check lengths, counts and that nothing is left over, and never a name's rules: who receives
 * decides about those. LOGIN and LOGIN_OK end in typed fields that an older reader skips.
 *
 * Encoders append one message and return true, or append nothing and return false (no room).
 * Messages with entries are begun, filled and ended; an `add` that does not fit returns false and
 * changes nothing. */
#ifndef PS_WIRE_MESSAGES_H
#define PS_WIRE_MESSAGES_H

#include "util/digest.h"
#include "wire/packet.h"

/* Entries that one message may hold (a page, a PUBLISH, its refusals), and all pages of one
 * datagram together: bounds the events and the work of a step. Decoders reject more;
 * ps_page_add_*() refuses a 65th. */
#define PS_PAGE_ENTRIES 64u

/* ---- login.c: LOGIN, LOGIN_OK ---- */

/* How the secret in a LOGIN is meant. */
enum { PS_LOGIN_PASSWORD = 1, PS_LOGIN_TICKET = 2 };

typedef struct ps_login {
    uint8_t device[PS_DEVICE_BYTES];
    uint32_t capabilities; /* None is defined yet: sent as 0, ignored. */
    uint16_t stream_port;
    uint16_t datagram_max; /* PS_DATAGRAM_MIN..PS_DATAGRAM_MAX, else malformed. */
    uint8_t method;        /* How the secret is meant. */
    ps_span user;          /* 1..PS_USER_MAX bytes. */
    ps_span secret;        /* A password of at most PS_PASSWORD_MAX bytes, or a ticket. */
    ps_span ticket;        /* Beside a password: shows that the device has been in before, or empty.
                              At most PS_TICKET_MAX bytes. */
} ps_login;

bool ps_login_encode(ps_writer *w, uint32_t request, const ps_login *m);
bool ps_login_decode(ps_span body, ps_login *m);

typedef struct ps_login_ok {
    uint32_t heartbeat_ms; /* The three times are never 0. */
    uint32_t dead_ms;
    uint32_t resend_ms;
    uint64_t wall_s;     /* The server's clock; 0: it has none. */
    uint64_t generation; /* Where the server's log of this device stands, */
    uint64_t digest;     /* and over what it lists (digest.h). */
    uint64_t life;       /* Of the server: cursors of another life mean nothing to it. */
    ps_addr observed;
    ps_span ticket;     /* For the next login, or empty; at most PS_TICKET_MAX bytes. */
    uint64_t expires_s; /* Of the ticket, by the server's clock. */
    /* What the device's uploads open file tickets with: keys of PS_KEY_BYTES each, back to back,
     * for these epochs; or empty. A reader leaves out those beyond PS_FILE_EPOCHS. */
    uint64_t first_epoch;
    ps_span file_keys;
} ps_login_ok;

bool ps_login_ok_encode(ps_writer *w, uint32_t request, const ps_login_ok *m);
bool ps_login_ok_decode(ps_span body, ps_login_ok *m);

/* ---- heartbeat.c: HEARTBEAT, HEARTBEAT_OK ---- */

typedef struct ps_heartbeat {
    uint64_t generation; /* Of the device's log, as the sender knows it; */
    uint64_t digest;     /* over what should be listed then. 0, 0: changes are under way. */
} ps_heartbeat;

bool ps_heartbeat_encode(ps_writer *w, uint32_t request, const ps_heartbeat *m);
bool ps_heartbeat_decode(ps_span body, ps_heartbeat *m);

typedef struct ps_heartbeat_ok {
    uint64_t generation;
    uint64_t digest;
    uint64_t wall_s;
} ps_heartbeat_ok;

bool ps_heartbeat_ok_encode(ps_writer *w, uint32_t request, const ps_heartbeat_ok *m);
bool ps_heartbeat_ok_decode(ps_span body, ps_heartbeat_ok *m);

/* ---- publish.c: PUBLISH, UNPUBLISH, PUBLISHED ---- */

/* PUBLISH and UNPUBLISH: entry i has generation `generation + i`. 1..PS_PAGE_ENTRIES entries. */
typedef struct ps_changes {
    uint64_t generation; /* Of the first entry; never 0. */
    uint8_t count;
    ps_reader entries; /* Decoding: the entries, checked as a whole; read with *_next. */
} ps_changes;

typedef struct ps_publication {
    ps_span name;
    ps_content content; /* Unused in UNPUBLISH. */
} ps_publication;

/* Builds PUBLISH (type PS_MSG_PUBLISH) or UNPUBLISH. */
typedef struct ps_changes_writer {
    ps_message_mark mark;
    size_t count_at;
    uint8_t type;
    uint8_t count;
} ps_changes_writer;

bool ps_changes_begin(ps_writer *w, ps_changes_writer *cw, ps_message_type type, uint32_t request,
                      uint64_t generation);
bool ps_changes_add(ps_writer *w, ps_changes_writer *cw, const ps_publication *entry);
bool ps_changes_end(ps_writer *w, ps_changes_writer *cw); /* false and rolled back when empty */
bool ps_changes_decode(ps_message_type type, ps_span body, ps_changes *m);
/* The next entry; false at the end. Cannot fail otherwise: decode has checked all. */
bool ps_changes_next(ps_message_type type, ps_changes *m, ps_publication *entry);

/* PUBLISHED: the log stands at `generation` (cumulative); the entries of the acknowledged message
 * with an index listed here were refused and count as applied without effect. */
typedef struct ps_published {
    uint64_t generation;
    uint8_t count;
    ps_reader refusals;
} ps_published;

typedef struct ps_refusal {
    uint8_t index;
    uint16_t error;
} ps_refusal;

/* `refusals` has `count` (0..PS_PAGE_ENTRIES) elements. */
bool ps_published_encode(ps_writer *w, uint32_t request, uint64_t generation,
                         const ps_refusal *refusals, size_t count);
bool ps_published_decode(ps_span body, ps_published *m);
bool ps_published_next(ps_published *m, ps_refusal *refusal);

/* ---- repair.c: DIGESTS, DIGESTS_OK, LIST_NAMES, NAMES ---- */

/* What does the server list in the buckets from `first` on? */
typedef struct ps_digests {
    uint8_t first;
} ps_digests;

bool ps_digests_encode(ps_writer *w, uint32_t request, const ps_digests *m);
bool ps_digests_decode(ps_span body, ps_digests *m);

typedef struct ps_digests_ok {
    uint64_t generation; /* Of the log that was looked at. */
    uint8_t first;
    uint16_t count; /* 1..PS_BUCKETS - first. */
    ps_reader digests;
} ps_digests_ok;

/* As many digests from `first` on as fit (at least 1, at most up to the last bucket); `digests` has
 * PS_BUCKETS of them. */
bool ps_digests_ok_encode(ps_writer *w, uint32_t request, uint64_t generation, uint8_t first,
                          const uint64_t digests[]);
bool ps_digests_ok_decode(ps_span body, ps_digests_ok *m);
/* The next digest; only `count` times. */
uint64_t ps_digests_ok_next(ps_digests_ok *m);

/* Which names does the server list for this device, in these buckets? Answered by pages (list.c).
 */
typedef struct ps_list_names {
    uint64_t cursor;
    const uint8_t *buckets; /* A set of PS_BUCKET_BYTES. */
} ps_list_names;

bool ps_list_names_encode(ps_writer *w, uint32_t request, const ps_list_names *m);
bool ps_list_names_decode(ps_span body, ps_list_names *m);

/* ---- list.c: LIST_PEERS, PEERS, LIST_FILES, SEARCH, FILES ---- */

/* A cursor is 0 at first, then what the last page said; a page's `next` of 0 ends the list. */
typedef struct ps_list {
    uint64_t cursor;
    ps_span text; /* SEARCH: 1..PS_SEARCH_MAX bytes; else empty. */
} ps_list;

/* `type`: LIST_PEERS, LIST_FILES or SEARCH. */
bool ps_list_encode(ps_writer *w, ps_message_type type, uint32_t request, const ps_list *m);
bool ps_list_decode(ps_message_type type, ps_span body, ps_list *m);

typedef struct ps_file {
    ps_content content;
    bool active; /* Its owner is online. */
    bool own;    /* It belongs to who asks. */
    ps_span user;
    ps_span name;
} ps_file;

/* Builds a page: PEERS, FILES, SOURCES or NAMES. */
typedef struct ps_page_writer {
    ps_message_mark mark;
    size_t head_at; /* Where `next` and the count are patched. */
    uint8_t count;
} ps_page_writer;

bool ps_page_begin(ps_writer *w, ps_page_writer *pw, ps_message_type type, uint32_t request);
bool ps_page_add_peer(ps_writer *w, ps_page_writer *pw, ps_span user);
bool ps_page_add_file(ps_writer *w, ps_page_writer *pw, const ps_file *file);
bool ps_page_add_name(ps_writer *w, ps_page_writer *pw, ps_span name);
bool ps_page_end(ps_writer *w, ps_page_writer *pw, uint64_t next);

typedef struct ps_page {
    uint64_t next;
    uint8_t count;
    ps_reader entries; /* Checked as a whole by decode. */
} ps_page;

bool ps_page_decode(ps_message_type type, ps_span body, ps_page *m);
bool ps_page_next_peer(ps_page *m, ps_span *user);
bool ps_page_next_name(ps_page *m, ps_span *name);
bool ps_page_next_file(ps_page *m, ps_file *file);

/* ---- locate.c: LOCATE, SOURCES (its page uses ps_page_*) ---- */

typedef struct ps_locate {
    uint64_t cursor;
    ps_span name; /* 1..PS_NAME_MAX bytes. */
} ps_locate;

bool ps_locate_encode(ps_writer *w, uint32_t request, const ps_locate *m);
bool ps_locate_decode(ps_span body, ps_locate *m);

/* Kinds of candidate addresses; a reader skips those that it does not know. */
enum { PS_ADDR_OBSERVED = 1, PS_ADDR_LOCAL = 2, PS_ADDR_MAPPED = 3, PS_ADDR_RELAY = 4 };
#define PS_SOURCE_ADDRS 4u

typedef struct ps_source {
    ps_content content;
    bool active;
    bool own;
    ps_span user;
    uint8_t addrs_count; /* 0..PS_SOURCE_ADDRS known ones; a reader skips more. */
    struct {
        uint8_t kind;
        ps_addr addr;
    } addrs[PS_SOURCE_ADDRS];
    ps_span key;    /* Of the ticket: PS_KEY_BYTES, or empty with it. */
    ps_span ticket; /* Opens the content there, or empty; at most PS_FILE_TICKET_MAX bytes. */
} ps_source;

bool ps_page_add_source(ps_writer *w, ps_page_writer *pw, const ps_source *source);
bool ps_page_next_source(ps_page *m, ps_source *source);

/* ---- logout.c: LOGOUT, LOGOUT_OK (no body) ---- */

bool ps_logout_encode(ps_writer *w, ps_message_type type, uint32_t request);
bool ps_logout_decode(ps_span body);

/* ---- push.c: CHALLENGE, CHALLENGE_OK, PUSH, PUSH_OK ---- */

/* CHALLENGE proves an address: the answer carries the same nonce. */
bool ps_challenge_encode(ps_writer *w, ps_message_type type, uint32_t request, uint64_t nonce);
bool ps_challenge_decode(ps_span body, uint64_t *nonce);

/* PUSH: the server tells; the peer answers PUSH_OK (no body) to every kind, known or not. */
enum { PS_PUSH_CONNECT_BACK = 1 /* reserved */ };

typedef struct ps_push {
    uint8_t kind;
    ps_span data; /* 0..255 bytes. */
} ps_push;

bool ps_push_encode(ps_writer *w, uint32_t request, const ps_push *m);
bool ps_push_decode(ps_span body, ps_push *m);
bool ps_push_ok_encode(ps_writer *w, uint32_t request);
bool ps_push_ok_decode(ps_span body);

/* ---- error.c: ERROR ---- */

typedef struct ps_error_message {
    uint16_t code; /* ps_error, or one from the future; never 0. */
    uint32_t retry_ms;
    ps_span text; /* 0..PS_TEXT_MAX bytes. */
} ps_error_message;

bool ps_error_encode(ps_writer *w, uint32_t request, const ps_error_message *m);
bool ps_error_decode(ps_span body, ps_error_message *m);

/* ---- address.c ---- */

/* family (4 or 6), port, 4 or 16 address bytes. Family 0 alone is "none". */
void ps_addr_encode(ps_writer *w, const ps_addr *addr);
/* Sets r->bad on an unknown family. */
void ps_addr_decode(ps_reader *r, ps_addr *addr);

#endif

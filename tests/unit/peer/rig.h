/* A peer and a server that the test plays by hand: what the peer sends is logged with its time,
 * what the test answers is crafted by tests/support. Every step is followed by ps_peer_check(). */
#ifndef PS_TEST_PEER_RIG_H
#define PS_TEST_PEER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/seal.h"
#include "craft.h"
#include "exact.h"
#include "peer/peer_internal.h"
#include "peersync/sim.h"

#define MS         UINT64_C(1000)
#define SECOND     UINT64_C(1000000)
#define RIG_START  (5 * SECOND)
#define RIG_USER   "alice"
#define RIG_SECRET "password123"
/* Receiver id of the first handshake; each that follows has the next one. */
#define RIG_SESSION UINT64_C(0x5e551011)
/* Looks like none of the other bytes in a slab. */
#define RIG_TICKET "t1cket-of-the-rig:0123456789"

/* An INITIATE that the peer sent. */
typedef struct rig_initiate {
    uint64_t time_us;
    uint64_t client_id;
    uint8_t bytes[PS_INITIATE_BYTES];
} rig_initiate;

/* What the server's side of a handshake has agreed on. */
typedef struct rig_channel {
    uint64_t client_id, id;
    uint8_t to_peer[32], from_peer[32];
    uint64_t counter; /* Of the last refusal. */
} rig_channel;

/* One message that the peer sent (each of a datagram's). */
typedef struct rig_sent {
    uint64_t time_us;
    uint64_t receiver_id;
    uint64_t counter;
    uint8_t type;
    uint32_t request;
    size_t body_len;
    uint8_t body[PS_DATAGRAM_MAX];
    size_t datagram; /* Counts datagrams. */
} rig_sent;

/* One event, with its texts copied. */
typedef struct rig_event {
    uint64_t time_us;
    ps_event_type type;
    ps_event_account account; /* Of UNLISTED, the error alone. */
    ps_event_entry entry;
    ps_event_done done; /* Of AGAIN, the tag alone. */
    uint8_t server_key[PS_KEY_BYTES];
    uint64_t expires_s; /* TICKET. */
    ps_file_keys file_keys;
    uint8_t key[PS_KEY_BYTES];          /* SOURCE: its ticket's, */
    uint8_t ticket[PS_FILE_TICKET_MAX]; /* and the ticket. */
    char user[256];
    char name[256]; /* Of an entry or what is unlisted; of an account, its text; a
                       ticket. */
} rig_event;

typedef struct rig {
    ps_peer_config cfg;
    void *slab;
    size_t slab_len;
    ps_peer *p;
    uint64_t now_us;
    bool sweep; /* Each input is offered with every shortage of room first. */
    ps_addr server;
    bool silent; /* No RESPOND follows an INITIATE by itself. */
    uint8_t server_secret[PS_KEY_BYTES], server_key[PS_KEY_BYTES];
    uint64_t client_id; /* Of the last LOGIN. */
    uint64_t session;   /* Receiver id of the session that was accepted last. */
    uint64_t counter;   /* Of the server's last datagram. */
    size_t datagrams;   /* Sent so far. */
    ps_output out;
    craft c;
    rig_initiate *initiates;
    size_t initiates_len, initiates_cap;
    rig_channel *channels;
    size_t channels_len, channels_cap;
    uint8_t (*secrets)[PS_KEY_BYTES]; /* Ephemeral ones that the machine has drawn. */
    size_t secrets_len, secrets_cap;
    rig_sent *sent;
    size_t sent_len, sent_cap;
    rig_event *events;
    size_t events_len, events_cap;
} rig;

/* Small capacities and a fixed seed. */
ps_peer_config rig_config(void);
rig *rig_new(const ps_peer_config *cfg);
rig *rig_new_default(void);
/* Logged in, with empty logs. */
rig *rig_new_online(void);
void rig_free(rig *r);

/* Room for one element more in a log. */
void *rig_grow(void *old, size_t len, size_t *cap, size_t each);

/* Steps one input at now_us and takes its output into the logs. */
ps_status rig_step(rig *r, ps_input *in);
ps_status rig_tick(rig *r);
/* Ticks whenever one is due, up to and including `until_us`, which is the time afterwards. */
void rig_run(rig *r, uint64_t until_us);
/* Ticks until nothing is due now. */
void rig_settle(rig *r);
void rig_forget(rig *r); /* Empties the logs. */

/* Begins the server's next datagram in r->c: with the session's next counter, or any. */
void rig_packet(rig *r);
void rig_packet_of(rig *r, uint64_t receiver_id, uint64_t counter);
/* Delivers r->c from the server's address, in a heap block of its exact size. DATA is sealed with
 * the key that its receiver id has (one of nobody's: zeros). */
ps_status rig_deliver(rig *r);
ps_status rig_deliver_from(rig *r, const ps_addr *from, const uint8_t *data, size_t len);
/* Seals DATA in place, with room for a tag behind it; @return its new length. */
size_t rig_seal(const rig *r, uint8_t *data, size_t len);
/* As it is. */
ps_status rig_deliver_raw(rig *r, const ps_addr *from, const uint8_t *data, size_t len);
/* The channel of a client id, or NULL. */
rig_channel *rig_channel_of(const rig *r, uint64_t client_id);
/* Puts the answer to the last INITIATE into r->c, and keeps its keys; `secret`: the server's. */
void rig_craft_respond(rig *r, const uint8_t secret[PS_KEY_BYTES]);
/* And delivers it. */
ps_status rig_respond(rig *r);

ps_input rig_login_input(const rig *r, const char *user, const char *password);
ps_status rig_login(rig *r);
/* Answers the last LOGIN with a log that lists nothing, and ticks what is due then. */
void rig_accept(rig *r, uint64_t generation);
void rig_accept_of(rig *r, const craft_login_ok_fields *m);
void rig_refuse(rig *r, unsigned code, uint32_t retry_ms, const char *text);
ps_status rig_logout(rig *r);
ps_status rig_command(rig *r, ps_input_type type, uint64_t tag, const char *text);
/* PUBLISH with content of this length. */
ps_status rig_publish(rig *r, uint64_t tag, const char *name, uint64_t length);

/* Messages sent of a type; the k-th of them (fails the test when there is none), or the last. */
size_t rig_count(const rig *r, uint8_t type);
const rig_sent *rig_nth(const rig *r, uint8_t type, size_t k);
const rig_sent *rig_last(const rig *r, uint8_t type);
size_t rig_events_of(const rig *r, ps_event_type type);
const rig_event *rig_event_nth(const rig *r, ps_event_type type, size_t k);
/* The error of the only DONE with this tag; fails the test when there is none or more. */
uint32_t rig_done(const rig *r, uint64_t tag);
bool rig_is_done(const rig *r, uint64_t tag);
uint64_t rig_drops(const rig *r, ps_drop why);
uint64_t rig_drops_all(const rig *r);
ps_peer_stats rig_stats(const rig *r);

/* Acknowledges the last PUBLISH or UNPUBLISH wholly. */
void rig_acknowledge(rig *r);
/* The last PUBLISH or UNPUBLISH sent, decoded. */
const rig_sent *rig_last_changes(const rig *r, ps_changes *m);

/* These bytes stand somewhere in the slab. */
bool rig_holds(const rig *r, const void *bytes, size_t len);
/* No secret does: password, tickets, keys of any handshake. */
void rig_wiped(const rig *r);

#endif

/* A server driven by hand: clients that shake hands and encode packets, and every step checked. The
 * seals are stand-ins that leave the text readable. */
#ifndef PS_TEST_SERVER_FIXTURE_H
#define PS_TEST_SERVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/noise.h"
#include "channel/seal.h"
#include "peersync/sim.h"
#include "server/server_internal.h"

enum { FIXTURE_BYTES = 128 * 1024, FIXTURE_DATAGRAMS = 256, FIXTURE_EVENTS = 512 };

typedef struct fixture {
    ps_server_config cfg;
    ps_server *s;
    ps_output out;
    uint64_t now_us;
    bool sweep; /* Each input is offered with every shortage of room first. */
} fixture;

/* One simulated client. */
typedef struct client {
    fixture *f;
    ps_addr addr;
    const char *user;
    uint64_t client_id;
    uint64_t session_id; /* What RESPOND said: where packets go to. */
    uint64_t shaken;     /* The client id under which that was. */
    bool online;         /* LOGIN_OK has come under it. */
    uint8_t ephemeral;   /* Fills the secret of the last handshake. */
    uint8_t tx[32], rx[32];
    uint8_t server_key[PS_KEY_BYTES];
    const uint8_t *ticket; /* In LOGIN beside the password; or alone, by_ticket. */
    size_t ticket_len;
    bool by_ticket;
    uint64_t counter; /* Of the last datagram sent. */
    uint32_t request;
    uint8_t device[PS_DEVICE_BYTES];
    uint64_t generation;
    uint64_t digest;       /* As LOGIN_OK or HEARTBEAT_OK said it last. */
    uint16_t datagram_max; /* 1200. */
} client;

void fixture_config(ps_server_config *cfg); /* Small capacities, a fixed seed. */
fixture *fixture_new(const ps_server_config *cfg);
void fixture_free(fixture *f);

/* Empties the output. */
void fixture_clear(fixture *f);
/* Steps one input at now_us; checks the invariants. Output appends. */
ps_status fixture_step(fixture *f, ps_input *in);
ps_status fixture_tick(fixture *f);
uint64_t fixture_drops(const fixture *f, ps_drop why);
ps_server_stats fixture_stats(const fixture *f);

client client_make(fixture *f, const char *user, uint16_t port);
/* Delivers bytes from the client's address in an exact-size buffer. */
void client_deliver(client *c, const uint8_t *data, size_t len);
/* An INITIATE of c's client id and ephemeral secret, with a cookie or NULL. */
void client_initiate(const client *c, ps_noise *noise, const uint8_t *cookie,
                     uint8_t out[PS_INITIATE_BYTES]);
/* Takes the RESPOND in these bytes: false when it is not genuine. */
bool client_respond(client *c, ps_noise *noise, const uint8_t *data, size_t len);
/* Shakes hands under c->client_id, with a cookie if one is asked for; what the server sends for
 * that is taken out of the output. */
void client_shake(client *c);
/* Begins a packet of this channel in `buffer`; without one, shakes hands first. */
ps_writer client_packet(client *c, uint8_t buffer[PS_DATAGRAM_MAX]);
/* Seals the packet in the buffer. @return its length. */
size_t client_seal(const client *c, const ps_writer *w);
/* Seals and delivers it. */
void client_send(client *c, const ps_writer *w);
/* LOGIN up to the host's event; the request id is c->request. Where c->client_id has not shaken
 * hands yet, it does first. */
void client_login_send(client *c);
/* The verdict on the only login request in the output; the credential is all 7s. */
void fixture_verdict(fixture *f, ps_error error);
/* Logs in all the way, under another client id than before if there was a session. */
void client_login(client *c);
void client_heartbeat(client *c);
/* Heartbeats and reads the position and digest out of the answer, which must be alone. */
void client_sync(client *c);
/* Publishes one name; returns the refusal's code or PS_E_NONE. */
ps_error client_publish(client *c, const char *name, uint64_t length);
void client_unpublish(client *c, const char *name);
void client_list(client *c, ps_message_type type, uint64_t cursor, const char *text);

/* RESETs in the output; the last one is copied to *packet. */
size_t fixture_resets(const fixture *f, ps_packet *packet);

/* Message `index` of the datagrams in the output, in order; its receiver must be the client. */
ps_message client_answer(const client *c, size_t index);
size_t client_answers(const client *c);
/* The output holds exactly one ERROR for the client, with this code. */
void client_expect_error(const client *c, ps_error code);

static inline ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

#endif

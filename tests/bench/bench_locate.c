/* What a LOCATE's step costs, with the sources' tickets (a server with a clock) and without them:
 * libsodium's seals and hashes, one session that asks, prepared packets in, only the machine's own
 * time.
 *
 *     bench_locate [--requests=20000] */
#include "channel/seal.h"
#include "fixture.h"
#include "peersync/crypto_sodium.h"
#include "util/bytes.h"
#include "wire/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PACKET 128u
/* What fits a page with tickets is the most that one step makes; and one beside them. */
#define MOST   5u
#define ROUNDS 5u

static const ps_addr from = {.ip = {127, 0, 0, 1}, .port = 9, .family = PS_ADDR_V4};
static uint8_t bytes[PS_SERVER_STEP_BYTES];
static ps_datagram datagrams[PS_SERVER_STEP_DATAGRAMS];
static ps_event events[PS_SERVER_STEP_EVENTS];

static void give_up(const char *why)
{
    fprintf(stderr, "bench_locate: %s\n", why);
    exit(1);
}

static void step(bench_server *b, ps_input *in, ps_output *out)
{
    size_t consumed = 0;
    in->now_us = b->now_us;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    if (ps_server_step(b->server, in, 1, &consumed, out) != PS_OK || consumed != 1) {
        give_up("a step was refused");
    }
}

static ps_input sealed(const bench_server *b, const bench_session *client, ps_writer *w)
{
    const size_t len = ps_packet_seal(b->crypto, client->key, w->base, w->len);
    return (ps_input){.type = PS_INPUT_DATAGRAM,
                      .u.datagram = {.from = from, .data = w->base, .len = len}};
}

static void publish(bench_server *b, uint32_t session, ps_output *out)
{
    uint8_t packet[PACKET];
    ps_writer w = {.base = packet, .cap = sizeof packet - PS_TAG_BYTES};
    const ps_publication entry = {.name = {(const uint8_t *)"song", 4}, .content = {.length = 5}};
    ps_changes_writer cw;
    ps_packet_encode(&w, b->clients[session].id, 1000);
    if (!ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, 9, 1) || !ps_changes_add(&w, &cw, &entry) ||
        !ps_changes_end(&w, &cw)) {
        give_up("a PUBLISH does not fit");
    }
    ps_input in = sealed(b, &b->clients[session], &w);
    step(b, &in, out);
}

/* Nanoseconds of the fastest round's mean step. */
static uint64_t measure(bench_server *b, uint64_t requests, uint64_t *counter, ps_output *out)
{
    const bench_session *asker = &b->clients[MOST + 1];
    const ps_locate m = {.name = {(const uint8_t *)"song", 4}};
    uint64_t best_ns = UINT64_MAX;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t spent_ns = 0;
        for (uint64_t i = 0; i < requests; i++) {
            uint8_t packet[PACKET];
            ps_writer w = {.base = packet, .cap = sizeof packet - PS_TAG_BYTES};
            ps_packet_encode(&w, asker->id, ++*counter);
            (void)ps_locate_encode(&w, (uint32_t)*counter, &m);
            ps_input in = sealed(b, asker, &w);
            const uint64_t start_ns = bench_wall_ns();
            step(b, &in, out);
            spent_ns += bench_wall_ns() - start_ns;
            if (out->datagrams_len != 1) {
                give_up("a LOCATE was not answered");
            }
        }
        best_ns = spent_ns / requests < best_ns ? spent_ns / requests : best_ns;
    }
    return best_ns;
}

int main(int argc, char **argv)
{
    uint64_t requests = bench_option(argc, argv, "--requests", 20000);
    requests = requests > 0 ? requests : 1;
    ps_output out = {.bytes = bytes,
                     .bytes_cap = sizeof bytes,
                     .datagrams = datagrams,
                     .datagrams_cap = PS_SERVER_STEP_DATAGRAMS,
                     .events = events,
                     .events_cap = PS_SERVER_STEP_EVENTS};
    bench_server b = bench_server_make(MOST + 2, &from, ps_crypto_sodium());
    uint64_t counter = 1000;
    uint64_t ns[2] = {0};
    for (uint32_t published = 1; published <= MOST; published += MOST - 1) {
        for (uint32_t i = published == 1 ? 0 : 1; i < published; i++) {
            publish(&b, i, &out);
        }
        for (unsigned clock = 0; clock < 2; clock++) {
            ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = clock * UINT64_C(1700000000)};
            step(&b, &in, &out);
            ns[clock] = measure(&b, requests, &counter, &out);
        }
        printf("locate sources=%" PRIu32 " step_ns=%" PRIu64 " with_tickets_ns=%" PRIu64
               " a_ticket_ns=%" PRIu64 "\n",
               published, ns[0], ns[1], (ns[1] - ns[0]) / published);
    }
    return 0;
}

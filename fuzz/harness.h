/* What the targets share that drive a machine: the input as a tape, and the other end of a sealed
 * channel, which knows its keys, so that the fuzzer's messages get behind the seal. Messages come
 * from the independent encoder; the handshake is channel/noise.h, which has vectors of its own. */
#ifndef PS_FUZZ_HARNESS_H
#define PS_FUZZ_HARNESS_H

#include "channel/noise.h"
#include "channel/seal.h"
#include "craft.h"
#include "peersync/sim.h"
#include "wire/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_POISON 1
#endif
#endif
#ifdef HAS_POISON
#include <sanitizer/asan_interface.h>
#endif

/* Makes a slab's bytes from `from` to `to` nobody's, until the slab is freed. */
static inline void poison_tail(void *slab, size_t from, size_t to)
{
#ifdef HAS_POISON
    ASAN_POISON_MEMORY_REGION((uint8_t *)slab + from, to - from);
#else
    (void)slab;
    (void)from;
    (void)to;
#endif
}

typedef struct tape {
    const uint8_t *at;
    size_t left;
} tape;

static inline uint8_t take8(tape *t)
{
    if (t->left == 0) {
        return 0;
    }
    t->left--;
    return *t->at++;
}

static inline uint64_t take64(tape *t)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | take8(t);
    }
    return v;
}

/* The optimiser makes one abort() of many: the line says which. */
static inline void must_at(bool condition, int line)
{
    if (!condition) {
        fprintf(stderr, "what must hold in line %d does not\n", line);
        abort();
    }
}
#define must(condition) must_at(condition, __LINE__)

static inline uint64_t load(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* A short text out of the input: often one of few, so that names meet again. */
static inline const char *text_of(tape *t, char buffer[256])
{
    static const char *const few[] = {
        "a", "b", "ab", "A name of more than twenty-eight bytes", "..", "x/y", "\xc3\xa9", ""};
    const uint8_t kind = take8(t);
    if (kind < 210) {
        return few[kind % 8];
    }
    const size_t len = take8(t);
    for (size_t i = 0; i < len; i++) {
        buffer[i] = (char)(take8(t) | 1);
    }
    buffer[len] = 0;
    return buffer;
}

/* Room for what steps put out, in blocks of exactly these sizes. */
static inline ps_output output_of(size_t bytes, size_t datagrams, size_t events)
{
    const ps_output out = {.bytes = malloc(bytes),
                           .bytes_cap = bytes,
                           .datagrams = malloc(datagrams * sizeof(ps_datagram)),
                           .datagrams_cap = datagrams,
                           .events = malloc(events * sizeof(ps_event)),
                           .events_cap = events};
    must(out.bytes != NULL && out.datagrams != NULL && out.events != NULL);
    return out;
}

static inline void output_free(const ps_output *out)
{
    free(out->bytes);
    free(out->datagrams);
    free(out->events);
}

/* One end of a channel. */
typedef struct end {
    uint64_t client_id, id; /* Where packets to the client and to the server go. */
    uint64_t counter;       /* Of the last one sent. */
    bool keyed;
    uint8_t tx[32], rx[32];
    ps_noise noise; /* The client's, until it has keys. */
    uint8_t initiate[PS_INITIATE_BYTES];
} end;

/* Any 32 bytes that are others for each number. */
static inline void key_of(uint64_t number, uint8_t key[PS_KEY_BYTES])
{
    for (size_t i = 0; i < PS_KEY_BYTES; i++) {
        key[i] = (uint8_t)((number >> (8 * (i % 8))) + 31 * i + 1);
    }
}

/* The client's: a fresh handshake, whose INITIATE is e->initiate. */
static inline void end_begin(end *e, uint64_t client_id)
{
    uint8_t prologue[PS_PROLOGUE_BYTES], ephemeral[PS_KEY_BYTES];
    uint8_t offer[PS_INITIATE_BYTES - PS_INITIATE_MESSAGE - PS_KEY_BYTES];
    memset(e, 0, sizeof *e);
    ps_writer w = {.base = e->initiate, .cap = sizeof e->initiate};
    uint8_t *message = ps_initiate_encode(&w, client_id, NULL);
    e->client_id = client_id;
    key_of(client_id, ephemeral);
    ps_prologue_encode(prologue, client_id);
    ps_offer_encode(offer);
    ps_noise_begin(ps_sim_crypto(), &e->noise, (ps_span){prologue, sizeof prologue});
    ps_noise_write_first(ps_sim_crypto(), &e->noise, ephemeral, (ps_span){offer, sizeof offer},
                         message);
}

/* The client's: takes a RESPOND. False: it is not for this handshake. */
static inline bool end_take_respond(end *e, const uint8_t *packet, size_t len)
{
    uint8_t message[PS_INITIATE_BYTES], key[PS_KEY_BYTES];
    ps_span payload;
    must(len > PS_RESPOND_MESSAGE && len <= sizeof message);
    memcpy(message, packet + PS_RESPOND_MESSAGE, len - PS_RESPOND_MESSAGE);
    if (e->keyed || load(packet + 1, 8) != e->client_id ||
        !ps_noise_read_second(ps_sim_crypto(), &e->noise, message, len - PS_RESPOND_MESSAGE, key,
                              &payload)) {
        return false;
    }
    must(payload.len >= PS_RESPOND_PAYLOAD);
    e->id = load(payload.data, 8);
    ps_noise_split(ps_sim_crypto(), &e->noise, e->tx, e->rx);
    e->keyed = true;
    return true;
}

/* The server's: answers an INITIATE with `extra` bytes (up to 63) of fields behind the receiver id;
 * less than 0: with as many bytes of it left out. */
static inline void end_answer(end *e, craft *c, const uint8_t *initiate, uint64_t id,
                              const uint8_t secret[PS_KEY_BYTES], int extra)
{
    uint8_t prologue[PS_PROLOGUE_BYTES], ephemeral[PS_KEY_BYTES], public_key[PS_KEY_BYTES];
    uint8_t payload[PS_RESPOND_PAYLOAD + 64] = {0};
    uint8_t message[PS_NOISE_SECOND_BYTES + sizeof payload];
    ps_span offer;
    ps_noise noise;
    const size_t len = (size_t)((int)PS_RESPOND_PAYLOAD + extra);
    must(len <= sizeof payload);
    e->client_id = load(initiate + 2, 8);
    e->id = id;
    e->counter = 0;
    ps_store64(payload, id);
    key_of(id + 1000, ephemeral);
    ps_sim_crypto()->x25519_public(public_key, secret);
    ps_prologue_encode(prologue, e->client_id);
    ps_noise_begin(ps_sim_crypto(), &noise, (ps_span){prologue, sizeof prologue});
    must(ps_noise_read_first(
        ps_sim_crypto(), &noise,
        (ps_span){initiate + PS_INITIATE_MESSAGE, PS_INITIATE_BYTES - PS_INITIATE_MESSAGE},
        &offer));
    must(ps_noise_write_second(ps_sim_crypto(), &noise, ephemeral, secret, public_key,
                               (ps_span){payload, len}, message));
    ps_noise_split(ps_sim_crypto(), &noise, e->rx, e->tx);
    e->keyed = true;
    craft_respond(c, e->client_id, message, PS_NOISE_SECOND_BYTES + len);
}

/* Puts the seal on crafted messages. What has no messages or no room for a tag stays as it is. */
static inline void end_seal(const end *e, craft *c)
{
    if (c->len >= PS_PACKET_HEADER && c->len <= CRAFT_BYTES - PS_TAG_BYTES) {
        c->len = ps_packet_seal(ps_sim_crypto(), e->tx, c->data, c->len);
    }
}

/* The messages of a packet, opened in `copy`. */
static inline bool end_open(const end *e, const uint8_t *packet, size_t len,
                            uint8_t copy[PS_DATAGRAM_MAX], ps_span *messages)
{
    must(len <= PS_DATAGRAM_MAX);
    memcpy(copy, packet, len);
    return ps_packet_open(ps_sim_crypto(), e->rx, copy, len, messages);
}

#endif

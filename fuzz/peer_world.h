/* The world of a fuzzed peer, and what the harness learns of it from each step's output, which must
 * be whole: INITIATEs, sealed messages, events. */
#ifndef PS_FUZZ_PEER_WORLD_H
#define PS_FUZZ_PEER_WORLD_H

#include "harness.h"
#include "peersync/peer.h"

enum { STEPS = 400, TAGS = 4 * STEPS, TYPES = 32, ENDS = 3 };
enum {
    OBSERVED = 1,
    MSG_LOGIN = 1,
    MSG_HEARTBEAT = 3,
    MSG_PUBLISH = 5,
    MSG_UNPUBLISH = 6,
    MSG_DIGESTS = 22,
    MSG_LIST_NAMES = 24
};

/* The kinds of answers, as in core/PROTOCOL.md, and which request they belong to. */
enum { ANSWER_PEERS = 9, ANSWER_FILES = 12, ANSWER_SOURCES = 14, ANSWER_NAMES = 25 };

typedef struct world {
    tape input;
    ps_peer *p;
    uint8_t *slab, *twin;
    size_t slab_len;
    size_t datagram_max;
    ps_output out;
    uint64_t now_us;
    end ends[ENDS]; /* The server's, the newest first. */
    uint64_t last_id;
    uint8_t initiate[PS_INITIATE_BYTES]; /* The peer's last. */
    bool initiated, asked;
    uint8_t asked_key[PS_KEY_BYTES];
    uint64_t session_id, tx_counter; /* Of the peer's last sealed packet. */
    uint8_t first;                   /* Of its last DIGESTS. */
    uint32_t requests[TYPES];        /* The last id that the peer sent with each type of message, */
    uint32_t earlier[TYPES];         /* and the one before. */
    bool fresh[TYPES];               /* That one was not answered by serve(). */
    uint64_t digest;                 /* Of the peer's log, by its last heartbeat. */
    uint64_t generation;             /* Of its last message of changes, */
    uint8_t entries;                 /* and how many they were. */
    uint64_t acked;                  /* What was said of the log last. */
    bool waits[TAGS];
    size_t tags;
    craft c;
    uint8_t last[2048]; /* The packet delivered last, for replays. */
    size_t last_len;
} world;

static const ps_addr SERVER = {.ip = {192, 0, 2, 1}, .port = 5000, .family = PS_ADDR_V4};

/* The newest channel with this id at the server. */
static end *end_of(world *w, uint64_t id)
{
    for (size_t i = 0; i < ENDS; i++) {
        if (w->ends[i].keyed && w->ends[i].id == id) {
            return &w->ends[i];
        }
    }
    return NULL;
}

static void learn_message(world *w, const ps_message *m)
{
    must(m->type < TYPES);
    if (w->requests[m->type] != m->request) {
        w->earlier[m->type] = w->requests[m->type];
        w->fresh[m->type] = true;
    }
    w->requests[m->type] = m->request;
    if (m->type == MSG_HEARTBEAT) {
        w->digest = load(m->body.data + 8, 8);
    }
    if (m->type == MSG_DIGESTS) {
        w->first = m->body.data[0];
    }
    if (m->type == MSG_PUBLISH || m->type == MSG_UNPUBLISH) {
        w->generation = load(m->body.data, 8);
        w->entries = m->body.data[8];
    }
}

/* Reads what the peer sent: an INITIATE, or sealed messages, whole ones, at most eight. */
static void learn_datagram(world *w, const ps_datagram *dg)
{
    const uint8_t *p = w->out.bytes + dg->offset;
    uint8_t copy[PS_DATAGRAM_MAX];
    ps_packet packet;
    ps_drop why;
    ps_message m;
    ps_span messages;
    unsigned count = 0;
    must(dg->len <= w->datagram_max && ps_addr_equal(&dg->to, &SERVER));
    must(ps_packet_decode(p, dg->len, &packet, &why));
    if (packet.type == PS_PACKET_INITIATE) {
        must(dg->len == PS_INITIATE_BYTES && packet.receiver_id != 0);
        memcpy(copy, p, dg->len);
        must(ps_peer_unseal(w->p, copy, dg->len) == 0 && ps_peer_unseal(w->p, copy, 8) == 0);
        memcpy(w->initiate, p, dg->len);
        w->initiated = true;
        return;
    }
    must(packet.type == PS_PACKET_DATA && packet.counter != 0);
    w->session_id = packet.receiver_id;
    w->tx_counter = packet.counter;
    end *e = end_of(w, packet.receiver_id);
    if (e == NULL) {
        return;
    }
    must(end_open(e, p, dg->len, copy, &messages));
    ps_reader r = ps_reader_of(messages);
    while (ps_message_decode(&r, &m)) {
        learn_message(w, &m);
        count++;
    }
    must(!r.bad && count >= 1 && count <= PS_PACKET_MESSAGES);
    memcpy(copy, p, dg->len);
    const size_t seen = ps_peer_unseal(w->p, copy, dg->len);
    must(seen == 0 || seen == messages.len); /* 0: that channel is gone. */
    if (packet.counter % 8 == 1) {
        memcpy(copy, p, dg->len);
        copy[dg->len - 1] ^= 1;
        must(ps_peer_unseal(w->p, copy, dg->len) == 0);
    }
}

static void learn_event(world *w, const ps_event *e)
{
    switch ((int)e->type) {
    case PS_EVENT_DONE:
        must(e->u.done.tag < w->tags && w->waits[e->u.done.tag]);
        w->waits[e->u.done.tag] = false;
        break;
    case PS_EVENT_SOURCE:
        must(e->u.entry.active == (e->u.entry.addr.family != PS_ADDR_NONE));
        must(!e->u.entry.active || (!e->u.entry.own && e->u.entry.addr.port != 0));
        must(e->u.entry.tag < w->tags && w->waits[e->u.entry.tag]);
        must(e->u.entry.ticket.len <= PS_FILE_TICKET_MAX);
        must(e->u.entry.key.len == (e->u.entry.ticket.len > 0 ? PS_KEY_BYTES : 0));
        must(e->u.entry.active || e->u.entry.ticket.len == 0);
        break;
    case PS_EVENT_PEER:
    case PS_EVENT_FILE:
        must(e->u.entry.tag < w->tags && w->waits[e->u.entry.tag]);
        must(e->u.entry.user.len <= 255 && e->u.entry.name.len <= PS_NAME_MAX);
        break;
    case PS_EVENT_AGAIN:
        must(e->u.done.tag < w->tags && w->waits[e->u.done.tag]);
        break;
    case PS_EVENT_UNLISTED:
        must(e->u.unlisted.error != PS_E_NONE && e->u.unlisted.len >= 1);
        break;
    case PS_EVENT_SERVER_KEY:
        memcpy(w->asked_key, e->u.server_key, sizeof w->asked_key);
        w->asked = true;
        break;
    case PS_EVENT_TICKET:
        must(e->u.ticket.ticket.len >= 1 && e->u.ticket.ticket.len <= PS_TICKET_MAX);
        break;
    case PS_EVENT_FILE_KEYS:
        must(e->u.file_keys.count <= PS_FILE_EPOCHS);
        break;
    case PS_EVENT_PUT_OFF:
    case PS_EVENT_LOGGED_IN:
    case PS_EVENT_REFUSED:
    case PS_EVENT_LOST:
    case PS_EVENT_LOGGED_OUT:
        break;
    default:
        must(false);
    }
}

static ps_status step(world *w, ps_input *in)
{
    size_t consumed = 9;
    size_t bytes = 0;
    in->now_us = w->now_us;
    w->out.bytes_len = w->out.datagrams_len = w->out.events_len = 0;
    memcpy(w->twin, w->slab, w->slab_len);
    const ps_status status = ps_peer_step(w->p, in, 1, &consumed, &w->out);
    must(consumed == (status == PS_AGAIN || status == PS_INVALID ? 0 : 1));
    must(ps_peer_check(w->p) == 0);
    must(w->out.datagrams_len <= PS_PEER_STEP_DATAGRAMS);
    must(w->out.events_len <= PS_PEER_STEP_EVENTS);
    if (consumed == 0) { /* Nothing may have changed. */
        must(w->out.bytes_len + w->out.datagrams_len + w->out.events_len == 0);
        must(memcmp(w->twin, w->slab, w->slab_len) == 0);
        return status;
    }
    for (size_t i = 0; i < w->out.datagrams_len; i++) {
        must(w->out.datagrams[i].offset == bytes);
        bytes += w->out.datagrams[i].len;
        learn_datagram(w, &w->out.datagrams[i]);
    }
    must(bytes == w->out.bytes_len);
    for (size_t i = 0; i < w->out.events_len; i++) {
        learn_event(w, &w->out.events[i]);
    }
    return status;
}

static void deliver(world *w, const uint8_t *data, size_t len, bool stranger)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    must(exact != NULL);
    memcpy(exact, data, len);
    ps_input in = {.type = PS_INPUT_DATAGRAM,
                   .u.datagram = {.from = SERVER, .data = exact, .len = len}};
    in.u.datagram.from.port = (uint16_t)(SERVER.port + (stranger ? 1 : 0));
    (void)step(w, &in);
    free(exact);
}

#endif

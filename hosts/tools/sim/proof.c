#include "proof.h"

#include "read.h"
#include "world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const in_texts[] = {
#define PROOF_TEXT(name, text) text,
    PROOF_IN_LIST(PROOF_TEXT)};
static const char *const out_texts[] = {PROOF_OUT_LIST(PROOF_TEXT)
#undef PROOF_TEXT
};

void proof_init(proof *p, world *w)
{
    memset(p, 0, sizeof *p);
    p->w = w;
    p->cap = 256;
    p->addrs = calloc(p->cap, sizeof *p->addrs);
    WORLD_REQUIRE(w, p->addrs != NULL);
}

void proof_free(proof *p)
{
    free(p->addrs);
}

/* ---- addresses ---- */

static size_t home(const proof *p, const ps_addr *addr)
{
    uint64_t hash = addr->port;
    for (size_t i = 0; i < sizeof addr->ip; i++) {
        hash = (hash ^ addr->ip[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 29) & (p->cap - 1);
}

static proof_addr *place(const proof *p, const ps_addr *addr)
{
    size_t at = home(p, addr);
    while (p->addrs[at].addr.family != PS_ADDR_NONE && !ps_addr_equal(&p->addrs[at].addr, addr)) {
        at = (at + 1) & (p->cap - 1);
    }
    return &p->addrs[at];
}

static void grow(proof *p)
{
    proof_addr *old = p->addrs;
    const size_t cap = p->cap;
    p->cap *= 2;
    p->addrs = calloc(p->cap, sizeof *p->addrs);
    WORLD_REQUIRE(p->w, p->addrs != NULL);
    for (size_t i = 0; i < cap; i++) {
        if (old[i].addr.family != PS_ADDR_NONE) {
            *place(p, &old[i].addr) = old[i];
        }
    }
    free(old);
}

static proof_addr *entry(proof *p, const ps_addr *addr)
{
    if (2 * p->len >= p->cap) {
        grow(p);
    }
    proof_addr *a = place(p, addr);
    if (a->addr.family == PS_ADDR_NONE) {
        a->addr = *addr;
        p->len++;
    }
    return a;
}

const proof_addr *proof_of(const proof *p, const ps_addr *addr)
{
    const proof_addr *a = place(p, addr);
    return a->addr.family != PS_ADDR_NONE ? a : NULL;
}

void proof_crash(proof *p)
{
    memset(p->addrs, 0, p->cap * sizeof *p->addrs);
    memset(&p->before, 0, sizeof p->before);
    p->len = 0;
}

/* ---- a step ---- */

static bool dropped(const proof *p, const ps_server_stats *stats, ps_drop why)
{
    return stats->drops[why] > p->before.drops[why];
}

/* A peer has sealed it, and the server has opened it for a channel of this address. */
static bool is_proof(const proof *p, const ps_input_datagram *in, const uint8_t *bytes,
                     const ps_server_stats *stats)
{
    return in->len > 0 && bytes[0] == READ_DATA &&
           ledger_has(&p->w->sent_by_peers, bytes, in->len) &&
           !dropped(p, stats, PS_DROP_NO_SESSION) && !dropped(p, stats, PS_DROP_ADDRESS) &&
           !dropped(p, stats, PS_DROP_REPLAY) && !dropped(p, stats, PS_DROP_SEAL);
}

static proof_in kind_of_input(const proof *p, const ps_input_datagram *in, const uint8_t *bytes,
                              const ps_server_stats *stats)
{
    if (in->len >= 17 && bytes[0] == READ_DATA) {
        return dropped(p, stats, PS_DROP_ADDRESS) ? PROOF_IN_MOVED : PROOF_IN_UNKNOWN;
    }
    if (in->len >= 256 && bytes[0] == READ_INITIATE) {
        return dropped(p, stats, PS_DROP_VERSION) ? PROOF_IN_VERSION : PROOF_IN_INITIATE;
    }
    return PROOF_IN_NOISE;
}

static proof_out kind_of_output(const uint8_t *data, size_t len)
{
    static const proof_out kinds[] = {PROOF_OUT_DATA, PROOF_OUT_DATA,     PROOF_OUT_RESPOND,
                                      PROOF_OUT_RETRY, PROOF_OUT_DATA,    PROOF_OUT_RESET,
                                      PROOF_OUT_VERSIONS};
    read_packet packet;
    if (!read_packet_of(data, len, &packet)) {
        return PROOF_OUT_DATA;
    }
    const bool challenge = packet.type == READ_DATA && packet.count == 1 &&
                           packet.messages[0].type == READ_CHALLENGE;
    return challenge ? PROOF_OUT_CHALLENGE : kinds[packet.type];
}

static void tally(proof *p, proof_in kind_in, proof_out kind_out, size_t in, size_t out)
{
    proof_pair *pair = &p->pairs[kind_in][kind_out];
    pair->count++;
    pair->in += in;
    pair->out += out;
    if (pair->worst_in == 0 || out * pair->worst_in > pair->worst_out * in) {
        pair->worst_in = in;
        pair->worst_out = out;
    }
}

/* An answer to whom no proof has come from. */
static void on_output(proof *p, const ps_output *out, const ps_datagram *dg)
{
    proof_addr *to = entry(p, &dg->to);
    (void)out;
    if (!to->proven) {
        to->out += dg->len;
        WORLD_REQUIRE(p->w, to->out <= to->in); /* Invariant 5. */
    }
}

void proof_step(proof *p, const ps_input *in, const uint8_t *bytes, const ps_output *before,
                const ps_output *out, const ps_server_stats *stats)
{
    const ps_input_datagram *dg = in->type == PS_INPUT_DATAGRAM ? &in->u.datagram : NULL;
    bool unproven = false;
    p->steps++;
    if (dg != NULL) {
        proof_addr *from = entry(p, &dg->from);
        from->in += dg->len;
        from->proven = from->proven || is_proof(p, dg, bytes, stats);
        unproven = !from->proven;
    }
    for (size_t i = before->datagrams_len; i < out->datagrams_len; i++) {
        on_output(p, out, &out->datagrams[i]);
    }
    if (unproven) {
        const proof_in kind = kind_of_input(p, dg, bytes, stats);
        const bool answered = out->datagrams_len > before->datagrams_len;
        const ps_datagram *answer = answered ? &out->datagrams[before->datagrams_len] : NULL;
        tally(p, kind,
              answered ? kind_of_output(out->bytes + answer->offset, answer->len)
                       : PROOF_OUT_NOTHING,
              dg->len, answered ? answer->len : 0);
    }
    p->before = *stats;
}

/* ---- for people ---- */

void proof_add(proof *sum, const proof *p)
{
    sum->steps += p->steps;
    for (int i = 0; i < PROOF_IN_COUNT; i++) {
        for (int k = 0; k < PROOF_OUT_COUNT; k++) {
            const proof_pair *from = &p->pairs[i][k];
            proof_pair *to = &sum->pairs[i][k];
            to->count += from->count;
            to->in += from->in;
            to->out += from->out;
            if (to->worst_in == 0 ||
                from->worst_out * to->worst_in > to->worst_out * from->worst_in) {
                to->worst_in = from->worst_in;
                to->worst_out = from->worst_out;
            }
        }
    }
}

void proof_print(FILE *out, const proof *p)
{
    fprintf(out, "  %-28s %-18s %10s %9s %9s %14s\n", "before an address is proven", "answer",
            "times", "bytes in", "bytes out", "at most");
    for (int i = 0; i < PROOF_IN_COUNT; i++) {
        for (int k = 0; k < PROOF_OUT_COUNT; k++) {
            const proof_pair *pair = &p->pairs[i][k];
            if (pair->count == 0) {
                continue;
            }
            const size_t percent =
                pair->worst_in > 0 ? (100 * pair->worst_out + pair->worst_in - 1) / pair->worst_in
                                   : 0;
            fprintf(out, "  %-28s %-18s %10" PRIu64 " %9zu %9zu %12zu %%\n", in_texts[i],
                    out_texts[k], pair->count, pair->worst_in, pair->worst_out, percent);
        }
    }
}

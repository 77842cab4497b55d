/* What a heartbeat's step costs, in arrays of 64, sessions in random order: prepared packets in,
 * answers out, only the machine's own time.
 *
 * With --sealed=0 a seal costs nothing: that is the machine alone. Sealed, each step opens one
 * packet and seals another.
 *
 *     bench_server_step [--sessions=1000000] [--rounds=4] [--sealed=1] */
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH  64u
#define STRIDE 64u
/* Prepared ahead of each timed stretch: small beside the tables, so that it does not push them out
 * of the caches more than a receive buffer would. */
#define STRETCH 16u

/* Times of a round's batches, in nanoseconds: their median is what a busy machine spoils least. */
#define BATCHES_MOST (((uint32_t)1 << 20) / BATCH)
static uint64_t times_ns[BATCHES_MOST];

static uint8_t packets[STRETCH][BATCH][STRIDE];
static ps_input inputs[STRETCH][BATCH];
static uint8_t bytes[65536];
static ps_datagram datagrams[512];
static ps_event events[512];

/* The timed part, a function of its own so that callgrind can count it alone. */
__attribute__((noinline)) static void measured(ps_server *server, ps_input in[], ps_output *out)
{
    size_t consumed = 0;
    (void)ps_server_step(server, in, BATCH, &consumed, out);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

static void shuffle(uint32_t *order, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = (uint32_t)(bench_random(seed) % i);
        const uint32_t t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

static void prepare(const bench_server *b, const ps_addr *from, const uint32_t *order,
                    uint64_t counter, size_t batches)
{
    for (size_t i = 0; i < batches * BATCH; i++) {
        uint8_t *packet = packets[i / BATCH][i % BATCH];
        bench_heartbeat(b->crypto, packet, &b->clients[order[i]], counter);
        ps_input *in = &inputs[i / BATCH][i % BATCH];
        *in = (ps_input){.now_us = b->now_us, .type = PS_INPUT_DATAGRAM};
        in->u.datagram = (ps_input_datagram){.from = *from, .data = packet, .len = BENCH_HEARTBEAT};
    }
}

/* A round's cost a heartbeat, in hundredths of nanoseconds. */
typedef struct cost {
    uint64_t mean;
    uint64_t median;
    uint64_t steps;
    uint64_t answers;
} cost;

/* Every session once, in this order. */
static cost run_round(bench_server *b, const ps_addr *from, const uint32_t *order, uint64_t counter)
{
    ps_output out = {.bytes = bytes,
                     .bytes_cap = sizeof bytes,
                     .datagrams = datagrams,
                     .datagrams_cap = 512,
                     .events = events,
                     .events_cap = 512};
    cost c = {0};
    uint64_t spent_ns = 0;
    uint32_t count = 0;
    for (uint32_t at = 0; at + BATCH <= b->sessions;) {
        const size_t left = (b->sessions - at) / BATCH;
        const size_t batches = left < STRETCH ? left : STRETCH;
        b->now_us += 10;
        prepare(b, from, order + at, counter, batches);
        for (size_t i = 0; i < batches; i++) {
            out.bytes_len = out.datagrams_len = out.events_len = 0;
            const uint64_t start_ns = bench_wall_ns();
            measured(b->server, inputs[i], &out);
            times_ns[count] = bench_wall_ns() - start_ns;
            spent_ns += times_ns[count++];
            c.answers += out.datagrams_len;
        }
        at += (uint32_t)(batches * BATCH);
    }
    qsort(times_ns, count, sizeof times_ns[0], ascending);
    c.steps = (uint64_t)count * BATCH;
    c.mean = spent_ns * 100 / c.steps;
    c.median = times_ns[count / 2] * 100 / BATCH;
    return c;
}

int main(int argc, char **argv)
{
    const uint32_t sessions = (uint32_t)bench_option(argc, argv, "--sessions", 1000000);
    const uint64_t rounds = bench_option(argc, argv, "--rounds", 4);
    if (sessions < BATCH || sessions > 1u << 20) {
        fprintf(stderr, "bench_server_step: 64 to 1048576 sessions\n");
        return 2;
    }
    const ps_addr from = {.ip = {127, 0, 0, 1}, .port = 9, .family = PS_ADDR_V4};
    const bool sealed = bench_option(argc, argv, "--sealed", 1) != 0;
    bench_server b = bench_server_make(sessions, &from,
                                       sealed ? bench_crypto_sealed() : bench_crypto_unsealed());
    uint32_t *order = bench_pages(sessions * sizeof order[0]);
    for (uint32_t i = 0; i < sessions; i++) {
        order[i] = i;
    }
    uint64_t seed = 1;
    cost best = {.mean = UINT64_MAX, .median = UINT64_MAX};
    for (uint64_t round = 0; round < rounds; round++) {
        shuffle(order, sessions, &seed);
        const cost c = run_round(&b, &from, order, round + 2);
        best.mean = c.mean < best.mean ? c.mean : best.mean;
        best.median = c.median < best.median ? c.median : best.median;
        best.steps += c.steps;
        best.answers += c.answers;
    }
    printf("server_step sealed=%d sessions=%" PRIu32 " bytes_per_session=%zu operations=%" PRIu64
           " mean_ns=%" PRIu64 ".%02" PRIu64 " median_ns=%" PRIu64 ".%02" PRIu64 "\n",
           sealed, sessions, b.bytes / sessions, best.steps, best.mean / 100, best.mean % 100,
           best.median / 100, best.median % 100);
    if (best.answers != best.steps) {
        fprintf(stderr, "bench_server_step: %" PRIu64 " heartbeats were not answered\n",
                best.steps - best.answers);
        return 1;
    }
    return 0;
}

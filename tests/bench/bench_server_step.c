/* What a heartbeat's step costs, in arrays of 64, sessions in random order: prepared packets in,
 * answers out, only the machine's own time.
 *
 *     bench_server_step [--sessions=1000000] [--rounds=4] */
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BATCH  64u
#define STRIDE 64u
/* Prepared ahead of each timed stretch: small beside the tables, so that it does not push them out
 * of the caches more than a receive buffer would. */
#define STRETCH 16u

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
        bench_heartbeat(packet, b->ids[order[i]], counter);
        ps_input *in = &inputs[i / BATCH][i % BATCH];
        *in = (ps_input){.now_us = b->now_us, .type = PS_INPUT_DATAGRAM};
        in->u.datagram = (ps_input_datagram){.from = *from, .data = packet, .len = BENCH_HEARTBEAT};
    }
}

int main(int argc, char **argv)
{
    const uint32_t sessions = (uint32_t)bench_option(argc, argv, "--sessions", 1000000);
    const uint64_t rounds = bench_option(argc, argv, "--rounds", 4);
    const ps_addr from = {.ip = {127, 0, 0, 1}, .port = 9, .family = PS_ADDR_V4};
    bench_server b = bench_server_make(sessions, &from);
    uint32_t *order = bench_pages(sessions * sizeof order[0]);
    uint64_t seed = 1;
    ps_output out = {.bytes = bytes,
                     .bytes_cap = sizeof bytes,
                     .datagrams = datagrams,
                     .datagrams_cap = 512,
                     .events = events,
                     .events_cap = 512};
    for (uint32_t i = 0; i < sessions; i++) {
        order[i] = i;
    }
    uint64_t best_ns = UINT64_MAX;
    uint64_t steps = 0;
    uint64_t answers = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t spent_ns = 0;
        uint64_t count = 0;
        shuffle(order, sessions, &seed);
        for (uint32_t at = 0; at + BATCH <= sessions;) {
            const size_t left = (sessions - at) / BATCH;
            const size_t batches = left < STRETCH ? left : STRETCH;
            b.now_us += 10;
            prepare(&b, &from, order + at, round + 2, batches);
            for (size_t i = 0; i < batches; i++) {
                out.bytes_len = out.datagrams_len = out.events_len = 0;
                const uint64_t start_ns = bench_wall_ns();
                measured(b.server, inputs[i], &out);
                spent_ns += bench_wall_ns() - start_ns;
                answers += out.datagrams_len;
            }
            at += (uint32_t)(batches * BATCH);
            count += batches * BATCH;
        }
        best_ns = spent_ns * 100 / count < best_ns ? spent_ns * 100 / count : best_ns;
        steps += count;
    }
    printf("server_step sessions=%" PRIu32 " bytes_per_session=%zu operations=%" PRIu64
           " ns_per_heartbeat=%" PRIu64 ".%02" PRIu64 "\n",
           sessions, b.bytes / sessions, steps, best_ns / 100, best_ns % 100);
    if (answers != steps) {
        fprintf(stderr, "bench_server_step: %" PRIu64 " heartbeats were not answered\n",
                steps - answers);
        return 1;
    }
    return 0;
}

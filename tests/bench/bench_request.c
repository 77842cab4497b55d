/* Requests a second of the real server (pump, step, POSIX adapter, libsodium's seals) beside a bare
 * echo of the same sealed sizes, from the same generator, turn by turn. The measure is requests a
 * second of the serving thread's processor time; a turn counts where that thread was busy with
 * requests for 98 % of it.
 *
 *     bench_request [--turns=25] [--milliseconds=200] [--sessions=1000] [--in-flight=2048] */
#include "echo.h"
#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"
#include "peersync/pump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUSY_PERMILLE 980u
#define TURNS         64u

static bench_served pump_run(ps_pump *pump, const ps_server *server, uint64_t run_ns)
{
    bench_served s = {0};
    ps_server_stats stats;
    ps_server_stats_get(server, &stats);
    uint64_t before = stats.datagrams_in;
    const uint64_t start_ns = bench_wall_ns();
    const uint64_t start_cpu_ns = bench_cpu_ns();
    uint64_t now_ns = start_ns;
    while (now_ns - start_ns < run_ns) {
        (void)ps_pump_run_once(pump);
        ps_pump_clear_events(pump);
        const uint64_t end_ns = bench_wall_ns();
        /* in_len is what the round received; reading it spares a look at the counters. */
        bench_served_loop(&s, now_ns, end_ns, pump->in_len);
        now_ns = end_ns;
    }
    s.wall_ns = now_ns - start_ns;
    s.cpu_ns = bench_cpu_ns() - start_cpu_ns;
    ps_server_stats_get(server, &stats);
    if (stats.datagrams_in - before != s.requests) {
        fprintf(stderr, "bench_request: requests were counted wrong\n");
        exit(1);
    }
    return s;
}

/* Requests a second of busy processor time. */
static uint64_t rate(const bench_served *s)
{
    return s->requests * 1000000000u / (s->cpu_ns - (s->idle_ns < s->cpu_ns ? s->idle_ns : 0));
}

static uint64_t busy_permille(const bench_served *s)
{
    return 1000 - s->idle_ns * 1000 / s->wall_ns;
}

static void report(const char *what, const bench_served *s, const bench_load *load)
{
    printf("%s requests_per_cpu_s=%" PRIu64 " requests_per_s=%" PRIu64 " busy_permille=%" PRIu64
           " batch=%" PRIu64 " lost_permille=%" PRIu64 "\n",
           what, rate(s), s->requests * 1000000000u / s->wall_ns, busy_permille(s),
           s->requests / (s->loops + 1),
           load->sent > load->answered ? (load->sent - load->answered) * 1000 / load->sent : 0);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[65536 * 2];
    static ps_datagram datagrams[512];
    static ps_event events[512];
    static ps_pump pump;
    uint64_t turns = bench_option(argc, argv, "--turns", 25);
    const uint64_t run_ns = bench_option(argc, argv, "--milliseconds", 200) * 1000000u;
    const uint32_t sessions = (uint32_t)bench_option(argc, argv, "--sessions", 1000);
    turns = turns < TURNS ? turns : TURNS;

    bench_load load = {.clients_len = sessions, .counter = 2, .crypto = ps_crypto_sodium()};
    load.in_flight = (uint32_t)bench_option(argc, argv, "--in-flight", 2048);
    bench_load_open(&load);
    bench_server b = bench_server_make(sessions, &load.local, load.crypto);
    load.clients = b.clients;

    ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    ps_addr server_addr;
    ps_addr echo_addr;
    ps_posix_udp *udp = NULL;
    if (ps_posix_udp_open(&any, 1, NULL, &udp, NULL) != PS_OK) {
        return 1;
    }
    const ps_transport transport = ps_posix_udp_transport(udp);
    (void)transport.endpoints(transport.ctx, &server_addr, 1);
    ps_output out = {.bytes = bytes,
                     .bytes_cap = sizeof bytes,
                     .datagrams = datagrams,
                     .datagrams_cap = 512,
                     .events = events,
                     .events_cap = 512};
    (void)ps_pump_init(&pump, &transport, ps_machine_of_server(b.server), out);
    const int echo = bench_echo_open(&echo_addr);

    bench_pin(0);
    uint64_t ratios[TURNS];
    size_t counted = 0;
    for (uint64_t turn = 0; turn < turns; turn++) {
        load.target = echo_addr;
        bench_load_start(&load);
        const bench_served bare = bench_echo_run(echo, BENCH_HEARTBEAT_OK, run_ns);
        bench_load_stop(&load);
        report("echo", &bare, &load);
        load.target = server_addr;
        bench_load_start(&load);
        const bench_served real = pump_run(&pump, b.server, run_ns);
        bench_load_stop(&load);
        report("real", &real, &load);
        if (busy_permille(&bare) >= BUSY_PERMILLE && busy_permille(&real) >= BUSY_PERMILLE) {
            ratios[counted++] = rate(&real) * 1000 / rate(&bare);
        }
    }
    bench_load_close(&load);
    ps_posix_udp_close(udp);
    close(echo);
    if (counted == 0) {
        printf("request ratio_permille=0 turns=0 (the server was never busy enough)\n");
        return 1;
    }
    qsort(ratios, counted, sizeof ratios[0], ascending);
    printf("request ratio_permille=%" PRIu64 " turns=%zu\n", ratios[counted / 2], counted);
    return 0;
}

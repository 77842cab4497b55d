/* Requests a second of a bare echo over loopback: the yardstick of bench_request.
 *
 *     bench_echo [--seconds=3] [--in-flight=2048] */
#include "echo.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const uint64_t seconds = bench_option(argc, argv, "--seconds", 3);
    const bench_session client = {.id = 1};
    bench_load load = {
        .clients = &client, .clients_len = 1, .crypto = bench_crypto_unsealed(), .counter = 1};
    load.in_flight = (uint32_t)bench_option(argc, argv, "--in-flight", 2048);
    const int fd = bench_echo_open(&load.target);
    bench_load_open(&load);
    bench_pin(0);
    bench_load_start(&load);
    const bench_served s = bench_echo_run(fd, BENCH_HEARTBEAT_OK, seconds * 1000000000u);
    bench_load_stop(&load);
    bench_load_close(&load);
    close(fd);
    printf("echo requests_per_s=%" PRIu64 " busy_percent=%" PRIu64 "\n",
           s.requests * 1000000000u / s.wall_ns, 100 - s.idle_ns * 100 / s.wall_ns);
    return 0;
}

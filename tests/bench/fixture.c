#include "fixture.h"

#include "wire/messages.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void *bench_pages(size_t bytes)
{
    const size_t huge = (size_t)2 << 20;
    uint8_t *raw =
        mmap(NULL, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) {
        give_up("not enough memory");
    }
    uint8_t *aligned = raw + (huge - (uintptr_t)raw % huge) % huge;
#if defined(MADV_HUGEPAGE)
    (void)madvise(aligned, bytes, MADV_HUGEPAGE);
#endif
    return aligned;
}

void bench_pin(unsigned core)
{
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
#else
    (void)core;
#endif
}

uint64_t bench_option(int argc, char **argv, const char *name, uint64_t otherwise)
{
    const size_t len = strlen(name);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=') {
            return strtoull(argv[i] + len + 1, NULL, 10);
        }
    }
    return otherwise;
}

uint64_t bench_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void bench_heartbeat(uint8_t *to, uint64_t id, uint64_t counter)
{
    ps_writer w = {.base = to, .cap = BENCH_HEARTBEAT};
    const ps_heartbeat m = {.generation = 0};
    ps_packet_encode(&w, id, counter);
    (void)ps_heartbeat_encode(&w, (uint32_t)counter, &m);
    if (w.full || w.len != BENCH_HEARTBEAT) {
        give_up("a heartbeat has another size than BENCH_HEARTBEAT");
    }
}

/* One login and the host's verdict; @return the session's id. */
static uint64_t log_in(bench_server *b, uint32_t index, const ps_addr *from, ps_output *out)
{
    uint8_t bytes[256];
    char user[24];
    ps_writer w = {.base = bytes, .cap = sizeof bytes};
    ps_login m = {.client_id = index + 1u, .datagram_max = PS_DATAGRAM_MAX};
    m.method = PS_LOGIN_PASSWORD;
    memcpy(m.device, &index, sizeof index);
    const int user_len = snprintf(user, sizeof user, "user%u", index);
    m.user = (ps_span){(const uint8_t *)user, (size_t)user_len};
    ps_packet_encode(&w, 0, 0);
    (void)ps_login_encode(&w, 1, &m);

    ps_input in = {.now_us = b->now_us, .type = PS_INPUT_DATAGRAM};
    in.u.datagram = (ps_input_datagram){.from = *from, .data = bytes, .len = w.len};
    size_t consumed = 0;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    (void)ps_server_step(b->server, &in, 1, &consumed, out);
    if (out->events_len != 1) {
        give_up("a login was not asked about");
    }
    in.type = PS_INPUT_VERDICT;
    in.u.verdict = (ps_input_verdict){.pending = out->events[0].u.login.pending};
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    (void)ps_server_step(b->server, &in, 1, &consumed, out);
    ps_packet packet;
    ps_drop why;
    ps_message message;
    ps_login_ok ok;
    if (out->datagrams_len != 1 ||
        !ps_packet_decode(out->bytes, out->datagrams[0].len, &packet, &why)) {
        give_up("a login was not answered");
    }
    ps_reader r = ps_reader_of(packet.messages);
    if (!ps_message_decode(&r, &message) || !ps_login_ok_decode(message.body, &ok)) {
        give_up("a login was refused");
    }
    return ok.session_id;
}

bench_server bench_server_make(uint32_t sessions, const ps_addr *from)
{
    static uint8_t bytes[PS_SERVER_STEP_BYTES];
    static ps_datagram datagrams[PS_SERVER_STEP_DATAGRAMS];
    static ps_event events[PS_SERVER_STEP_EVENTS];
    ps_output out = {.bytes = bytes,
                     .bytes_cap = sizeof bytes,
                     .datagrams = datagrams,
                     .datagrams_cap = PS_SERVER_STEP_DATAGRAMS,
                     .events = events,
                     .events_cap = PS_SERVER_STEP_EVENTS};
    bench_server b = {.now_us = 1000000, .sessions = sessions};
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = sessions;
    cfg.dead_ms = 1000000000;
    cfg.pending_ms = 1000000;
    cfg.mem_is_zero = true;
    memset(cfg.seed, 7, sizeof cfg.seed);
    b.bytes = ps_server_size(&cfg);
    b.ids = bench_pages(sessions * sizeof b.ids[0]);
    if (b.bytes == 0 || ps_server_init(bench_pages(b.bytes), b.bytes, &cfg, &b.server) != PS_OK) {
        give_up("the server's configuration is refused");
    }
    for (uint32_t i = 0; i < sessions; i++) {
        b.ids[i] = log_in(&b, i, from, &out);
    }
    return b;
}

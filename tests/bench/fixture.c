#include "fixture.h"

#include "channel/noise.h"
#include "channel/seal.h"
#include "peersync/crypto_sodium.h"
#include "peersync/sim.h"
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

const ps_crypto *bench_crypto_sealed(void)
{
    static ps_crypto mixed;
    mixed = *ps_sim_crypto();
    mixed.seal = ps_crypto_sodium()->seal;
    mixed.open = ps_crypto_sodium()->open;
    return &mixed;
}

static void no_seal(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                    uint8_t *text, size_t len, uint8_t tag[PS_TAG_BYTES])
{
    (void)key, (void)nonce, (void)ad, (void)ad_len, (void)text, (void)len;
    memset(tag, 0, PS_TAG_BYTES);
}

static bool no_open(const uint8_t key[32], uint64_t nonce, const uint8_t *ad, size_t ad_len,
                    uint8_t *text, size_t len, const uint8_t tag[PS_TAG_BYTES])
{
    (void)key, (void)nonce, (void)ad, (void)ad_len, (void)text, (void)len, (void)tag;
    return true;
}

const ps_crypto *bench_crypto_unsealed(void)
{
    static ps_crypto mixed;
    mixed = *ps_sim_crypto();
    mixed.seal = no_seal;
    mixed.open = no_open;
    return &mixed;
}

void bench_heartbeat(const ps_crypto *crypto, uint8_t *to, const bench_session *from,
                     uint64_t counter)
{
    ps_writer w = {.base = to, .cap = BENCH_HEARTBEAT - PS_TAG_BYTES};
    const ps_heartbeat m = {.generation = 0};
    ps_packet_encode(&w, from->id, counter);
    (void)ps_heartbeat_encode(&w, (uint32_t)counter, &m);
    if (w.full || ps_packet_seal(crypto, from->key, to, w.len) != BENCH_HEARTBEAT) {
        give_up("a heartbeat has another size than BENCH_HEARTBEAT");
    }
}

static void step(bench_server *b, ps_input *in, ps_output *out)
{
    size_t consumed = 0;
    in->now_us = b->now_us;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
    (void)ps_server_step(b->server, in, 1, &consumed, out);
}

static ps_input datagram(const ps_addr *from, uint8_t *bytes, size_t len)
{
    return (ps_input){.type = PS_INPUT_DATAGRAM,
                      .u.datagram = {.from = *from, .data = bytes, .len = len}};
}

/* INITIATE and RESPOND: gives the session's id and keys. */
static bench_session shake_hands(bench_server *b, uint32_t index, const ps_addr *from,
                                 ps_output *out)
{
    uint8_t prologue[PS_PROLOGUE_BYTES], ephemeral[PS_KEY_BYTES] = {1}, unused[PS_KEY_BYTES];
    uint8_t bytes[PS_INITIATE_BYTES];
    uint8_t offer[PS_INITIATE_BYTES - PS_INITIATE_MESSAGE - PS_KEY_BYTES];
    ps_writer w = {.base = bytes, .cap = sizeof bytes};
    ps_noise noise;
    ps_span payload;
    bench_session session;
    memcpy(ephemeral + 1, &index, sizeof index);
    ps_prologue_encode(prologue, index + 1u);
    ps_offer_encode(offer);
    ps_noise_begin(b->crypto, &noise, (ps_span){prologue, sizeof prologue});
    ps_noise_write_first(b->crypto, &noise, ephemeral, (ps_span){offer, sizeof offer},
                         ps_initiate_encode(&w, index + 1u, NULL));
    ps_input in = datagram(from, bytes, w.len);
    step(b, &in, out);
    if (out->datagrams_len != 1 || out->bytes[0] != PS_PACKET_RESPOND ||
        !ps_noise_read_second(b->crypto, &noise, out->bytes + PS_RESPOND_MESSAGE,
                              out->datagrams[0].len - PS_RESPOND_MESSAGE, unused, &payload)) {
        give_up("a handshake was not answered");
    }
    session.id = ps_load64(payload.data);
    ps_noise_split(b->crypto, &noise, session.key, unused);
    return session;
}

/* One login and the host's verdict. */
static bench_session log_in(bench_server *b, uint32_t index, const ps_addr *from, ps_output *out)
{
    uint8_t bytes[256];
    char user[24];
    const bench_session session = shake_hands(b, index, from, out);
    ps_writer w = {.base = bytes, .cap = sizeof bytes - PS_TAG_BYTES};
    ps_login m = {
        .stream_port = 7001, .datagram_max = PS_DATAGRAM_MAX, .method = PS_LOGIN_PASSWORD};
    memcpy(m.device, &index, sizeof index);
    const int user_len = snprintf(user, sizeof user, "user%u", index);
    m.user = (ps_span){(const uint8_t *)user, (size_t)user_len};
    ps_packet_encode(&w, session.id, 1);
    (void)ps_login_encode(&w, 1, &m);
    ps_input in = datagram(from, bytes, ps_packet_seal(b->crypto, session.key, bytes, w.len));
    step(b, &in, out);
    if (out->events_len != 1 || out->events[0].type != PS_EVENT_LOGIN_REQUEST) {
        give_up("a login was not asked about");
    }
    in = (ps_input){.type = PS_INPUT_VERDICT,
                    .u.verdict = {.pending = out->events[0].u.login.pending}};
    step(b, &in, out);
    if (out->events_len != 1 || out->events[0].type != PS_EVENT_SESSION_OPENED) {
        give_up("a login was refused");
    }
    return session;
}

/* Lets what is kept of handshakes be forgotten. */
static void rest(bench_server *b, ps_output *out)
{
    ps_server_stats stats;
    b->now_us += 20000000;
    do {
        ps_input in = {.type = PS_INPUT_TICK};
        step(b, &in, out);
        ps_server_stats_get(b->server, &stats);
    } while (stats.handshakes_open > 0);
}

bench_server bench_server_make(uint32_t sessions, const ps_addr *from, const ps_crypto *crypto)
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
    bench_server b = {.now_us = 1000000, .sessions = sessions, .crypto = crypto};
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = sessions;
    cfg.dead_ms = 1000000000;
    cfg.pending_ms = 1000000;
    cfg.max_handshakes = 2048;
    cfg.handshakes_per_s = cfg.open_per_s = cfg.network_per_s = 1000000;
    cfg.mem_is_zero = true;
    cfg.crypto = crypto;
    memset(cfg.static_secret, 8, sizeof cfg.static_secret);
    memset(cfg.seed, 7, sizeof cfg.seed);
    b.bytes = ps_server_size(&cfg);
    b.clients = bench_pages(sessions * sizeof b.clients[0]);
    if (b.bytes == 0 || ps_server_init(bench_pages(b.bytes), b.bytes, &cfg, &b.server) != PS_OK) {
        give_up("the server's configuration is refused");
    }
    for (uint32_t i = 0; i < sessions; i++) {
        b.clients[i] = log_in(&b, i, from, &out);
        if (i % 512 == 511) {
            rest(&b, &out);
        }
    }
    rest(&b, &out);
    return b;
}

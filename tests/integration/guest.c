#include "guest.h"

#include "peersync/crypto_sodium.h"
#include "peersync/posix.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MS = 20, LOGIN_S = 30 };

static struct {
    ps_posix_udp *udp;
    ps_transport transport;
    ps_peer *peer;
    ps_pump pump;
    uint8_t bytes[4 * PS_PEER_STEP_BYTES];
    ps_datagram datagrams[4 * PS_PEER_STEP_DATAGRAMS];
    ps_event events[4 * PS_PEER_STEP_EVENTS];
    guest_event on_event;
    void *data;
    bool online;
    uint64_t tag;   /* Of the command under way; 0: it has ended, */
    uint32_t error; /* so. */
    ps_file_keys keys;
} guest;

void guest_die(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    exit(1);
}

static void submit(ps_input *in);

static void read_events(void)
{
    uint8_t key[PS_KEY_BYTES];
    bool asked = false;
    for (size_t i = 0; i < guest.pump.out.events_len; i++) {
        const ps_event *e = &guest.pump.out.events[i];
        if (e->type == PS_EVENT_SERVER_KEY) {
            asked = true;
            memcpy(key, e->u.server_key, sizeof key);
        } else if (e->type == PS_EVENT_LOGGED_IN) {
            guest.online = true;
        } else if (e->type == PS_EVENT_LOGGED_OUT) {
            guest.online = false;
        } else if (e->type == PS_EVENT_REFUSED) {
            guest_die(ps_error_text(e->u.account.error));
        } else if (e->type == PS_EVENT_FILE_KEYS) {
            guest.keys = e->u.file_keys;
        } else if (e->type == PS_EVENT_DONE && e->u.done.tag == guest.tag) {
            guest.tag = 0;
            guest.error = e->u.done.error;
        }
        if (guest.on_event != NULL) {
            guest.on_event(guest.data, e);
        }
    }
    ps_pump_clear_events(&guest.pump);
    if (asked) {
        ps_input in = {.type = PS_INPUT_TRUST};
        memcpy(in.u.trust, key, sizeof key);
        submit(&in);
    }
}

static void submit(ps_input *in)
{
    if (ps_pump_submit(&guest.pump, in) != PS_OK) {
        guest_die("the machine takes no input");
    }
    read_events();
}

void guest_turn(void)
{
    ps_status status = PS_MORE;
    while (status == PS_MORE) {
        status = ps_pump_run_once(&guest.pump);
        read_events();
    }
    if (status == PS_FAILED || status == PS_INVALID) {
        guest_die("the transport failed");
    }
}

int guest_fd(void)
{
    return ps_posix_udp_fd(guest.udp, 0);
}

static void wait_turn(void)
{
    struct pollfd fd = {.fd = guest_fd(), .events = POLLIN};
    (void)poll(&fd, 1, TURN_MS);
    guest_turn();
}

static void make_machine(void)
{
    ps_peer_config cfg;
    ps_posix_error why;
    const ps_addr any = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4};
    if (ps_posix_udp_open(&any, 1, NULL, &guest.udp, &why) != PS_OK) {
        guest_die(why.text);
    }
    ps_peer_config_default(&cfg);
    cfg.max_publications = 16;
    cfg.crypto = ps_crypto_sodium();
    if (ps_posix_entropy(cfg.seed, sizeof cfg.seed) != PS_OK) {
        guest_die("no random bytes");
    }
    const size_t size = (ps_peer_size(&cfg) + 63) / 64 * 64;
    void *slab = aligned_alloc(64, size);
    if (slab == NULL || ps_peer_init(slab, size, &cfg, &guest.peer) != PS_OK) {
        guest_die("no machine");
    }
    const ps_output out = {.bytes = guest.bytes,
                           .bytes_cap = sizeof guest.bytes,
                           .datagrams = guest.datagrams,
                           .datagrams_cap = sizeof guest.datagrams / sizeof *guest.datagrams,
                           .events = guest.events,
                           .events_cap = sizeof guest.events / sizeof *guest.events};
    guest.transport = ps_posix_udp_transport(guest.udp);
    if (ps_pump_init(&guest.pump, &guest.transport, ps_machine_of_peer(guest.peer), out) != PS_OK) {
        guest_die("no pump");
    }
}

void guest_login(const char *port, const char *user, uint16_t stream_port, guest_event on_event,
                 void *data)
{
    const char *password = getenv("PEERSYNC_PASSWORD");
    if (password == NULL) {
        guest_die("PEERSYNC_PASSWORD is not set");
    }
    guest.on_event = on_event;
    guest.data = data;
    make_machine();
    ps_input in = {.type = PS_INPUT_LOGIN,
                   .u.login = {.server = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4},
                               .stream_port = stream_port,
                               .user = {(const uint8_t *)user, strlen(user)},
                               .password = {(const uint8_t *)password, strlen(password)}}};
    in.u.login.server.port = (uint16_t)atoi(port);
    if (ps_posix_entropy(in.u.login.device, sizeof in.u.login.device) != PS_OK) {
        guest_die("no random bytes");
    }
    submit(&in);
    const uint64_t end_us = ps_posix_now_us() + LOGIN_S * UINT64_C(1000000);
    while (!guest.online) {
        wait_turn();
        if (ps_posix_now_us() > end_us) {
            guest_die("the server does not answer");
        }
    }
}

uint32_t guest_command(ps_input_type type, const char *text, const ps_content *content)
{
    ps_input in = {.type = type,
                   .u.command = {.tag = 1, .text = {(const uint8_t *)text, strlen(text)}}};
    if (content != NULL) {
        in.u.command.content = *content;
    }
    guest.tag = in.u.command.tag;
    submit(&in);
    while (guest.tag != 0) {
        wait_turn();
    }
    return guest.error;
}

void guest_logout(void)
{
    ps_input in = {.type = PS_INPUT_LOGOUT};
    submit(&in);
    while (guest.online) {
        wait_turn();
    }
}

const ps_file_keys *guest_keys(void)
{
    return &guest.keys;
}

uint64_t guest_wall_s(void)
{
    ps_peer_stats stats;
    ps_peer_stats_get(guest.peer, &stats);
    return stats.wall_s;
}

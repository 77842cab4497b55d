/* The server at work, as its parts see it. */
#ifndef PS_PEERSYNCD_DAEMON_H
#define PS_PEERSYNCD_DAEMON_H

#include "common/journal_file.h"
#include "peersync/posix.h"
#include "peersync/pump.h"
#include "peersyncd/config.h"
#include "peersyncd/credentials.h"

#include <uv.h>

/* Room for what a round puts out. */
#define PS_DAEMON_DATAGRAMS 512u
#define PS_DAEMON_BYTES     (256u * 1024u)
#define PS_DAEMON_EVENTS    1024u

_Static_assert(PS_DAEMON_BYTES >= PS_SERVER_STEP_BYTES, "a step fits");
_Static_assert(PS_DAEMON_EVENTS >= PS_SERVER_STEP_EVENTS, "a step fits");
_Static_assert(PS_DAEMON_DATAGRAMS >= PS_SERVER_STEP_DATAGRAMS, "a step fits");

typedef struct ps_daemon {
    const ps_daemon_config *config;
    ps_credentials credentials;
    ps_posix_udp *udp;
    ps_transport transport;
    ps_server *server;
    void *slab;
    size_t slab_len;
    ps_journal_file *journal; /* NULL: none is kept. */
    ps_pump pump;
    uint8_t bytes[PS_DAEMON_BYTES];
    ps_datagram datagrams[PS_DAEMON_DATAGRAMS];
    ps_event events[PS_DAEMON_EVENTS];

    /* Verdicts that wait for room: no more than the machine keeps pending logins. */
    ps_input_verdict *verdicts;
    size_t verdicts_cap, verdicts_len;

    uv_loop_t loop;
    uv_poll_t polls[PS_OPTION_REPEATS_MAX];
    size_t polls_len;
    int interest; /* What the polls wait for: uv_poll_event bits; 0: stopped. */
    uv_timer_t due;
    uv_timer_t second;
    uv_signal_t signals[3];

    ps_rate failures; /* Of the transport. */
    ps_rate refusals;
    uint64_t dropped; /* Datagrams, as last logged. */
} ps_daemon;

/* sessions.c: reads the pump's events, verifies passwords, logs who comes and goes, clears them. */
void ps_daemon_read_events(ps_daemon *d);
/* Hands waiting verdicts to the machine. @return false: there is no room now, run a round. */
bool ps_daemon_give_verdicts(ps_daemon *d);

/* report.c: what has been dropped since the last time, at level debug. */
void ps_daemon_report_drops(ps_daemon *d);
void ps_daemon_report_failure(ps_daemon *d);
/* The journal has stopped; NULL: it has not. */
void ps_daemon_report_journal(const char *cause);
/* Says where it listens; warns of what the operator should know. */
void ps_daemon_report_ready(const ps_daemon *d);
void ps_daemon_report_end(const ps_daemon *d, const char *cause);

#endif

/* The server at work, as its parts see it. */
#ifndef PS_PEERSYNCD_DAEMON_H
#define PS_PEERSYNCD_DAEMON_H

#include "common/journal_file.h"
#include "peersync/posix.h"
#include "peersync/pump.h"
#include "peersyncd/config.h"
#include "peersyncd/credentials.h"
#include "peersyncd/identity.h"
#include "peersyncd/store.h"
#include "peersyncd/throttle.h"
#include "peersyncd/verifier.h"

#include <pthread.h>
#include <uv.h>

/* Room for what a round puts out. */
#define PS_DAEMON_DATAGRAMS 512u
#define PS_DAEMON_BYTES     (256u * 1024u)
#define PS_DAEMON_EVENTS    1024u
/* Room for promises that wait for the disk. */
#define PS_DAEMON_HELD       8192u
#define PS_DAEMON_HELD_BYTES (1024u * 1024u)

_Static_assert(PS_DAEMON_BYTES >= PS_SERVER_STEP_BYTES, "a step fits");
_Static_assert(PS_DAEMON_EVENTS >= PS_SERVER_STEP_EVENTS, "a step fits");
_Static_assert(PS_DAEMON_DATAGRAMS >= PS_SERVER_STEP_DATAGRAMS, "a step fits");

typedef struct ps_daemon {
    const ps_daemon_config *config;
    ps_identity identity;
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

    ps_verifier *verifier;
    uv_async_t verified; /* A verification is done. */
    ps_throttle *throttle;
    ps_input_verdict *verdicts; /* Those that wait for room in the output. */
    size_t verdicts_cap, verdicts_len;
    ps_label *expelled; /* Users without an account whom the machine was not told of yet. */
    size_t expelled_cap, expelled_len;

    /* What must last, where there is a state directory. */
    bool records;
    bool ending;
    bool out_of_memory;
    ps_store_posix log;
    ps_store store;
    pthread_t store_thread; /* Writes and syncs. libuv's own threads abort the program where the
                               system has none to give. */
    bool store_started;     /* There is that thread. */
    pthread_mutex_t store_lock;
    pthread_cond_t store_turn; /* These two have changed: */
    bool store_due, store_quit;
    bool store_written; /* It has written since the loop looked. */
    uv_async_t written;
    uint32_t store_told_ms;    /* The machine's last PS_INPUT_STORE. */
    uint64_t promises_dropped; /* As last logged. */
    ps_datagram held[PS_DAEMON_HELD];
    uint8_t held_bytes[PS_DAEMON_HELD_BYTES];

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

/* loop.c: receives, steps and sends, several batches at most. */
void ps_daemon_work(ps_daemon *d);

/* records.c: loads the store and gives it to the machine. @return a ps_exit; it has said why. */
int ps_daemon_records_open(ps_daemon *d, const ps_state_dir *state);
/* Starts what writes it, beside the loop. @return 0 or a ps_exit; it has said why. */
int ps_daemon_records_start(ps_daemon *d);
/* Ends that, when what is under way is written; the loop's handles are open still. */
void ps_daemon_records_stop(ps_daemon *d);
/* Takes a record over. */
void ps_daemon_record(ps_daemon *d, const ps_event_record *record);
/* Tells the machine whether the store takes changes. @return false: there is no room now, run a
 * round. */
bool ps_daemon_tell_store(ps_daemon *d);
/* Has written what waits, unless a work is under way, or failed less than a second ago. */
void ps_daemon_records_write(ps_daemon *d);
/* Once a second: tries again. */
void ps_daemon_records_retry(ps_daemon *d);
/* Writes what waits still, after the loop. @return a ps_exit. */
int ps_daemon_records_end(ps_daemon *d);
void ps_daemon_records_close(ps_daemon *d);

/* sessions.c: reads the pump's events, has logins verified, logs who comes and goes, clears them.
 */
void ps_daemon_read_events(ps_daemon *d);

/* logins.c: starts the threads. @return false: there is not enough memory, or no thread. */
bool ps_daemon_logins_open(ps_daemon *d);
/* Somebody wants in: answered at once, or verified first. */
void ps_daemon_login(ps_daemon *d, const ps_event_login *login);
/* Takes back what has been verified. */
void ps_daemon_logins_settle(ps_daemon *d);
/* Reads the credentials again, on SIGHUP. The old ones stay when the new file has a fault. */
void ps_daemon_reload(ps_daemon *d);
/* Logs out, some in a round, who has no account any more. @return false: more are left. */
bool ps_daemon_expel(ps_daemon *d);
/* Ends the threads, before the loop's handles. */
void ps_daemon_logins_end(ps_daemon *d);
/* Frees and wipes: accounts and keys too. */
void ps_daemon_logins_close(ps_daemon *d);
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

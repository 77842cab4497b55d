/**
 * @file pump.h
 * Carries one machine over one transport: receive a batch, step, send a batch. Knows only the
 * contract, so any loop can drive it; never blocks.
 */
#ifndef PEERSYNC_PUMP_H
#define PEERSYNC_PUMP_H

#include "peersync/peer.h"
#include "peersync/server.h"
#include "peersync/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Datagrams received and stepped at a time. */
#define PS_PUMP_BATCH 64u
/** Full batches in a row, and rounds with events, that may put a tick off: what the socket holds is
 *  heard before anybody is found silent, yet a flood cannot keep time from passing. */
#define PS_PUMP_FULL 16u

/** A machine seen through its one face. */
typedef struct ps_machine {
    void *self;
    ps_status (*step)(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out);
    uint64_t (*deadline_us)(const void *self);
} ps_machine;

/** The faces of the two machines; the result borrows its argument. */
ps_machine ps_machine_of_server(ps_server *server);
ps_machine ps_machine_of_peer(ps_peer *peer);

/** Promises that wait for their commit (see ps_pump_hold). Private. */
typedef struct ps_pump_held {
    uint8_t *bytes; /**< A ring; the datagrams' offsets point into it. */
    size_t bytes_cap;
    ps_datagram *datagrams; /**< A ring of `cap`, `len` of them in use from `head` on. */
    size_t cap;
    size_t head;
    size_t len;
} ps_pump_held;

/** A clock that shows so much less than the machine was told has been set back: it is told at once,
 *  or it would wait for its old time to come again. */
#define PS_PUMP_SET_BACK_US 1000000u

/** State of one pump. Fields are private but for `out.events`, `batch` and `promises_dropped`. */
typedef struct ps_pump {
    const ps_transport *transport;
    ps_machine machine;
    ps_output out;      /**< Events wait here: `out.events[0 .. out.events_len)`. */
    uint64_t committed; /**< Datagrams with a higher commit_seq wait. */
    ps_pump_held held;
    uint64_t promises_dropped; /**< Promises that found no room in the hold. */
    bool more;                 /**< The machine has more due now. */
    bool blocked;              /**< The last round ended with PS_AGAIN. */
    unsigned batch;   /**< Datagrams asked for at a time, 1 to PS_PUMP_BATCH, which init sets.
                           Fewer than that mean that the transport has no more. */
    unsigned full;    /**< Datagrams received in full batches since the last tick. */
    unsigned put_off; /**< Rounds whose events have put a due tick off. */
    ps_input in[PS_PUMP_BATCH];
    size_t in_len; /**< Received but not yet consumed inputs: in[in_at .. in_len). */
    size_t in_at;
    uint64_t told_us; /**< The clock that the machine was told last. */
} ps_pump;

/**
 * Ties a machine to a transport with the caller's output memory. All must outlive the pump. The
 * output must have room for one step at least (PS_*_STEP_*); 64 KiB and more batch well. Datagrams
 * that wait for a commit keep their room, unless there is a hold for them (ps_pump_hold()).
 * @return PS_OK; PS_INVALID a pointer is null or a capacity zero.
 */
ps_status ps_pump_init(ps_pump *p, const ps_transport *transport, ps_machine machine,
                       ps_output out);

/**
 * Gives promises (datagrams whose commit_seq is not committed yet) a place of their own to wait in:
 * they leave the output at once, so that however long a commit takes, all else goes on. They go out
 * in order after ps_pump_commit(). One that finds no room is dropped and counted
 * (`promises_dropped`): to its receiver that is a datagram lost on the way, and it asks again.
 * Call it after ps_pump_init(); the memory must outlive the pump.
 * @param bytes room for the datagrams' bytes, `bytes_cap` (at most 4 GiB) of them.
 * @param datagrams room for `datagrams_cap` datagrams.
 * @return PS_OK; PS_INVALID a pointer is null, a capacity zero or too large, or promises wait in
 *         an earlier hold.
 */
ps_status ps_pump_hold(ps_pump *p, uint8_t *bytes, size_t bytes_cap, ps_datagram *datagrams,
                       size_t datagrams_cap);

/**
 * One round: sends what waits, receives one batch, steps it, ticks when due, sends. The host then
 * reads the events and calls ps_pump_clear_events() before the next round; the spans in them live
 * until then or the next submit. A round that has events steps no further.
 * @return PS_OK: a round was done and nothing is left to do now: wait for the transport to become
 *         readable, or for ps_pump_deadline_us(). PS_MORE: call again soon (more input, more work).
 *         PS_AGAIN: the transport takes no more, or (without a hold) the output is full of what
 *         waits for a commit: wait until it is writable. PS_FAILED: the transport failed.
 * PS_INVALID: events were not cleared.
 */
ps_status ps_pump_run_once(ps_pump *p);

/**
 * Steps one input of the host (a command, a verdict, entropy) now and sends what it caused. Its
 * `now_us` is filled in. Events append; read them as after a round.
 * @return PS_OK; PS_AGAIN no room: clear the events, run a round, submit again; PS_INVALID;
 *         PS_FAILED the transport failed (the input was taken).
 */
ps_status ps_pump_submit(ps_pump *p, ps_input *in);

/** Forgets the events, which the host has read. */
void ps_pump_clear_events(ps_pump *p);

/** What was promised up to `seq` is durable: it goes with the next round or submit. UINT64_MAX (the
 *  start): nothing needs to wait. */
void ps_pump_commit(ps_pump *p, uint64_t seq);

/** When to run a round at the latest. 0: now. PS_TIME_NEVER: nothing is due, or the last round
 * ended with PS_AGAIN and nothing has been committed since. */
uint64_t ps_pump_deadline_us(const ps_pump *p);

#ifdef __cplusplus
}
#endif

#endif

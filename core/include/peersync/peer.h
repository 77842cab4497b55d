/**
 * @file peer.h
 * The peer's machine: one login at one server, its heartbeats, requests and publications.
 */
#ifndef PEERSYNC_PEER_H
#define PEERSYNC_PEER_H

#include "peersync/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The machine: lives in one slab of the caller, holds no pointer but that to its cryptography, is
 *  snapshot by memcpy. */
typedef struct ps_peer ps_peer;

/** @name Room that one input may need in the output: with less, a step answers PS_AGAIN.
 *  @{ */
#define PS_PEER_STEP_DATAGRAMS 4u
#define PS_PEER_STEP_BYTES     (PS_PEER_STEP_DATAGRAMS * PS_DATAGRAM_MAX)
#define PS_PEER_STEP_EVENTS    144u /* A page's 64 entries, 64 changes acknowledged, and ends. */
/** @} */

/** Where the machine stands. */
typedef enum ps_peer_state {
    PS_PEER_IDLE = 0, /**< Not logged in and not trying. */
    PS_PEER_LOGIN,    /**< A first login is under way. */
    PS_PEER_ONLINE,   /**< Logged in, heartbeats acknowledged. */
    PS_PEER_LOST,     /**< The server fell silent: logging in again until LOGOUT. */
    PS_PEER_LEAVING   /**< A logout is under way. */
} ps_peer_state;

/** Capacities and times. Start from ps_peer_config_default(). */
typedef struct ps_peer_config {
    size_t size;               /**< sizeof(ps_peer_config): the ABI's version. */
    uint32_t max_requests;     /**< Lists, searches and locates under way at a time: 1 to 1024. */
    uint32_t max_publications; /**< Names published by this peer: 1 to 2^24. */
    uint64_t name_bytes;       /**< Room for names beyond the first 28 bytes of each. */
    uint32_t request_ms;       /**< A list ends with PS_E_TIMEOUT when no page has come for so
                                    long, a first login without an answer: 10000. */
    uint16_t datagram_max;     /**< PS_DATAGRAM_MIN to PS_DATAGRAM_MAX, agreed on at login. */
    bool mem_is_zero;          /**< The slab is fresh zero pages: init need not touch it. */
    uint32_t rekey_ms;         /**< A session gets fresh keys at this age: 3600000; */
    uint64_t rekey_packets;    /**< or after so many datagrams in one direction: 2^32. */
    const ps_crypto *crypto;   /**< Must outlive the machine. */
    uint8_t seed[32];          /**< Random and secret; keys the tables, ids, generators. */
} ps_peer_config;

/** Counters since init, and what is in use. */
typedef struct ps_peer_stats {
    uint64_t drops[PS_DROP_COUNT];
    uint64_t datagrams_in;
    uint64_t datagrams_out;
    uint64_t retransmissions; /**< Requests and logins sent again. */
    uint64_t heartbeats;      /**< First sendings. */
    uint64_t heartbeats_resent;
    uint64_t losses;          /**< Times the server was lost. */
    uint64_t resets;          /**< Times it said that it knows no such session, and was believed. */
    uint64_t repairs;         /**< Times the server's log of this device was compared by buckets. */
    uint64_t buckets_resent;  /**< Buckets that differed and were sent again. */
    uint64_t names_withdrawn; /**< Names that the server held and this peer does not publish. */
    uint64_t handshakes;      /**< Begun. */
    uint64_t rekeys;          /**< Times that a session got fresh keys. */
    uint64_t late_steps;      /**< Steps that came so late that the server's deadline moved. */
    uint64_t timeouts;        /**< Commands that ended with PS_E_TIMEOUT. */
    uint64_t clock_clamped;
    uint32_t requests;       /**< Under way. */
    uint32_t publications;   /**< Held, acknowledged or not. */
    uint32_t unacknowledged; /**< Mutations that the server has not acknowledged yet. */
    uint32_t rtt_us;         /**< Smoothed round trip (RFC 6298); 0: no sample yet. */
    uint64_t wall_s;         /**< The server's clock now, in seconds since 1970; 0: not known. */
    ps_peer_state state;
} ps_peer_stats;

/** Defaults for a desktop: 64 requests, 131,072 publications. Crypto and seed stay zero:
 *  fill them in. */
void ps_peer_config_default(ps_peer_config *cfg);

/** Exact bytes that ps_peer_init() needs; 0 when the configuration is impossible. */
size_t ps_peer_size(const ps_peer_config *cfg);

/** Makes a peer in the caller's memory (64-byte aligned). Errors as ps_server_init(). */
ps_status ps_peer_init(void *mem, size_t len, const ps_peer_config *cfg, ps_peer **out);

/**
 * Consumes inputs in order and appends to the output; results as ps_server_step().
 *
 * Commands: each ends with exactly one PS_EVENT_DONE of its tag, at once when it cannot start
 * (PS_E_NOT_LOGGED_IN, PS_E_BUSY when the request table is full, PS_E_BAD_NAME, PS_E_FULL). PUBLISH
 * and UNPUBLISH may be given in any state: what is published before the login is sent after it, and
 * what the server lost is sent again; their DONE comes with the server's acknowledgement, however
 * late. UNPUBLISH goes to the server even when this machine does not hold the name: an earlier run
 * of the device may have published it. LIST_PEERS, LIST_FILES, SEARCH and LOCATE fetch all pages,
 * emitting an event a line; while the server is lost they wait for its return. LOCATE ends with
 * PS_E_NOT_FOUND without a source, PS_E_NO_ACTIVE_PEER when none can serve (`active` in its events:
 * online, serving, and not this user).
 *
 * LOGIN (only when idle, else PS_INVALID) ends in PS_EVENT_LOGGED_IN or PS_EVENT_REFUSED. Without a
 * known key it may ask by PS_EVENT_SERVER_KEY first: TRUST with that key goes on (with another, or
 * when nothing was asked: PS_INVALID), and the time for the login stands still meanwhile. LOGOUT
 * ends every command that waits with PS_E_CANCELLED, then emits PS_EVENT_LOGGED_OUT; what was
 * published stays held, and is sent after the next login.
 *
 * PS_EVENT_PUT_OFF tells that something takes longer, and asks for nothing: while the server is
 * lost or has forgotten the session, that it refuses the return for now (once a reason); while
 * online, that it takes no changes for now (PS_E_BUSY; once, until it has taken some or another
 * session has begun). PS_E_SERVER_KEY: somebody with another key answers in the server's place, to
 * a return or to a handshake for fresh keys. What waits goes on to wait.
 */
ps_status ps_peer_step(ps_peer *p, ps_input in[], size_t n, size_t *consumed, ps_output *out);

/** When the next tick is due; PS_TIME_NEVER: nothing to wait for. */
uint64_t ps_peer_deadline_us(const ps_peer *p);

/** For tools that explain: as ps_server_unseal(). */
size_t ps_peer_unseal(const ps_peer *p, uint8_t *packet, size_t len);

/** Copies the counters. */
void ps_peer_stats_get(const ps_peer *p, ps_peer_stats *stats);

/** Walks every invariant; 0, or the line of peer/check.c that broke. For tests. */
int ps_peer_check(const ps_peer *p);

#ifdef __cplusplus
}
#endif

#endif

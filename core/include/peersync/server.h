/**
 * @file server.h
 * The server's machine: accounts that are online, and who publishes what.
 */
#ifndef PEERSYNC_SERVER_H
#define PEERSYNC_SERVER_H

#include "peersync/crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The machine: lives in one slab of the caller, holds no pointers, is snapshot by memcpy. */
typedef struct ps_server ps_server;

/** @name Room that one input may need in the output: with less, a step answers PS_AGAIN.
 *  @{ */
#define PS_SERVER_STEP_DATAGRAMS 9u
#define PS_SERVER_STEP_BYTES     (PS_SERVER_STEP_DATAGRAMS * PS_DATAGRAM_MAX)
#define PS_SERVER_STEP_EVENTS    128u
/** @} */

/** Capacities and times. Start from ps_server_config_default(). */
typedef struct ps_server_config {
    size_t size;                    /**< sizeof(ps_server_config): the ABI's version. */
    uint32_t max_sessions;          /**< Users online at a time: 1 to 2^24. */
    uint32_t max_users;             /**< Users with a session or a publication. */
    uint32_t max_devices;           /**< Installations with a session or a publication. */
    uint32_t max_publications;      /**< In all. */
    uint32_t max_user_publications; /**< The quota of one user. */
    uint32_t max_handshakes;        /**< Handshakes and logins under way, and keys that were just
                                         replaced, at a time: 1 to 2^20. The oldest one whose client
                                         has not answered yet makes room for a new one. */
    uint32_t max_pending_logins;    /**< Of those, logins under verification; for
                                         tickets alone a quarter as many more. */
    uint32_t max_networks;          /**< Source networks whose handshakes are counted at a time. */
    uint64_t name_bytes;            /**< Room for publications' names beyond the first 28 bytes of
                                         each, which their records hold. */
    uint32_t heartbeat_ms;          /**< Told to peers at login: 2000. */
    uint32_t dead_ms;               /**< Silence after which a peer is gone: 3000. */
    uint32_t resend_ms;             /**< An unanswered heartbeat's resend interval: 80. */
    uint32_t pending_ms;            /**< A login without a verdict is forgotten after: 15000. */
    uint32_t takeover_ms;           /**< Silence after which a user's active device is replaced by
                                         another one that logs in: 1000. */
    uint32_t search_names;          /**< Names that one SEARCH or list request examines: 512. */
    uint32_t resets_per_s;          /**< RESET packets a second, in all: 20000. */
    uint32_t handshake_ms;     /**< A handshake whose client does not answer is forgotten after:
                                    5000. */
    uint32_t handshakes_per_s; /**< Handshakes a second, in all; the burst is a tenth: 6000. */
    uint32_t open_per_s;       /**< Of those, without a cookie, that is, without proof that the
                                    client receives what is sent to its address: 200. */
    uint32_t retries_per_s;    /**< Cookies sent a second, in all: 200000. */
    uint32_t network_per_s;    /**< Handshakes a second from one network (IPv4 /32, IPv6 /64)
                                    that showed a cookie; the burst is ten times that: 50. */
    uint32_t ticket_s;         /**< Life of a resumption ticket, in seconds: 86400. */
    uint32_t file_ticket_s;    /**< Life of a file ticket, in seconds: 3600; at most
                                    PS_FILE_EPOCH_S. */
    bool records;              /**< Emit PS_EVENT_RECORD and set commit_seq: the host stores. */
    bool mem_is_zero;          /**< The slab is fresh zero pages: init need not touch it. */
    const ps_crypto *crypto;   /**< Must outlive the machine. */
    uint8_t seed[32];          /**< Random and secret, new for each life; keys the tables,
                                    ids and generators. */
    uint8_t static_secret[PS_KEY_BYTES]; /**< The server's lasting X25519 secret. */
    uint8_t realm_secret[32];            /**< Lasting too: seals tickets and cookies and
                                              makes the keys of file tickets; the same on all
                                              servers of a realm. */
} ps_server_config;

/** Counters since init, and what is in use. */
typedef struct ps_server_stats {
    uint64_t drops[PS_DROP_COUNT];
    uint64_t datagrams_in;
    uint64_t datagrams_out;
    uint64_t messages_in;
    uint64_t logins;
    uint64_t logins_refused;
    uint64_t logouts;
    uint64_t evictions;             /**< Sessions that ended by silence. */
    uint64_t takeovers;             /**< Sessions replaced by the same device. */
    uint64_t taken;                 /**< Sessions replaced by another device. */
    uint64_t probes;                /**< CHALLENGEs sent before that. */
    uint64_t resets;                /**< RESETs sent. */
    uint64_t logs_differ;           /**< Heartbeats whose digest was another at equal generation. */
    uint64_t changes_busy;          /**< Messages of changes refused for the store's sake. */
    uint64_t clock_clamped;         /**< Inputs whose clock ran back. */
    uint64_t late_steps;            /**< Steps that came so late that deadlines were moved. */
    uint64_t late_us;               /**< By how much those of sessions were, in all. */
    uint64_t restored;              /**< Records taken from the host's store. */
    uint64_t restores_refused;      /**< And those left out. */
    uint64_t verdicts_stale;        /**< Verdicts for a login that is gone. */
    uint64_t handshakes;            /**< Answered with RESPOND, each once. */
    uint64_t handshakes_pushed_out; /**< Unanswered ones that made room for others. */
    uint64_t retries;               /**< RETRYs sent: a cookie is asked for first. */
    uint64_t moves;                 /**< Sessions whose address changed. */
    uint64_t resumptions;           /**< Logins by ticket. */
    uint64_t expulsions;            /**< Sessions ended by PS_INPUT_EXPEL. */
    uint32_t sessions;
    uint32_t users;
    uint32_t devices;
    uint32_t publications;
    uint32_t pending_logins;
    uint32_t handshakes_open; /**< Records of the pool of handshakes in use. */
    uint64_t name_blocks_used;
} ps_server_stats;

/** One line of the memory's sum: a table, its records and bytes. */
typedef struct ps_memory_line {
    const char *what; /**< Static storage. */
    uint64_t count;
    uint64_t bytes; /**< In all, padding included. */
} ps_memory_line;

/** Defaults for 4096 sessions and 65,536 publications. Crypto, seed and secrets stay zero: fill
 * them in. */
void ps_server_config_default(ps_server_config *cfg);

/**
 * Exact bytes that ps_server_init() needs.
 * @return 0 when the configuration is impossible (a zero or too large capacity, wrong size).
 */
size_t ps_server_size(const ps_server_config *cfg);

/**
 * The sum behind ps_server_size(), line by line, for people.
 * @param lines room for `cap` lines; @return the number of lines there are (at most 16).
 */
size_t ps_server_memory(const ps_server_config *cfg, ps_memory_line *lines, size_t cap);

/**
 * Makes a server in the caller's memory, which it owns until the caller reuses it.
 * @param mem aligned to 64 bytes, `len` bytes; untouched on error.
 * @return PS_OK, or PS_INVALID (null, misaligned or too little memory, impossible configuration).
 */
ps_status ps_server_init(void *mem, size_t len, const ps_server_config *cfg, ps_server **out);

/**
 * Consumes inputs in order and appends to the output. `n` inputs in one call and in `n` calls give
 * the same bytes. Work a step is bounded by counts; the caller steps a tick at
 * ps_server_deadline_us() or later, after the datagrams that have arrived.
 * @param consumed how many inputs were taken; the caller goes on with the next one.
 * @return PS_OK all consumed; PS_AGAIN drain the output and go on; PS_MORE all consumed and more is
 *         due: step a tick; PS_INVALID a caller's bug at input `*consumed`.
 */
ps_status ps_server_step(ps_server *s, ps_input in[], size_t n, size_t *consumed, ps_output *out);

/** When the next tick is due, in the clock of the inputs; PS_TIME_NEVER: nothing to wait for. */
uint64_t ps_server_deadline_us(const ps_server *s);

/** The server's public key, which clients know it by. */
void ps_server_public_key(const ps_server *s, uint8_t key[PS_KEY_BYTES]);

/**
 * For tools that explain: opens a copy of a datagram that this server has put out, while its
 * session or handshake lasts. Looks at every record: slow.
 * @param packet its bytes; the messages are opened in place, behind the header.
 * @return the messages' length, or 0 when it is no sealed datagram of a session that is there.
 */
size_t ps_server_unseal(const ps_server *s, uint8_t *packet, size_t len);

/**
 * For tools that copy a history without its secrets: turns a datagram that `from` is about to take
 * into what the same client would have sent to `to`, a machine of the same configuration but for
 * its lasting secrets that has been stepped with translated inputs so far. Passwords become '*',
 * tickets and cookies are those of the other realm (the names of passwords in them, zeros), and
 * what `from` cannot open becomes zeros, all in place and of the same length.
 */
void ps_server_translate(const ps_server *from, const ps_server *to, ps_input_datagram *in);

/** Copies the counters. */
void ps_server_stats_get(const ps_server *s, ps_server_stats *stats);

/**
 * Walks every invariant of the tables. For tests: slow.
 * @return 0, or a number that names the broken invariant (the line of server/check.c).
 */
int ps_server_check(const ps_server *s);

#ifdef __cplusplus
}
#endif

#endif

/**
 * @file base.h
 * What every machine of the core shares: results, errors, addresses, inputs and outputs.
 *
 * A machine (server, peer) has one face: `step(machine, inputs, output)`. Time, randomness and
 * commands come in as inputs; datagrams and events go out into memory of the caller; nothing is
 * ever called back and nothing is allocated. The journal of a machine's inputs is its history.
 */
#ifndef PEERSYNC_BASE_H
#define PEERSYNC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Largest datagram that is ever sent or accepted, in bytes: fits IPv6's minimum MTU of 1280. */
#define PS_DATAGRAM_MAX 1200u
/** Smallest datagram limit that a port may agree on at login, in bytes. */
#define PS_DATAGRAM_MIN 512u
/** Longest name of a publication, in bytes of UTF-8. */
#define PS_NAME_MAX 255u
/** Longest user name, in bytes of UTF-8. */
#define PS_USER_MAX 64u
/** Longest password, in bytes. */
#define PS_PASSWORD_MAX 128u
/** Longest text of a search, in bytes. */
#define PS_SEARCH_MAX 128u
/** Longest human text of an ERROR message, in bytes. */
#define PS_TEXT_MAX 96u
/** Bytes of a device id: random, one for each installation. */
#define PS_DEVICE_BYTES 16u
/** Bytes of a BEP 52 `pieces root` and of every node of the tree. */
#define PS_ROOT_BYTES 32u
/** Bytes of an X25519 key, secret or public (RFC 7748). */
#define PS_KEY_BYTES 32u
/** Longest resumption ticket, in bytes: opaque to who holds it. */
#define PS_TICKET_MAX 160u
/** Longest file ticket, in bytes: opaque to who holds it, opened by the uploader it is for. */
#define PS_FILE_TICKET_MAX 186u
/** Seconds that one key for file tickets stands for: its epoch is the wall clock divided by it. */
#define PS_FILE_EPOCH_S 86400u
/** Keys for file tickets that an uploader is told of: of the last epoch, this one and the next. */
#define PS_FILE_EPOCHS 3u
/** Bytes that name a stored password to a ticket (see PS_EVENT_LOGIN_REQUEST). */
#define PS_CREDENTIAL_BYTES 16u
/** A deadline that never comes. */
#define PS_TIME_NEVER UINT64_MAX

/** Result of a call into the core or a transport. */
typedef enum ps_status {
    PS_OK = 0,  /**< Done; malformed or hostile wire input too: it was dropped and counted. */
    PS_AGAIN,   /**< The output lacks room (or the socket would block); nothing was changed by the
                     first unconsumed input. Drain the output, then call again with the rest. */
    PS_MORE,    /**< Bounded work was done and more is due now: step a tick again. */
    PS_INVALID, /**< A bug of the caller (a null, a size too small, a wrong type). */
    PS_FAILED   /**< Transports only: the system refused; see the adapter's last error. */
} ps_status;

/**
 * Every error that people or peers are told of: one list makes the enum, the names and the advice.
 * X(NAME, number on the wire, what happened, what to do).
 */
#define PS_ERROR_LIST(X)                                                                           \
    X(NONE, 0, "done", "nothing to do")                                                            \
    X(MALFORMED, 1, "the request could not be read", "update this program or report a bug")        \
    X(UNSUPPORTED, 2, "the request is not known here", "update the older of the two programs")     \
    X(CREDENTIALS, 3, "wrong username or password", "check both and log in again")                 \
    X(ACTIVE, 4, "this user is already active", "leave the other session first")                   \
    X(BUSY, 5, "the server is busy", "try again after the time it named")                          \
    X(QUOTA, 6, "your quota of publications is used up", "unpublish something first")              \
    X(FULL, 7, "the server's directory is full", "ask the operator for a larger one")              \
    X(NOT_FOUND, 8, "there is no such file", "look at the list of published files")                \
    X(NO_ACTIVE_PEER, 9, "no active peer has this file", "try again when its owner is back")       \
    X(BAD_NAME, 10, "this name cannot be used", "rename the file")                                 \
    X(TIMEOUT, 11, "the server did not answer in time", "check that it runs and is reachable")     \
    X(NOT_LOGGED_IN, 12, "not logged in", "log in first")                                          \
    X(SUPERSEDED, 13, "a later command for the same name replaced this one", "nothing to do")      \
    X(CANCELLED, 14, "cancelled", "nothing to do")                                                 \
    X(SERVER_KEY, 15, "the server's key is not the known one",                                     \
      "ask its operator before you go on")                                                         \
    X(TICKET, 16, "the ticket is no longer valid", "log in with the password")                     \
    X(THROTTLED, 17, "too many failed logins", "try again after the time it named")                \
    X(NOT_PUBLISHED, 32, "the other peer does not publish this file", "ask the server again")      \
    X(CHANGED, 33, "the file changed at its source", "ask its owner to publish it again")          \
    X(PROTOCOL, 34, "the other peer broke the protocol", "try another source")                     \
    X(MISMATCH, 35, "the received bytes are not the file's", "try another source")                 \
    X(STALLED, 36, "the transfer made no progress", "try again or try another source")             \
    X(CLOSED, 37, "the other peer closed the connection", "try again or try another source")       \
    X(SLOTS, 38, "the other peer has no free upload slot", "try again later")                      \
    X(IO, 39, "the file could not be read or written", "check the disk and the permissions")       \
    X(PLAIN, 40, "the other peer takes sealed transfers only", "leave out --plain-transfers")      \
    X(FILE_TICKET, 41, "the ticket for this file is not valid", "ask the server again")

/** Error codes, as on the wire. */
typedef enum ps_error {
#define PS_ERROR_ENUM(name, number, what, advice) PS_E_##name = (number),
    PS_ERROR_LIST(PS_ERROR_ENUM)
#undef PS_ERROR_ENUM
} ps_error;

/** The code's name ("CREDENTIALS"), or "UNKNOWN". Static storage. */
const char *ps_error_name(unsigned code);
/** What happened, for people, in lower case and without a full stop. Static storage. */
const char *ps_error_text(unsigned code);
/** What a person can do about it. Static storage. */
const char *ps_error_advice(unsigned code);

/** Borrowed bytes; whoever hands one out says how long it lives. */
typedef struct ps_span {
    const uint8_t *data;
    size_t len;
} ps_span;

/** Address families as on the wire. */
enum { PS_ADDR_NONE = 0, PS_ADDR_V4 = 4, PS_ADDR_V6 = 6 };

/** A socket address. Unused bytes are zero, so that equal addresses have equal bytes. */
typedef struct ps_addr {
    uint8_t ip[16]; /**< Network order; IPv4 uses the first four bytes. */
    uint32_t scope; /**< IPv6 zone index, else 0. Never on the wire. */
    uint16_t port;  /**< Host order. */
    uint8_t family; /**< PS_ADDR_V4 or PS_ADDR_V6. */
    uint8_t zero;
} ps_addr;

/** True when both name the same address and port. */
bool ps_addr_equal(const ps_addr *a, const ps_addr *b);

/** A file's identity: always the pair, length compared first (BEP 52 leaves and nodes share one
 *  domain, so a root alone can belong to two contents). */
typedef struct ps_content {
    uint64_t length;             /**< Bytes. */
    uint8_t root[PS_ROOT_BYTES]; /**< BEP 52 `pieces root`; all zero for the empty file. */
} ps_content;

/** True when both name the same content. */
bool ps_content_equal(const ps_content *a, const ps_content *b);

/**
 * What an uploader opens file tickets with, as the server told it at login. Secret. A ticket names
 * the epoch that it was made in.
 */
typedef struct ps_file_keys {
    uint64_t first_epoch; /**< Of keys[0]; the next ones follow without gaps. */
    uint32_t count;       /**< Keys that are set, at most PS_FILE_EPOCHS; 0: none. */
    uint8_t keys[PS_FILE_EPOCHS][PS_KEY_BYTES];
} ps_file_keys;

/** Why a name is refused; PS_NAME_OK when it is not. */
typedef enum ps_name_fault {
    PS_NAME_OK = 0,
    PS_NAME_EMPTY,         /**< No bytes. */
    PS_NAME_TOO_LONG,      /**< Over PS_NAME_MAX bytes. */
    PS_NAME_NOT_UTF8,      /**< Not well-formed UTF-8 (RFC 3629). */
    PS_NAME_SEPARATOR,     /**< Holds '/' or '\\'. */
    PS_NAME_CONTROL,       /**< Holds NUL or another control character (U+0000..1F, U+007F..9F). */
    PS_NAME_DOTS,          /**< Is "." or "..". */
    PS_NAME_USER_TOO_LONG, /**< A user name over PS_USER_MAX bytes. */
    PS_NAME_USER_CHARACTER /**< A user name that holds a space or '#'. */
} ps_name_fault;

/** Checks a publication's name by the rules that hold at both ends. */
ps_name_fault ps_name_check(ps_span name);
/** Checks a user name: a publication's rules, at most PS_USER_MAX bytes, no space and no '#'. */
ps_name_fault ps_user_check(ps_span user);
/** The fault as a clause for people: "it is longer than 255 bytes". Static storage. */
const char *ps_name_fault_text(ps_name_fault fault);

/** Tags of ps_input. */
typedef enum ps_input_type {
    PS_INPUT_TICK = 1,   /**< Time has passed; does what is due. */
    PS_INPUT_DATAGRAM,   /**< A datagram arrived. */
    PS_INPUT_ENTROPY,    /**< Fresh random bytes for the generator. */
    PS_INPUT_WALL_CLOCK, /**< Seconds since 1970 for replies to peers; never drives a timer. */
    /* server.h */
    PS_INPUT_VERDICT, /**< The host's answer to PS_EVENT_LOGIN_REQUEST. */
    PS_INPUT_RESTORE, /**< A record of an earlier life, from the host's store. */
    PS_INPUT_STORE,   /**< Whether the host's store can take records now. */
    PS_INPUT_EXPEL,   /**< This user's account is gone: its session ends. */
    /* peer.h */
    PS_INPUT_LOGIN, /**< Log in and stay so until LOGOUT. */
    PS_INPUT_TRUST, /**< The key of PS_EVENT_SERVER_KEY is the server's: go on. */
    PS_INPUT_LOGOUT,
    PS_INPUT_PUBLISH,
    PS_INPUT_UNPUBLISH,
    PS_INPUT_LIST_PEERS,
    PS_INPUT_LIST_FILES,
    PS_INPUT_SEARCH,
    PS_INPUT_LOCATE
} ps_input_type;

/** A received datagram. The bytes belong to the caller and are opened in place. */
typedef struct ps_input_datagram {
    ps_addr from;
    uint8_t *data;
    size_t len;
    uint32_t endpoint; /**< The local endpoint it arrived on; the answer leaves from there. */
} ps_input_datagram;

/** The host's verdict on a login (see PS_EVENT_LOGIN_REQUEST). */
typedef struct ps_input_verdict {
    uint64_t pending; /**< The handle from the event; a stale one is ignored and counted. */
    uint32_t error;   /**< PS_E_NONE admits; PS_E_CREDENTIALS, PS_E_TICKET,
                           PS_E_BUSY or PS_E_THROTTLED refuses. */
    uint32_t
        retry_ms; /**< With PS_E_BUSY and PS_E_THROTTLED: when to try again, in milliseconds. */
    uint8_t
        credential[PS_CREDENTIAL_BYTES]; /**< With PS_E_NONE: names the password that is stored
                                              now; goes into the ticket, and comes back with it. */
} ps_input_verdict;

/**
 * A publication that an earlier life of the server made durable, or (`published` false) a position
 * of a device's log at which something was withdrawn. Given before the first datagram, in the order
 * of the records; the machine keeps copies. One that finds no room, or whose device is online, is
 * left out and counted (`restores_refused`): its peer sends it again.
 */
typedef struct ps_input_restore {
    uint64_t generation; /**< The device's log position after this change. */
    ps_span user;
    uint8_t device[PS_DEVICE_BYTES];
    ps_span name;
    ps_content content;
    bool published;
} ps_input_restore;

/** Log in (peer). The machine keeps copies and logs in again by itself when the server is lost. */
typedef struct ps_input_login {
    ps_addr server;
    uint32_t endpoint;
    uint16_t stream_port; /**< TCP port of this peer's uploads; 0: serves nothing. */
    bool key_known;       /**< server_key is set: a server with another key is refused. Else the
                               machine asks by PS_EVENT_SERVER_KEY before it says anything. */
    uint8_t server_key[PS_KEY_BYTES];
    uint8_t device[PS_DEVICE_BYTES];
    ps_span user;
    ps_span password;
    ps_span ticket; /**< Of an earlier PS_EVENT_TICKET, or empty: shows that this device has been in
                         before, and so is not kept out by a stranger's failed logins. It does not
                         stand for the password. */
} ps_input_login;

/** A command of the host that ends with one PS_EVENT_DONE of the same tag (peer). */
typedef struct ps_input_command {
    uint64_t tag;       /**< Chosen by the host, handed back in every event of this command. */
    ps_span text;       /**< Name (PUBLISH, UNPUBLISH, LOCATE) or text (SEARCH); else empty. */
    ps_content content; /**< PUBLISH only. */
} ps_input_command;

/** One input of a machine. Spans need to live only for the call. */
typedef struct ps_input {
    uint64_t now_us; /**< Monotonic microseconds of any origin. What runs back stands still; by a
                          second or more, it goes on from where it was (see PORTING.md). */
    ps_input_type type;
    union {
        ps_input_datagram datagram;
        ps_span entropy; /**< 16 bytes or more. */
        uint64_t wall_s;
        ps_input_verdict verdict;
        ps_input_restore restore;
        uint32_t store_retry_ms; /**< STORE: 0: changes are taken. Else they are answered BUSY with
                                      this time, and nothing of them is applied. */
        ps_span expel;           /**< The user's name. */
        ps_input_login login;
        uint8_t trust[PS_KEY_BYTES]; /**< The key as in the event. */
        ps_input_command command;
    } u;
} ps_input;

/** A datagram to send: `len` bytes at `offset` of the output's byte slab. */
typedef struct ps_datagram {
    ps_addr to;
    uint32_t endpoint;
    uint32_t offset;
    uint32_t len;
    uint64_t commit_seq; /**< 0: send at once. Else it promises something: make every record event
                              up to this sequence number durable first. */
} ps_datagram;

/** Tags of ps_event. */
typedef enum ps_event_type {
    /* server.h */
    PS_EVENT_LOGIN_REQUEST = 1, /**< Verify a password or what a ticket names, then answer with
                                     PS_INPUT_VERDICT. */
    PS_EVENT_SESSION_OPENED,
    PS_EVENT_SESSION_CLOSED,
    PS_EVENT_RECORD, /**< A change that was acknowledged under `commit_seq`. */
    /* peer.h */
    PS_EVENT_SERVER_KEY, /**< First contact: is this the server's key? PS_INPUT_TRUST goes on, and
                              PS_INPUT_LOGOUT gives up; until then nothing more is sent. */
    PS_EVENT_TICKET, /**< A ticket to keep for the next PS_INPUT_LOGIN of this device and user. */
    PS_EVENT_FILE_KEYS, /**< What this peer's uploads open file tickets with from now on; comes with
                             every login, return and rekeying. */
    PS_EVENT_LOGGED_IN, /**< First login or a return after a loss. */
    PS_EVENT_REFUSED,   /**< The login was refused; the machine is idle again. */
    PS_EVENT_LOST,      /**< The server is silent; the machine goes on trying. */
    PS_EVENT_LOGGED_OUT, /**< After PS_INPUT_LOGOUT, acknowledged or given up. */
    PS_EVENT_PEER,       /**< A line of LIST_PEERS. */
    PS_EVENT_FILE,       /**< A line of LIST_FILES or SEARCH. */
    PS_EVENT_SOURCE,     /**< A line of LOCATE. */
    PS_EVENT_DONE,       /**< A command has ended. */
    PS_EVENT_AGAIN,      /**< A list begins anew, at a server that has restarted: forget the lines
                              of this command so far. */
    PS_EVENT_PUT_OFF,    /**< While lost: the server refuses the return for now. While online: it
                              takes no changes for now. The machine goes on trying. */
    PS_EVENT_UNLISTED /**< A name that was published is refused now (QUOTA, FULL): the server does
                           not list it, and the machine no longer holds it. */
} ps_event_type;

/** Why a session ended. */
typedef enum ps_close_reason {
    PS_CLOSE_LOGOUT = 1,
    PS_CLOSE_SILENCE,  /**< Nothing heard for the dead time. */
    PS_CLOSE_REPLACED, /**< The same device logged in anew, or has fresh keys. */
    PS_CLOSE_TAKEN,    /**< It did not answer, and another device of the user took over. */
    PS_CLOSE_REMOVED   /**< PS_INPUT_EXPEL. */
} ps_close_reason;

/** Who wants in. Verify a password off the loop; for a ticket, see whether `credential` still names
 *  the user's stored password (else PS_E_TICKET). Spans point into the input's datagram. */
typedef struct ps_event_login {
    uint64_t pending;
    ps_addr from;
    ps_span user;
    ps_span password; /**< Unless by_ticket. */
    uint8_t device[PS_DEVICE_BYTES];
    bool by_ticket; /**< A ticket of this user and device, genuine and not expired. */
    bool known;     /**< This device showed that it has been in as this user before. */
    uint8_t credential[PS_CREDENTIAL_BYTES]; /**< by_ticket: as the verdict gave it then. */
} ps_event_login;

/** A user name by value. */
typedef struct ps_label {
    uint8_t len;
    uint8_t bytes[PS_USER_MAX];
} ps_label;

/** A session came or went. */
typedef struct ps_event_session {
    ps_addr addr;
    ps_label user;
    uint8_t reason; /**< ps_close_reason; 0 when opened. */
} ps_event_session;

/** A change of the directory to make durable. `name` points into the input's datagram. */
typedef struct ps_event_record {
    uint64_t commit_seq;
    uint64_t generation; /**< The device's log position after this change. */
    ps_label user;
    uint8_t device[PS_DEVICE_BYTES];
    ps_span name;
    ps_content content;
    bool published; /**< false: unpublished. */
} ps_event_record;

/** The login's outcome (LOGGED_IN, REFUSED, LOST, PUT_OFF, LOGGED_OUT). */
typedef struct ps_event_account {
    uint32_t error;    /**< REFUSED, PUT_OFF: why. */
    uint32_t retry_ms; /**< REFUSED, PUT_OFF with PS_E_BUSY: when to try again. */
    ps_addr observed;  /**< LOGGED_IN: this peer's address as the server sees it. */
    uint64_t wall_s;   /**< LOGGED_IN: the server's clock, or 0 when it has none. */
    bool again;        /**< LOGGED_IN: a return, after PS_EVENT_LOST or (a server that has forgotten
                            the session says so at once) without it. */
    ps_span text;      /**< REFUSED: the server's words; points into the datagram. */
} ps_event_account;

/** A line of a list. Spans point into the input's datagram. */
typedef struct ps_event_entry {
    uint64_t tag;
    ps_span user;
    ps_span name;       /**< FILE. */
    ps_content content; /**< FILE and SOURCE. */
    ps_addr addr;       /**< SOURCE: where its uploads are served (family NONE: not active). */
    bool active;        /**< FILE, SOURCE: its owner is online. */
    bool own;           /**< FILE, SOURCE: it belongs to this peer's user. */
    ps_span ticket;     /**< SOURCE: opens this content at that uploader until it expires; empty
                             when not active, when `own`, and where the server had no clock. At most
                             PS_FILE_TICKET_MAX bytes. */
    ps_span key; /**< SOURCE: the ticket's secret key, PS_KEY_BYTES; empty with the ticket. */
} ps_event_entry;

/** A name that is no longer published, by value. */
typedef struct ps_event_unlisted {
    uint32_t error; /**< Why: QUOTA, FULL, ... */
    uint8_t len;
    uint8_t name[PS_NAME_MAX];
} ps_event_unlisted;

/** A command's end; for AGAIN, the tag alone. */
typedef struct ps_event_done {
    uint64_t tag;
    uint32_t error;    /**< PS_E_NONE, or why it failed. */
    uint32_t retry_ms; /**< With PS_E_BUSY. */
} ps_event_done;

/** A ticket (TICKET). Points into the input's datagram: copy it before the next step. */
typedef struct ps_event_ticket {
    ps_span ticket;
    uint64_t expires_s; /**< By the server's clock, in seconds since 1970. */
} ps_event_ticket;

/** One event for the host. */
typedef struct ps_event {
    ps_event_type type;
    union {
        ps_event_login login;
        ps_event_session session;
        ps_event_record record;
        uint8_t server_key[PS_KEY_BYTES]; /**< SERVER_KEY. */
        ps_event_ticket ticket;
        ps_file_keys file_keys;
        ps_event_account account;
        ps_event_entry entry;
        ps_event_done done;
        ps_event_unlisted unlisted;
    } u;
} ps_event;

/**
 * Output of steps: the caller's memory. Datagrams are encoded back to back in `bytes`; many steps
 * may append. The caller empties it by setting the three counts to zero.
 */
typedef struct ps_output {
    uint8_t *bytes;
    size_t bytes_cap;
    size_t bytes_len;
    ps_datagram *datagrams;
    size_t datagrams_cap;
    size_t datagrams_len;
    ps_event *events;
    size_t events_cap;
    size_t events_len;
} ps_output;

/** Why a datagram was dropped: X(NAME, name, text). One list makes the enum, the counters, names.
 */
#define PS_DROP_LIST(X)                                                                            \
    X(EMPTY, "empty", "empty datagram")                                                            \
    X(OVERSIZED, "oversized", "longer than a datagram may be")                                     \
    X(TYPE, "type", "unknown packet type")                                                         \
    X(TRUNCATED, "truncated", "ends inside a header or a message")                                 \
    X(MALFORMED, "malformed", "a message's body is malformed")                                     \
    X(TRAILING, "trailing", "more messages than a packet may hold")                                \
    X(NO_SESSION, "no_session", "no session has this receiver id")                                 \
    X(ADDRESS, "address", "the session's address is another")                                      \
    X(REPLAY, "replay", "replayed or too old")                                                     \
    X(MISPLACED, "misplaced", "a message that does not belong here now")                           \
    X(STALE, "stale", "an answer to nothing that is waiting")                                      \
    X(SEAL, "seal", "it was not sealed with the keys of this session")                             \
    X(VERSION, "version", "no version of the protocol in common")                                  \
    X(KEY, "key", "the server's key is not the known one, or no key at all")                       \
    X(LIMIT, "limit", "over a limit of handshakes")

/** Indices of the drop counters. */
typedef enum ps_drop {
#define PS_DROP_ENUM(upper, name, text) PS_DROP_##upper,
    PS_DROP_LIST(PS_DROP_ENUM)
#undef PS_DROP_ENUM
        PS_DROP_COUNT
} ps_drop;

/** The counter's name in lower case ("no_session"). Static storage. */
const char *ps_drop_name(ps_drop reason);
/** The reason for people. Static storage. */
const char *ps_drop_text(ps_drop reason);

#ifdef __cplusplus
}
#endif

#endif

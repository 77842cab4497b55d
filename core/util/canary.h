/* Canaries: known bugs that a build with PEERSYNC_CANARIES carries, one of them awake at a time, to
 * show that the nets (invariants, model, liveness) catch what they should. In every other build
 * PS_CANARY() is the constant 0, and nothing of them is left. */
#ifndef PS_UTIL_CANARY_H
#define PS_UTIL_CANARY_H

/* X(NAME, what it does). */
#define PS_CANARY_LIST(X)                                                                          \
    X(FORGOTTEN_EXPIRY, "a silent peer's session never ends")                                      \
    X(STALE_HANDLE, "a session that was closed can still be found by its id")                      \
    X(LOST_ACKNOWLEDGEMENT, "a repeated message of changes is not answered")                       \
    X(PAGING_OFF_BY_ONE, "each page begins one publication too late")                              \
    X(RESURRECTION, "a late PUBLISH that was applied before is applied again")                     \
    X(DIGEST_DRIFT, "a file's new content does not enter the log's digest")                        \
    X(EARLY_PROMISE, "PUBLISHED does not wait for the store")                                      \
    X(REPLAYED_COUNTER, "a counter that was taken is not remembered")                              \
    X(DEAF_TAKEOVER, "a sign of life does not end a takeover")                                     \
    X(NO_GRACE, "a step that comes late gives nobody more time")                                   \
    X(CLOCK_SET_BACK, "a clock that was set back stands still until it has caught up")             \
    X(STALE_NAMES, "names that nobody publishes any more are not withdrawn")                       \
    X(EARLY_JUDGEMENT, "a repair settles what was changed while it ran")                           \
    X(UNORDERED_DEADLINES, "a session that was heard keeps its place in the order of expiry")      \
    X(LEAKED_LOGIN, "a refused login keeps its record")                                            \
    X(OLD_CURSOR, "a list goes on with its cursor at a server that has restarted")                 \
    X(FORGOTTEN_INPUT, "the last input of a batch is not stepped")                                 \
    X(QUOTA_OFF_BY_ONE, "one publication more than the quota is taken")                            \
    X(HALF_SEARCH, "a search finds no name in its last place")                                     \
    X(STOLEN_PLACE, "a user's second device takes over without asking the first")                  \
    X(EARLY_WITHDRAWAL, "an UNPUBLISH does not wait for the store")                                \
    X(DROPPED_CHANGES, "changes in flight are forgotten when the server has another log")          \
    X(COOKIE_UNREAD, "any cookie counts as one that was given out")                                \
    X(BLIND_MOVE, "a session's new address is believed without a challenge")                       \
    X(EXPIRED_TICKET, "a ticket is taken after its time")                                          \
    X(AMPLIFIER, "a RESPOND is sent three times")                                                  \
    X(UNPROVEN_OPEN, "an upload asks for no proof that a ticket is its holder's own")              \
    X(EXPIRED_FILE, "a file ticket is taken after its time")                                       \
    X(UNHASHED_PIECE, "a piece counts before its hash was compared")                               \
    X(FOREIGN_TICKET, "a file ticket is sealed for another content")                               \
    X(LASTING_TICKET, "a file ticket never expires")

#if defined(PEERSYNC_CANARIES)

typedef enum ps_canary_name {
    PS_CANARY_NONE = 0,
#define PS_CANARY_ENUM(name, what) PS_CANARY_##name,
    PS_CANARY_LIST(PS_CANARY_ENUM)
#undef PS_CANARY_ENUM
} ps_canary_name;

/* Which one is awake. */
extern ps_canary_name ps_canary;

#define PS_CANARY(name) (ps_canary == PS_CANARY_##name)

#else
#define PS_CANARY(name) 0
#endif

#endif

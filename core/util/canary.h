/* Canaries: known bugs that a build with PEERSYNC_CANARIES carries, one of them awake at a time, to
 * show that the nets (invariants, model, liveness) catch what they should. In every other build
 * PS_CANARY() is the constant 0, and nothing of them is left. */
#ifndef PS_UTIL_CANARY_H
#define PS_UTIL_CANARY_H

/* X(NAME, area, which unit tests (how their programs' names go on), what it does). Those of the
 * programs are here too (hosts/common/canary.h): one list, one switch. */
#define PS_CANARY_LIST(X)                                                                          \
    X(FORGOTTEN_EXPIRY, sessions, server, "a silent peer's session never ends")                    \
    X(STALE_HANDLE, sessions, server, "a session that was closed can still be found by its id")    \
    X(LOST_ACKNOWLEDGEMENT, log, server, "a repeated message of changes is not answered")          \
    X(PAGING_OFF_BY_ONE, directory, server, "each page begins one publication too late")           \
    X(RESURRECTION, log, server, "a late PUBLISH that was applied before is applied again")        \
    X(DIGEST_DRIFT, log, directory, "a file's new content does not enter the log's digest")        \
    X(EARLY_PROMISE, durability, server, "PUBLISHED does not wait for the store")                  \
    X(REPLAYED_COUNTER, channel, server, "a counter that was taken is not remembered")             \
    X(DEAF_TAKEOVER, sessions, server, "a sign of life does not end a takeover")                   \
    X(NO_GRACE, sessions, server, "a step that comes late gives nobody more time")                 \
    X(CLOCK_SET_BACK, sessions, util,                                                              \
      "a clock that was set back stands still until it has caught up")                             \
    X(STALE_NAMES, log, peer_repair, "names that nobody publishes any more are not withdrawn")     \
    X(EARLY_JUDGEMENT, log, peer_repair, "a repair settles what was changed while it ran")         \
    X(UNORDERED_DEADLINES, sessions, util,                                                         \
      "a session that was heard keeps its place in the order of expiry")                           \
    X(LEAKED_LOGIN, sessions, server, "a refused login keeps its record")                          \
    X(OLD_CURSOR, directory, peer_requests,                                                        \
      "a list goes on with its cursor at a server that has restarted")                             \
    X(FORGOTTEN_INPUT, sessions, server, "the last input of a batch is not stepped")               \
    X(QUOTA_OFF_BY_ONE, directory, server, "one publication more than the quota is taken")         \
    X(HALF_SEARCH, directory, server, "a search finds no name in its last place")                  \
    X(STOLEN_PLACE, sessions, server,                                                              \
      "a user's second device takes over without asking the first")                                \
    X(EARLY_WITHDRAWAL, durability, server, "an UNPUBLISH does not wait for the store")            \
    X(DROPPED_CHANGES, log, peer_changes,                                                          \
      "changes in flight are forgotten when the server has another log")                           \
    X(COOKIE_UNREAD, channel, server, "any cookie counts as one that was given out")               \
    X(BLIND_MOVE, channel, server, "a session's new address is believed without a challenge")      \
    X(EXPIRED_TICKET, channel, server, "a ticket is taken after its time")                         \
    X(AMPLIFIER, channel, server, "a RESPOND is sent three times")                                 \
    X(UNPROVEN_OPEN, transfer, transfer_upload,                                                    \
      "an upload asks for no proof that a ticket is its holder's own")                             \
    X(EXPIRED_FILE, transfer, channel_file, "a file ticket is taken after its time")               \
    X(UNHASHED_PIECE, transfer, transfer_download, "a piece counts before its hash was compared")  \
    X(FOREIGN_TICKET, transfer, server, "a file ticket is sealed for another content")             \
    X(LASTING_TICKET, transfer, server, "a file ticket never expires")                             \
    X(EARLIER_LIFE, log, server, "changes are taken under keys that were replaced")                \
    X(UNSYNCED_RECORD, durability, peersyncd, "a record counts as durable before its sync")        \
    X(UNSYNCED_REWRITE, durability, peersyncd,                                                     \
      "a store that was written anew gets its name before its sync")                               \
    X(FORGOTTEN_FAILURE, durability, peersyncd,                                                    \
      "what was written before a sync failed is not written again")                                \
    X(UNSYNCED_DOWNLOAD, durability, data_faults, "a download gets its name before its sync")      \
    X(TRUSTED_PART, resume, data_partial,                                                          \
      "what is there of a download counts without being hashed again")                             \
    X(TORN_RECORD, resume, data_partial,                                                           \
      "a record of a download's state counts though its check does not fit")

#if defined(PEERSYNC_CANARIES)

typedef enum ps_canary_name {
    PS_CANARY_NONE = 0,
#define PS_CANARY_ENUM(name, area, folder, what) PS_CANARY_##name,
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

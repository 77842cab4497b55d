/**
 * @file data.h
 * The data plane of a peer: what it publishes, what it uploads, what it downloads.
 *
 * Threads. Every function here is called from one thread, the control thread, and none of them
 * waits for a disk or a network (data_open() reads the state directory, data_close() joins). The
 * work runs on threads of the data plane: a few loops that carry streams, and hashing threads.
 * They answer by events. When events wait, `wake` is called, from any thread and with no lock
 * held (call uv_async_send() there); the control thread then drains data_next_event().
 *
 * Strings are NUL-terminated bytes; arguments are copied. Paths are bytes of the file system.
 */
#ifndef PEERSYNC_DATA_H
#define PEERSYNC_DATA_H

#include "peersync/base.h"
#include "peersync/crypto.h"

#define DATA_SOURCES_MAX 256u

/** The data plane; opaque. */
struct data;

/** Start from data_config_default(). */
struct data_config {
    const ps_crypto *crypto; /**< Required, with every function; must outlive the data plane. */
    const char *state_dir;   /**< Where `library.db` stands; the directory exists and is locked by
                                  this process. NULL: nothing is kept. */
    void (*wake)(void *ctx); /**< Events wait; called from any thread. May be NULL (tests poll). */
    void *wake_ctx;
    bool plain_transfers;  /**< Ask for plain streams, and serve them to who asks; else TLS only. */
    unsigned max_uploads;  /**< Files served at once: 16. Others are told SLOTS. */
    unsigned max_fetches;  /**< Connections to sources at a time: 16. Further downloads wait. */
    uint64_t buffer_bytes; /**< Pieces in memory, of all downloads: 32 MiB. */
    bool keep_connections; /**< Fetch many small files over one connection, and make them last
                                together: true. For measuring what that is worth. */
    unsigned loops;        /**< Stream loops: 2. */
    unsigned hashers;      /**< Threads that hash, for publishing and downloads: 0: one a core. */
    uint32_t upload_idle_ms; /**< Cut a downloader without progress: 30000. */
    uint32_t stall_ms;       /**< Leave a source without progress: 30000. */
    uint32_t connect_ms;     /**< Give up dialling a source: 10000. */
    uint32_t progress_ms;    /**< At most one progress event a job in this time: 200. */
};

void data_config_default(struct data_config *cfg);

/**
 * Starts the threads and loads the registry: entries whose file is unchanged are ready at once
 * (see data_files()); the others are hashed in the background and end in DATA_FILE_READY,
 * DATA_FILE_AWAY or DATA_FILE_GONE. A broken registry is kept aside under another name and told of
 * in a DATA_NOTE.
 * @return the data plane, to be ended by data_close(); NULL with a sentence for people in `why`,
 * and in *of_state whether the state directory is the cause, or else the system.
 */
struct data *data_open(const struct data_config *cfg, bool *of_state, char *why, size_t why_cap);

/**
 * Ends everything: uploads and downloads are cut, temporary files removed, threads joined, pending
 * events dropped, memory freed. Waits for a disk at most as long as one piece of work there takes.
 * NULL is allowed.
 */
void data_close(struct data *d);

/**
 * Accepts downloaders at `where` (port 0: a free one). Call once, at any time after data_open().
 * `bound` gets the address with its real port: LOGIN's stream_port.
 * @return true; false with a sentence for people in `why` (port in use, address not here).
 */
bool data_listen(struct data *d, const ps_addr *where, ps_addr *bound, char *why, size_t why_cap);

/** What uploads open file tickets with: PS_EVENT_FILE_KEYS. Copied; any number of times. */
void data_set_file_keys(struct data *d, const ps_file_keys *keys);
/** The server's clock now, in seconds since 1970, by which tickets expire; the data plane lets it
 *  run on by itself until it is told again. 0: not known. */
void data_set_wall(struct data *d, uint64_t wall_s);

/** @name Published files
 *  @{ */

/**
 * Publishes a file under its base name, or under `name` where that is not NULL. Ends with one
 * DATA_FILE_READY or DATA_PUBLISH_FAILED of the same tag; DATA_HASH_PROGRESS before. A newer call
 * for the same name replaces an older one under way (PS_E_SUPERSEDED), or the older entry once it
 * is ready. `tag` is not 0 and not that of another job under way. A relative path is resolved now.
 */
void data_publish(struct data *d, uint64_t tag, const char *path, const char *name);

/**
 * Takes a name back, at once: uploads of it end, a hashing of it is cancelled.
 * @return false when nothing of this name was published or being hashed.
 */
bool data_unpublish(struct data *d, const char *name);

/** An entry of the registry. */
struct data_file {
    char *name;
    char *path;
    ps_content content; /**< What it was when last hashed. */
    bool ready;         /**< false: being hashed again, or away; not served until then. */
};

/**
 * The registry, sorted by name; an array that data_files_free() frees. Announce the ready ones
 * after a login; the others follow by events. @return the array (NULL when empty), *n its length.
 */
struct data_file *data_files(struct data *d, size_t *n);
void data_files_free(struct data_file *files, size_t n);

/** @} */

/** @name Downloads
 *  @{ */

/** Who has a content, and what opens it there (PS_EVENT_SOURCE). */
struct data_source {
    ps_addr addr;
    uint8_t key[PS_KEY_BYTES];
    uint8_t ticket_len;
    uint8_t ticket[PS_FILE_TICKET_MAX];
};

/** What to fetch. */
struct data_get {
    uint64_t tag; /**< Not 0 and not that of another job under way. */
    ps_content content;
    const struct data_source *sources; /**< Tried in turn until one delivers. */
    size_t source_count; /**< 0 where nobody is active: fails with PS_E_NO_ACTIVE_PEER unless all of
                              the content is already here. At most DATA_SOURCES_MAX. */
    const char *dir;     /**< Existing directory of the final name. */
    const char *name;    /**< Final name in it, checked by ps_name_check(): from the network
                              or typed, it is one component that every system can take. */
    int sink;            /**< -1. Else a descriptor, the caller's, that gets the verified bytes in
                              their order instead of a file (`-o -`): `dir` and `name` then only
                              lend room for what waits, and no name appears. */
    bool wait;           /**< When no source is left, but one that has failed may come back:
                              DATA_GET_WAITING instead of the end. */
    bool renew;          /**< Without `wait`: the same, once, if a source has refused its ticket,
                              with this as the error. */
};

/**
 * Starts a download; ends with one DATA_GET_DONE or DATA_GET_FAILED of its tag, DATA_GET_PROGRESS
 * before. The final name appears only as the whole, verified file; an existing file is never
 * overwritten: the same content is DONE with `already`, anything else FAILED.
 */
void data_get(struct data *d, const struct data_get *what);

/** Fresh sources (and tickets) for a download under way, in place of those that it has not tried
 *  yet; one that waits goes on. An unknown tag is ignored. */
void data_get_sources(struct data *d, uint64_t tag, const struct data_source *sources, size_t n);

/** Ends a download under way with this error and these words. For a waiting one whose content has
 *  gone: what was fetched is kept for the next one, but after PS_E_CHANGED, which says that the
 * name stands for another content now. Unknown tags are ignored. */
void data_get_end(struct data *d, uint64_t tag, ps_error error, const char *text);

/** Hashes a local file and nothing else. Ends with one DATA_HASHED or DATA_HASH_FAILED of its tag;
 *  DATA_HASH_PROGRESS before. */
void data_hash(struct data *d, uint64_t tag, const char *path);

/** Ends a data_publish(), data_get() or data_hash() under way, which then fails with
 *  PS_E_CANCELLED; a download's verified part is kept for the next one. Unknown tags are ignored:
 *  the job may just have ended. */
void data_cancel(struct data *d, uint64_t tag);

/** @} */

/** What has happened. In brackets: the fields that are set beside `type`, `name` and `text`. */
enum data_event_type {
    DATA_HASH_PROGRESS = 1, /**< [tag, done, total] Tag 0: hashed again in the background. */
    DATA_FILE_READY,        /**< [tag, path, content, changed, fresh] Published here: announce it.
                                 Tag 0: hashed again in the background; `changed` says whether the
                                 content is another than before, `fresh` that the name was not
                                 published. */
    DATA_PUBLISH_FAILED,    /**< [tag, path, error] */
    DATA_FILE_GONE,         /**< [path, error] A published file was removed and left the registry:
                                 unpublish it at the server. */
    DATA_FILE_AWAY,    /**< [path, error] A published file cannot be read now, for a reason that
                            may pass; it is looked at again, and DATA_FILE_READY tells when it
                            is served again. Unpublish it at the server until then. */
    DATA_HASHED,       /**< [tag, path, content] */
    DATA_HASH_FAILED,  /**< [tag, path, error] */
    DATA_GET_RESUMED,  /**< [tag, done, total] `done` bytes of an earlier download are here and
                            verified; comes before the first progress. */
    DATA_GET_PROGRESS, /**< [tag, done, total, peer, already] With `already`, before RESUMED:
                            `done` bytes of an earlier download were looked at and hold. */
    DATA_GET_SOURCE_FAILED, /**< [tag, peer, error] One source failed; the next is tried, if any. */
    DATA_GET_WAITING,       /**< [tag, peer, error, done, total] The last source failed: look for
                                 others and call data_get_sources(), data_get_end() or
                                 data_cancel(). */
    DATA_GET_DONE,          /**< [tag, path, content, elapsed_us, already, peer, fetched] */
    DATA_GET_FAILED,        /**< [tag, error, exists, peer, done: kept for the next one] */
    DATA_UPLOAD_STARTED,    /**< [tag: number of the upload, peer, total, user] */
    DATA_UPLOAD_ENDED,      /**< [tag, peer, error, done, total, elapsed_us] */
    DATA_NOTE               /**< [warning] `text` is a line for the log. */
};

/** One event; frees with data_event_free(), which the strings live until. */
struct data_event {
    enum data_event_type type;
    uint64_t tag;
    const char *name; /**< Published or final name; "" where there is none. */
    const char *path; /**< Absolute path, or "". */
    const char *user; /**< UPLOAD_STARTED, UPLOAD_ENDED: whose ticket it was; else "". */
    const char *text; /**< A clause for people where something failed (no full stop), else "". */
    ps_content content;
    uint64_t done;    /**< Bytes. */
    uint64_t total;   /**< Bytes. */
    uint64_t fetched; /**< Bytes that came over the network for it, in this job. */
    uint64_t elapsed_us;
    ps_addr peer;   /**< Family NONE where no other peer is meant. */
    uint32_t error; /**< A ps_error. */
    bool changed;
    bool fresh;
    bool already; /**< GET_DONE: the file was here; nothing was fetched. GET_PROGRESS: see there. */
    bool exists;  /**< GET_FAILED: a different file has the final name. */
    bool warning;
};

/** The next event in order, or NULL when none waits. The caller owns it. */
struct data_event *data_next_event(struct data *d);
void data_event_free(struct data_event *event);

/** A transfer under way, for `status`. */
struct data_transfer {
    bool upload;
    uint64_t tag; /**< As in its events. */
    ps_addr peer; /**< Family NONE while a download has no source. */
    char name[PS_NAME_MAX + 1];
    char user[PS_USER_MAX + 1]; /**< Upload: whose ticket it was. */
    bool waiting;               /**< Download: for a source, or for its turn. */
    uint64_t done;
    uint64_t total;
};

/** Totals since data_open(). */
struct data_stats {
    unsigned uploads;   /**< Under way. */
    unsigned downloads; /**< Under way. */
    unsigned hashing;   /**< Files waiting or being hashed. */
    size_t published;   /**< Names of the registry, */
    unsigned away;      /**< and those of them whose files cannot be read now. */
    uint64_t uploaded_bytes;
    uint64_t downloaded_bytes; /**< Verified. */
    uint64_t slots_refused;    /**< Downloaders told SLOTS. */
    uint64_t tickets_refused;  /**< Handshakes and OPENs without a good ticket. */
};

void data_stats_get(struct data *d, struct data_stats *stats);
/** Fills up to `cap` of the transfers under way, oldest first; @return how many were filled. */
size_t data_transfers(struct data *d, struct data_transfer out[], size_t cap);

#endif

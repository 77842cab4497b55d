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

/** The data plane; opaque. */
struct data;

/** Start from data_config_default(). */
struct data_config {
    const ps_crypto *crypto; /**< Required; must outlive the data plane. */
    const char *state_dir;   /**< Where `published` and `trees/` stand; the directory exists and
                                  is locked by this process. NULL: nothing is kept. */
    void (*wake)(void *ctx); /**< Events wait; called from any thread. May be NULL (tests poll). */
    void *wake_ctx;
    unsigned max_uploads;    /**< Files served at once: 16. Others are told SLOTS. */
    unsigned loops;          /**< Stream loops: 2. */
    uint32_t upload_idle_ms; /**< Cut a downloader without progress: 30000. */
    uint32_t stall_ms;       /**< Leave a source without progress: 30000. */
    uint32_t connect_ms;     /**< Give up dialling a source: 10000. */
    uint32_t progress_ms;    /**< At most one progress event a job in this time: 200. */
};

void data_config_default(struct data_config *cfg);

/**
 * Starts the threads and loads the registry: entries whose file is unchanged are ready at once
 * (see data_files()); the others are hashed in the background and end in DATA_FILE_READY or
 * DATA_FILE_GONE. A broken registry is kept aside under another name and told of in a DATA_NOTE.
 * @return the data plane, to be ended by data_close(); NULL with a sentence for people in `why`.
 */
struct data *data_open(const struct data_config *cfg, char *why, size_t why_cap);

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
    bool ready;         /**< false: being hashed again; not served until then. */
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

/** What to fetch. */
struct data_get {
    uint64_t tag; /**< Not 0 and not that of another job under way. */
    ps_content content;
    const ps_addr *sources; /**< Tried in turn until one delivers. */
    size_t source_count;    /**< At least 1, except for content that is already here. */
    const char *dir;        /**< Existing directory of the final name. */
    const char *name;       /**< Final name in it, checked by ps_name_check(): from the network
                                 or typed, it is one component that every system can take. */
};

/**
 * Starts a download; ends with one DATA_GET_DONE or DATA_GET_FAILED of its tag, DATA_GET_PROGRESS
 * before. The final name appears only as the whole, verified file; an existing file is never
 * overwritten: the same content is DONE with `already`, anything else FAILED.
 */
void data_get(struct data *d, const struct data_get *what);

/** Ends a data_publish() or data_get() under way, which then fails with PS_E_CANCELLED. Unknown
 *  tags are ignored: the job may just have ended. */
void data_cancel(struct data *d, uint64_t tag);

/** @} */

/** What has happened. In brackets: the fields that are set beside `type`, `name` and `text`. */
enum data_event_type {
    DATA_HASH_PROGRESS = 1, /**< [tag, done, total] Tag 0: hashed again in the background. */
    DATA_FILE_READY,        /**< [tag, path, content, changed] Published here: announce it. Tag 0:
                                 hashed again in the background; `changed` says whether the content
                                 is another than before. */
    DATA_PUBLISH_FAILED,    /**< [tag, path, error] */
    DATA_FILE_GONE,         /**< [path, error] A published file cannot be read any more and left the
                                 registry: unpublish it at the server. */
    DATA_GET_PROGRESS,      /**< [tag, done, total, peer] */
    DATA_GET_SOURCE_FAILED, /**< [tag, peer, error] One source failed; the next is tried, if any. */
    DATA_GET_DONE,          /**< [tag, path, content, elapsed_us, already, peer] */
    DATA_GET_FAILED,        /**< [tag, error, exists, peer] */
    DATA_UPLOAD_STARTED,    /**< [tag: number of the upload, peer, total] */
    DATA_UPLOAD_ENDED,      /**< [tag, peer, error, done, total, elapsed_us] */
    DATA_NOTE               /**< [warning] `text` is a line for the log. */
};

/** One event; frees with data_event_free(), which the strings live until. */
struct data_event {
    enum data_event_type type;
    uint64_t tag;
    const char *name; /**< Published or final name; "" where there is none. */
    const char *path; /**< Absolute path, or "". */
    const char *text; /**< A clause for people where something failed (no full stop), else "". */
    ps_content content;
    uint64_t done;  /**< Bytes. */
    uint64_t total; /**< Bytes. */
    uint64_t elapsed_us;
    ps_addr peer;   /**< Family NONE where no other peer is meant. */
    uint32_t error; /**< A ps_error. */
    bool changed;
    bool already; /**< GET_DONE: the file was here; nothing was fetched. */
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
    uint64_t done;
    uint64_t total;
};

/** Totals since data_open(). */
struct data_stats {
    unsigned uploads;   /**< Under way. */
    unsigned downloads; /**< Under way. */
    unsigned hashing;   /**< Files waiting or being hashed. */
    size_t published;   /**< Names of the registry. */
    uint64_t uploaded_bytes;
    uint64_t downloaded_bytes; /**< Verified. */
    uint64_t slots_refused;    /**< Downloaders told SLOTS. */
};

void data_stats_get(struct data *d, struct data_stats *stats);
/** Fills up to `cap` of the transfers under way, oldest first; @return how many were filled. */
size_t data_transfers(struct data *d, struct data_transfer out[], size_t cap);

#endif

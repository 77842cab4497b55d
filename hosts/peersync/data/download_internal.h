/* A download, as its two files see it: its life (download.c) and its connection (fetch.c). */
#ifndef PEERSYNC_DATA_DOWNLOAD_INTERNAL_H
#define PEERSYNC_DATA_DOWNLOAD_INTERNAL_H

#include "conn.h"
#include "internal.h"
#include "landing.h"

struct download {
    struct conn conn; /* First: callbacks get a struct conn. */
    struct work work;
    void (*closed)(struct conn *conn); /* For `conn`. */
    struct download *next, **link;
    struct data *data;
    struct transfer transfer;
    uint64_t tag;
    ps_addr *sources;
    size_t source_count, source;
    bool second_try; /* Of this source. */
    bool connected;
    bool conn_open;    /* `conn` is not closed yet. */
    bool landing_open; /* There is something to abandon. */
    bool working;      /* A worker has the landing. */
    bool cancelled;
    struct data_event *outcome; /* NULL: open. Waits until nothing is left behind. */
    struct landing landing;
    void *memory;
    ps_download *machine; /* Of the source under way; NULL between. */
    bool more;            /* The machine has more due. */
    bool ended;           /* The machine is done or failed, with `error`. */
    ps_error error;
    uint8_t *stash; /* Read, but the machine's output had no room. */
    size_t stash_at, stash_len;
    uint64_t started_us, connect_until_us, progress_us;
    uint64_t counted; /* Verified bytes of this source, added to the totals. */
};

/* ---- download.c ---- */

/* Cleans up as far as it can go now; called whenever a part has come to rest. */
void download_rest(struct download *dl);
/* Ends it with the landing's outcome. */
void download_tell_landed(struct download *dl);
/* All is verified: lands it. */
void download_land(struct download *dl);
/* Leaves the source for this reason. The next one is dialled when the connection is closed, or the
 * download ends. */
void download_leave(struct download *dl, ps_error error, const char *text);
/* The source under way; family NONE where there is none. */
const ps_addr *download_peer(const struct download *dl);

/* ---- fetch.c ---- */

/* Makes the machine and begins to dial the source. @return false: `*why` says what failed. */
bool fetch_start(struct download *dl, ps_error *error, const char **why);
/* Tells the other side that it ends. */
void fetch_cancel(struct download *dl);

#endif

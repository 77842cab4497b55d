/* A download: its file, its sources, its outcome. All but what is said otherwise is touched on its
 * loop's thread only. */
#ifndef PEERSYNC_DATA_DOWNLOAD_H
#define PEERSYNC_DATA_DOWNLOAD_H

#include "internal.h"
#include "sink.h"
#include "sources.h"
#include "turns.h"

struct piece;
struct recheck;

enum download_stage {
    DOWNLOAD_OPENING,  /* A worker makes the file ready. */
    DOWNLOAD_CHECKING, /* Workers look at what is there. */
    DOWNLOAD_QUEUED,   /* For a connection. */
    DOWNLOAD_FETCHING, /* A courier has it. */
    DOWNLOAD_BETWEEN,  /* Nobody has it; perhaps pieces are being written. */
    DOWNLOAD_WAITING,  /* For sources. */
    DOWNLOAD_LANDING,  /* A worker gives it its name, or the sink takes the rest. */
    DOWNLOAD_CLOSING   /* A worker closes its files. */
};

struct download {
    struct work work;
    struct batch_item item;
    struct download *next, **link; /* All of the loop. */
    struct download *queue_next, **queue_link;
    struct lane *lane; /* That it waits in, or NULL. */
    struct data *data;
    struct loop *loop;
    struct transfer transfer;
    uint64_t tag;
    enum download_stage stage;
    bool small;     /* One piece, to a file: stored and landed in batches. */
    bool restarted; /* The state was wrong, and all was forgotten, once. */
    struct sources sources;
    struct landing landing;
    struct partial partial; /* Unless small. */
    uint8_t *asked;         /* What the machine was told of partial.have. */
    uint32_t in_order;      /* Pieces that are there from the first on. */
    struct courier *courier;
    unsigned jobs;            /* Pieces of it that workers have, */
    struct turns turns;       /* who store one at a time. */
    struct recheck *rechecks; /* Under way. */
    unsigned recheck_count;   /* Not done yet. */
    uint64_t recorded;        /* Bytes that the state speaks of, before that. */
    atomic_ullong rechecked;  /* Bytes found there so far. */
    bool whole;
    bool wait;          /* For sources that may come back; */
    bool renew;         /* else once, for fresh tickets. */
    int out;            /* The sink's descriptor, or -1. */
    bool sinking, sunk; /* The sink's thread runs; it has ended. */
    struct sink sink;
    struct data_event *outcome; /* NULL: open. Waits until nothing is left behind. */
    bool discard;               /* Keep nothing of it. */
    uint64_t done, fetched;     /* Bytes. */
    uint64_t started_us, progress_us;
};

/* ---- download.c: its life ---- */

/* Goes on with whatever is next; does nothing while something is under way. */
void download_go_on(struct download *dl);
/* Settles the outcome; the first one counts. */
void download_fail(struct download *dl, ps_error error, const char *text, bool exists);
/* The landing has failed or found the file there already: that is the outcome. */
void download_tell_landing(struct download *dl);
const ps_addr *download_peer(const struct download *dl);
void download_show(struct download *dl, bool waiting);

/* The outcome is settled: leaves wherever it is. */
void download_abandon(struct download *dl);

/* ---- download_source.c: what its courier has to say ---- */

/* Payload has come. */
void download_received(struct download *dl, size_t bytes);
/* A piece is in its file; or could not be written. */
void download_stored(struct download *dl, const struct piece *p);
void download_not_stored(struct download *dl, const ps_posix_error *error);
/* The file was carried to its end, or refused. */
void download_carried(struct download *dl, ps_error error);
/* The connection is gone. `error` PS_E_NONE: through no fault of this file or its source. */
void download_lost(struct download *dl, ps_error error, const char *text, bool connected);
/* Asks the next source, waits for one, or ends. */
void download_next_source(struct download *dl);

/* ---- download_file.c: what workers do for it ---- */

void download_open(struct download *dl);
void download_land(struct download *dl);
void download_close(struct download *dl);

#endif

/* The data plane as its own files see it. */
#ifndef PEERSYNC_DATA_INTERNAL_H
#define PEERSYNC_DATA_INTERNAL_H

#include "admit.h"
#include "batch.h"
#include "buffers.h"
#include "couriers.h"
#include "events.h"
#include "library.h"
#include "lobby.h"
#include "loop.h"
#include "transfers.h"
#include "workers.h"

#define DATA_LOOPS_MAX 16u
/* Connections beyond those that are served or in the lobby: on their way in or out. */
#define DATA_PASSING_CONNECTIONS 256u

#define DATA_WALL_UNKNOWN INT64_MIN

struct data {
    struct data_config cfg;
    struct events events;
    struct library library;
    struct workers workers; /* Hash pieces and write them. */
    struct workers disk;    /* Wait for it. */
    struct buffers buffers;
    struct batch batch;
    struct berths berths;
    struct transfers transfers;
    struct lobby lobby;
    struct loop loops[DATA_LOOPS_MAX];
    unsigned loop_count; /* Opened, the last one perhaps in part. */
    bool has_library, has_workers, has_disk;
    struct acceptor *acceptor; /* Loop 0's once it listens. */
    unsigned file_mode;        /* Of downloaded files: what the umask leaves. */
    atomic_uint connections;   /* From downloaders, of any state. */
    atomic_uint uploads;       /* Files being served. */
    atomic_uint downloads;
    atomic_ullong upload_serial;
    atomic_ullong uploaded_bytes;
    atomic_ullong downloaded_bytes;
    atomic_ullong slots_refused;
    atomic_ullong tickets_refused;
    /* The server's clock less the monotonic one; DATA_WALL_UNKNOWN. */
    _Atomic(int64_t) wall_offset_us;
};

/* The loop with the fewest transfers; counts one more there. */
struct loop *data_pick_loop(struct data *d);
/* The same of two loops that belong to this address, so that its downloads share connections. */
struct loop *data_pick_loop_for(struct data *d, const ps_addr *addr);
/* On the loop's thread: ends the thread if the loop is `ending` and nothing is left in it. */
void data_loop_rest(struct loop *loop);

/* upload.c; on the loop's thread. */
/* Serves a connection; takes the socket over. */
void upload_start(struct loop *loop, int socket, const ps_addr *from);
/* Has a loop look at its uploads: one has been told to go, or something was taken back. Any thread.
 */
void uploads_look(struct loop *loop);
/* Cuts all. */
void uploads_end(struct loop *loop);

/* download.c */
/* A download, not yet started; copies everything. */
struct download *download_new(struct data *d, const struct data_get *what);
/* The rest: on the loop's thread. */
void download_start(struct loop *loop, struct download *dl);
/* Ends the download of this tag, if it is here. */
void download_stop(struct loop *loop, uint64_t tag, ps_error error, const char *text);
void download_renew(struct loop *loop, uint64_t tag, const struct data_source *who, size_t n);
void downloads_end(struct loop *loop);

/* accept.c */
struct acceptor *acceptor_open(struct data *d, const ps_addr *where, ps_addr *bound, char *why,
                               size_t why_cap);
/* On loop 0's thread. */
void acceptor_start(struct loop *loop, void *acceptor);
void acceptor_end(struct loop *loop, struct acceptor *a);

#endif

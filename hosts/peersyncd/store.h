/* The store at work: records are gathered in memory, written and synced together off the loop
 * (group commit), and count as committed only when the disk has them. It knows no loop and no
 * clock: the host calls begin, runs work on another thread, and calls end.
 *
 *     append ... append   begin -> work (any thread) -> end   append ... begin -> ...
 *
 * What cannot be written stays in memory and is tried again; meanwhile the server answers changes
 * with BUSY (ps_store_retry_ms()). */
#ifndef PS_PEERSYNCD_STORE_H
#define PS_PEERSYNCD_STORE_H

#include "peersyncd/store_files.h"
#include "peersyncd/store_format.h"

/* Records that wait in memory, in bytes, above which the disk is too slow. */
#define PS_STORE_PENDING_MAX ((size_t)4 << 20)
/* When a change that was refused for the store's sake may be sent again. */
#define PS_STORE_RETRY_MS 1000u

typedef struct ps_store_buffer {
    uint8_t *bytes;
    size_t len;
    size_t cap;
    uint64_t seq; /* Of the last record. */
} ps_store_buffer;

typedef struct ps_store {
    ps_store_files files;
    const ps_crypto *crypto;
    size_t pending_max;
    ps_store_buffer filling;
    uint64_t committed; /* What ps_pump_commit() may be told. */
    bool full;          /* Too much waits. */
    bool failed;        /* The last work failed; `error` and `what` say how. */
    int told;           /* The error that was told. */
    bool working;

    /* The worker's while `working`. */
    int error;
    const char *what; /* "write": the call that failed. */
    ps_store_buffer writing;
    uint64_t good; /* The log is whole and durable up to here. */
    bool dirty;    /* Something may stand behind it. */
} ps_store;

/* What the end of a work tells. */
typedef enum ps_store_news {
    PS_STORE_COMMITTED, /* `committed` has risen. */
    PS_STORE_BROKEN,    /* It failed, for the first time or in another way: tell. */
    PS_STORE_STILL,     /* It failed as before. */
    PS_STORE_RECOVERED  /* `committed` has risen after a failure: tell. */
} ps_store_news;

/* Goes on behind `good` bytes of the log (as ps_store_load() left it). `pending_max` bytes may
 * wait. @return false: there is not enough memory. */
bool ps_store_init(ps_store *s, const ps_store_files *files, const ps_crypto *crypto, uint64_t good,
                   size_t pending_max);
void ps_store_free(ps_store *s);

/* Takes a record, in the order of commit_seq, always: what the server has applied cannot be refused
 * any more. @return false: there is not enough memory; the program must end. */
bool ps_store_append(ps_store *s, const ps_event_record *record);

/* Begins a work with all that waits. @return false: nothing does, or a work is under way. After a
 * failure the host chooses when (each second). */
bool ps_store_begin(ps_store *s);
/* Writes and syncs. On any thread, between begin and end. */
void ps_store_work(ps_store *s);
/* The same in two, for who does not wait for his disk: writes, and (true) the log is to be synced;
 * how that ended: 0 or an errno. */
bool ps_store_write(ps_store *s);
void ps_store_synced(ps_store *s, int error);
ps_store_news ps_store_end(ps_store *s);

/* For PS_INPUT_STORE: 0, or when changes may come again. */
uint32_t ps_store_retry_ms(const ps_store *s);
/* Bytes that wait in memory. */
size_t ps_store_pending(const ps_store *s);

#endif

/* The part of a file that is here: what lets a download go on after anything that ended it.
 *
 * Beside the final name stand `.peersync-<key>.part`, as long as the file, and
 * `.peersync-<key>.state`, which says what of it is verified. The key is made from content and
 * name, so the same `get` finds them again. Both may be removed by hand at any time: that costs
 * time and nothing else.
 *
 *     state:  "PSPART1\n" | length 8 | root 32 | name length 2 | name | check 8
 *             then records:  piece 4 | its hash 32 | check 4
 *
 * All numbers are big endian. A record is appended once the bytes of its piece are in the part, so
 * a killed process loses only what was still in memory. The checks (SHA-256, cut off) are seeded
 * with the header: torn, damaged and foreign records are passed over, never believed.
 *
 * A record with a zero hash takes the piece back: it did not hold when it was looked at.
 *
 * A clean end appends a record with piece number 0xffffffff and, in place of the hash, the part's
 * size, inode, modification and change time (8 bytes each). While that is the last record and says
 * what the part still is, the recorded pieces are there; otherwise each is hashed again. In the end
 * the root over all pieces' hashes must be the content's, before the file is given its name: a bad
 * state costs time, never a wrong file.
 *
 * The state is locked (flock) while a download uses it, where the file system can. Functions wait
 * for the disk: they run on workers. */
#ifndef PEERSYNC_DATA_PARTIAL_H
#define PEERSYNC_DATA_PARTIAL_H

#include "peersync/posix.h"
#include "peersync/transfer.h"

#include <stdatomic.h>

/* ".peersync-", 16 digits, ".state", NUL. */
#define PARTIAL_NAME 33u

enum partial_result {
    PARTIAL_OK,
    PARTIAL_BUSY,    /* Another download has it. */
    PARTIAL_FOREIGN, /* Another thing has one of the names: a link, a folder, a linked file. */
    PARTIAL_MEMORY,  /* The list of pieces does not fit memory. */
    PARTIAL_FAILED   /* The system refused: see the error. */
};

struct partial {
    const ps_crypto *crypto;
    ps_content content;
    const char *name; /* Borrowed; "" of a loose one. */
    int dir;          /* Borrowed. */
    int part;         /* -1: not open. */
    int state;        /* -1: not open, or a loose one. */
    char part_name[PARTIAL_NAME];
    char state_name[PARTIAL_NAME];
    uint8_t seed[32];    /* Of the checks. */
    ps_posix_file found; /* The part as it was when it was opened. */
    uint32_t pieces;
    bool fresh;          /* There was no state before. */
    bool trusted;        /* What is recorded is there: no need to look, or it was looked at. */
    atomic_bool doubted; /* The disk has refused something: what it holds must be looked at. The
                            system reports a failed sync once, so another proves nothing. */
    atomic_bool mute;    /* A record could not be written, or not as a whole: no more follow. */
    uint8_t *have;       /* A bit a piece, as in ps_stream_fetch: recorded, later verified. */
    ps_node *layer;      /* Hashes of the pieces that are in `have`. */
};

/* Opens or makes both files, locks, reads what is recorded, reserves the room that is missing. */
enum partial_result partial_open(struct partial *p, const ps_crypto *crypto, int dir,
                                 const char *name, const ps_content *content,
                                 ps_posix_error *error);
/* One that nobody will find again: a nameless file, without a state. */
enum partial_result partial_open_loose(struct partial *p, const ps_crypto *crypto, int dir,
                                       const ps_content *content, ps_posix_error *error);
/* Hashes the pieces of every `step`-th byte of `have`, from `first`, again and clears what does not
 * hold; `holds` is told of each that does. Threads may do this at the same time with other values
 * of `first`. */
void partial_recheck(struct partial *p, uint32_t first, uint32_t step, const atomic_bool *stop,
                     void (*holds)(void *ctx, uint32_t len), void *ctx);
/* All of that is done: takes the records back that did not hold. */
void partial_rechecked(struct partial *p);
/* Writes a verified piece and records it; without a record the piece will have to be fetched again
 * if this download does not end, and that is all. Threads may do this at the same time; `have` and
 * `layer` are the caller's to set, from one thread: partial_mark(). */
ps_status partial_write(struct partial *p, uint32_t piece, const uint8_t *bytes, uint32_t len,
                        const ps_node *hash, ps_posix_error *error);
void partial_mark(struct partial *p, uint32_t piece, const ps_node *hash);
bool partial_has(const struct partial *p, uint32_t piece);
/* Bytes of the pieces in `have`. */
uint64_t partial_bytes(const struct partial *p);
/* All pieces are there and their root is the content's. */
bool partial_whole(const struct partial *p);
/* Forgets all pieces: the state turned out wrong. */
ps_status partial_restart(struct partial *p, ps_posix_error *error);
/* Makes the bytes last. */
ps_status partial_sync(struct partial *p, unsigned mode, ps_posix_error *error);
/* Gives the part its final name, as ps_posix_rename_new(); the state goes. The folder is not
 * synced. */
ps_status partial_name(struct partial *p, ps_posix_error *error);
/* Closes. What is there is kept for the next time; with nothing there, or `discard`, the files are
 * removed. */
void partial_close(struct partial *p, bool discard);

#endif

/* Where a download lands: its final name, which appears only for the whole file and never replaces
 * anything. A file of one piece is stored without a name first, so that nothing is left of it
 * whatever ends the process, or under a temporary name where that cannot be; a longer one comes
 * from a partial. All of these may wait for the disk: they run on a worker. */
#ifndef PEERSYNC_DATA_LANDING_H
#define PEERSYNC_DATA_LANDING_H

#include "partial.h"

#define LANDING_TEXT 512u
/* Pieces that are compared at a time, so that others get their turns. */
#define LANDING_PART_PIECES 8u

struct landing {
    const ps_crypto *crypto;
    ps_content content;
    char *folder;
    char *name;
    unsigned mode;                      /* Of the final file. */
    atomic_bool cancelled;              /* Ends a comparison early. */
    int dir;                            /* The open folder, or -1. */
    int stored;                         /* The stored file while it has no name, or -1. */
    char temporary[PS_POSIX_TEMPORARY]; /* Its temporary name, "" when there is none to remove. */
    /* A file that has the final name and the length. */
    bool comparing;
    int found;
    uint32_t found_next;
    ps_node *found_layer;
    /* The outcome so far. */
    ps_error error;
    bool already; /* The final name holds this content. */
    bool exists;  /* The final name holds something else. */
    bool unsure;  /* The file is whole under its name, but that may not outlast a power failure. */
    char text[LANDING_TEXT]; /* For `error` or `unsure`. */
};

/* Opens the folder. @return false: see the outcome. */
bool landing_open(struct landing *l);
/* Closes the folder. */
void landing_close(struct landing *l);
/* True when the name can be one. */
bool landing_named(struct landing *l);
/* Looks whether the name is taken; the folder is open. Leaves it `comparing` with a long file. */
void landing_look(struct landing *l);
/* Goes on `comparing` with a part of it. Hashes: another crew's work. */
void landing_compare(struct landing *l);
/* Writes a whole file of one piece. */
void landing_store(struct landing *l, const uint8_t *bytes, uint32_t len);
/* Makes the bytes of a stored file last; unless `alone`, landing_sync_all() must follow. */
void landing_sync(struct landing *l, bool alone);
/* Makes all files in the folder's file system last. @return false: see the outcome. */
bool landing_sync_all(struct landing *l);
/* Gives a stored file its final name, not yet to last: landing_sync_names() must follow. */
void landing_name(struct landing *l);
/* Makes the names in the folder last, where it can be asked to: else they may be `unsure`. */
void landing_sync_names(struct landing *l);
/* Removes what is left of a stored file; the folder is open. */
void landing_discard(struct landing *l);
/* The same, and closes the folder. The outcome stays. */
void landing_abandon(struct landing *l);

/* Fills the outcome. */
__attribute__((format(printf, 3, 4))) void landing_fail(struct landing *l, ps_error error,
                                                        const char *format, ...);
/* A write failed: fills the outcome. `missing` bytes were still to come. */
void landing_write_failed(struct landing *l, const ps_posix_error *error, uint64_t missing);
/* Naming failed: fills the outcome, which may be that another download of the same content was
 * faster. */
void landing_name_failed(struct landing *l, const ps_posix_error *error);

#endif

/* Where a download lands: a temporary file that becomes the final name when it is whole. All of
 * these may wait for the disk: they run on a worker. */
#ifndef PEERSYNC_DATA_LANDING_H
#define PEERSYNC_DATA_LANDING_H

#include "peersync/posix.h"
#include "peersync/transfer.h"

#include <stdatomic.h>

#define LANDING_TEXT 512u

struct landing {
    const ps_crypto *crypto;
    ps_content content;
    char *folder;
    char *name;
    unsigned mode;                      /* Of the final file. */
    atomic_bool cancelled;              /* Ends a comparison early. */
    int dir;                            /* The open folder, or -1. */
    int fd;                             /* The temporary file, or -1. */
    char temporary[PS_POSIX_TEMPORARY]; /* Its name; "" when there is none to remove. */
    /* The outcome of the last call. */
    ps_error error;
    bool already; /* The final name holds this content. */
    bool exists;  /* The final name holds something else. */
    char text[LANDING_TEXT];
};

/* Checks the name, looks whether it is taken, makes the temporary file and reserves its space. */
void landing_prepare(struct landing *l);
/* Makes the whole file last and gives it its name; never replaces anything. */
void landing_finish(struct landing *l);
/* Removes what is left and closes. The outcome stays. */
void landing_abandon(struct landing *l);
/* A write failed: fills the outcome. `missing` bytes were still to come. */
void landing_write_failed(struct landing *l, const ps_posix_error *error, uint64_t missing);

#endif

/* Files that wait to be hashed: in the order they are due, the large ones apart, and found by name
 * or tag. The library's lock guards them. */
#ifndef PEERSYNC_DATA_HASH_JOBS_H
#define PEERSYNC_DATA_HASH_JOBS_H

#include "ordered.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A file to hash: waiting, or held by a hasher. */
struct hash_job {
    struct ordered_node by_due, by_name, by_tag;
    struct hash_job *next_running; /* While it is held by hashers. */
    uint64_t serial; /* Among jobs that are due at once, or have one name: the first goes first. */
    uint64_t due_us; /* Not before this. 0: as soon as it is added. */
    uint64_t tag;    /* 0: background. */
    char *name;      /* "": it is hashed and not published. */
    char *path;
    bool exact;                /* The path was resolved before: no links are followed. */
    bool large;                /* It is known to be a large file. */
    bool told_unsettled;       /* Background: people know that it keeps changing. */
    bool away;                 /* Background: waits for its file to come back, */
    uint64_t away_us;          /* and did so for this long at least; people know then. */
    atomic_ullong progress_us; /* When progress was last told. */
    atomic_uint cancel;        /* A ps_error that ends it, or PS_E_NONE. */
};

struct hash_jobs {
    struct ordered dues[2];     /* The large ones are in the second. */
    struct ordered names, tags; /* Tags: those that are not 0. */
    uint64_t last_serial;
};

struct hash_job *hash_job_new(uint64_t tag, const char *name, const char *path);
/* False for a file that is only to be hashed. */
bool job_is_published(const struct hash_job *job);
void hash_job_free(struct hash_job *job);

void hash_jobs_init(struct hash_jobs *jobs);
/* Frees all. */
void hash_jobs_free(struct hash_jobs *jobs);
void hash_jobs_add(struct hash_jobs *jobs, struct hash_job *job);
/* Takes one out that is in it. */
void hash_jobs_remove(struct hash_jobs *jobs, struct hash_job *job);
/* The one that is due first, among the large or the others, or NULL. */
struct hash_job *hash_jobs_first(const struct hash_jobs *jobs, bool large);
/* The oldest of a name, or NULL. */
struct hash_job *hash_jobs_of_name(const struct hash_jobs *jobs, const char *name);
/* The one of a tag that is not 0, or NULL. */
struct hash_job *hash_jobs_of_tag(const struct hash_jobs *jobs, uint64_t tag);

#endif

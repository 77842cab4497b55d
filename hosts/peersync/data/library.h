/*
 * What this peer publishes: the registry in memory, the hashing that fills it and the saving that
 * keeps it. One lock; files are hashed and written outside it.
 */
#ifndef PEERSYNC_DATA_LIBRARY_H
#define PEERSYNC_DATA_LIBRARY_H

#include "entry.h"
#include "events.h"

#include <pthread.h>

#define LIBRARY_HASHERS 2u

/* A name of the registry. */
struct slot {
    struct entry *entry;
    bool ready; /* false: the file may be another now; a job looks. */
};

/* A file to hash. Queued in `jobs`, or held by a hasher. */
struct hash_job {
    struct hash_job *next;
    uint64_t tag; /* 0: background. */
    char *name;
    char *path;
    uint64_t not_before_us; /* Background: the file was being written to; wait until then. */
    uint64_t progress_us;   /* When progress was last told. */
    bool told_unsettled;    /* Background: people know that it keeps changing. */
    atomic_uint cancel;     /* A ps_error that ends it, or PS_E_NONE. */
};

/* An event that waits until the registry that it speaks of is durable. */
struct held_event {
    struct held_event *next;
    struct data_event *event;
};

struct library {
    pthread_mutex_t lock;
    pthread_cond_t work;  /* Jobs were added, or `stopping`. */
    pthread_cond_t saves; /* `dirty` or `stopping` was set. */
    const ps_crypto *crypto;
    char *state_dir; /* NULL: nothing is kept. */
    struct events *events;
    uint32_t progress_ms;
    struct slot *slots; /* Sorted by name. */
    size_t count, cap;
    struct hash_job *jobs;
    struct hash_job *running[LIBRARY_HASHERS];
    unsigned hashing; /* Jobs queued and running. */
    struct held_event *held, **held_end;
    bool dirty;
    atomic_bool stopping;
    pthread_t hashers[LIBRARY_HASHERS];
    unsigned hashers_started;
    pthread_t saver;
    bool saver_started;
};

/* Loads the registry and starts the threads. @return false with a sentence in `why`. */
bool library_open(struct library *l, const struct data_config *cfg, struct events *events,
                  char *why, size_t why_cap);
/* Ends the threads, saves, frees. Entries that uploads hold live on. Also after a failed open. */
void library_close(struct library *l);

void library_publish(struct library *l, uint64_t tag, const char *path, const char *name);
bool library_unpublish(struct library *l, const char *name);
/* True when the tag was one of a job here. */
bool library_cancel(struct library *l, uint64_t tag);
struct data_file *library_files(struct library *l, size_t *n);
unsigned library_hashing(struct library *l);

/* Looks for something to serve. @return PS_E_NONE with a reference in *out; PS_E_CHANGED when it
 * was published but its file is another now; PS_E_NOT_PUBLISHED. Any thread. */
ps_error library_find(struct library *l, const ps_content *content, struct entry **out);
/* True while a name of the registry stands for what the entry holds. Any thread. */
bool library_lists(struct library *l, const struct entry *entry);
/* The entry's file is not what was hashed: not served any more, hashed again. Any thread. */
void library_recheck(struct library *l, struct entry *entry);

/* ---- between the library's own files; `lock` is held where not said otherwise ---- */

/* Index of the name's slot, or -1. */
ptrdiff_t library_slot(const struct library *l, const char *name);
/* Puts an entry (taken over) into the slot of its name. */
void library_put(struct library *l, struct entry *entry, bool ready);
/* Takes a slot out; its entry is withdrawn unless the same content is published otherwise. */
void library_take_out(struct library *l, size_t index);
void library_job_add(struct library *l, struct hash_job *job);
/* A job of this name has ended without an entry: one whose file may be another now is looked at
 * again, unless a job of the name is there. */
void library_look_again(struct library *l, const char *name);
struct hash_job *library_job_new(uint64_t tag, const char *name, const char *path);
void library_job_free(struct hash_job *job);
/* The registry has changed; `event` (may be NULL) is told of when that is durable. */
void library_changed(struct library *l, const struct data_event *event);
/* Reads the registry file (before there are threads; no lock). */
bool library_load(struct library *l, char *why, size_t why_cap);
/* Writes it (no lock). */
void library_save(struct library *l);
/* The threads. */
void *library_hasher_main(void *arg);
void *library_saver_main(void *arg);

#endif

/*
 * What this peer publishes: the registry in memory, the hashing that fills it and the saving that
 * keeps it. One lock; files are hashed and written outside it.
 */
#ifndef PEERSYNC_DATA_LIBRARY_H
#define PEERSYNC_DATA_LIBRARY_H

#include "entry.h"
#include "events.h"
#include "hash_jobs.h"
#include "library_db.h"
#include "slots.h"

#include <pthread.h>

#define LIBRARY_HASHERS_MAX 64u

struct hash_run;

struct library {
    pthread_mutex_t lock;
    pthread_cond_t work;  /* Jobs were added, or `stopping`. */
    pthread_cond_t saves; /* `changes` were added, or `stopping` was set. */
    const ps_crypto *crypto;
    char *state_dir; /* NULL: nothing is kept. */
    struct events *events;
    uint32_t progress_ms;
    struct slots slots;
    struct hash_jobs jobs;                 /* Those that wait. */
    struct hash_job *running;              /* A list. */
    struct hash_run *large;                /* Has pieces to hand out; NULL: none has. */
    unsigned hashing;                      /* Jobs queued and running, */
    unsigned away;                         /* and those of them that wait for their files. */
    struct library_db db;                  /* Not open without `state_dir`. */
    struct change *changes, **changes_end; /* To be saved, then told of. */
    uint64_t save_us;                      /* While much is hashed: not saved before this. */
    uint64_t retry_us;                     /* When `unsaved`: tried again then. */
    bool unsaved;      /* The saver's: the database does not hold what is published. */
    bool unsaved_told; /* The saver's: people know. */
    atomic_bool stopping;
    pthread_t hashers[LIBRARY_HASHERS_MAX];
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
/* Hashes a file and tells what it holds; it is not published. */
void library_hash(struct library *l, uint64_t tag, const char *path);
bool library_unpublish(struct library *l, const char *name);
/* True when the tag was one of a job here. */
bool library_cancel(struct library *l, uint64_t tag);
struct data_file *library_files(struct library *l, size_t *n);
/* Names of the registry; *hashing gets the files waiting or being hashed, *away those whose files
 * cannot be read now. */
size_t library_count(struct library *l, unsigned *hashing, unsigned *away);

/* Looks for something to serve. @return PS_E_NONE with a reference in *out; PS_E_CHANGED when it
 * was published but its file is another now; PS_E_NOT_PUBLISHED. Any thread. */
ps_error library_find(struct library *l, const ps_content *content, struct entry **out);
/* True while a name of the registry stands for what the entry holds. Any thread. */
bool library_lists(struct library *l, const struct entry *entry);
/* The entry's file is not what was hashed: not served any more, hashed again. Any thread. */
void library_recheck(struct library *l, struct entry *entry);

/* ---- between the library's own files; `lock` is held where not said otherwise ---- */

/* Queues a job, new or again. */
void library_job_add(struct library *l, struct hash_job *job);
/* Takes a job out of the queue, to be run or freed; `hashing` still counts it. */
void library_job_take(struct library *l, struct hash_job *job);
/* A job of this name has ended without an entry: one whose file may be another now is looked at
 * again, unless a job of the name is there. */
void library_look_again(struct library *l, const char *name);
/* The entry's file was hashed (`fresh`: now, else its hashes were kept), and unless its name is ""
 * it is published; `event` (may be NULL) is told of when that is durable. */
void library_hashed(struct library *l, struct entry *entry, bool fresh,
                    const struct data_event *event);
/* The name is not published any more; `event` as above. */
void library_taken_back(struct library *l, const char *name, const struct data_event *event);
/* Opens the database and reads it (before there are threads; no lock). */
bool library_load(struct library *l, char *why, size_t why_cap);
/* Saves the changes, all in one, and tells of them (no lock; one thread at a time). */
void library_save(struct library *l);
/* The threads. */
void *library_hasher_main(void *arg);
void *library_saver_main(void *arg);

#endif

/*
 * A file being hashed, by one thread or by several at once: each takes the next few pieces. The
 * library's lock guards what is handed out.
 */
#ifndef PEERSYNC_DATA_HASH_RUN_H
#define PEERSYNC_DATA_HASH_RUN_H

#include "entry.h"
#include "hash_jobs.h"

/* Pieces that a thread takes at a time: some milliseconds of work. */
#define HASH_PART_PIECES 4u
/* A file of more pieces is large: all threads work on it, one such file at a time. */
#define HASH_SMALL_PIECES 8u

struct hash_run {
    struct hash_job *job;
    char *path; /* Resolved; NULL where that failed. */
    int fd;     /* -1: not open. */
    ps_posix_file file;
    struct file_folder folder; /* Where the file is, or is not. */
    bool absent;               /* There is no such file. */
    uint32_t pieces;
    uint32_t next;         /* The first piece that was not handed out. */
    unsigned threads;      /* That work on it. */
    atomic_ullong done;    /* Bytes hashed. */
    atomic_bool failed;    /* `error` is set; others need not go on. */
    ps_error error;        /* How it ended, */
    const char *why;       /* as a clause; "" where it did not fail. */
    ps_posix_error system; /* Where `why` may point to. */
    bool known;            /* The entry is there, and ready: nothing was hashed. */
    bool kept;             /* The hashes were kept: nothing was hashed. */
    ps_content content;    /* The result. */
    ps_node *tree;         /* May be taken away. */
    ps_node only;          /* The hash of a single piece. */
};

struct hash_run *hash_run_new(struct hash_job *job);
/* Not the job. */
void hash_run_free(struct hash_run *run);

/* Resolves the path and opens the file. @return false: it failed, with `error` and `why` set. */
bool hash_run_open(struct hash_run *run);
/* How long a file's times cannot be relied on yet at this time of the system's clock: a write that
 * follows may leave no trace in them. */
int64_t hash_run_unsettled_ns(const ps_posix_file *file, int64_t now_ns);
/* What the open file is to be hashed as, once its times can be relied on. @return false: failed. */
bool hash_run_begin(struct hash_run *run);
bool hash_run_is_large(const struct hash_run *run);
/* Hashes some pieces. `buffer` has PS_PIECE_BYTES, `go_on` as in file_hash_pieces(). *system is
 * filled for PS_E_IO. */
ps_error hash_run_pieces(struct hash_run *run, const ps_crypto *crypto, uint32_t first,
                         uint32_t count, uint8_t *buffer, bool (*go_on)(void *, uint32_t),
                         void *ctx, ps_posix_error *system);
/* How the first of its threads failed. */
void hash_run_fail(struct hash_run *run, ps_error error, const ps_posix_error *system);
/* All pieces are hashed: looks whether the file is still the same, and makes the tree. */
void hash_run_finish(struct hash_run *run, const ps_crypto *crypto);

#endif

/*
 * What must last of the library: `library.db` of the state directory, an SQLite database.
 *
 *   published   name -> path: what this peer publishes
 *   hashes      path -> what the file was when it was hashed, its root, its piece layer
 *
 * What is published keeps its hashes. Of the others, those used least recently go when all together
 * pass LIBRARY_DB_HASHES files or LIBRARY_DB_LAYERS bytes of piece layers.
 *
 * Two connections: one writes, and one thread uses it; one reads, for any thread. What is damaged,
 * or made by another program or version, is kept aside and begun anew.
 */
#ifndef PEERSYNC_DATA_LIBRARY_DB_H
#define PEERSYNC_DATA_LIBRARY_DB_H

#include "entry.h"
#include "events.h"

#include <pthread.h>
#include <sqlite3.h>

#define LIBRARY_DB_HASHES 100000u
/* 32 bytes a MiB of file: layers of 2 TiB. */
#define LIBRARY_DB_LAYERS (UINT64_C(64) << 20)
/* Longer files (16 TiB) are hashed again by each process: SQLite holds no such blob. */
#define LIBRARY_DB_LENGTH_MAX (UINT64_C(1) << 44)

enum db_status {
    DB_OK,
    DB_FAILED, /* No room, no permission, used by another program: the same may work later. */
    DB_DAMAGED /* library_db_renew() helps. */
};

enum db_statement {
    DB_BEGIN,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_PUBLISH,
    DB_UNPUBLISH,
    DB_UNPUBLISH_ALL,
    DB_HASH_PUT,
    DB_HASH_LAYER, /* Bytes of the layer that is kept of a path. */
    DB_HASH_TOUCH,
    DB_HASH_EVICT,
    DB_HASH_FIND,
    DB_LIST,
    DB_STATEMENTS
};

/* One thread at a time. */
struct db_connection {
    sqlite3 *db;
    sqlite3_stmt *statements[DB_STATEMENTS];
};

struct library_db {
    char *path;
    const ps_crypto *crypto;
    struct db_connection writer;
    pthread_mutex_t read_lock; /* Guards `reader`. */
    struct db_connection reader;
    atomic_bool damage_seen;              /* By the reader: renew it. */
    uint64_t hashes, layer_bytes;         /* Kept. */
    uint64_t max_hashes, max_layer_bytes; /* Tests set less. */
    int64_t uses;                         /* Counts: the last one that `hashes.used` holds. */
    bool unwritable; /* There was no room to open it for writing: it was read only. */
    int number;      /* library_db_open() failed: the cause's errno, or 0. */
    int fault;       /* SQLite's result when the writer failed last. */
};

/* Something that must last, in a list. */
struct change {
    struct change *next;
    struct entry *entry;      /* Its hashes are kept; NULL: a name is taken back. */
    bool listed;              /* The entry is published under its name. */
    bool hashed;              /* The hashes are fresh; else they are there and were used. */
    char *name;               /* Taken back; or NULL. */
    struct data_event *event; /* Told of when that is durable; may be NULL. */
};

/* Advice where publications were lost. */
#define LIBRARY_DB_LOST "; publish your files again"

/* Frees what the change holds, and the change. */
void change_free(struct change *change);

/* Opens, or makes; tells of what was kept aside. On a full disk it can be `unwritable`. @return
 * false with a sentence in `why`. */
bool library_db_open(struct library_db *db, const char *state_dir, const ps_crypto *crypto,
                     struct events *events, char *why, size_t why_cap);
/* Also after a failed open. */
void library_db_close(struct library_db *db);
/* Keeps what is there aside and begins anew, or opens it again if it is `unwritable` or not open.
 * `advice` is what people are told to do where it was, or "". The
 * writer's thread. @return false: not now. */
bool library_db_renew(struct library_db *db, const char *advice, struct events *events);
/* What the last failure of the writer was, a clause. */
const char *library_db_fault(const struct library_db *db);

/* All that is published, by name; the visitor takes the entry over, which has no content (and no
 * file, all zero) where no hashes are kept. The writer's thread. */
enum db_status library_db_list(struct library_db *db, void (*visit)(void *ctx, struct entry *e),
                               void *ctx);
/* The hashes of the file at a path when nothing has changed since. Any thread.
 * @return false: none are kept. *tree is fresh, or NULL where the file has none. */
bool library_db_find(struct library_db *db, const char *path, const ps_posix_file *file,
                     ps_content *content, ps_node **tree);
/* Makes all changes, in order and durably, or none. `anew`: they are all that is published. The
 * writer's thread. */
enum db_status library_db_write(struct library_db *db, bool anew, const struct change *changes);

/* ---- between library_db.c and library_rows.c ---- */

enum db_status db_status_of(int result);
/* Prepares the statements that the connection may be asked. */
int db_prepare(struct db_connection *c, bool writes);
void db_finalize(struct db_connection *c);
/* Counts what is kept. */
int db_count(struct library_db *db);

#endif

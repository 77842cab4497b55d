/* Opens the library's database, and begins anew where it cannot be used. */
#include "library_db.h"

#include "alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "PSLB": another program's database is not ours. */
#define APPLICATION_ID "1347636290"
#define USER_VERSION   "1"
#define BUSY_MS        1000
/* Names that are tried for what is kept aside. */
#define ASIDE_MAX 1000u

static const char settings[] = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                               "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024;";

/* FULL: what was told survives a loss of power, too. */
static const char journal[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                              "PRAGMA journal_size_limit=4194304;";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE hashes(path BLOB PRIMARY KEY NOT NULL, device INTEGER NOT NULL,"
    " inode INTEGER NOT NULL, length INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " ctime_ns INTEGER NOT NULL, used INTEGER NOT NULL, root BLOB NOT NULL, layer BLOB NOT NULL);"
    "CREATE INDEX hashes_by_use ON hashes(used);"
    "CREATE TABLE published(name TEXT PRIMARY KEY NOT NULL, path BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX published_by_path ON published(path);"
    "PRAGMA application_id=" APPLICATION_ID "; PRAGMA user_version=" USER_VERSION ";"
    "COMMIT;";

void change_free(struct change *change)
{
    entry_drop(change->entry);
    free(change->name);
    data_event_free(change->event);
    free(change);
}

enum db_status db_status_of(int result)
{
    switch (result) {
    case SQLITE_READONLY_DBMOVED: /* Removed under us. */
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
        return DB_DAMAGED;
    default:
        break;
    }
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return DB_OK;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* A table or column is missing. */
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return DB_DAMAGED;
    default:
        return DB_FAILED;
    }
}

static int run(struct db_connection *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

/* The first value of a query as text in *out, which is compared only. */
static int ask(struct db_connection *c, const char *sql, char *out, int cap)
{
    sqlite3_stmt *statement = NULL;
    out[0] = '\0';
    int result = sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
        const unsigned char *text = result == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
        (void)snprintf(out, (size_t)cap, "%s", text ? (const char *)text : "");
        result = result == SQLITE_ROW ? SQLITE_OK : result;
    }
    (void)sqlite3_finalize(statement);
    return result;
}

/* Makes the tables where there is nothing at all; else it must be ours, and whole. */
static int check_or_make(struct db_connection *c, int for_reading)
{
    char tables[24], id[24], version[24], sound[64];
    int result = ask(c, "SELECT count(*) FROM sqlite_master", tables, sizeof tables);
    result = result ? result : ask(c, "PRAGMA application_id", id, sizeof id);
    result = result ? result : ask(c, "PRAGMA user_version", version, sizeof version);
    if (result != SQLITE_OK) {
        return result;
    }
    if (strcmp(tables, "0") == 0 && strcmp(id, "0") == 0 && strcmp(version, "0") == 0) {
        return run(c, schema);
    }
    /* The file can be written, so what says that it is for reading is its own format. */
    if (strcmp(id, APPLICATION_ID) != 0 || strcmp(version, USER_VERSION) != 0 ||
        sqlite3_db_readonly(c->db, "main") != for_reading) {
        return SQLITE_NOTADB;
    }
    result = ask(c, "PRAGMA quick_check(1)", sound, sizeof sound);
    return result == SQLITE_OK && strcmp(sound, "ok") != 0 ? SQLITE_CORRUPT : result;
}

static int connect_to(struct db_connection *c, const char *path, int flags)
{
    int result = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    /* SQLite opens for reading what the system does not open for writing, whatever the reason is:
     * no descriptor, say. (What is in the file has not been looked at yet.) */
    if (result == SQLITE_OK && (flags & SQLITE_OPEN_READWRITE) != 0 &&
        sqlite3_db_readonly(c->db, "main") != 0) {
        result = SQLITE_CANTOPEN;
    }
    if (result == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(c->db, 1);
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_busy_timeout(c->db, BUSY_MS);
        result = run(c, settings);
    }
    return result;
}

static void disconnect(struct db_connection *c)
{
    db_finalize(c);
    (void)sqlite3_close(c->db);
    c->db = NULL;
}

/* Both connections, and what is counted. */
static int connect_both(struct library_db *db)
{
    struct db_connection *w = &db->writer;
    int result = connect_to(w, db->path, SQLITE_OPEN_READWRITE);
    result = result ? result : run(w, journal);
    result = result ? result : check_or_make(w, 0);
    result = result ? result : db_prepare(w, true);
    result = result ? result : db_count(db);
    result = result ? result : connect_to(&db->reader, db->path, SQLITE_OPEN_READONLY);
    return result ? result : db_prepare(&db->reader, false);
}

static void disconnect_both(struct library_db *db)
{
    disconnect(&db->reader);
    disconnect(&db->writer);
}

/* SQLite makes its other files with the permissions of this one. */
static bool make_file(const char *path, char *why, size_t why_cap, int *number)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat st;
    const char *fault = NULL;
    if (fd < 0 || fstat(fd, &st) != 0) {
        *number = errno;
        fault = strerror(*number);
    } else if (!S_ISREG(st.st_mode)) {
        fault = "it is not a regular file";
    } else if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) != 0) {
        *number = errno;
        fault = strerror(*number);
    }
    if (fault) {
        (void)snprintf(why, why_cap, "cannot open %s: %s", path, fault);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return fault == NULL;
}

/* Gives what belongs to the database the name `aside` in its place; the log of what is not in it
 * yet goes with it. 0, or -1 with errno; EEXIST: `aside` is taken. */
static int move_aside(const char *path, const char *aside)
{
    struct stat taken;
    const bool linked = link(path, aside) == 0;
    if (!linked && errno == EEXIST) {
        return -1;
    }
    /* Some file systems have no links. No other process uses the folder: a name that is free stays
     * so. */
    if (!linked && lstat(aside, &taken) == 0) {
        errno = EEXIST;
        return -1;
    }
    if (!linked && rename(path, aside) != 0) {
        return -1;
    }
    char *log = data_format("%s-wal", path);
    char *log_aside = data_format("%s-wal", aside);
    char *index = data_format("%s-shm", path);
    (void)rename(log, log_aside);
    (void)unlink(index);
    free(log);
    free(log_aside);
    free(index);
    return linked ? unlink(path) : 0;
}

/* `advice` is for people: what they have to do, or "". */
static bool keep_aside(const char *path, const char *fault, const char *advice,
                       struct events *events)
{
    int result = -1;
    errno = EEXIST;
    for (unsigned i = 1; i < ASIDE_MAX && result != 0 && errno == EEXIST; i++) {
        char *aside = data_format("%s.broken-%u", path, i);
        result = move_aside(path, aside);
        const int number = errno;
        if (result == 0) {
            events_note(events, true, "%s cannot be used (%s): it is kept as %s%s", path, fault,
                        aside, advice);
        }
        free(aside);
        errno = number;
    }
    if (result != 0 && errno == ENOENT) {
        result = 0; /* Nothing is left to keep. */
        events_note(events, true, "%s was removed: it is made again", path);
    } else if (result != 0) {
        events_note(events, true, "%s cannot be used (%s) nor kept aside: %s", path, fault,
                    strerror(errno));
    }
    return result == 0;
}

/* One attempt. On failure nothing is open, and `fault` says why. */
static enum db_status attempt(struct library_db *db, char *fault, size_t cap)
{
    const int result = connect_both(db);
    const enum db_status status = db_status_of(result);
    if (status == DB_OK) {
        atomic_store(&db->damage_seen, false);
        return DB_OK;
    }
    db->fault = result;
    db->number = (result & 0xff) == SQLITE_NOMEM || result == SQLITE_IOERR_NOMEM
                     ? ENOMEM /* It has no errno of the system's. */
                     : sqlite3_system_errno(db->reader.db ? db->reader.db : db->writer.db);
    (void)snprintf(fault, cap, "%s", sqlite3_errstr(result));
    if (db->writer.db && status == DB_DAMAGED) {
        (void)sqlite3_db_config(db->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    disconnect_both(db);
    return status;
}

/* A full disk has no room for the files that writing takes. What is whole can be read without them:
 * no other process uses it. */
static bool open_unwritable(struct library_db *db)
{
    const int full = db->fault & 0xff;
    struct stat st;
    char *log = data_format("%s-wal", db->path);
    char *uri = data_format("file:%s?immutable=1", db->path);
    bool whole = full == SQLITE_FULL || full == SQLITE_IOERR;
    whole = whole && (stat(log, &st) != 0 || st.st_size == 0) && stat(db->path, &st) == 0;
    if (whole && st.st_size > 0) {
        struct db_connection *w = &db->writer;
        int result = strpbrk(db->path, "?#%") ? SQLITE_CANTOPEN : SQLITE_OK; /* No URI then. */
        result = result ? result : connect_to(w, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
        result = result ? result : check_or_make(w, 1);
        whole = (result ? result : db_prepare(w, true)) == SQLITE_OK;
    }
    if (!whole) {
        disconnect_both(db);
    }
    free(uri);
    free(log);
    db->unwritable = whole;
    return whole;
}

bool library_db_open(struct library_db *db, const char *state_dir, const ps_crypto *crypto,
                     struct events *events, char *why, size_t why_cap)
{
    char fault[160];
    *db = (struct library_db){.path = data_format("%s/library.db", state_dir),
                              .crypto = crypto,
                              .max_hashes = LIBRARY_DB_HASHES,
                              .max_layer_bytes = LIBRARY_DB_LAYERS};
    pthread_mutex_init(&db->read_lock, NULL);
    if (!make_file(db->path, why, why_cap, &db->number)) {
        return false;
    }
    enum db_status status = attempt(db, fault, sizeof fault);
    if (status == DB_DAMAGED) {
        status = attempt(db, fault, sizeof fault); /* A disk may fail once and then read well. */
    }
    if (status == DB_DAMAGED && keep_aside(db->path, fault, LIBRARY_DB_LOST, events)) {
        if (!make_file(db->path, why, why_cap, &db->number)) {
            return false;
        }
        status = attempt(db, fault, sizeof fault);
    }
    if (status == DB_OK || open_unwritable(db)) {
        return true;
    }
    (void)snprintf(why, why_cap, "cannot open %s: %s", db->path, fault);
    return false;
}

void library_db_close(struct library_db *db)
{
    if (!db->path) {
        return;
    }
    disconnect_both(db);
    pthread_mutex_destroy(&db->read_lock);
    free(db->path);
    *db = (struct library_db){0};
}

bool library_db_renew(struct library_db *db, const char *advice, struct events *events)
{
    char why[256];
    pthread_mutex_lock(&db->read_lock);
    bool done = db->writer.db == NULL || db->unwritable;
    if (db->unwritable) {
        db->unwritable = false;
        disconnect_both(db);
    }
    if (!done) {
        const char *fault = library_db_fault(db);
        (void)sqlite3_db_config(db->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        disconnect_both(db);
        done = keep_aside(db->path, fault, advice, events);
    }
    done = done && make_file(db->path, why, sizeof why, &db->number) &&
           attempt(db, why, sizeof why) == DB_OK;
    pthread_mutex_unlock(&db->read_lock);
    return done;
}

const char *library_db_fault(const struct library_db *db)
{
    return sqlite3_errstr(atomic_load(&db->damage_seen) ? SQLITE_CORRUPT : db->fault);
}

/* What the library's database is asked and told. */
#include "library_db.h"

#include "alloc.h"
#include "files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define HASH_COLUMNS "h.device, h.inode, h.length, h.mtime_ns, h.ctime_ns, h.root, h.layer"
enum { AT_DEVICE, AT_INODE, AT_LENGTH, AT_MTIME, AT_CTIME, AT_ROOT, AT_LAYER, AT_COLUMNS };

/* One of so many hashes goes at a time when there are too many. */
#define EVICT_PARTS 16u

static const struct {
    const char *sql;
    bool writes;
} questions[DB_STATEMENTS] = {
    [DB_BEGIN] = {"BEGIN IMMEDIATE", true},
    [DB_COMMIT] = {"COMMIT", true},
    [DB_ROLLBACK] = {"ROLLBACK", true},
    [DB_PUBLISH] = {"INSERT INTO published(name, path) VALUES(?1, ?2)"
                    " ON CONFLICT(name) DO UPDATE SET path = ?2 WHERE path <> ?2",
                    true},
    [DB_UNPUBLISH] = {"DELETE FROM published WHERE name = ?1", true},
    [DB_UNPUBLISH_ALL] = {"DELETE FROM published", true},
    [DB_HASH_PUT] = {"REPLACE INTO hashes(path, device, inode, length, mtime_ns, ctime_ns, root,"
                     " layer, used) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                     true},
    [DB_HASH_LAYER] = {"SELECT length(layer) FROM hashes WHERE path = ?1", true},
    [DB_HASH_TOUCH] = {"UPDATE hashes SET used = ?2 WHERE path = ?1", true},
    [DB_HASH_EVICT] = {"DELETE FROM hashes WHERE rowid IN (SELECT h.rowid FROM hashes h"
                       " WHERE NOT EXISTS(SELECT 1 FROM published p WHERE p.path = h.path)"
                       " ORDER BY h.used LIMIT ?1)",
                       true},
    [DB_HASH_FIND] = {"SELECT " HASH_COLUMNS " FROM hashes h WHERE h.path = ?1", false},
    [DB_LIST] = {"SELECT " HASH_COLUMNS ", p.name, p.path FROM published p"
                 " LEFT JOIN hashes h ON h.path = p.path ORDER BY p.name",
                 true},
};

int db_prepare(struct db_connection *c, bool writes)
{
    int result = SQLITE_OK;
    for (size_t i = 0; i < DB_STATEMENTS && result == SQLITE_OK; i++) {
        if (questions[i].writes == writes) {
            result = sqlite3_prepare_v3(c->db, questions[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                        &c->statements[i], NULL);
        }
    }
    return result;
}

void db_finalize(struct db_connection *c)
{
    for (size_t i = 0; i < DB_STATEMENTS; i++) {
        (void)sqlite3_finalize(c->statements[i]);
        c->statements[i] = NULL;
    }
}

static int bind_bytes(sqlite3_stmt *s, int at, const void *bytes, size_t len)
{
    /* A pointer that is not NULL makes an empty blob; NULL would be no value. */
    return sqlite3_bind_blob64(s, at, len > 0 ? bytes : "", len, SQLITE_STATIC);
}

static int bind_text(sqlite3_stmt *s, int at, const char *text)
{
    return sqlite3_bind_text64(s, at, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8);
}

/* Steps a statement that gives no rows, whose values were bound with this result. */
static int finish(sqlite3_stmt *s, int bound)
{
    const int result = bound == SQLITE_OK ? sqlite3_step(s) : bound;
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
    return result == SQLITE_DONE || result == SQLITE_ROW ? SQLITE_OK : result;
}

int db_count(struct library_db *db)
{
    sqlite3_stmt *s = NULL;
    int result = sqlite3_prepare_v2(db->writer.db,
                                    "SELECT count(*), coalesce(sum(length(layer)), 0),"
                                    " coalesce(max(used), 0) FROM hashes",
                                    -1, &s, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(s)) == SQLITE_ROW) {
        db->hashes = (uint64_t)sqlite3_column_int64(s, 0);
        db->layer_bytes = (uint64_t)sqlite3_column_int64(s, 1);
        db->uses = sqlite3_column_int64(s, 2);
        result = SQLITE_OK;
    }
    (void)sqlite3_finalize(s);
    return result;
}

static void read_file(sqlite3_stmt *s, ps_posix_file *file)
{
    file->device = (uint64_t)sqlite3_column_int64(s, AT_DEVICE);
    file->inode = (uint64_t)sqlite3_column_int64(s, AT_INODE);
    file->size = (uint64_t)sqlite3_column_int64(s, AT_LENGTH);
    file->mtime_ns = sqlite3_column_int64(s, AT_MTIME);
    file->ctime_ns = sqlite3_column_int64(s, AT_CTIME);
}

/* The root and the tree that stands on the layer. @return false when they do not fit each other or
 * the length, or there is no memory for them: hashing again helps. */
static bool read_hashes(const struct library_db *db, sqlite3_stmt *s, uint64_t length,
                        ps_content *content, ps_node **tree)
{
    const uint8_t *root = sqlite3_column_blob(s, AT_ROOT);
    const size_t nodes = length <= LIBRARY_DB_LENGTH_MAX ? ps_tree_nodes(length) : 0;
    const size_t layer_bytes = nodes > 0 ? ps_piece_count(length) * sizeof(ps_node) : 0;
    *tree = NULL;
    *content = (ps_content){.length = length};
    if (length > LIBRARY_DB_LENGTH_MAX || !root ||
        sqlite3_column_bytes(s, AT_ROOT) != PS_ROOT_BYTES ||
        (size_t)sqlite3_column_bytes(s, AT_LAYER) != layer_bytes) {
        return false;
    }
    memcpy(content->root, root, PS_ROOT_BYTES);
    if (nodes == 0) {
        return ps_content_possible(content);
    }
    const uint8_t *layer = sqlite3_column_blob(s, AT_LAYER);
    *tree = tree_alloc(length);
    if (!*tree || !layer) {
        return false;
    }
    memcpy(*tree, layer, layer_bytes);
    ps_tree_build(db->crypto, length, *tree);
    return memcmp((*tree)[nodes - 1].bytes, content->root, PS_ROOT_BYTES) == 0;
}

bool library_db_find(struct library_db *db, const char *path, const ps_posix_file *file,
                     ps_content *content, ps_node **tree)
{
    bool found = false;
    ps_posix_file kept;
    pthread_mutex_lock(&db->read_lock);
    sqlite3_stmt *s = db->reader.statements[DB_HASH_FIND];
    if (s) {
        int result = bind_bytes(s, 1, path, strlen(path));
        result = result == SQLITE_OK ? sqlite3_step(s) : result;
        if (result == SQLITE_ROW) {
            read_file(s, &kept);
            found = file_same(&kept, file) && read_hashes(db, s, kept.size, content, tree);
        } else if (db_status_of(result) == DB_DAMAGED) {
            atomic_store(&db->damage_seen, true);
        }
        (void)sqlite3_reset(s);
    }
    pthread_mutex_unlock(&db->read_lock);
    if (!found) {
        free(*tree);
        *tree = NULL;
    }
    return found;
}

/* An entry from a row of DB_LIST; NULL when the row is none that was ever written. */
static struct entry *read_entry(const struct library_db *db, sqlite3_stmt *s)
{
    const char *name = (const char *)sqlite3_column_text(s, AT_COLUMNS);
    const size_t name_len = (size_t)sqlite3_column_bytes(s, AT_COLUMNS);
    const uint8_t *bytes = sqlite3_column_blob(s, AT_COLUMNS + 1);
    const size_t path_len = (size_t)sqlite3_column_bytes(s, AT_COLUMNS + 1);
    if (!name || ps_name_check((ps_span){(const uint8_t *)name, name_len}) != PS_NAME_OK ||
        !bytes || bytes[0] != '/' || memchr(bytes, '\0', path_len)) {
        return NULL;
    }
    ps_posix_file file = {0};
    ps_content content = {0};
    ps_node *tree = NULL;
    if (sqlite3_column_type(s, AT_LENGTH) != SQLITE_NULL) {
        read_file(s, &file);
        if (!read_hashes(db, s, file.size, &content, &tree)) {
            free(tree);
            tree = NULL;
            file = (ps_posix_file){0};
            content = (ps_content){0};
        }
    }
    char *path = data_format("%.*s", (int)path_len, (const char *)bytes);
    struct entry *e = entry_new(name, path, &file, &content, tree);
    free(path);
    return e;
}

enum db_status library_db_list(struct library_db *db, void (*visit)(void *ctx, struct entry *e),
                               void *ctx)
{
    sqlite3_stmt *s = db->writer.statements[DB_LIST];
    int result = SQLITE_DONE; /* Where there is no file yet. */
    while (s && (result = sqlite3_step(s)) == SQLITE_ROW) {
        struct entry *e = read_entry(db, s);
        if (!e) {
            result = SQLITE_CORRUPT;
            break;
        }
        visit(ctx, e);
    }
    (void)sqlite3_reset(s);
    db->fault = result == SQLITE_DONE ? SQLITE_OK : result;
    return db_status_of(result);
}

static int publish(struct library_db *db, const struct entry *e)
{
    sqlite3_stmt *s = db->writer.statements[DB_PUBLISH];
    int bound = bind_text(s, 1, e->name);
    bound = bound ? bound : bind_bytes(s, 2, e->path, strlen(e->path));
    return finish(s, bound);
}

static int unpublish(struct library_db *db, const char *name)
{
    sqlite3_stmt *s = db->writer.statements[DB_UNPUBLISH];
    return finish(s, bind_text(s, 1, name));
}

/* Takes what is kept of a path out of the counts. */
static int uncount(struct library_db *db, const char *path)
{
    sqlite3_stmt *s = db->writer.statements[DB_HASH_LAYER];
    int result = bind_bytes(s, 1, path, strlen(path));
    result = result == SQLITE_OK ? sqlite3_step(s) : result;
    if (result == SQLITE_ROW) {
        db->hashes--;
        db->layer_bytes -= (uint64_t)sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_reset(s);
    return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

/* What is kept is used now. A damaged row may have come to the end of the numbers: then no order is
 * left, and nothing else is lost. */
static int64_t next_use(struct library_db *db)
{
    db->uses += db->uses < INT64_MAX ? 1 : 0;
    return db->uses;
}

static int put_hashes(struct library_db *db, const struct entry *e)
{
    sqlite3_stmt *s = db->writer.statements[DB_HASH_PUT];
    const size_t layer = e->tree ? ps_piece_count(e->content.length) * sizeof(ps_node) : 0;
    int r = uncount(db, e->path);
    r = r ? r : bind_bytes(s, 1, e->path, strlen(e->path));
    r = r ? r : sqlite3_bind_int64(s, 2, (sqlite3_int64)e->file.device);
    r = r ? r : sqlite3_bind_int64(s, 3, (sqlite3_int64)e->file.inode);
    r = r ? r : sqlite3_bind_int64(s, 4, (sqlite3_int64)e->file.size);
    r = r ? r : sqlite3_bind_int64(s, 5, e->file.mtime_ns);
    r = r ? r : sqlite3_bind_int64(s, 6, e->file.ctime_ns);
    r = r ? r : bind_bytes(s, 7, e->content.root, PS_ROOT_BYTES);
    r = r ? r : bind_bytes(s, 8, e->tree, layer);
    r = r ? r : sqlite3_bind_int64(s, 9, next_use(db));
    db->hashes++;
    db->layer_bytes += layer;
    return finish(s, r);
}

static int touch(struct library_db *db, const struct entry *e)
{
    sqlite3_stmt *s = db->writer.statements[DB_HASH_TOUCH];
    int bound = bind_bytes(s, 1, e->path, strlen(e->path));
    bound = bound ? bound : sqlite3_bind_int64(s, 2, next_use(db));
    return finish(s, bound);
}

/* Those used least recently go, until the limits hold or all that is left is published. */
static int evict(struct library_db *db)
{
    sqlite3_stmt *s = db->writer.statements[DB_HASH_EVICT];
    int result = SQLITE_OK;
    bool went = true;
    while (result == SQLITE_OK && went &&
           (db->hashes > db->max_hashes || db->layer_bytes > db->max_layer_bytes)) {
        result =
            finish(s, sqlite3_bind_int64(s, 1, (sqlite3_int64)(db->max_hashes / EVICT_PARTS + 1)));
        went = sqlite3_changes(db->writer.db) > 0;
        const int64_t uses = db->uses;
        result = result == SQLITE_OK ? db_count(db) : result;
        db->uses = uses;
    }
    return result;
}

static int apply(struct library_db *db, const struct change *change)
{
    const struct entry *e = change->entry;
    int result = change->name ? unpublish(db, change->name) : SQLITE_OK;
    if (e && change->listed) {
        result = result ? result : publish(db, e);
    }
    if (e && entry_hashed(e) && e->content.length <= LIBRARY_DB_LENGTH_MAX) {
        result = result ? result : change->hashed ? put_hashes(db, e) : touch(db, e);
    }
    return result;
}

enum db_status library_db_write(struct library_db *db, bool anew, const struct change *changes)
{
    sqlite3_stmt **s = db->writer.statements;
    if (!db->writer.db || db->unwritable) {
        return DB_FAILED;
    }
    int moved = 0; /* What is written to a file that was removed is lost. */
    int result = sqlite3_file_control(db->writer.db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    result = result == SQLITE_OK && moved ? SQLITE_READONLY_DBMOVED : result;
    result = result ? result : finish(s[DB_BEGIN], SQLITE_OK);
    if (anew) {
        result = result ? result : finish(s[DB_UNPUBLISH_ALL], SQLITE_OK);
    }
    for (; changes && result == SQLITE_OK; changes = changes->next) {
        result = apply(db, changes);
    }
    result = result ? result : evict(db);
    result = result ? result : finish(s[DB_COMMIT], SQLITE_OK);
    if (result != SQLITE_OK) {
        db->fault = result;
        if (sqlite3_get_autocommit(db->writer.db) == 0) {
            (void)finish(s[DB_ROLLBACK], SQLITE_OK);
        }
        (void)db_count(db);
    }
    return db_status_of(result);
}

/* The library's database, as anybody or anything may have left it: rows of any types and sizes,
 * flipped bytes, or a file that is none. It is always opened, or kept aside and begun anew; what it
 * lists are names and paths that may be, with contents that fit their trees; and what is written
 * then is there, also after it was opened again. SQLite wants files: they lie in a folder of this
 * process, in memory where the system has such a place. */
#include "harness.h"

#include "alloc.h"
#include "library_db.h"
#include "peersync/crypto_sodium.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[32], path[64];

/* The rows hold what other programs and damage leave, so nothing is asked of their types. */
static const char put_hash[] = "INSERT OR REPLACE INTO hashes VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)";
static const char put_name[] = "INSERT OR REPLACE INTO published VALUES(?1,?2)";

static void empty_folder(void)
{
    DIR *folder = opendir(dir);
    must(folder != NULL);
    for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), e->d_name, 0);
    }
    closedir(folder);
}

static void open_db(struct library_db *db, struct events *events)
{
    char why[256] = "";
    must(library_db_open(db, dir, ps_crypto_sodium(), events, why, sizeof why));
    must(db->writer.db != NULL && db->reader.db != NULL && !db->unwritable);
}

static void forget(struct events *events)
{
    for (struct data_event *e; (e = events_next(events)) != NULL;) {
        data_event_free(e);
    }
}

/* ---- Rows ---- */

static void bind_any(tape *t, sqlite3_stmt *s, int at)
{
    static const char *const texts[] = {"/a", "/b", "a", "b", "", "x/y", "\xff", "/\xc3\xa9"};
    const uint8_t kind = take8(t);
    size_t len = take8(t);
    len = len < t->left ? len : t->left;
    switch (kind % 8) {
    case 0:
        (void)sqlite3_bind_int64(s, at, (sqlite3_int64)take64(t));
        break;
    case 1:
        (void)sqlite3_bind_int64(s, at, kind % 16 == 1 ? INT64_MAX : kind / 8);
        break;
    case 2:
        (void)sqlite3_bind_double(s, at, (double)take64(t));
        break;
    case 3:
        (void)sqlite3_bind_zeroblob(s, at, kind / 8 * 32);
        break;
    case 4:
        (void)sqlite3_bind_blob(s, at, len > 0 ? t->at : (const uint8_t *)"", (int)len,
                                SQLITE_TRANSIENT);
        t->at += len;
        t->left -= len;
        break;
    case 5:
        (void)sqlite3_bind_text(s, at, (const char *)t->at, (int)len, SQLITE_TRANSIENT);
        t->at += len;
        t->left -= len;
        break;
    default:
        if (at == 1 && kind / 8 % 2 != 0) {
            (void)sqlite3_bind_text(s, at, texts[kind / 16 % 8], -1, SQLITE_STATIC);
        } else {
            const char *text = texts[kind / 16 % 8];
            (void)sqlite3_bind_blob(s, at, text, (int)strlen(text), SQLITE_STATIC);
        }
        break;
    }
}

/* A row that this program may have written, but for what the input says. */
static void bind_likely(tape *t, sqlite3_stmt *s)
{
    const uint8_t kind = take8(t);
    const uint64_t length = (uint64_t)take8(t) << (kind % 4 * 8);
    const size_t layer = ps_tree_nodes(length) > 0 ? ps_piece_count(length) : 0;
    ps_node *tree = tree_alloc(length);
    uint8_t root[PS_ROOT_BYTES];
    memset(root, kind | 1, sizeof root);
    if (tree != NULL) {
        memset(tree, kind, layer * sizeof *tree);
        ps_tree_build(ps_crypto_sodium(), length, tree);
        memcpy(root, tree[ps_tree_nodes(length) - 1].bytes, sizeof root);
    }
    (void)sqlite3_bind_blob(s, 1, kind & 4u ? "/a" : "/b", 2, SQLITE_STATIC);
    for (int i = 2; i <= 7; i++) {
        (void)sqlite3_bind_int64(s, i, kind);
    }
    (void)sqlite3_bind_int64(s, 4, (sqlite3_int64)length);
    (void)sqlite3_bind_blob(s, 8, root, sizeof root, SQLITE_TRANSIENT);
    (void)sqlite3_bind_blob(s, 9, tree != NULL ? (const void *)tree : "",
                            (int)(layer * sizeof *tree), SQLITE_TRANSIENT);
    free(tree);
}

static void fill(tape *t)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *hash = NULL, *name = NULL;
    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    must(sqlite3_exec(db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(db, put_hash, -1, &hash, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(db, put_name, -1, &name, NULL) == SQLITE_OK);
    for (unsigned rows = take8(t) % 16; rows > 0 && t->left > 0; rows--) {
        const uint8_t kind = take8(t);
        sqlite3_stmt *s = kind & 1u ? hash : name;
        const int columns = kind & 1u ? 9 : 2;
        if (s == hash && (kind & 2u) != 0) {
            bind_likely(t, s);
        }
        for (int i = 1; i <= columns; i++) {
            if (s == name || (kind & 2u) == 0 || (kind & 4u && take8(t) % 8 == 0)) {
                bind_any(t, s, i);
            }
        }
        (void)sqlite3_step(s); /* A NULL is refused. */
        (void)sqlite3_reset(s);
        (void)sqlite3_clear_bindings(s);
    }
    (void)sqlite3_finalize(hash);
    (void)sqlite3_finalize(name);
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    must(sqlite3_close(db) == SQLITE_OK);
}

static void damage(tape *t)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;
    must(fd >= 0 && fstat(fd, &st) == 0);
    for (unsigned flips = take8(t) % 4; flips > 0 && st.st_size > 0; flips--) {
        const off_t at = (off_t)(take64(t) % (uint64_t)st.st_size);
        const uint8_t byte = take8(t);
        must(pwrite(fd, &byte, 1, at) == 1);
    }
    close(fd);
}

/* ---- What is read ---- */

typedef struct seen {
    size_t count;
    bool has_ours;
} seen;

static void visit(void *ctx, struct entry *e)
{
    seen *s = ctx;
    const ps_span name = {(const uint8_t *)e->name, strlen(e->name)};
    must(ps_name_check(name) == PS_NAME_OK && e->path[0] == '/');
    must(!entry_hashed(e) || ps_content_possible(&e->content));
    if (e->tree != NULL) {
        const size_t nodes = ps_tree_nodes(e->content.length);
        uint8_t root[PS_ROOT_BYTES];
        ps_tree_root(ps_crypto_sodium(), e->content.length, e->tree, root);
        must(nodes > 0 && memcmp(e->content.root, e->tree[nodes - 1].bytes, PS_ROOT_BYTES) == 0);
        must(memcmp(e->content.root, root, PS_ROOT_BYTES) == 0);
    }
    s->count++;
    s->has_ours = s->has_ours || (strcmp(e->name, "ours") == 0 && strcmp(e->path, "/ours") == 0 &&
                                  entry_hashed(e));
    entry_drop(e);
}

static struct entry *ours(void)
{
    const ps_posix_file file = {.size = 7, .device = 1, .inode = 2, .mtime_ns = 3, .ctime_ns = 4};
    ps_content content = {.length = 7};
    memset(content.root, 5, sizeof content.root);
    return entry_new("ours", "/ours", &file, &content, NULL);
}

static void find(struct library_db *db, const struct entry *e, bool must_be)
{
    ps_content content;
    ps_node *tree = NULL;
    const bool found = library_db_find(db, e->path, &e->file, &content, &tree);
    must(!must_be || (found && ps_content_equal(&content, &e->content)));
    must(found || tree == NULL);
    free(tree);
}

static void renew(struct library_db *db, struct events *events)
{
    seen s = {.count = 0};
    must(library_db_fault(db) != NULL && library_db_renew(db, LIBRARY_DB_LOST, events));
    must(library_db_list(db, visit, &s) == DB_OK && s.count == 0);
}

/* Written into whatever is there, or into a new one. */
static void write_ours(struct library_db *db, struct events *events, bool anew)
{
    struct entry *e = ours();
    seen s = {.count = 0};
    const struct change change = {.entry = e, .listed = true, .hashed = true};
    enum db_status status = library_db_write(db, anew, &change);
    must(status != DB_FAILED);
    if (status == DB_DAMAGED) {
        renew(db, events);
        must(library_db_write(db, anew, &change) == DB_OK);
    }
    library_db_close(db);
    open_db(db, events);
    /* Damage that was not met before may be met now. */
    status = library_db_list(db, visit, &s);
    must(status != DB_FAILED);
    if (status == DB_OK) {
        must(s.has_ours && (!anew || s.count == 1));
        find(db, e, true);
    }
    entry_drop(e);
}

static void use(tape *t)
{
    struct library_db db;
    struct events events;
    seen s = {.count = 0};
    struct entry *e = ours();
    events_init(&events, NULL, NULL);
    open_db(&db, &events);
    find(&db, e, false);
    const enum db_status status = library_db_list(&db, visit, &s);
    must(status != DB_FAILED);
    if (status == DB_DAMAGED) {
        renew(&db, &events);
    }
    const uint8_t kind = take8(t);
    db.max_hashes = kind & 2u ? 2 : db.max_hashes;
    write_ours(&db, &events, (kind & 1u) != 0);
    library_db_close(&db);
    forget(&events);
    events_destroy(&events);
    entry_drop(e);
}

static void remove_folder(void)
{
    empty_folder();
    (void)rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    snprintf(dir, sizeof dir, "%s/fuzz-db-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(mkdtemp(dir) != NULL && atexit(remove_folder) == 0);
    snprintf(path, sizeof path, "%s/library.db", dir);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tape t = {data, size};
    if (size < 2 || size > 16384) {
        return 0;
    }
    const uint8_t kind = take8(&t);
    empty_folder();
    if ((kind & 1u) != 0) {
        struct library_db db;
        struct events events;
        events_init(&events, NULL, NULL);
        open_db(&db, &events);
        library_db_close(&db);
        events_destroy(&events);
        fill(&t);
        if ((kind & 2u) != 0) {
            damage(&t);
        }
    } else {
        const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        must(fd >= 0 && write(fd, t.at, t.left) == (ssize_t)t.left && close(fd) == 0);
    }
    use(&t);
    return 0;
}

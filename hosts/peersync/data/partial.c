#include "partial.h"

#include "alloc.h"
#include "common/canary.h"
#include "partial_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tries of a name whose file is taken away again and again. */
#define OPEN_TRIES 100u
/* Written bytes that are sent on to the disk together, so that the sync at the end is short. */
#define WRITE_BEHIND (8u * PS_PIECE_BYTES)

static enum partial_result refused(ps_posix_error *error, const char *what)
{
    error->number = errno;
    (void)snprintf(error->text, sizeof error->text, "%s: %s", what, strerror(errno));
    return PARTIAL_FAILED;
}

static int nameless(int dir, ps_posix_error *error)
{
    char name[PS_POSIX_TEMPORARY];
    int fd = -1;
    if (ps_posix_create_nameless(dir, &fd, error) != PS_OK &&
        ps_posix_create_temporary(dir, name, &fd, error) == PS_OK) {
        (void)ps_posix_remove(dir, name, error);
    }
    return fd;
}

/* Whom a file that we make there belongs to: on many network and foreign file systems somebody
 * else. */
static bool is_owner_there(int dir, uid_t owner)
{
    ps_posix_error ignored;
    struct stat st;
    int fd = owner == geteuid() ? -1 : nameless(dir, &ignored);
    if (fd < 0) {
        return owner == geteuid();
    }
    bool same = fstat(fd, &st) == 0 && st.st_uid == owner;
    (void)close(fd);
    return same;
}

/* Opens a regular file of ours with one name, or makes it. Links are never followed, and nothing
 * that is no such file is opened for long. */
static enum partial_result open_own(int dir, const char *name, int extra, int *fd,
                                    ps_posix_error *error)
{
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | extra;
    struct stat st;
    *fd = openat(dir, name, flags | O_CREAT | O_EXCL, 0600);
    if (*fd >= 0) {
        return PARTIAL_OK;
    }
    if (errno == EEXIST) {
        *fd = openat(dir, name, flags | O_CREAT, 0600);
    }
    if (*fd < 0) {
        bool foreign = errno == ELOOP || errno == EISDIR || errno == ENXIO || errno == EACCES;
        enum partial_result result = refused(error, name);
        return foreign ? PARTIAL_FOREIGN : result;
    }
    /* What another user has made could be changed by them after it was verified. */
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1 &&
        is_owner_there(dir, st.st_uid)) {
        return PARTIAL_OK;
    }
    (void)close(*fd);
    *fd = -1;
    return PARTIAL_FOREIGN;
}

/* The open state is still what its name stands for: its last user did not remove it meanwhile. */
static bool still_named(const struct partial *p)
{
    struct stat open, named;
    return fstat(p->state, &open) == 0 &&
           fstatat(p->dir, p->state_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/* The file system knows no locks: two downloads of one file cost time there, as pieces are verified
 * before they are written and the whole before it is named. */
static bool cannot_lock(int number)
{
    return number == ENOLCK || number == EOPNOTSUPP || number == ENOTSUP || number == ENOSYS;
}

static enum partial_result open_locked_state(struct partial *p, ps_posix_error *error)
{
    for (unsigned i = 0; i < OPEN_TRIES; i++) {
        enum partial_result result = open_own(p->dir, p->state_name, O_APPEND, &p->state, error);
        if (result != PARTIAL_OK) {
            return result;
        }
        if (flock(p->state, LOCK_EX | LOCK_NB) != 0 && !cannot_lock(errno)) {
            return errno == EWOULDBLOCK ? PARTIAL_BUSY : refused(error, "lock");
        }
        struct stat st;
        if (still_named(p) && fstat(p->state, &st) == 0) {
            p->fresh = st.st_size == 0;
            return PARTIAL_OK;
        }
        (void)close(p->state);
        p->state = -1;
    }
    return PARTIAL_BUSY;
}

static bool make_lists(struct partial *p)
{
    p->pieces = ps_piece_count(p->content.length);
    p->have = calloc(p->pieces / 8 + 1, 1);
    p->layer = calloc(p->pieces > 0 ? p->pieces : 1, sizeof *p->layer);
    return p->have && p->layer;
}

static void init(struct partial *p, const ps_crypto *crypto, int dir, const ps_content *content)
{
    *p = (struct partial){
        .crypto = crypto, .content = *content, .name = "", .dir = dir, .part = -1, .state = -1};
}

enum partial_result partial_open(struct partial *p, const ps_crypto *crypto, int dir,
                                 const char *name, const ps_content *content, ps_posix_error *error)
{
    init(p, crypto, dir, content);
    p->name = name;
    partial_state_names(p);
    enum partial_result result = open_locked_state(p, error);
    if (result == PARTIAL_OK) {
        result = open_own(dir, p->part_name, 0, &p->part, error);
        if (result != PARTIAL_OK && p->fresh) {
            ps_posix_error ignored;
            (void)ps_posix_remove(dir, p->state_name, &ignored);
        }
    }
    if (result == PARTIAL_OK && ps_posix_stat_file(p->part, &p->found, error) != PS_OK) {
        result = PARTIAL_FAILED;
    }
    if (result != PARTIAL_OK) {
        partial_close(p, false);
        return result;
    }
    /* Before the room is reserved, the lists could be of any size that somebody made up. */
    if (ps_posix_reserve(p->part, content->length, error) != PS_OK) {
        result = PARTIAL_FAILED;
    } else if (!make_lists(p)) {
        result = PARTIAL_MEMORY;
    } else if (partial_state_read(p, error) != PS_OK) {
        result = PARTIAL_FAILED;
    } else {
        partial_state_reserve(p);
    }
    if (result != PARTIAL_OK) {
        partial_close(p, false);
    }
    return result;
}

enum partial_result partial_open_loose(struct partial *p, const ps_crypto *crypto, int dir,
                                       const ps_content *content, ps_posix_error *error)
{
    init(p, crypto, dir, content);
    p->trusted = true;
    p->part = nameless(dir, error);
    enum partial_result result = PARTIAL_OK;
    if (p->part < 0 || ps_posix_reserve(p->part, content->length, error) != PS_OK) {
        result = PARTIAL_FAILED;
    } else if (!make_lists(p)) {
        result = PARTIAL_MEMORY;
    }
    if (result != PARTIAL_OK) {
        partial_close(p, true);
    }
    return result;
}

bool partial_has(const struct partial *p, uint32_t piece)
{
    return (p->have[piece / 8] >> (piece % 8) & 1) != 0;
}

void partial_rechecked(struct partial *p)
{
    static const ps_node nothing;
    ps_posix_error ignored;
    for (uint32_t i = 0; i < p->pieces; i++) {
        if (!partial_has(p, i) && memcmp(&p->layer[i], &nothing, sizeof nothing) != 0) {
            p->layer[i] = nothing;
            if (partial_state_append(p, i, &nothing, &ignored) != PS_OK) {
                /* The record that does not hold stays, so the next one must look again. */
                atomic_store(&p->mute, true);
                atomic_store(&p->doubted, true);
            }
        }
    }
    p->trusted = true;
}

void partial_mark(struct partial *p, uint32_t piece, const ps_node *hash)
{
    p->have[piece / 8] |= (uint8_t)(1u << (piece % 8));
    p->layer[piece] = *hash;
}

uint64_t partial_bytes(const struct partial *p)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < p->pieces; i++) {
        bytes += partial_has(p, i) ? ps_piece_length(p->content.length, i) : 0;
    }
    return bytes;
}

static bool is_there(const struct partial *p, uint32_t piece, uint8_t *room)
{
    uint32_t len = ps_piece_length(p->content.length, piece);
    size_t got = 0;
    ps_posix_error error;
    ps_node hash;
    if (ps_posix_read_at(p->part, room, len, (uint64_t)piece * PS_PIECE_BYTES, &got, &error) !=
            PS_OK ||
        got != len) {
        return false;
    }
    ps_piece_hash(p->crypto, p->content.length, room, len, &hash);
    return memcmp(&hash, &p->layer[piece], sizeof hash) == 0;
}

void partial_recheck(struct partial *p, uint32_t first, uint32_t step, const atomic_bool *stop,
                     void (*holds)(void *ctx, uint32_t len), void *ctx)
{
    uint8_t *room = data_grow(NULL, PS_PIECE_BYTES, 1);
    for (uint64_t byte = first; byte * 8 < p->pieces; byte += step) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            uint32_t piece = (uint32_t)byte * 8 + bit;
            if ((p->have[byte] >> bit & 1) == 0) {
                continue;
            }
            /* What could not be looked at in time does not count as there. */
            if (!atomic_load(stop) && is_there(p, piece, room)) {
                holds(ctx, ps_piece_length(p->content.length, piece));
            } else {
                p->have[byte] &= (uint8_t) ~(1u << bit);
            }
        }
    }
    free(room);
}

/* Starts writing to the disk what the last pieces have left in memory. Only a hint. */
static void write_behind(const struct partial *p, uint64_t end)
{
#ifdef SYNC_FILE_RANGE_WRITE
    if (end % WRITE_BEHIND == 0) {
        (void)sync_file_range(p->part, (off_t)(end - WRITE_BEHIND), WRITE_BEHIND,
                              SYNC_FILE_RANGE_WRITE);
    }
#else
    (void)p;
    (void)end;
#endif
}

ps_status partial_write(struct partial *p, uint32_t piece, const uint8_t *bytes, uint32_t len,
                        const ps_node *hash, ps_posix_error *error)
{
    uint64_t offset = (uint64_t)piece * PS_PIECE_BYTES;
    if (ps_posix_write_at(p->part, bytes, len, offset, error) != PS_OK) {
        atomic_store(&p->doubted, true);
        return PS_FAILED;
    }
    write_behind(p, offset + len);
    if (p->state >= 0 && !atomic_load(&p->mute)) {
        ps_posix_error ignored;
        if (partial_state_append(p, piece, hash, &ignored) != PS_OK) {
            atomic_store(&p->mute, true);
        }
    }
    return PS_OK;
}

bool partial_whole(const struct partial *p)
{
    uint8_t root[PS_ROOT_BYTES];
    for (uint32_t i = 0; i < p->pieces; i++) {
        if (!partial_has(p, i)) {
            return false;
        }
    }
    ps_tree_root(p->crypto, p->content.length, p->layer, root);
    return memcmp(root, p->content.root, sizeof root) == 0;
}

ps_status partial_restart(struct partial *p, ps_posix_error *error)
{
    memset(p->have, 0, p->pieces / 8 + 1);
    return p->state < 0 ? PS_OK : partial_state_clear(p, error);
}

ps_status partial_sync(struct partial *p, unsigned mode, ps_posix_error *error)
{
    (void)fchmod(p->part, mode);
    if (!PS_CANARY(UNSYNCED_DOWNLOAD) && ps_posix_sync(p->part, error) != PS_OK) {
        atomic_store(&p->doubted, true);
        return PS_FAILED;
    }
    return PS_OK;
}

ps_status partial_name(struct partial *p, ps_posix_error *error)
{
    ps_posix_error ignored;
    if (ps_posix_rename_new(p->dir, p->part_name, p->name, error) != PS_OK) {
        return PS_FAILED;
    }
    (void)ps_posix_remove(p->dir, p->state_name, &ignored);
    (void)close(p->part);
    p->part = -1;
    return PS_OK;
}

/* Something is here that another download could use, or it cannot be told. */
static bool worth_keeping(const struct partial *p)
{
    if (!p->have || !p->trusted) {
        return !p->fresh;
    }
    for (uint32_t i = 0; i < p->pieces / 8 + 1; i++) {
        if (p->have[i] != 0) {
            return true;
        }
    }
    return false;
}

/* What the disk refused may still be in memory and look well there. */
static void forget_cached(int fd)
{
#ifdef POSIX_FADV_DONTNEED
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
#else
    (void)fd;
#endif
}

void partial_close(struct partial *p, bool discard)
{
    ps_posix_error ignored;
    if (p->state >= 0 && p->part >= 0) {
        if (discard || !worth_keeping(p)) {
            (void)ps_posix_remove(p->dir, p->part_name, &ignored);
            (void)ps_posix_remove(p->dir, p->state_name, &ignored);
        } else if (atomic_load(&p->doubted)) {
            (void)fchmod(p->part, 0600);
            forget_cached(p->part);
        } else if (p->trusted) {
            (void)fchmod(p->part, 0600);
            partial_state_close(p);
        }
    }
    if (p->part >= 0) {
        (void)close(p->part);
    }
    if (p->state >= 0) {
        (void)close(p->state); /* Last: the lock goes with it. */
    }
    free(p->have);
    free(p->layer);
    p->part = p->state = -1;
    p->have = NULL;
    p->layer = NULL;
}

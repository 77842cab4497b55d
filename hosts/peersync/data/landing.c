#include "landing.h"

#include "alloc.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Stored files without names hold descriptors, and the lowest are given out first: from this one on
 * the rest is left to connections. */
#define STORED_MAX 512

void landing_fail(struct landing *l, ps_error error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    l->error = error;
    (void)vsnprintf(l->text, sizeof l->text, format, args);
    va_end(args);
}

static bool go_on(void *ctx, uint32_t hashed)
{
    struct landing *l = ctx;
    (void)hashed;
    return !atomic_load(&l->cancelled);
}

static void compared(struct landing *l, ps_error result, const ps_posix_error *error)
{
    ps_content found = {.length = l->content.length};
    if (result == PS_E_NONE) {
        ps_tree_root(l->crypto, found.length, l->found_layer, found.root);
    }
    if (result == PS_E_CANCELLED) {
        landing_fail(l, result, "%s", ps_error_text(result));
    } else if (result == PS_E_NONE && ps_content_equal(&found, &l->content)) {
        l->already = true;
    } else if (result == PS_E_IO) {
        l->exists = true;
        landing_fail(l, PS_E_IO, "%s/%s exists and cannot be compared: %s", l->folder, l->name,
                     file_fault(error));
    } else {
        l->exists = true;
        landing_fail(l, PS_E_IO, "%s/%s exists and is a different file", l->folder, l->name);
    }
}

static void end_comparison(struct landing *l)
{
    if (l->comparing) {
        (void)close(l->found);
        free(l->found_layer);
        l->found_layer = NULL;
        l->comparing = false;
    }
}

void landing_compare(struct landing *l)
{
    const uint32_t pieces = ps_piece_count(l->content.length);
    const uint32_t rest = pieces - l->found_next;
    const uint32_t count = rest < LANDING_PART_PIECES ? rest : LANDING_PART_PIECES;
    ps_posix_error error = {0};
    uint8_t *buffer = data_alloc(1, PS_PIECE_BYTES);
    const ps_error result = file_hash_pieces(l->found, l->content.length, l->crypto, l->found_next,
                                             count, buffer, l->found_layer, go_on, l, &error);
    free(buffer);
    l->found_next += count;
    if (result != PS_E_NONE || l->found_next == pieces) {
        compared(l, result, &error);
        end_comparison(l);
    }
}

/* The final name is taken: by this content, or by another file? What is short is hashed now. */
static void compare(struct landing *l, int fd, const ps_posix_file *file)
{
    if (file->size != l->content.length) {
        const ps_posix_error none = {0};
        compared(l, PS_E_CHANGED, &none);
        (void)close(fd);
        return;
    }
    l->found = fd;
    l->found_next = 0;
    l->found_layer = data_alloc(ps_piece_count(file->size), sizeof *l->found_layer);
    l->comparing = true;
    if (ps_piece_count(file->size) <= LANDING_PART_PIECES) {
        landing_compare(l);
    }
}

/* Looks at the final name. @return true when it is free. */
static bool name_is_free(struct landing *l)
{
    int fd = -1;
    ps_posix_file file;
    ps_posix_error error = {0};
    if (ps_posix_open_beneath(l->dir, l->name, &fd, &file, &error) == PS_OK) {
        compare(l, fd, &file);
        return false;
    }
    if (error.number == ENOENT) {
        return true;
    }
    if (error.number == EMFILE || error.number == ENFILE || error.number == EIO) {
        landing_fail(l, PS_E_IO, "cannot look at %s/%s: %s", l->folder, l->name, error.text);
    } else {
        l->exists = true;
        landing_fail(l, PS_E_IO, "%s/%s exists and is not a file that can be compared", l->folder,
                     l->name);
    }
    return false;
}

/* How many more bytes the folder's disk would have to have; `wanted` where it cannot tell. */
static uint64_t bytes_short(const struct landing *l, uint64_t wanted)
{
    struct statvfs disk;
    if (fstatvfs(l->dir, &disk) != 0) {
        return wanted;
    }
    uint64_t have = (uint64_t)disk.f_bavail * disk.f_frsize;
    return have < wanted ? wanted - have : wanted;
}

void landing_write_failed(struct landing *l, const ps_posix_error *error, uint64_t missing)
{
    if (error->number == ENOSPC) {
        landing_fail(l, PS_E_IO, "the disk is full: %" PRIu64 " more bytes needed in %s",
                     bytes_short(l, missing), l->folder);
    } else if (error->number == EDQUOT) {
        landing_fail(l, PS_E_IO,
                     "your quota on the disk is used up: %" PRIu64 " bytes needed in %s", missing,
                     l->folder);
    } else if (error->number == EFBIG) {
        landing_fail(l, PS_E_IO, "a file of %" PRIu64 " bytes is longer than is allowed in %s",
                     l->content.length, l->folder);
    } else {
        landing_fail(l, PS_E_IO, "cannot write in %s: %s", l->folder, error->text);
    }
}

bool landing_open(struct landing *l)
{
    ps_posix_error error = {0};
    if (l->dir < 0 && ps_posix_open_dir(l->folder, &l->dir, &error) != PS_OK) {
        l->dir = -1;
        landing_fail(l, PS_E_IO, "cannot use the folder %s: %s", l->folder,
                     error.number != 0 ? strerror(error.number) : error.text);
    }
    return l->dir >= 0;
}

void landing_close(struct landing *l)
{
    if (l->dir >= 0) {
        (void)close(l->dir);
        l->dir = -1;
    }
}

bool landing_named(struct landing *l)
{
    ps_name_fault fault = ps_name_check((ps_span){(const uint8_t *)l->name, strlen(l->name)});
    if (fault != PS_NAME_OK) {
        landing_fail(l, PS_E_BAD_NAME, "the name cannot be used: %s", ps_name_fault_text(fault));
    }
    return fault == PS_NAME_OK;
}

void landing_look(struct landing *l)
{
    (void)name_is_free(l);
}

/* Nothing has a name yet. @return -1: such a file cannot be made, or too many are open. */
static int open_nameless(const struct landing *l)
{
    ps_posix_error ignored;
    int fd = -1;
    if (ps_posix_create_nameless(l->dir, &fd, &ignored) == PS_OK && fd >= STORED_MAX) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

/* @return false: see the outcome. */
static bool write_stored(struct landing *l, int fd, const uint8_t *bytes, uint32_t len)
{
    ps_posix_error error = {0};
    if (ps_posix_write_at(fd, bytes, len, 0, &error) != PS_OK) {
        landing_write_failed(l, &error, l->content.length);
        return false;
    }
    (void)fchmod(fd, l->mode);
#ifdef SYNC_FILE_RANGE_WRITE
    /* Begin now: the sync that follows finds less to do. */
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
    return true;
}

static void store_temporary(struct landing *l, const uint8_t *bytes, uint32_t len)
{
    ps_posix_error error = {0};
    int fd = -1;
    if (ps_posix_create_temporary(l->dir, l->temporary, &fd, &error) != PS_OK) {
        l->temporary[0] = '\0';
        landing_write_failed(l, &error, l->content.length);
        return;
    }
    (void)write_stored(l, fd, bytes, len);
    (void)close(fd);
}

void landing_store(struct landing *l, const uint8_t *bytes, uint32_t len)
{
    if (!landing_open(l)) {
        return;
    }
    l->stored = open_nameless(l);
    if (l->stored < 0) {
        store_temporary(l, bytes, len);
    } else if (!write_stored(l, l->stored, bytes, len)) {
        landing_discard(l);
    }
    landing_close(l);
}

/* Waits until the bytes have left for the disk, which tells of errors; only a sync makes it keep
 * them. */
static ps_status written_out(int fd, ps_posix_error *error)
{
#ifdef SYNC_FILE_RANGE_WRITE
    unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (sync_file_range(fd, 0, 0, how) == 0 || errno == ESPIPE || errno == ENOSYS) {
        return PS_OK;
    }
    error->number = errno;
    (void)snprintf(error->text, sizeof error->text, "sync: %s", strerror(errno));
    return PS_FAILED;
#else
    return ps_posix_sync(fd, error);
#endif
}

void landing_sync(struct landing *l, bool alone)
{
    ps_posix_error error = {0};
    ps_posix_file file;
    int fd = l->stored;
    if (fd < 0 && ps_posix_open_beneath(l->dir, l->temporary, &fd, &file, &error) != PS_OK) {
        landing_fail(l, PS_E_IO, "cannot open %s in %s again: %s", l->temporary, l->folder,
                     file_fault(&error));
        return;
    }
    if ((alone ? ps_posix_sync(fd, &error) : written_out(fd, &error)) != PS_OK) {
        landing_write_failed(l, &error, 0);
    }
    if (fd != l->stored) {
        (void)close(fd);
    }
}

bool landing_sync_all(struct landing *l)
{
#ifdef __linux__
    if (syncfs(l->dir) != 0) {
        landing_fail(l, PS_E_IO, "cannot make the files in %s last: %s", l->folder,
                     strerror(errno));
        return false;
    }
#endif
    return true;
}

/* Many file systems cannot sync a folder, as they need not or never could. */
static bool no_such_sync(int number)
{
    return number == EINVAL || number == ENOTSUP || number == EOPNOTSUPP || number == ENOSYS;
}

void landing_sync_names(struct landing *l)
{
    ps_posix_error error = {0};
    if (ps_posix_sync(l->dir, &error) != PS_OK && !no_such_sync(error.number)) {
        l->unsure = true;
        (void)snprintf(l->text, sizeof l->text,
                       "the names of new files in %s may not outlast a power failure: %s",
                       l->folder, error.text);
    }
}

void landing_name_failed(struct landing *l, const ps_posix_error *error)
{
    /* Somebody has taken the name meanwhile; perhaps another download of the same content. */
    const bool is_free = error->number != EEXIST || name_is_free(l);
    while (l->comparing) {
        landing_compare(l);
    }
    if (is_free) {
        landing_fail(l, PS_E_IO, "cannot name the file %s in %s: %s", l->name, l->folder,
                     error->text);
    }
}

/* What cannot be named after all is stored once more, as where there is no such file. @return
 * false: see the outcome. */
static bool store_again(struct landing *l)
{
    const uint32_t len = (uint32_t)l->content.length;
    uint8_t *bytes = data_grow(NULL, len + 1u, 1);
    ps_posix_error error = {0};
    size_t got = 0;
    if (ps_posix_read_at(l->stored, bytes, len, 0, &got, &error) != PS_OK || got != len) {
        landing_write_failed(l, &error, 0);
    } else {
        store_temporary(l, bytes, len);
    }
    free(bytes);
    (void)close(l->stored);
    l->stored = -1;
    if (l->error == PS_E_NONE) {
        landing_sync(l, true);
    }
    return l->error == PS_E_NONE;
}

void landing_name(struct landing *l)
{
    ps_posix_error error = {0};
    if (l->stored >= 0) {
        if (ps_posix_name_new(l->stored, l->dir, l->name, &error) == PS_OK) {
            return;
        }
        if (error.number == EEXIST) {
            landing_name_failed(l, &error);
            return;
        }
        if (!store_again(l)) {
            return;
        }
    }
    if (ps_posix_rename_new(l->dir, l->temporary, l->name, &error) == PS_OK) {
        l->temporary[0] = '\0';
    } else {
        landing_name_failed(l, &error);
    }
}

void landing_discard(struct landing *l)
{
    if (l->stored >= 0) {
        (void)close(l->stored);
        l->stored = -1;
    }
    if (l->temporary[0] != '\0') {
        ps_posix_error error = {0};
        (void)ps_posix_remove(l->dir, l->temporary, &error);
        l->temporary[0] = '\0';
    }
}

void landing_abandon(struct landing *l)
{
    end_comparison(l);
    if (l->stored >= 0 || (l->temporary[0] != '\0' && landing_open(l))) {
        landing_discard(l);
    }
    landing_close(l);
}

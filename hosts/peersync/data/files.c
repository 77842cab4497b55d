#include "files.h"

#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool file_same(const ps_posix_file *a, const ps_posix_file *b)
{
    return file_unwritten(a, b) && a->ctime_ns == b->ctime_ns;
}

bool file_unwritten(const ps_posix_file *a, const ps_posix_file *b)
{
    return a->size == b->size && a->device == b->device && a->inode == b->inode &&
           a->mtime_ns == b->mtime_ns;
}

struct file_folder file_folder(const char *path)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    char *folder = data_format("%.*s", slash && slash > path ? (int)(slash - path) : 1, path);
    const bool there = stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
    free(folder);
    return there ? (struct file_folder){(uint64_t)st.st_dev, (uint64_t)st.st_ino}
                 : (struct file_folder){0, 0};
}

bool file_folder_same(const struct file_folder *a, const struct file_folder *b)
{
    return a->inode != 0 && a->device == b->device && a->inode == b->inode;
}

bool file_is_absent(const ps_posix_error *error)
{
    return error->number == ENOENT || error->number == ENOTDIR;
}

bool file_is_crowded(const ps_posix_error *error)
{
    return error->number == EMFILE || error->number == ENFILE || error->number == ENOMEM;
}

const char *file_fault(const ps_posix_error *error)
{
    switch (error->number) {
    case ENOENT:
        return "there is no such file";
    case EACCES:
    case EPERM:
        return "it may not be read: permission denied";
    case EISDIR:
        return "it is a directory";
    case ENOTDIR:
        return "a part of its path is not a directory";
    case ELOOP:
        return "its path has links that are not followed";
    case ENAMETOOLONG:
        return "its path is too long";
    case EMFILE:
    case ENFILE:
        return "too many files are open";
    default:
        return error->text;
    }
}

ps_error file_hash_pieces(int fd, uint64_t length, const ps_crypto *crypto, uint32_t first,
                          uint32_t count, uint8_t *buffer, ps_node *layer,
                          bool (*go_on)(void *ctx, uint32_t hashed), void *ctx,
                          ps_posix_error *error)
{
    uint32_t len = 0;
    for (uint32_t i = first; i < first + count; i++) {
        size_t got = 0;
        if (!go_on(ctx, len)) {
            return PS_E_CANCELLED;
        }
        len = ps_piece_length(length, i);
        if (ps_posix_read_at(fd, buffer, len, (uint64_t)i * PS_PIECE_BYTES, &got, error) != PS_OK) {
            return PS_E_IO;
        }
        if (got < len) {
            return PS_E_CHANGED;
        }
        ps_piece_hash(crypto, length, buffer, len, &layer[i]);
    }
    return go_on(ctx, len) ? PS_E_NONE : PS_E_CANCELLED;
}

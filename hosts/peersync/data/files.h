/* What the data plane says about files. */
#ifndef PEERSYNC_DATA_FILES_H
#define PEERSYNC_DATA_FILES_H

#include "peersync/posix.h"
#include "peersync/transfer.h"

/* Nothing at all has changed: the content is the one that was hashed. Looks at the inode's own time
 * too, which catches a modification time that was set back. */
bool file_same(const ps_posix_file *a, const ps_posix_file *b);
/* The same file, not written to: for an upload under way, which a rename or a chmod must not end.
 */
bool file_unwritten(const ps_posix_file *a, const ps_posix_file *b);
/* A folder, told from any other that may have its path later; zeros: none. */
struct file_folder {
    uint64_t device, inode;
};
/* The folder that an absolute path of a file goes through last; zeros where there is none. */
struct file_folder file_folder(const char *path);
/* The same one; none is the same as none. */
bool file_folder_same(const struct file_folder *a, const struct file_folder *b);
/* The system says that there is no such file. */
bool file_is_absent(const ps_posix_error *error);
/* The system has no room to open a file now; that says nothing about the file. */
bool file_is_crowded(const ps_posix_error *error);
/* Why a published path could not be opened or read, as a clause for people. Static storage, or
 * error->text. */
const char *file_fault(const ps_posix_error *error);
/* Hashes `count` pieces of an open file of `length` bytes from piece `first` on, into layer[first]
 * and so on. `buffer` has PS_PIECE_BYTES. `go_on` is asked before each piece and at the end, with
 * the bytes that were hashed since it was asked last, and may end it. @return PS_E_NONE,
 * PS_E_CANCELLED, PS_E_CHANGED (it became shorter) or PS_E_IO with *error filled. */
ps_error file_hash_pieces(int fd, uint64_t length, const ps_crypto *crypto, uint32_t first,
                          uint32_t count, uint8_t *buffer, ps_node *layer,
                          bool (*go_on)(void *ctx, uint32_t hashed), void *ctx,
                          ps_posix_error *error);

#endif

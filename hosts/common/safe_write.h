/* A small file replaced as a whole: temporary name, fsync, rename, fsync of the directory. Whoever
 * reads it sees the old or the new content, never a part, even after a crash. */
#ifndef PS_COMMON_SAFE_WRITE_H
#define PS_COMMON_SAFE_WRITE_H

#include "peersync/base.h"

#include <sys/types.h>

/* Locks the directory that the file is really in, for the file itself is replaced: two editors at
 * once would lose one's change. Waits, and calls `waiting` (may be NULL) before it does.
 * @return a descriptor to close, or -1 with errno. */
int ps_file_lock(const char *path, void (*waiting)(const char *path));

/* Replaces `path` with `content`. For root, the owner stays: that of the old file, or for a new one
 * that of the directory. Returns 0, or -1 with errno; then the old file is untouched and
 * no temporary file is left. A symbolic link is followed: its target is replaced. */
int ps_file_replace(const char *path, ps_span content, mode_t mode);

/* Reads a whole regular file of at most `limit` bytes into fresh memory (free() it; one NUL byte
 * stands behind the content). Returns 0, or -1 with errno (EFBIG: too long, EINVAL: not regular).*/
int ps_file_read(const char *path, size_t limit, uint8_t **out, size_t *len);

#endif

/* What the store asks of a disk. Tests put one that delays, fails and forgets in its place. */
#ifndef PS_PEERSYNCD_STORE_FILES_H
#define PS_PEERSYNCD_STORE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PS_STORE_NAME "publications.log"

typedef enum ps_store_which {
    PS_STORE_LOG,
    PS_STORE_FRESH /* The file that is to take the log's place. */
} ps_store_which;

/* Every function returns 0 or an errno. */
typedef struct ps_store_files {
    void *ctx;
    /* Up to `cap` bytes of the log from `at` on; *n 0: there are no more. A log that does not exist
     * is empty. */
    int (*read)(void *ctx, uint64_t at, void *to, size_t cap, size_t *n);
    /* Writes at `at`, which may be fewer than `len` bytes. */
    int (*write)(void *ctx, ps_store_which which, uint64_t at, const void *from, size_t len,
                 size_t *n);
    /* What was written is durable when this has returned 0; when it has failed, none of it may be.
     */
    int (*sync)(void *ctx, ps_store_which which);
    int (*truncate)(void *ctx, uint64_t len);
    /* Makes an empty file beside the log. */
    int (*create)(void *ctx);
    /* That file takes the log's place. */
    int (*adopt)(void *ctx);
    /* The directory's entry is durable. */
    int (*sync_name)(void *ctx);
    /* Removes the file beside the log. */
    void (*discard)(void *ctx);
} ps_store_files;

/* Those of the system, below a directory. */
typedef struct ps_store_posix {
    int dir_fd;
    int fd;       /* -1: the log does not exist. */
    int fresh_fd; /* -1: none. */
} ps_store_posix;

/* Opens the log where it exists; `dir_fd` stays the caller's. @return 0 or an errno (EINVAL: it is
 * not a regular file). */
int ps_store_posix_open(ps_store_posix *p, int dir_fd, bool read_only);
ps_store_files ps_store_posix_files(ps_store_posix *p);
void ps_store_posix_close(ps_store_posix *p);

#endif

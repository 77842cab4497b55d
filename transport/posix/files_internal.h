/* The insides of the files' functions; the portable forms are here for their tests. */
#ifndef PS_POSIX_FILES_INTERNAL_H
#define PS_POSIX_FILES_INTERNAL_H

#include "posix/error.h"

/* Keeps an opened file if it is a regular one, as *fd, and lets it block again; closes it if not.
 */
ps_status ps_posix_keep_regular(int opened, int *fd, ps_posix_file *file, ps_posix_error *why);

/* What stands in for openat2() and renameat2() where they are missing; -1 with errno. */
int ps_posix_open_exact_portable(const char *path);
int ps_posix_openat_portable(int dir, const char *name, int flags, unsigned mode);
int ps_posix_rename_portable(int dir, const char *from, const char *to);

#endif

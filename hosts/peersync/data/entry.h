/* A published file: what it is called, where it is, and what it was when it was hashed. */
#ifndef PEERSYNC_DATA_ENTRY_H
#define PEERSYNC_DATA_ENTRY_H

#include "files.h"
#include "peersync/posix.h"
#include "peersync/transfer.h"

#include <stdatomic.h>

/* Shared by the registry and the uploads under way; never changed once it is shared, but for the
 * two atomics. A file that changed becomes a new entry. */
struct entry {
    atomic_uint references;
    atomic_bool withdrawn; /* Taken back: uploads of it end. */
    char *name;
    char *path; /* As realpath() gave it: no part of it was a link. */
    ps_posix_file file;
    struct file_folder folder; /* Where it was when it was last seen; zeros: not since the start. */
    ps_content content;
    ps_node *tree; /* ps_tree_nodes(content.length) nodes; NULL where there are none. */
};

/* Room for the tree of a file of this length; NULL when it needs none, or there is no memory. */
ps_node *tree_alloc(uint64_t length);
/* Takes `tree` over; copies the strings. One reference is the caller's. */
struct entry *entry_new(const char *name, const char *path, const ps_posix_file *file,
                        const ps_content *content, ps_node *tree);
struct entry *entry_hold(struct entry *e);
/* False for a publication whose hashes were not kept: its content is not known. */
bool entry_hashed(const struct entry *e);
/* Opens its file for reading: the very path, no link followed in it, and a regular file or nothing.
 * `now` gets what it is now, to be compared with `file`. @return PS_FAILED with *error filled. */
ps_status entry_open(const struct entry *e, int *fd, ps_posix_file *now, ps_posix_error *error);
/* Gives a reference back; NULL is allowed. */
void entry_drop(struct entry *e);

#endif

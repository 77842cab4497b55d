/*
 * The registry on disk: text, a line an entry.
 *
 *   peersync-published 1
 *   LENGTH ROOT DEVICE INODE MTIME_NS CTIME_NS NAME PATH
 *   ...
 *   end COUNT
 *
 * ROOT is in hex. In NAME and PATH a space, '%' and control characters stand as %XX. The last line
 * shows that nothing was cut off.
 */
#ifndef PEERSYNC_DATA_REGISTRY_FILE_H
#define PEERSYNC_DATA_REGISTRY_FILE_H

#include "entry.h"

/* One line as read: strings in fresh memory. */
struct registry_line {
    char *name;
    char *path;
    ps_posix_file file;
    ps_content content;
};

struct registry_lines {
    struct registry_line *lines;
    size_t count;
    size_t broken_line; /* First line that could not be used, from 1; 0: the file is sound. */
    const char *broken; /* What is wrong with it, a clause. Static storage. */
};

/* The file's text in fresh memory. */
char *registry_text(struct entry *const entries[], size_t count, size_t *len);
/* Reads every line that can be read. */
void registry_parse(const char *text, size_t len, struct registry_lines *out);
void registry_lines_free(struct registry_lines *lines);

#endif

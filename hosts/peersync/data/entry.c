#include "entry.h"

#include "alloc.h"

#include <stdlib.h>

struct entry *entry_new(const char *name, const char *path, const ps_posix_file *file,
                        const ps_content *content, ps_node *tree)
{
    struct entry *e = data_alloc(1, sizeof *e);
    atomic_init(&e->references, 1);
    atomic_init(&e->withdrawn, false);
    e->name = data_strdup(name);
    e->path = data_strdup(path);
    e->file = *file;
    e->content = *content;
    e->tree = tree;
    return e;
}

struct entry *entry_hold(struct entry *e)
{
    atomic_fetch_add_explicit(&e->references, 1, memory_order_relaxed);
    return e;
}

void entry_drop(struct entry *e)
{
    if (e && atomic_fetch_sub_explicit(&e->references, 1, memory_order_acq_rel) == 1) {
        free(e->name);
        free(e->path);
        free(e->tree);
        free(e);
    }
}

#include "entry.h"

#include "alloc.h"

#include <stdlib.h>

ps_node *tree_alloc(uint64_t length)
{
    size_t nodes = ps_tree_nodes(length);
    return nodes > 0 ? calloc(nodes, sizeof(ps_node)) : NULL;
}

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

bool entry_hashed(const struct entry *e)
{
    return e->file.device != 0 || e->file.inode != 0;
}

ps_status entry_open(const struct entry *e, int *fd, ps_posix_file *now, ps_posix_error *error)
{
    return ps_posix_open_exact(e->path, fd, now, error);
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

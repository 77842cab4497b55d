/* The registry in memory: entries by name, and by what they hold. The library's lock guards it. */
#ifndef PEERSYNC_DATA_SLOTS_H
#define PEERSYNC_DATA_SLOTS_H

#include "entry.h"
#include "ordered.h"

/* A name of the registry. */
struct slot {
    struct ordered_node by_name;
    struct ordered_node by_content; /* Those that are ready first, then by name. */
    struct entry *entry;
    bool ready; /* false: the file may be another now; a job looks. */
};

struct slots {
    struct ordered names;
    struct ordered contents;
};

void slots_init(struct slots *s);
/* Drops all entries. */
void slots_free(struct slots *s);
size_t slots_count(const struct slots *s);
/* The slot of a name, or NULL. */
struct slot *slots_find(const struct slots *s, const char *name);
/* A slot that stands for this content, a ready one where there is one; or NULL. */
struct slot *slots_holding(const struct slots *s, const ps_content *content);
/* Puts an entry (taken over) into the slot of its name. An older one there is withdrawn, as by
 * slots_take_out(). */
void slots_put(struct slots *s, struct entry *entry, bool ready);
/* The slot is not ready any more. */
void slots_doubt(struct slots *s, struct slot *slot);
/* Takes a slot out, which is gone then. Uploads of its entry end, unless the same content is
 * published under another name. */
void slots_take_out(struct slots *s, struct slot *slot);
/* All in order of name, in an array to free(). */
const struct slot **slots_list(const struct slots *s);

#endif

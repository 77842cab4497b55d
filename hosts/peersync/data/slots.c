#include "slots.h"

#include "alloc.h"

#include <stdlib.h>
#include <string.h>

static struct slot *of_name(const struct ordered_node *node)
{
    return node ? ORDERED_ITEM(node, struct slot, by_name) : NULL;
}

static struct slot *of_content(const struct ordered_node *node)
{
    return node ? ORDERED_ITEM(node, struct slot, by_content) : NULL;
}

/* `key` is a name. */
static int compare_names(const void *key, const struct ordered_node *node)
{
    return strcmp(key, of_name(node)->entry->name);
}

static int compare_content(const ps_content *a, const ps_content *b)
{
    const int roots = memcmp(a->root, b->root, sizeof a->root);
    return roots != 0 ? roots : (a->length > b->length) - (a->length < b->length);
}

/* Where a slot stands among the contents. */
struct place {
    const ps_content *content;
    bool ready;
    const char *name; /* "" is before all. */
};

static int compare_places(const void *key, const struct ordered_node *node)
{
    const struct place *place = key;
    const struct slot *slot = of_content(node);
    const int contents = compare_content(place->content, &slot->entry->content);
    if (contents != 0) {
        return contents;
    }
    return place->ready != slot->ready ? (place->ready ? -1 : 1)
                                       : strcmp(place->name, slot->entry->name);
}

static struct place place_of(const struct slot *slot)
{
    return (struct place){&slot->entry->content, slot->ready, slot->entry->name};
}

void slots_init(struct slots *s)
{
    ordered_init(&s->names, compare_names);
    ordered_init(&s->contents, compare_places);
}

static void free_slot(void *ctx, struct ordered_node *node)
{
    struct slot *slot = of_name(node);
    (void)ctx;
    entry_drop(slot->entry);
    free(slot);
}

void slots_free(struct slots *s)
{
    ordered_walk(&s->names, free_slot, NULL);
    slots_init(s);
}

size_t slots_count(const struct slots *s)
{
    return s->names.count;
}

struct slot *slots_find(const struct slots *s, const char *name)
{
    return of_name(ordered_find(&s->names, name));
}

struct slot *slots_holding(const struct slots *s, const ps_content *content)
{
    const struct place first = {content, true, ""};
    struct slot *slot = of_content(ordered_at_least(&s->contents, &first));
    return slot && ps_content_equal(&slot->entry->content, content) ? slot : NULL;
}

static void add_content(struct slots *s, struct slot *slot)
{
    const struct place place = place_of(slot);
    ordered_add(&s->contents, &place, &slot->by_content);
}

static void remove_content(struct slots *s, const struct slot *slot)
{
    const struct place place = place_of(slot);
    (void)ordered_remove(&s->contents, &place);
}

/* Lets go of an entry that has left its slot. */
static void withdraw(struct slots *s, struct entry *e)
{
    const struct slot *other = slots_holding(s, &e->content);
    atomic_store(&e->withdrawn, !other || !other->ready);
    entry_drop(e);
}

void slots_put(struct slots *s, struct entry *entry, bool ready)
{
    struct slot *slot = slots_find(s, entry->name);
    struct entry *old = NULL;
    if (slot) {
        remove_content(s, slot);
        old = slot->entry;
    } else {
        slot = data_alloc(1, sizeof *slot);
    }
    slot->entry = entry;
    slot->ready = ready;
    if (!old) {
        ordered_add(&s->names, entry->name, &slot->by_name);
    }
    add_content(s, slot);
    if (old) {
        withdraw(s, old);
    }
}

void slots_doubt(struct slots *s, struct slot *slot)
{
    remove_content(s, slot);
    slot->ready = false;
    add_content(s, slot);
}

void slots_take_out(struct slots *s, struct slot *slot)
{
    struct entry *old = slot->entry;
    remove_content(s, slot);
    (void)ordered_remove(&s->names, old->name);
    free(slot);
    withdraw(s, old);
}

static void list(void *ctx, struct ordered_node *node)
{
    const struct slot ***next = ctx;
    *(*next)++ = of_name(node);
}

const struct slot **slots_list(const struct slots *s)
{
    const struct slot **all = data_alloc(slots_count(s), sizeof *all);
    const struct slot **next = all;
    ordered_walk(&s->names, list, &next);
    return all;
}

#include "commands/sources.h"

#include "common/format.h"
#include "data/alloc.h"
#include "peersync/posix.h"
#include "safe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Digits of a root that are enough to choose by, short of an attack. */
#define PREFIX_DIGITS 12

void sources_add(struct sources *s, const char *self, const ps_event_entry *e)
{
    if (e->user.len == strlen(self) && memcmp(e->user.data, self, e->user.len) == 0) {
        s->own = true;
        return;
    }
    s->items = data_grow(s->items, s->count + 1, sizeof *s->items);
    struct source *source = &s->items[s->count++];
    *source = (struct source){.content = e->content, .addr = e->addr, .active = e->active};
    const size_t len = e->user.len < PS_USER_MAX ? e->user.len : PS_USER_MAX;
    memcpy(source->user, e->user.data, len);
    source->user[len] = '\0';
}

void sources_free(struct sources *s)
{
    free(s->items);
    *s = (struct sources){.items = NULL};
}

void sources_keep_root(struct sources *s, const char *prefix)
{
    char root[PS_FORMAT_ROOT_BYTES];
    const size_t len = strlen(prefix);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        ps_format_root(root, s->items[i].content.root);
        if (strncasecmp(root, prefix, len) == 0) {
            s->items[kept++] = s->items[i];
        }
    }
    s->count = kept;
}

bool sources_agree(const struct sources *s)
{
    for (size_t i = 1; i < s->count; i++) {
        if (!ps_content_equal(&s->items[0].content, &s->items[i].content)) {
            return false;
        }
    }
    return true;
}

/* True for the first source of its content. */
static bool is_first(const struct sources *s, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (ps_content_equal(&s->items[i].content, &s->items[at].content)) {
            return false;
        }
    }
    return true;
}

void sources_say_choice(const struct sources *s, struct out *out, const char *name)
{
    out_fail(out, "%s stands for several contents; choose one:", SAFE(name));
    for (size_t i = 0; i < s->count; i++) {
        if (!is_first(s, i)) {
            continue;
        }
        char root[PS_FORMAT_ROOT_BYTES];
        char size[PS_FORMAT_SIZE_BYTES];
        ps_format_root(root, s->items[i].content.root);
        root[PREFIX_DIGITS] = '\0';
        size_t owners = 0;
        bool active = false;
        for (size_t k = i; k < s->count; k++) {
            if (ps_content_equal(&s->items[i].content, &s->items[k].content)) {
                owners++;
                active = active || s->items[k].active;
            }
        }
        out_fail(out, "  --root %s  %s, of %s%s%s", root,
                 ps_format_size(size, s->items[i].content.length), SAFE(s->items[i].user),
                 owners > 1 ? " and others" : "", active ? "" : " (away)");
    }
}

size_t sources_active(const struct sources *s, ps_addr **addrs)
{
    /* From a random one on, so that many downloaders spread over many sources. */
    uint32_t at = 0;
    (void)ps_posix_entropy(&at, sizeof at);
    size_t n = 0;
    *addrs = data_alloc(s->count, sizeof **addrs);
    for (size_t i = 0; i < s->count; i++) {
        const struct source *source = &s->items[(at % s->count + i) % s->count];
        if (source->active && source->addr.family != PS_ADDR_NONE && source->addr.port != 0) {
            (*addrs)[n++] = source->addr;
        }
    }
    return n;
}

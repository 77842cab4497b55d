#include "commands/located.h"

#include "common/format.h"
#include "data/alloc.h"
#include "peersync/posix.h"
#include "safe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits of a root that are enough to choose by, short of an attack. */
#define PREFIX_DIGITS 12

/* Room for one more; no copy of a key is left behind. */
static void make_room(struct located *s)
{
    if (s->count < s->room) {
        return;
    }
    struct source *items = data_alloc(2 * s->room + 1, sizeof *items);
    if (s->count > 0) {
        memcpy(items, s->items, s->count * sizeof *items);
    }
    data_free_wiped(s->items, s->room, sizeof *items);
    s->items = items;
    s->room = 2 * s->room + 1;
}

void located_add(struct located *s, const char *self, const ps_event_entry *e)
{
    if (self != NULL && e->user.len == strlen(self) &&
        memcmp(e->user.data, self, e->user.len) == 0) {
        s->own = true;
        return;
    }
    make_room(s);
    struct source *source = &s->items[s->count++];
    *source = (struct source){.content = e->content, .at.addr = e->addr, .active = e->active};
    if (e->ticket.len <= PS_FILE_TICKET_MAX && e->key.len == PS_KEY_BYTES) {
        memcpy(source->at.ticket, e->ticket.data, e->ticket.len);
        memcpy(source->at.key, e->key.data, PS_KEY_BYTES);
        source->at.ticket_len = (uint8_t)e->ticket.len;
    }
    const size_t len = e->user.len < PS_USER_MAX ? e->user.len : PS_USER_MAX;
    memcpy(source->user, e->user.data, len);
    source->user[len] = '\0';
}

void located_free(struct located *s)
{
    data_free_wiped(s->items, s->room, sizeof *s->items);
    *s = (struct located){.items = NULL};
}

void located_keep_root(struct located *s, const char *prefix)
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

void located_keep(struct located *s, const ps_content *content)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (ps_content_equal(&s->items[i].content, content)) {
            s->items[kept++] = s->items[i];
        }
    }
    s->count = kept;
}

/* True for the first source of its content. */
static bool is_first(const struct located *s, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (ps_content_equal(&s->items[i].content, &s->items[at].content)) {
            return false;
        }
    }
    return true;
}

size_t located_contents(const struct located *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        n += is_first(s, i) ? 1u : 0u;
    }
    return n;
}

/* The first source of the content of this number. */
static const struct source *first_of(const struct located *s, size_t number)
{
    for (size_t i = 0; i < s->count; i++) {
        if (is_first(s, i) && number-- == 0) {
            return &s->items[i];
        }
    }
    return NULL;
}

const ps_content *located_content(const struct located *s, size_t number)
{
    const struct source *first = first_of(s, number);
    return first != NULL ? &first->content : NULL;
}

char *located_describe(const struct located *s, size_t number)
{
    char root[PS_FORMAT_ROOT_BYTES];
    char size[PS_FORMAT_SIZE_BYTES];
    const struct source *first = first_of(s, number);
    bool active = false;
    for (size_t i = 0; i < s->count; i++) {
        active = active ||
                 (s->items[i].active && ps_content_equal(&s->items[i].content, &first->content));
    }
    ps_format_root(root, first->content.root);
    root[PREFIX_DIGITS] = '\0';
    char *owners = located_owners(s, &first->content);
    char *line =
        data_format("--root %s  %s, of %s%s", root, ps_format_size(size, first->content.length),
                    SAFE(owners), active ? "" : " (away)");
    free(owners);
    return line;
}

char *located_owners(const struct located *s, const ps_content *content)
{
    const char *named[2] = {"", ""};
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (ps_content_equal(&s->items[i].content, content)) {
            if (n < 2) {
                named[n] = s->items[i].user;
            }
            n++;
        }
    }
    if (n <= 1) {
        return data_strdup(named[0]);
    }
    if (n == 2) {
        return data_format("%s and %s", named[0], named[1]);
    }
    return data_format("%s, %s and %zu other%s", named[0], named[1], n - 2, n == 3 ? "" : "s");
}

static bool is_reachable(const struct source *s)
{
    return s->active && s->at.addr.family != PS_ADDR_NONE && s->at.addr.port != 0;
}

static bool is_usable(const struct source *s)
{
    return is_reachable(s) && s->at.ticket_len > 0;
}

bool located_served(const struct located *s)
{
    size_t i = 0;
    while (i < s->count && !is_usable(&s->items[i])) {
        i++;
    }
    return i < s->count;
}

size_t located_active(const struct located *s, struct data_source **active)
{
    /* From a random one on, so that many downloaders spread over many sources. */
    uint32_t at = 0;
    (void)ps_posix_entropy(&at, sizeof at);
    size_t n = 0;
    *active = data_alloc(s->count, sizeof **active);
    for (size_t i = 0; i < s->count && n < DATA_SOURCES_MAX; i++) {
        const struct source *source = &s->items[(at % s->count + i) % s->count];
        if (is_usable(source)) {
            (*active)[n++] = source->at;
        }
    }
    return n;
}

bool located_lack_tickets(const struct located *s)
{
    size_t i = 0;
    while (i < s->count && !is_reachable(&s->items[i])) {
        i++;
    }
    return i < s->count && !located_served(s);
}

const char *located_user(const struct located *s, const ps_addr *addr)
{
    for (size_t i = 0; i < s->count; i++) {
        if (addr->family != PS_ADDR_NONE && ps_addr_equal(&s->items[i].at.addr, addr)) {
            return s->items[i].user;
        }
    }
    return NULL;
}

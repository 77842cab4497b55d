#include "sources.h"

#include "alloc.h"

#include <stdlib.h>
#include <string.h>

static size_t bounded(size_t n)
{
    return n < DATA_SOURCES_MAX ? n : DATA_SOURCES_MAX;
}

void sources_init(struct sources *s, const struct data_source *who, size_t n)
{
    *s = (struct sources){.count = bounded(n)};
    s->list = data_alloc(s->count + 1, sizeof *s->list);
    s->current = s->count;
    for (size_t i = 0; i < s->count; i++) {
        s->list[i].who = who[i];
    }
}

static void free_list(struct source *list, size_t count)
{
    if (list) {
        explicit_bzero(list, count * sizeof *list); /* It holds keys. */
        free(list);
    }
}

void sources_free(struct sources *s)
{
    free_list(s->list, s->count);
    free(s->worst.text);
    free(s->passing.text);
}

static struct source *find(struct source *list, size_t count, const ps_addr *addr)
{
    for (size_t i = 0; i < count; i++) {
        if (ps_addr_equal(&list[i].who.addr, addr)) {
            return &list[i];
        }
    }
    return NULL;
}

static bool listed(const ps_addr *addr, const struct data_source *who, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ps_addr_equal(&who[i].addr, addr)) {
            return true;
        }
    }
    return false;
}

void sources_renew(struct sources *s, const struct data_source *who, size_t n)
{
    const size_t room = s->count + bounded(n) + 1;
    struct source *old = s->list;
    struct sources fresh = {.list = data_alloc(room, sizeof *old)};
    fresh.current = SIZE_MAX;
    n = bounded(n);
    for (size_t i = 0; i < s->count; i++) {
        if (i == s->current) {
            fresh.current = fresh.count;
        }
        if (i == s->current || old[i].state == SOURCE_RULED_OUT ||
            (old[i].state == SOURCE_FAILED && !listed(&old[i].who.addr, who, n))) {
            fresh.list[fresh.count++] = old[i];
        }
    }
    /* Those are only remembered; they shall not grow without bound. */
    if (fresh.count > DATA_SOURCES_MAX && fresh.current != 0) {
        memmove(fresh.list, fresh.list + 1, --fresh.count * sizeof *fresh.list);
        fresh.current -= fresh.current == SIZE_MAX ? 0 : 1;
    }
    for (size_t i = 0; i < n; i++) {
        const struct source *known = find(old, s->count, &who[i].addr);
        if (!known || known->state != SOURCE_RULED_OUT) {
            fresh.list[fresh.count++] = (struct source){.who = who[i]};
        }
    }
    free_list(old, s->count);
    s->list = fresh.list;
    s->count = fresh.count;
    s->current = fresh.current == SIZE_MAX ? s->count : fresh.current;
}

bool sources_next(struct sources *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].state == SOURCE_UNTRIED) {
            s->current = i;
            return true;
        }
    }
    s->current = s->count;
    return false;
}

const struct data_source *sources_current(const struct sources *s)
{
    return s->current < s->count ? &s->list[s->current].who : NULL;
}

static bool rules_out(ps_error error)
{
    return error == PS_E_MISMATCH || error == PS_E_PROTOCOL || error == PS_E_PLAIN;
}

/* How much an error says to a person: wrong bytes more than a refusal, that more than silence. */
static unsigned weight(ps_error error)
{
    static const ps_error order[] = {
        PS_E_NONE,     PS_E_CLOSED, PS_E_STALLED,       PS_E_SLOTS,   PS_E_FILE_TICKET,
        PS_E_PROTOCOL, PS_E_PLAIN,  PS_E_NOT_PUBLISHED, PS_E_CHANGED, PS_E_MISMATCH};
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (order[i] == error) {
            return 2 * i;
        }
    }
    return 2 * 4 + 1;
}

static void note(struct source_failure *f, ps_error error, const ps_addr *from, const char *text)
{
    f->error = error;
    f->from = *from;
    free(f->text);
    f->text = data_strdup(text);
}

void sources_fail(struct sources *s, ps_error error, const char *text, bool connected)
{
    struct source *source = &s->list[s->current];
    source->error = error;
    if (error == PS_E_CLOSED && connected && !source->second_try) {
        source->second_try = true;
    } else {
        source->state = rules_out(error) ? SOURCE_RULED_OUT : SOURCE_FAILED;
    }
    if (weight(error) >= weight(s->worst.error)) {
        note(&s->worst, error, &source->who.addr, text);
    }
    if (!rules_out(error)) {
        note(&s->passing, error, &source->who.addr, text);
    }
    s->current = s->count;
}

bool sources_may_return(const struct sources *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].state == SOURCE_FAILED) {
            return true;
        }
    }
    return false;
}

bool sources_want_tickets(const struct sources *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].state == SOURCE_FAILED && s->list[i].error == PS_E_FILE_TICKET) {
            return true;
        }
    }
    return false;
}

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

void sources_free(struct sources *s)
{
    free(s->list);
    free(s->text);
}

static struct source *find(struct sources *s, const ps_addr *addr)
{
    for (size_t i = 0; i < s->count; i++) {
        if (ps_addr_equal(&s->list[i].who.addr, addr)) {
            return &s->list[i];
        }
    }
    return NULL;
}

void sources_renew(struct sources *s, const struct data_source *who, size_t n)
{
    struct source *old = s->list;
    struct sources fresh = {.list = data_alloc(s->count + bounded(n) + 1, sizeof *old)};
    fresh.current = SIZE_MAX;
    for (size_t i = 0; i < s->count; i++) {
        if (i == s->current) {
            fresh.current = fresh.count;
        }
        if (i == s->current || old[i].state == SOURCE_RULED_OUT) {
            fresh.list[fresh.count++] = old[i];
        }
    }
    size_t kept = fresh.count;
    for (size_t i = 0; i < bounded(n); i++) {
        const struct source *known = find(s, &who[i].addr);
        if (!known || known->state != SOURCE_RULED_OUT) {
            fresh.list[fresh.count++].who = who[i];
        }
    }
    /* Those that lied are only remembered; they shall not grow without bound. */
    if (kept > DATA_SOURCES_MAX && fresh.current == SIZE_MAX) {
        memmove(fresh.list, fresh.list + 1, --fresh.count * sizeof *fresh.list);
    }
    s->list = fresh.list;
    s->count = fresh.count;
    s->current = fresh.current == SIZE_MAX ? s->count : fresh.current;
    free(old);
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
    return error == PS_E_MISMATCH || error == PS_E_PROTOCOL || error == PS_E_CHANGED ||
           error == PS_E_NOT_PUBLISHED || error == PS_E_PLAIN;
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

void sources_fail(struct sources *s, ps_error error, const char *text, bool connected)
{
    struct source *source = &s->list[s->current];
    if (error == PS_E_CLOSED && connected && !source->second_try) {
        source->second_try = true;
    } else {
        source->state = rules_out(error) ? SOURCE_RULED_OUT : SOURCE_FAILED;
    }
    if (weight(error) >= weight(s->error)) {
        s->error = error;
        s->failed = source->who.addr;
        free(s->text);
        s->text = data_strdup(text);
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

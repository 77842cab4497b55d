#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"

#include <stdlib.h>

static int make(void **state, bool plain)
{
    struct pair *p = malloc(sizeof *p);
    assert_non_null(p);
    node_make(&p->up);
    node_make(&p->down);
    p->up.cfg.plain_transfers = p->down.cfg.plain_transfers = plain;
    node_start(&p->up);
    node_start(&p->down);
    *state = p;
    return 0;
}

int pair_make_sealed(void **state)
{
    return make(state, false);
}

int pair_make_plain(void **state)
{
    return make(state, true);
}

int pair_end(void **state)
{
    struct pair *p = *state;
    node_end(&p->down);
    node_end(&p->up);
    free(p);
    return 0;
}

ps_content pair_publish(struct pair *p, const char *name, size_t len, unsigned seed)
{
    return node_publish(&p->up, node_write(&p->up, name, len, seed));
}

struct data_source pair_source_at(struct pair *p, const ps_content *content, const ps_addr *addr)
{
    struct data_source source = node_source(&p->up, content);
    source.addr = *addr;
    return source;
}

struct data_get pair_get(struct pair *p, uint64_t tag, const ps_content *content,
                         const struct data_source *sources, size_t n, const char *name)
{
    return (struct data_get){.tag = tag,
                             .content = *content,
                             .sources = sources,
                             .source_count = n,
                             .dir = p->down.downloads,
                             .name = name,
                             .sink = -1};
}

void pair_start(struct pair *p, uint64_t tag, const ps_content *content,
                const struct data_source *sources, size_t n, const char *name)
{
    struct data_get what = pair_get(p, tag, content, sources, n, name);
    data_get(p->down.data, &what);
}

void pair_assert_done(struct pair *p, uint64_t tag)
{
    struct data_event *event = node_event_of(&p->down, DATA_GET_DONE);
    assert_int_equal(event->tag, tag);
    data_event_free(event);
}

void pair_assert_failed(struct pair *p, uint64_t tag, unsigned error)
{
    struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
    assert_int_equal(event->tag, tag);
    assert_int_equal(event->error, error);
    data_event_free(event);
}

void pair_restart_down(struct pair *p)
{
    node_stop(&p->down);
    node_start(&p->down);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uploader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make(void **state, bool plain)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    node_make(&r->up);
    r->plain = plain;
    r->up.cfg.plain_transfers = plain;
    r->up.cfg.max_uploads = 2;
    r->up.cfg.loops = 1;
    node_start(&r->up);
    *state = r;
    return 0;
}

int rig_make_sealed(void **state)
{
    return make(state, false);
}

int rig_make_plain(void **state)
{
    return make(state, true);
}

int rig_end(void **state)
{
    struct rig *r = *state;
    node_end(&r->up);
    free(r);
    return 0;
}

struct data_stats rig_stats(struct rig *r)
{
    struct data_stats stats;
    data_stats_get(r->up.data, &stats);
    return stats;
}

ps_content rig_publish(struct rig *r, const char *name, size_t len, unsigned seed)
{
    return node_publish(&r->up, node_write(&r->up, name, len, seed));
}

bool rig_has(const struct rig *r, const struct caller_file *f, const char *name)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", r->up.files, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    uint8_t *bytes = malloc(f->content.length + 1);
    assert_non_null(bytes);
    const bool same = fread(bytes, 1, f->content.length + 1, file) == f->content.length &&
                      memcmp(bytes, f->bytes, f->content.length) == 0;
    free(bytes);
    (void)fclose(file);
    return same;
}

void rig_restart_impatient(struct rig *r)
{
    r->up.cfg.upload_idle_ms = 1000;
    node_stop(&r->up);
    node_start(&r->up);
}

void rig_reach(struct rig *r, struct caller *c, const struct data_source *with)
{
    caller_dial(c, &with->addr, 1);
    assert_true(r->plain || caller_seal(c, with));
    caller_greet(c);
}

/* A ticket that is no good is refused in the handshake, on a plain stream at OPEN, and counted. */
void rig_assert_refused(struct rig *r, const ps_content *content, const struct data_source *source)
{
    struct caller c;
    const uint64_t before = rig_stats(r).tickets_refused;
    caller_dial(&c, &source->addr, 1);
    if (r->plain) {
        caller_greet(&c);
        assert_int_equal(caller_await(&c, caller_fetch(&c, content, source)), PS_E_FILE_TICKET);
    } else {
        assert_false(caller_seal(&c, source));
        caller_await_close(&c); /* It is counted once all is said. */
    }
    assert_int_equal(c.payload, 0);
    caller_end(&c);
    assert_int_equal(rig_stats(r).tickets_refused, before + 1);
}

void rig_assert_served(struct rig *r, const ps_content *content, const struct data_source *source)
{
    struct caller c;
    rig_reach(r, &c, source);
    assert_int_equal(caller_await(&c, caller_fetch(&c, content, source)), PS_E_NONE);
    caller_end(&c);
}

void rig_assert_ended(struct rig *r, const char *name, unsigned error)
{
    struct data_event *event = node_event_of(&r->up, DATA_UPLOAD_ENDED);
    assert_string_equal(event->name, name);
    assert_string_equal(event->user, "bob");
    assert_int_equal(event->error, error);
    data_event_free(event);
}

/* A directory in memory of its own, checked after every change. */
#ifndef PS_TEST_DIRECTORY_FIXTURE_H
#define PS_TEST_DIRECTORY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/directory.h"

static inline ps_directory *directory_new(ps_directory_caps caps, bool zero)
{
    ps_layout l = {.size = sizeof(ps_directory)};
    ps_directory at;
    ps_directory_layout(&l, 0, &caps, &at);
    assert_false(l.overflow);
    void *mem = aligned_alloc(64, (l.size + 63) / 64 * 64);
    assert_non_null(mem);
    memset(mem, zero ? 0 : 0xA5, l.size);
    ps_directory *d = mem;
    *d = at;
    ps_directory_init(d, &caps, (ps_sipkey){1, 2}, zero);
    assert_int_equal(ps_directory_check(d), 0);
    return d;
}

static inline ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static inline ps_content content_of(uint64_t length)
{
    ps_content c = {.length = length};
    memset(c.root, (int)(length & 0xff), sizeof c.root);
    return c;
}

/* A device of `user` that is online, so that neither record is forgotten. */
static inline uint32_t device_online(ps_directory *d, const char *user, uint8_t id)
{
    uint8_t device_id[PS_DEVICE_BYTES] = {id};
    uint32_t u = ps_user_find(d, span(user));
    if (u == PS_NIL) {
        u = ps_user_add(d, span(user));
    }
    assert_int_not_equal(u, PS_NIL);
    uint32_t v = ps_device_add(d, u, device_id);
    if (v != PS_NIL) {
        ps_device_at(d, v)->sessions = 1;
        ps_device_at(d, v)->generation = UINT32_MAX;
    }
    return v;
}

#endif

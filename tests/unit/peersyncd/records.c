#include "records.h"

#include <stdio.h>
#include <string.h>

static char change_user[DEVICES][PS_USER_MAX + 1];
static char change_name[NAMES][PS_NAME_MAX + 1];

static ps_span change_span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

ps_input_restore change_record(const change *c)
{
    snprintf(change_user[0], sizeof change_user[0], "u");
    snprintf(change_user[1], sizeof change_user[1], "%0*d", (int)PS_USER_MAX, 1);
    snprintf(change_user[2], sizeof change_user[2], "%0*d", (int)PS_USER_MAX, 1);
    for (int i = 0; i < (int)NAMES; i++) {
        static const int widths[NAMES] = {1, 2, 28, 29, PS_NAME_MAX};
        snprintf(change_name[i], sizeof change_name[i], "%0*d", widths[i], i);
    }
    ps_input_restore r = {.generation = c->generation,
                          .user = change_span(change_user[c->device]),
                          .name = change_span(change_name[c->name]),
                          .published = c->published};
    memset(r.device, 'A' + c->device, PS_DEVICE_BYTES);
    if (c->published) {
        r.content.length = c->length;
        memset(r.content.root, (int)c->length, PS_ROOT_BYTES);
    }
    return r;
}

ps_event_record change_event(const change *c, uint64_t seq)
{
    const ps_input_restore r = change_record(c);
    ps_event_record e = {.commit_seq = seq,
                         .generation = r.generation,
                         .name = r.name,
                         .content = r.content,
                         .published = r.published};
    e.user.len = (uint8_t)r.user.len;
    memcpy(e.user.bytes, r.user.data, r.user.len);
    memcpy(e.device, r.device, PS_DEVICE_BYTES);
    return e;
}

void known_apply(known *k, const change *c)
{
    uint64_t left = 0;
    if (c->generation <= k->generation[c->device]) {
        memset(k->length[c->device], 0, sizeof k->length[c->device]);
    }
    k->length[c->device][c->name] = c->published ? c->length : 0;
    for (size_t i = 0; i < NAMES; i++) {
        left += k->length[c->device][i];
    }
    k->generation[c->device] = left != 0 ? c->generation : 0;
}

change change_next(known *k, test_random *random)
{
    change c = {.device = (uint8_t)test_random_below(random, DEVICES),
                .name = (uint8_t)test_random_below(random, NAMES),
                .published = test_random_chance(random, 70),
                .length = test_random_range(random, 1, 255)};
    if (test_random_chance(random, 2)) {
        k->generation[c.device] = 0; /* Its log begins anew. */
        memset(k->length[c.device], 0, sizeof k->length[c.device]);
    }
    /* Refused changes leave gaps. */
    c.generation = k->generation[c.device] +
                   (k->generation[c.device] != 0 && test_random_chance(random, 10) ? 2 : 1);
    known_apply(k, &c);
    return c;
}

void known_restore(void *ctx, const ps_input_restore *r)
{
    known *k = ctx;
    const uint8_t device = (uint8_t)(r->device[0] - 'A');
    assert_true(device < DEVICES);
    assert_true(r->generation > k->generation[device]);
    for (uint8_t name = 0; name < NAMES; name++) {
        if (strlen(change_name[name]) == r->name.len) {
            change c = {.device = device,
                        .name = name,
                        .published = r->published,
                        .generation = r->generation,
                        .length = r->content.length};
            const ps_input_restore whole = change_record(&c);
            assert_memory_equal(r->name.data, whole.name.data, whole.name.len);
            assert_int_equal(r->user.len, whole.user.len);
            assert_memory_equal(r->user.data, whole.user.data, whole.user.len);
            assert_memory_equal(r->device, whole.device, PS_DEVICE_BYTES);
            assert_memory_equal(&r->content, &whole.content, sizeof whole.content);
            known_apply(k, &c);
            return;
        }
    }
    fail_msg("a name that nobody published");
}

void known_assert_equal(const known *a, const known *b)
{
    assert_memory_equal(a, b, sizeof *a);
}

#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "random.h"
#include "sweep.h"
#include "wire/messages.h"

#include <string.h>

static craft c;
static uint8_t root[32];

static ps_span body(void)
{
    return (ps_span){c.data + 8, c.len - 8};
}

/* Decodes and walks; the walk must give as many entries as were counted. */
static bool decode_as(ps_message_type type, ps_span bytes)
{
    ps_changes m;
    if (!ps_changes_decode(type, bytes, &m)) {
        return false;
    }
    ps_publication entry;
    unsigned count = 0;
    while (ps_changes_next(type, &m, &entry)) {
        count++;
    }
    assert_int_equal(count, m.count);
    return true;
}

static bool decode_publish(ps_span bytes)
{
    return decode_as(PS_MSG_PUBLISH, bytes);
}

static bool decode_unpublish(ps_span bytes)
{
    return decode_as(PS_MSG_UNPUBLISH, bytes);
}

static bool decode_published(ps_span bytes)
{
    ps_published m;
    if (!ps_published_decode(bytes, &m)) {
        return false;
    }
    ps_refusal refusal;
    unsigned count = 0;
    while (ps_published_next(&m, &refusal)) {
        count++;
    }
    assert_int_equal(count, m.count);
    return true;
}

typedef struct batch {
    ps_message_type type;
    size_t count;
    const char *names[4];
} batch;

/* Writes all or nothing, as the peer does not: what does not fit there goes into the next one. */
static bool encode_batch(ps_writer *w, const void *message)
{
    const batch *b = message;
    ps_changes_writer cw;
    const size_t before = w->len;
    bool all = ps_changes_begin(w, &cw, b->type, 42, 1000);
    assert_true(all || w->len == before);
    for (size_t i = 0; all && i < b->count; i++) {
        ps_publication entry = {.name = span_of(b->names[i]), .content = {.length = i}};
        memcpy(entry.content.root, root, 32);
        const size_t len = w->len;
        all = ps_changes_add(w, &cw, &entry);
        assert_true(all || (w->len == len && !w->full && cw.count == i));
    }
    if (!all) {
        w->len = before;
        return false;
    }
    return ps_changes_end(w, &cw);
}

static void craft_batch(const batch *b)
{
    craft_reset(&c);
    (b->type == PS_MSG_PUBLISH ? craft_publish : craft_unpublish)(&c, 42, 1000);
    for (size_t i = 0; i < b->count; i++) {
        if (b->type == PS_MSG_PUBLISH) {
            craft_publish_entry(&c, i, root, b->names[i]);
        } else {
            craft_unpublish_entry(&c, b->names[i]);
        }
    }
    craft_end(&c);
}

static void changes_are_what_the_tables_say(void **state)
{
    (void)state;
    memset(root, 0xc7, sizeof root);
    const ps_message_type types[] = {PS_MSG_PUBLISH, PS_MSG_UNPUBLISH};
    for (unsigned t = 0; t < 2; t++) {
        const batch b = {.type = types[t], .count = 3, .names = {"a", "report.pdf", "\xc3\xbc"}};
        craft_batch(&b);
        uint8_t room[512];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode_batch(&w, &b));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode_batch, &b, c.len));
        assert_int_equal(
            sweep_cuts(t == 0 ? decode_publish : decode_unpublish, c.data + 8, c.len - 8), 0);
        ps_changes m;
        ps_publication entry;
        assert_true(ps_changes_decode(b.type, body(), &m));
        assert_int_equal(m.generation, 1000);
        assert_int_equal(m.count, 3);
        for (unsigned i = 0; i < 3; i++) {
            assert_true(ps_changes_next(b.type, &m, &entry));
            assert_true(span_equal(entry.name, span_of(b.names[i])));
            assert_int_equal(entry.content.length, t == 0 ? i : 0);
            assert_int_equal(entry.content.root[31], t == 0 ? 0xc7 : 0);
        }
        assert_false(ps_changes_next(b.type, &m, &entry));
    }
}

static void an_empty_message_of_changes_is_no_message(void **state)
{
    (void)state;
    uint8_t room[64];
    ps_writer w = {.base = room, .cap = sizeof room, .len = 3};
    ps_changes_writer cw;
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, 1, 1));
    assert_false(ps_changes_end(&w, &cw));
    assert_int_equal(w.len, 3);
    assert_false(w.full);
    craft_reset(&c);
    craft_publish(&c, 1, 1);
    craft_end(&c);
    assert_false(decode_publish(body()));
    assert_false(decode_unpublish(body()));
}

static void names_may_have_any_length(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'n', sizeof name);
    for (size_t len = 0; len <= 255; len++) {
        name[len] = '\0';
        craft_reset(&c);
        craft_publish(&c, 1, 1);
        craft_publish_entry(&c, 1, root, name);
        craft_end(&c);
        assert_true(decode_publish(body()));
        craft_reset(&c);
        craft_unpublish(&c, 1, 1);
        craft_unpublish_entry(&c, name);
        craft_end(&c);
        assert_true(decode_unpublish(body()));
        name[len] = 'n';
    }
}

static void counts_must_be_true_and_bounded(void **state)
{
    (void)state;
    for (unsigned entries = 0; entries <= 80; entries++) {
        for (unsigned count = 0; count < 256; count++) {
            craft_reset(&c);
            craft_unpublish(&c, 1, 1);
            for (unsigned i = 0; i < entries; i++) {
                craft_unpublish_entry(&c, "x");
            }
            c.data[c.count_at] = (uint8_t)count;
            craft_end(&c);
            const bool good = count == entries && entries >= 1 && entries <= 64;
            assert_int_equal(decode_unpublish(body()), good);
        }
    }
}

static void generations_start_at_1_and_do_not_wrap(void **state)
{
    (void)state;
    static const struct {
        uint64_t generation;
        bool good;
    } cases[] = {{0, false},
                 {1, true},
                 {UINT64_MAX - 2, true}, /* the second entry has the last but one */
                 {UINT64_MAX - 1, false},
                 {UINT64_MAX, false}};
    for (unsigned i = 0; i < 5; i++) {
        craft_reset(&c);
        craft_unpublish(&c, 1, cases[i].generation);
        craft_unpublish_entry(&c, "x");
        craft_unpublish_entry(&c, "y");
        craft_end(&c);
        assert_int_equal(decode_unpublish(body()), cases[i].good);
    }
}

static void the_65th_entry_is_refused(void **state)
{
    (void)state;
    static uint8_t room[4096];
    ps_writer w = {.base = room, .cap = sizeof room};
    ps_changes_writer cw;
    const ps_publication entry = {.name = span_of("x")};
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_UNPUBLISH, 1, 1));
    for (unsigned i = 0; i < 64; i++) {
        assert_true(ps_changes_add(&w, &cw, &entry));
    }
    const size_t len = w.len;
    assert_false(ps_changes_add(&w, &cw, &entry));
    assert_int_equal(w.len, len);
    assert_false(w.full);
    assert_true(ps_changes_end(&w, &cw));
    assert_true(decode_unpublish((ps_span){room + 8, w.len - 8}));
}

typedef struct answer {
    ps_refusal refusals[PS_PAGE_ENTRIES];
    size_t count;
} answer;

static bool encode_published(ps_writer *w, const void *message)
{
    const answer *a = message;
    return ps_published_encode(w, 42, 999, a->refusals, a->count);
}

static void published_is_what_the_tables_say(void **state)
{
    (void)state;
    const size_t counts[] = {0, 1, 3, 64};
    for (unsigned n = 0; n < 4; n++) {
        answer a = {.count = counts[n]};
        craft_reset(&c);
        craft_published(&c, 42, 999);
        for (size_t i = 0; i < a.count; i++) {
            a.refusals[i] = (ps_refusal){.index = (uint8_t)(3 * i), .error = (uint16_t)(700 * i)};
            craft_refusal(&c, a.refusals[i].index, a.refusals[i].error);
        }
        craft_end(&c);
        uint8_t room[512];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(encode_published(&w, &a));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode_published, &a, c.len));
        assert_int_equal(sweep_cuts(decode_published, c.data + 8, c.len - 8), 0);
        ps_published m;
        ps_refusal refusal;
        assert_true(ps_published_decode(body(), &m));
        assert_int_equal(m.generation, 999);
        assert_int_equal(m.count, a.count);
        for (size_t i = 0; i < a.count; i++) {
            assert_true(ps_published_next(&m, &refusal));
            assert_int_equal(refusal.index, a.refusals[i].index);
            assert_int_equal(refusal.error, a.refusals[i].error);
        }
        assert_false(ps_published_next(&m, &refusal));
    }
}

static void refusals_are_bounded(void **state)
{
    (void)state;
    for (unsigned count = 0; count <= 255; count++) {
        craft_reset(&c);
        craft_published(&c, 1, 1);
        for (unsigned i = 0; i < count; i++) {
            craft_refusal(&c, i, 10);
        }
        craft_end(&c);
        assert_int_equal(decode_published(body()), count <= 64);
        c.data[c.count_at]++;
        assert_false(decode_published(body()));
    }
}

static void random_changes_come_back(void **state)
{
    (void)state;
    test_random r = test_random_of(6);
    for (int n = 0; n < 500; n++) {
        static uint8_t room[PS_DATAGRAM_MAX];
        static uint8_t names[64][256];
        ps_publication entries[64];
        const ps_message_type type = test_random_chance(&r, 50) ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH;
        const uint64_t generation = test_random_range(&r, 1, UINT64_MAX - 65);
        ps_writer w = {.base = room, .cap = sizeof room};
        ps_changes_writer cw;
        assert_true(ps_changes_begin(&w, &cw, type, 1, generation));
        size_t count = 0;
        for (; count < 64; count++) {
            ps_publication *e = &entries[count];
            *e = (ps_publication){.name = {names[count], (size_t)test_random_below(&r, 256)}};
            e->content.length = test_random_u64(&r);
            test_random_bytes(&r, e->content.root, 32);
            test_random_bytes(&r, names[count], e->name.len);
            if (!ps_changes_add(&w, &cw, e)) {
                break;
            }
        }
        assert_true(ps_changes_end(&w, &cw));
        ps_changes m;
        ps_publication got;
        assert_true(ps_changes_decode(type, (ps_span){room + 8, w.len - 8}, &m));
        assert_true(m.generation == generation);
        assert_int_equal(m.count, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(ps_changes_next(type, &m, &got));
            assert_true(span_equal(got.name, entries[i].name));
            assert_true(type == PS_MSG_UNPUBLISH ||
                        ps_content_equal(&got.content, &entries[i].content));
        }
        assert_false(ps_changes_next(type, &m, &got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_what_the_tables_say),
        cmocka_unit_test(an_empty_message_of_changes_is_no_message),
        cmocka_unit_test(names_may_have_any_length),
        cmocka_unit_test(counts_must_be_true_and_bounded),
        cmocka_unit_test(generations_start_at_1_and_do_not_wrap),
        cmocka_unit_test(the_65th_entry_is_refused),
        cmocka_unit_test(published_is_what_the_tables_say),
        cmocka_unit_test(refusals_are_bounded),
        cmocka_unit_test(random_changes_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Payload: where it belongs, when a piece counts, how it ends. */
#include "download_rig.h"

/* The payload's place is told before it comes, and while it comes. */
static void due(void **unused)
{
    (void)unused;
    static crafted c;
    uint64_t offset;
    uint64_t len;
    rig r = running(100, PS_PIECE_BYTES, 4);
    assert_false(ps_download_due(r.d, &offset, &len));
    c.len = 0;
    craft_data(&c, 0, 60);
    hear_crafted(&r, &c);
    assert_true(ps_download_due(r.d, &offset, &len));
    assert_int_equal(offset, 0);
    assert_int_equal(len, 60);
    hear(&r, r.file, 10);
    assert_true(ps_download_due(r.d, &offset, &len));
    assert_int_equal(offset, 10);
    assert_int_equal(len, 50);
    hear(&r, r.file + 10, 50);
    assert_false(ps_download_due(r.d, &offset, &len));
    c.len = 0;
    craft_data(&c, 60, 40);
    craft_fill(&c, r.file + 60, 40);
    hear_crafted(&r, &c);
    assert_int_equal(r.o->out.events_len, 3);
    assert_int_equal(r.o->out.events[2].type, PS_STREAM_EVENT_DONE);
    static const uint8_t bye[] = {10, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(r.o->out.bytes_len, sizeof bye);
    assert_memory_equal(r.o->out.bytes, bye, sizeof bye);
    rig_end(&r);
}

/* The empty file needs no WANT; what comes after DONE is ignored. */
static void empty_and_after(void **unused)
{
    (void)unused;
    rig r = running(0, PS_PIECE_BYTES, 4);
    assert_int_equal(r.o->out.events_len, 1);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_DONE);
    assert_int_equal(r.o->out.bytes_len, 8);
    hear(&r, "abcdefghijkl", 12);
    assert_int_equal(r.o->out.events_len, 0);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due),
        cmocka_unit_test(empty_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

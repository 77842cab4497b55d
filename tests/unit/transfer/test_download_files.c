/* Several files on one stream: taken, opened, refused, ended. */
#include "download_rig.h"

static void what_cannot_be_fetched(void **unused)
{
    (void)unused;
    size_t n;
    rig r = rig_of(100, PS_PIECE_BYTES);
    const ps_stream_input good = fetch_of(&r, NULL);
    crafted_output_reset(r.o);
    for (int i = 0; i < 5; i++) {
        ps_stream_input in = good;
        switch (i) {
        case 0: /* the empty file */
            memset(&in.u.fetch.content, 0, sizeof in.u.fetch.content);
            break;
        case 1:
            in.u.fetch.content.length = PS_FILE_MAX + 1;
            break;
        case 2:
            in.u.fetch.ticket.len = 0;
            break;
        case 3:
            in.u.fetch.ticket.len = PS_FILE_TICKET_MAX + 1;
            break;
        default:
            in.u.fetch.ticket.data = NULL;
            break;
        }
        assert_int_equal(put(&r, in, &n), PS_INVALID);
        assert_int_equal(n, 0);
    }
    assert_int_equal(put(&r, good, &n), PS_OK);
    rig_end(&r);
}

static void room(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(100, PS_PIECE_BYTES);
    for (uint32_t i = 0; i < PS_DOWNLOAD_FILES; i++) {
        assert_int_equal(ps_download_room(r.d), PS_DOWNLOAD_FILES - i);
        assert_int_equal(fetch(&r, NULL), PS_OK);
        /* All are asked for at once: OPEN and WANT. */
        const size_t first = i == 0 ? 44 : 0;
        assert_int_equal(r.o->out.bytes_len, first + 8 + 32 + r.ticket.len + 20);
    }
    assert_int_equal(ps_download_room(r.d), 0);
    assert_int_equal(fetch(&r, NULL), PS_INVALID);
    /* The second is refused, the first still under way: its place is free when that has ended. */
    c.len = 0;
    craft_welcome(&c, 16, 0);
    craft_opened(&c, 0);
    craft_data(&c, 0, 100);
    craft_fill(&c, r.file, 100);
    craft_opened(&c, PS_E_CHANGED);
    hear_crafted(&r, &c);
    const ps_stream_event *e = event_at(&r, 2, PS_STREAM_EVENT_FILE_END);
    assert_int_equal(e->file, 2);
    assert_int_equal(e->error, PS_E_CHANGED);
    assert_true(e->remote);
    assert_int_equal(ps_download_room(r.d), 0);
    assert_int_equal(hashed(&r, 1, 0, true), PS_OK);
    assert_int_equal(event_at(&r, 1, PS_STREAM_EVENT_FILE_END)->file, 1);
    assert_int_equal(ps_download_room(r.d), 2);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    rig_end(&r);
}

/* A refusal while the file is still being asked for: nothing more of it is. */
static void refused_half_asked(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(5 * PS_PIECE_BYTES, 2 * PS_PIECE_BYTES);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    assert_int_equal(r.o->out.bytes_len, 0);
    c.len = 0;
    craft_welcome(&c, 16, 0);
    craft_opened(&c, PS_E_NOT_PUBLISHED);
    hear_crafted(&r, &c);
    assert_int_equal(event_at(&r, 0, PS_STREAM_EVENT_FILE_END)->file, 1);
    assert_int_equal(r.o->out.bytes_len, 8 + 32 + r.ticket.len + 3 * 20);
    assert_int_equal(ps_download_room(r.d), PS_DOWNLOAD_FILES - 1);
    /* What belongs to the refused one does not come any more. */
    c.len = 0;
    craft_hashes(&c, &r, 0, 8, 5);
    hear_crafted(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
}

/* Nothing that an uploader says alone is a file's end. */
static void a_file_with_nothing_wanted(void **unused)
{
    (void)unused;
    const uint8_t have[1] = {0x07};
    rig r = rig_of(2500000, PS_PIECE_BYTES);
    assert_int_equal(fetch(&r, have), PS_OK);
    assert_int_equal(event_at(&r, 0, PS_STREAM_EVENT_FILE_END)->error, PS_E_NONE);
    assert_int_equal(r.o->out.bytes_len, 44); /* HELLO; it was not even opened. */
    assert_int_equal(ps_download_room(r.d), PS_DOWNLOAD_FILES);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_fetched),
        cmocka_unit_test(room),
        cmocka_unit_test(refused_half_asked),
        cmocka_unit_test(a_file_with_nothing_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

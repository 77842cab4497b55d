/* The walk over the uploader's invariants finds what is broken on purpose, in every stage. */
#include "upload_rig.h"

#include "transfer/upload_internal.h"

static rig waiting(void)
{
    return rig_of(64, PS_PIECE_BYTES);
}

static rig idle(void)
{
    rig r = waiting();
    hello(&r);
    return r;
}

static rig asked(void)
{
    rig r = idle();
    open_file(&r);
    return r;
}

static rig skipping(void)
{
    rig r = asked();
    assert_int_equal(answer(&r, PS_E_NOT_FOUND, NULL), PS_OK);
    return r;
}

/* A file is open; nothing was asked for. */
static rig opened(void)
{
    return serving(64, PS_PIECE_BYTES);
}

/* Three pieces and hashes wait: the first piece was handed out. */
static rig busy(void)
{
    rig r = opened();
    want(&r, PS_WANT_DATA, 0, 3);
    want(&r, PS_WANT_HASHES, 0, 512);
    return r;
}

static rig ended(void)
{
    rig r = idle();
    assert_int_equal(plain(&r, PS_STREAM_CLOSED), PS_OK);
    return r;
}

#define BREAKS(make, ...)                                                                          \
    do {                                                                                           \
        rig r = make();                                                                            \
        ps_upload *u = r.u;                                                                        \
        assert_int_equal(ps_upload_check(u), 0);                                                   \
        __VA_ARGS__;                                                                               \
        assert_int_not_equal(ps_upload_check(u), 0);                                               \
        rig_end(&r);                                                                               \
    } while (0)

static void broken_stages_and_clocks(void **state)
{
    (void)state;
    BREAKS(opened, u->stage = 0);
    BREAKS(opened, u->stage = PS_UPLOAD_ENDED + 1);
    BREAKS(opened, u->stall.deadline_us = PS_TIME_NEVER);
    BREAKS(asked, u->stall.deadline_us = START_US);
    BREAKS(ended, u->stall.deadline_us = START_US);
    BREAKS(opened, u->file_left_us = u->stall.length_us + 1);
}

static void broken_reading(void **state)
{
    (void)state;
    BREAKS(waiting, u->phase = 0);
    BREAKS(waiting, u->phase = PS_UPLOAD_BODY + 1);
    BREAKS(waiting, u->phase = PS_UPLOAD_PREFACE); /* On a stream that is not plain. */
    BREAKS(waiting, u->gather.want = sizeof u->gather.bytes + 1);
    BREAKS(waiting, u->gather.fill = u->gather.want + 1);
    BREAKS(opened, u->gather.fill = u->gather.want);
    BREAKS(opened, u->gather.fill = u->gather.want; u->frame.type = PS_FRAME_BYE);
    BREAKS(opened, u->gather.fill = u->gather.want; u->phase = PS_UPLOAD_BODY);
    BREAKS(asked, u->phase = PS_UPLOAD_BODY);
    BREAKS(asked, u->gather.fill = 1);
}

static void broken_files(void **state)
{
    (void)state;
    BREAKS(asked, u->file = 0);
    BREAKS(opened, u->pieces--);
    BREAKS(opened, u->content.length = PS_FILE_MAX + 1;
           u->pieces = PS_FILE_MAX / PS_PIECE_BYTES + 1);
    BREAKS(opened, u->tree = NULL);
    BREAKS(asked, u->data_left--);
    BREAKS(asked, u->nodes_left--);
    BREAKS(asked, u->unsent = 1);
    BREAKS(asked, u->answer_unsent = true);
    BREAKS(opened, u->data_left = u->pieces + 1);
    BREAKS(opened, u->nodes_left = u->pieces + 1);
    BREAKS(opened, u->data_left = 0; u->answer_unsent = false); /* Should have ended. */
    BREAKS(opened, u->taken = u->unsent + 1);
    BREAKS(idle, u->tree = r.tree);
    BREAKS(skipping, u->file = 0);
    BREAKS(skipping, u->unsent = 1);
    BREAKS(skipping, u->tree = r.tree);
    BREAKS(waiting, u->file = 1);
    BREAKS(waiting, u->sent_bytes = 1);
    BREAKS(waiting, u->unsent = 1);
    BREAKS(waiting, u->answer_unsent = true);
    BREAKS(skipping, u->skipped = u->max_wants + 1);
    BREAKS(idle, u->skipped = 1);
}

static ps_want *first_want(ps_upload *u)
{
    return &ps_upload_wants(u)[u->wants_head];
}

static void broken_wants(void **state)
{
    (void)state;
    BREAKS(busy, u->wants_len = u->max_wants + 1);
    BREAKS(busy, u->wants_head = u->max_wants);
    BREAKS(skipping, u->wants_len = 1);
    BREAKS(busy, first_want(u)->kind = 3);
    BREAKS(busy, first_want(u)->count = PIECES);
    BREAKS(busy, u->piece_at = PS_PIECE_BYTES);
    BREAKS(busy, first_want(u)[1].count = 3);
}

/* What looks odd, and may be. */
static void sound_states(void **state)
{
    (void)state;
    rig r = opened();
    r.u->data_left = 0; /* The answer to OPEN is under way, or bytes, or WANTs wait. */
    assert_int_equal(ps_upload_check(r.u), 0);
    r.u->answer_unsent = false;
    r.u->unsent = 1;
    assert_int_equal(ps_upload_check(r.u), 0);
    rig_end(&r);
    r = busy();
    r.u->data_left = 0;
    assert_int_equal(ps_upload_check(r.u), 0);
    rig_end(&r);
    r = ended();
    r.u->gather.fill = r.u->gather.want; /* What came after the end is not read. */
    assert_int_equal(ps_upload_check(r.u), 0);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_stages_and_clocks),
        cmocka_unit_test(broken_reading),
        cmocka_unit_test(broken_files),
        cmocka_unit_test(broken_wants),
        cmocka_unit_test(sound_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

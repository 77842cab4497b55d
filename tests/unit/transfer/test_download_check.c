/* The walk over the downloader's invariants finds what is broken on purpose, in every stage. */
#include "download_rig.h"

#include "transfer/download_internal.h"

#define PIECES 6u
#define LENGTH ((uint64_t)PIECES * PS_PIECE_BYTES - 7)
#define WINDOW (4 * PS_PIECE_BYTES)

static rig fresh(void)
{
    return rig_of(LENGTH, WINDOW);
}

/* OPEN and WANTs were said; HELLO is awaited. */
static rig greeting(void)
{
    rig r = fresh();
    assert_int_equal(fetch(&r, NULL), PS_OK);
    return r;
}

/* Four pieces of the first file were asked for; a second file waits. */
static rig asking(void)
{
    rig r = running(LENGTH, WINDOW, 64);
    assert_int_equal(fetch(&r, NULL), PS_OK);
    return r;
}

/* So, too, with the chunk's hashes. */
static rig hashed_chunk(void)
{
    static crafted c;
    rig r = asking();
    c.len = 0;
    craft_hashes(&c, &r, 0, 8, PIECES);
    hear_crafted(&r, &c);
    return r;
}

/* Amid the first piece's payload. */
static rig amid_payload(void)
{
    static crafted c;
    rig r = hashed_chunk();
    c.len = 0;
    craft_data(&c, 0, PS_LEAF_BYTES);
    craft_fill(&c, r.file, 1000);
    hear_crafted(&r, &c);
    return r;
}

/* Amid the chunk's hashes. */
static rig amid_nodes(void)
{
    static crafted c;
    rig r = asking();
    c.len = 0;
    craft_hashes(&c, &r, 0, 8, PIECES);
    c.len -= 16;
    hear_crafted(&r, &c);
    return r;
}

/* Two pieces came whole; the host hashes them. */
static rig checking(void)
{
    rig r = hashed_chunk();
    static crafted c;
    for (uint32_t piece = 0; piece < 2; piece++) {
        for (uint32_t at = 0; at < PS_PIECE_BYTES; at += PS_LEAF_BYTES) {
            c.len = 0;
            craft_data(&c, (uint64_t)piece * PS_PIECE_BYTES + at, PS_LEAF_BYTES);
            craft_fill(&c, r.file + (size_t)piece * PS_PIECE_BYTES + at, PS_LEAF_BYTES);
            hear_crafted(&r, &c);
        }
    }
    return r;
}

/* A file of one piece was opened. */
static rig small(void)
{
    return running(5, WINDOW, 64);
}

static rig ended(void)
{
    rig r = asking();
    plain(&r, PS_STREAM_CLOSED);
    return r;
}

/* The last rig made, and its machine as it was: a copy of the memory is a copy of the machine. */
static struct {
    rig (*make)(void);
    rig r;
    void *was;
} kept;

static void drop(void)
{
    if (kept.make) {
        rig_end(&kept.r);
        free(kept.was);
        kept.make = NULL;
    }
}

static ps_download *machine(rig (*make)(void))
{
    if (kept.make != make) {
        drop();
        kept.make = make;
        kept.r = make();
        kept.was = exact_copy(kept.r.d, kept.r.size);
    }
    memcpy(kept.r.d, kept.was, kept.r.size);
    assert_int_equal(ps_download_check(kept.r.d), 0);
    return kept.r.d;
}

#define BREAKS(make, ...)                                                                          \
    do {                                                                                           \
        ps_download *d = machine(make);                                                            \
        __VA_ARGS__;                                                                               \
        assert_int_not_equal(ps_download_check(d), 0);                                             \
    } while (0)

static void broken_stages_and_clocks(void **state)
{
    (void)state;
    BREAKS(asking, d->stage = 0);
    BREAKS(asking, d->stage = PS_DOWNLOAD_ENDED + 1);
    BREAKS(asking, d->phase = 0);
    BREAKS(asking, d->phase = PS_DOWNLOAD_PAYLOAD + 1);
    BREAKS(ended, d->stall.deadline_us = START_US);
    BREAKS(ended, d->scanning = true);
    BREAKS(asking, d->stall.deadline_us = PS_TIME_NEVER);
    BREAKS(greeting, d->wants = 0; d->stall.deadline_us = PS_TIME_NEVER);
    BREAKS(fresh, d->stall.deadline_us = START_US);
    BREAKS(fresh, d->finishing = true);
    BREAKS(fresh, d->file_next++);
    BREAKS(fresh, d->piece_next = 1);
    BREAKS(greeting, d->binding.plain = true); /* OPEN was said before the binding was known. */
}

static void broken_rings(void **state)
{
    (void)state;
    BREAKS(checking, d->piece_first = d->piece_due + 1);
    BREAKS(checking, d->piece_due = d->piece_next + 1);
    BREAKS(checking, d->piece_next = d->piece_first + PS_DOWNLOAD_PIECES + 1);
    BREAKS(checking, d->pieces[0].state = PS_PIECE_NONE); /* The first is not verified. */
    BREAKS(checking, d->pieces[2].state = PS_PIECE_NONE); /* Is awaited. */
    BREAKS(checking, d->pieces[0].state = PS_PIECE_ASKED);
    BREAKS(checking, d->pieces[2].state = PS_PIECE_CHECKING);
    BREAKS(checking, d->pieces[0].file = 0); /* Before the first. */
    BREAKS(checking, d->pieces[3].file = d->file_next);
    BREAKS(checking, d->file_asking = 0);
    BREAKS(checking, d->pieces[3].file = 2);      /* Which is not asked for yet. */
    BREAKS(checking, d->pieces[0].hashes = true); /* They came. */
    BREAKS(checking, d->asked_bytes--);
    BREAKS(checking, d->window_bytes = PS_PIECE_BYTES);
    BREAKS(checking, d->wants--);
    BREAKS(checking, d->max_wants = 1);
}

static void broken_files(void **state)
{
    (void)state;
    BREAKS(checking, d->file_first = 0);
    BREAKS(checking, d->file_next = d->file_first + PS_DOWNLOAD_FILES + 1);
    BREAKS(checking, d->file_asking = d->file_next + 1);
    BREAKS(fresh, d->file_asking = 0);
    BREAKS(checking, d->files[0].at = 0); /* A piece beyond the cursor. */
    BREAKS(checking, d->files[0].at = 1);
    BREAKS(checking, d->files[0].state = PS_FILE_NONE);
    BREAKS(checking, d->files[0].state = PS_FILE_WAITING);
    BREAKS(checking, d->files[0].state = PS_FILE_OPENING);
    BREAKS(checking, d->files[1].state = PS_FILE_OPENING);
    BREAKS(asking, d->files[0].state = PS_FILE_OPEN + 1);
    BREAKS(checking, d->files[0].unverified++);
    BREAKS(checking, d->files[0].pieces++);
    BREAKS(checking, d->files[1].content.length = 0; d->files[1].pieces = 0);
    BREAKS(checking, d->files[1].content.length = PS_FILE_MAX + 1;
           d->files[1].pieces = PS_FILE_MAX / PS_PIECE_BYTES + 1);
    BREAKS(checking, d->files[1].at = PIECES + 1);
    BREAKS(checking, d->files[1].at = 1);
    BREAKS(checking, d->files[1].ticket_len = 0);
    BREAKS(checking, d->files[1].ticket_len = PS_FILE_TICKET_MAX + 1);
    BREAKS(checking, d->files[0].at = PIECES); /* It should have gone on to the next. */
    BREAKS(checking, d->file_asking = 2);
    BREAKS(checking, d->file_asking = 3; d->files[0].at = d->files[1].at = PIECES);
    BREAKS(asking, d->files[0].state = PS_FILE_WAITING);
    BREAKS(checking, d->files[1].state = PS_FILE_NONE; d->files[1].have = kept.r.file);
    BREAKS(greeting, d->files[0].content.length = 5; d->files[0].pieces = 1);
}

/* A file of one piece needs no hashes. */
static void broken_small_files(void **state)
{
    (void)state;
    BREAKS(small, d->files[0].chunk = 0);
    BREAKS(small, d->pieces[0].hashes = true);
    BREAKS(small, d->files[0].state = PS_FILE_NONE; d->files[0].unverified = 0);
    BREAKS(small, d->piece_first = d->piece_due = d->piece_next; d->asked_bytes = d->wants = 0;
           d->stall.deadline_us = PS_TIME_NEVER; d->files[0].state = PS_FILE_NONE);
}

static void broken_reading(void **state)
{
    (void)state;
    BREAKS(checking, d->gather.want = sizeof d->gather.bytes + 1);
    BREAKS(checking, d->gather.fill = d->gather.want);
    BREAKS(amid_nodes, d->nodes_want = sizeof d->nodes + 1);
    BREAKS(amid_nodes, d->nodes_fill = d->nodes_want);
    BREAKS(amid_nodes, d->pieces[0].hashes = false);
    BREAKS(amid_payload, d->position = PS_PIECE_BYTES);
    BREAKS(amid_payload, d->stage = PS_DOWNLOAD_HELLO);
    BREAKS(amid_payload, d->payload_left = 0);
    BREAKS(amid_payload, d->payload_left = PS_PIECE_BYTES);
    BREAKS(amid_payload, d->files[0].state = PS_FILE_OPENING);
    BREAKS(amid_payload, d->phase = PS_DOWNLOAD_NODES; d->nodes_fill = 0; d->nodes_want = 32);
    BREAKS(fresh, d->position = 1);
    BREAKS(fresh, d->phase = PS_DOWNLOAD_PAYLOAD; d->stage = PS_DOWNLOAD_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_stages_and_clocks),
        cmocka_unit_test(broken_rings),
        cmocka_unit_test(broken_files),
        cmocka_unit_test(broken_small_files),
        cmocka_unit_test(broken_reading),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop();
    return failed;
}

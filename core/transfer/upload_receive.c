/* What a downloader may say, and when. */
#include "transfer/upload_internal.h"

/* Frames read in one step. */
#define STEP_FRAMES 32u

static void next_header(ps_upload *u)
{
    u->phase = PS_UPLOAD_HEADER;
    ps_gather_begin(&u->gather, PS_FRAME_HEADER_BYTES);
}

static void on_preface(ps_upload *u, ps_emit *e)
{
    if (u->gather.bytes[0] != PS_STREAM_PREFACE_PLAIN) {
        ps_upload_fail(u, e, PS_E_PROTOCOL, false, true);
        return;
    }
    next_header(u);
}

/* True when a frame of this type and length may come now. */
static bool frame_expected(const ps_upload *u)
{
    const uint32_t length = u->frame.length;
    const bool greeted = u->stage != PS_UPLOAD_HELLO;
    switch (u->frame.type) {
    case PS_FRAME_HELLO:
        return !greeted && length >= PS_HELLO_BYTES_MIN && length <= PS_HELLO_BYTES_MAX;
    case PS_FRAME_OPEN:
        return greeted && u->file < UINT32_MAX && length >= PS_OPEN_BYTES_MIN &&
               length <= PS_OPEN_BYTES_MAX;
    case PS_FRAME_WANT:
        return (u->stage == PS_UPLOAD_SERVING || u->stage == PS_UPLOAD_SKIPPING) &&
               length == PS_WANT_BYTES;
    case PS_FRAME_BYE:
        return greeted && u->wants_len == 0 && length == 0;
    case PS_FRAME_ERROR:
        return greeted && length >= PS_ERROR_HEAD_BYTES && length <= PS_ERROR_BYTES_MAX;
    default:
        return false;
    }
}

static void on_hello(ps_upload *u, ps_emit *e, ps_span body)
{
    ps_hello hello;
    static const uint8_t none[PS_STREAM_NONCE_BYTES];
    if (!ps_hello_read(body, &hello)) {
        ps_upload_fail(u, e, PS_E_PROTOCOL, false, true);
        return;
    }
    if (hello.version != PS_STREAM_VERSION) {
        ps_upload_fail(u, e, PS_E_UNSUPPORTED, false, true);
        return;
    }
    ps_writer w = ps_emit_writer(e);
    ps_welcome_write(&w, (uint16_t)u->max_wants, u->binding.plain ? u->binding.bytes : none);
    (void)ps_emit_bytes(e, &w);
    if (u->binding.plain) {
        ps_plain_binding(u->crypto, hello.nonce, u->binding.bytes, u->binding.bytes);
    }
    u->stage = PS_UPLOAD_IDLE;
    ps_stall_progress(&u->stall, u->clock.now_us);
}

bool ps_upload_want_fits(const ps_upload *u, const ps_want *want)
{
    if (want->kind == PS_WANT_HASHES) {
        const ps_subtree s = {u->pieces, want->first, want->count};
        return ps_subtree_valid(&s);
    }
    return want->count > 0 && want->first < u->pieces && want->count <= u->pieces - want->first;
}

/* Of a refused file: the downloader could not know yet. */
static bool skip_want(ps_upload *u)
{
    if (u->skipped == u->max_wants) {
        return false;
    }
    u->skipped++;
    return true;
}

/* One OPEN admits one pass over the file. */
static bool spend(ps_upload *u, const ps_want *want)
{
    uint32_t *left = want->kind == PS_WANT_DATA ? &u->data_left : &u->nodes_left;
    const uint32_t there = u->pieces - want->first;
    const uint32_t count = want->count < there ? want->count : there;
    if (count > *left) {
        return false;
    }
    *left -= count;
    return true;
}

/* Asking is no progress: only what is taken of the answers. */
static bool queue_want(ps_upload *u, const ps_want *want)
{
    if (!ps_upload_want_fits(u, want) || u->wants_len == u->max_wants || !spend(u, want)) {
        return false;
    }
    if (u->wants_len == 0) {
        u->piece_at = 0;
    }
    ps_upload_wants(u)[(u->wants_head + u->wants_len) % u->max_wants] = *want;
    u->wants_len++;
    return true;
}

static void on_want(ps_upload *u, ps_emit *e, ps_span body)
{
    ps_want want;
    const bool good = ps_want_read(body, &want) &&
                      (u->stage == PS_UPLOAD_SKIPPING ? skip_want(u) : queue_want(u, &want));
    if (!good) {
        ps_upload_fail(u, e, PS_E_PROTOCOL, false, true);
    }
}

static void on_error(ps_upload *u, ps_emit *e, ps_span body)
{
    uint32_t code = ps_stream_error_read(body);
    if (code == PS_E_NONE) {
        ps_upload_fail(u, e, PS_E_PROTOCOL, false, true);
    } else {
        ps_upload_fail(u, e, code, true, false);
    }
}

static void on_bye(ps_upload *u, ps_emit *e)
{
    ps_upload_end_file(u, e);
    u->stage = PS_UPLOAD_ENDED;
    ps_stall_stop(&u->stall);
    (void)ps_emit_event(e, PS_STREAM_EVENT_DONE);
}

static void on_frame(ps_upload *u, ps_emit *e)
{
    const ps_span body = {u->gather.bytes, u->frame.length};
    switch (u->frame.type) {
    case PS_FRAME_HELLO:
        on_hello(u, e, body);
        break;
    case PS_FRAME_OPEN:
        ps_upload_open(u, e, body);
        break;
    case PS_FRAME_WANT:
        on_want(u, e, body);
        break;
    case PS_FRAME_ERROR:
        on_error(u, e, body);
        break;
    default:
        PS_ASSERT(u->frame.type == PS_FRAME_BYE);
        on_bye(u, e);
        break;
    }
    next_header(u);
}

static void on_header(ps_upload *u, ps_emit *e)
{
    if (!ps_frame_read(u->gather.bytes, &u->frame) || !frame_expected(u)) {
        ps_upload_fail(u, e, PS_E_PROTOCOL, false, true);
        return;
    }
    u->phase = PS_UPLOAD_BODY;
    ps_gather_begin(&u->gather, u->frame.length);
}

bool ps_upload_blocked(const ps_upload *u)
{
    if (u->stage == PS_UPLOAD_ASKED) {
        return true;
    }
    if (u->stage == PS_UPLOAD_ENDED || u->phase != PS_UPLOAD_BODY) {
        return false;
    }
    /* What ends a file waits until all of it has gone. */
    const bool owes = u->wants_len > 0 || u->unsent > 0;
    return (u->frame.type == PS_FRAME_OPEN && (owes || u->answer_unsent)) ||
           (u->frame.type == PS_FRAME_BYE && owes);
}

size_t ps_upload_receive(ps_upload *u, ps_emit *e, const uint8_t *data, size_t len)
{
    size_t at = 0;
    for (uint32_t parts = 0; parts < 2 * STEP_FRAMES && !ps_upload_blocked(u); parts++) {
        at += ps_gather_take(&u->gather, at < len ? data + at : data, len - at);
        if (!ps_gather_full(&u->gather)) {
            break;
        }
        switch (u->phase) {
        case PS_UPLOAD_PREFACE:
            on_preface(u, e);
            break;
        case PS_UPLOAD_HEADER:
            on_header(u, e);
            break;
        default:
            on_frame(u, e);
            break;
        }
        if (u->stage == PS_UPLOAD_ENDED) {
            return len;
        }
    }
    return at;
}

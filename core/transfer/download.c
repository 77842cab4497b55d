/* The downloader's machine: its life, its inputs, its clock, what it asks for. */
#include "transfer/download_internal.h"

#define MAX_STALL_MS 86400000u
#define MAX_WINDOW   (1u << 30)
#define MAX_PIECES   256u /* Of the window: below a chunk, so that one at most is asked ahead. */
#define MAX_INPUT    (1u << 30)

_Static_assert(_Alignof(ps_download) <= 16, "what init asks of the caller's memory");
_Static_assert(MAX_PIECES < PS_HASHES_MAX, "one chunk at most is asked ahead");
/* The worst step: the first words, a window of WANTs with a chunk, BYE or ERROR. */
_Static_assert(1 + PS_FRAME_HEADER_BYTES + PS_HELLO_BYTES +
                       (MAX_PIECES + 2) * (PS_FRAME_HEADER_BYTES + PS_WANT_BYTES) +
                       PS_FRAME_HEADER_BYTES + PS_ERROR_BYTES_MAX <=
                   PS_STREAM_STEP_BYTES,
               "a step fits the slab that it asked for");

void ps_download_config_default(ps_download_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->size = sizeof *cfg;
    cfg->stall_ms = 30000;
    cfg->window_bytes = 4u * PS_PIECE_BYTES;
}

size_t ps_download_size(const ps_download_config *cfg)
{
    if (!cfg || cfg->size != sizeof *cfg || !cfg->crypto ||
        cfg->crypto->size != sizeof(ps_crypto) || !ps_content_possible(&cfg->content) ||
        cfg->stall_ms == 0 || cfg->stall_ms > MAX_STALL_MS || cfg->window_bytes == 0 ||
        cfg->window_bytes > MAX_WINDOW) {
        return 0;
    }
    return sizeof(ps_download); /* the machine; a chunk of hashes is most of it */
}

ps_status ps_download_init(void *mem, size_t len, const ps_download_config *cfg, uint64_t now_us,
                           ps_download **out)
{
    size_t need = ps_download_size(cfg);
    if (!mem || !out || need == 0 || len < need || (uintptr_t)mem % 16 != 0) {
        return PS_INVALID;
    }
    ps_download *d = mem;
    memset(d, 0, need);
    d->crypto = cfg->crypto;
    d->content = cfg->content;
    d->pieces = ps_piece_count(cfg->content.length);
    d->window = cfg->window_bytes / PS_PIECE_BYTES;
    d->window = d->window == 0 ? 1 : d->window > MAX_PIECES ? MAX_PIECES : d->window;
    d->stage = PS_DOWNLOAD_START;
    d->phase = PS_DOWNLOAD_HEADER;
    d->stall.length_us = (uint64_t)cfg->stall_ms * 1000u;
    ps_gather_begin(&d->gather, PS_FRAME_HEADER_BYTES);
    ps_stall_progress(&d->stall, ps_clock_advance(&d->clock, now_us));
    *out = d;
    return PS_OK;
}

void ps_download_fail(ps_download *d, ps_emit *e, uint32_t error, bool remote, bool tell)
{
    PS_ASSERT(d->stage != PS_DOWNLOAD_ENDED);
    d->stage = PS_DOWNLOAD_ENDED;
    ps_stall_stop(&d->stall);
    ps_emit_failure(e, error, remote, tell);
}

void ps_download_finish(ps_download *d, ps_emit *e)
{
    ps_writer w = ps_emit_writer(e);
    ps_bye_write(&w);
    (void)ps_emit_bytes(e, &w);
    d->stage = PS_DOWNLOAD_ENDED;
    ps_stall_stop(&d->stall);
    (void)ps_emit_event(e, PS_STREAM_EVENT_DONE);
}

static void say_hello(ps_download *d, ps_emit *e)
{
    ps_writer w = ps_emit_writer(e);
    ps_write8(&w, PS_STREAM_PREFACE_PLAIN);
    ps_hello_write(&w, &d->content);
    (void)ps_emit_bytes(e, &w);
    d->stage = PS_DOWNLOAD_HELLO;
    ps_stall_progress(&d->stall, d->clock.now_us);
}

/* The next WANT, if the window and the uploader admit one. */
static bool next_want(ps_download *d, ps_want *want)
{
    uint32_t waiting = d->asked - d->piece + d->chunks_asked - d->chunks_known;
    if (d->asked == d->pieces || waiting >= d->max_wants || d->asked - d->piece >= d->window) {
        return false;
    }
    if (d->pieces > 1 && d->asked / PS_HASHES_MAX == d->chunks_asked) {
        const ps_subtree s = ps_download_chunk(d, d->chunks_asked);
        *want = (ps_want){PS_WANT_HASHES, s.first, s.count};
        d->chunks_asked++;
    } else {
        *want = (ps_want){PS_WANT_DATA, d->asked, 1};
        d->asked++;
    }
    return true;
}

static void ask(ps_download *d, ps_emit *e)
{
    ps_want want;
    ps_writer w = ps_emit_writer(e);
    while (next_want(d, &want)) {
        ps_want_write(&w, &want);
    }
    if (w.len > 0) {
        (void)ps_emit_bytes(e, &w);
    }
}

static bool input_valid(const ps_stream_input *in)
{
    switch (in->type) {
    case PS_STREAM_TICK:
    case PS_STREAM_CLOSED:
    case PS_STREAM_SENT:
    case PS_STREAM_TAKEN:
        return true;
    case PS_STREAM_CANCEL:
        return in->u.cancel_error <= UINT16_MAX;
    case PS_STREAM_BYTES:
        return in->u.bytes.len <= MAX_INPUT && (in->u.bytes.data || in->u.bytes.len == 0);
    case PS_STREAM_OPENED:
    default:
        return false;
    }
}

/* Handles one input of a machine that has not ended; @return what was consumed. */
static size_t dispatch(ps_download *d, ps_emit *e, const ps_stream_input *in)
{
    const bool began = d->stage != PS_DOWNLOAD_START;
    if (in->type == PS_STREAM_CLOSED) {
        ps_download_fail(d, e, PS_E_CLOSED, false, false);
        return 1;
    }
    if (in->type == PS_STREAM_CANCEL) {
        uint32_t error = in->u.cancel_error ? in->u.cancel_error : (uint32_t)PS_E_CANCELLED;
        ps_download_fail(d, e, error, false, began);
        return 1;
    }
    if (!began) {
        say_hello(d, e);
    }
    if (in->type == PS_STREAM_BYTES) {
        return ps_download_receive(d, e, in->u.bytes.data, in->u.bytes.len);
    }
    return 1;
}

ps_status ps_download_step(ps_download *d, const ps_stream_input *in, size_t *consumed,
                           ps_stream_output *out)
{
    if (!d || !in || !consumed || !ps_emit_valid(out) || !input_valid(in)) {
        return PS_INVALID;
    }
    *consumed = 0;
    if (!ps_emit_has_room(out)) {
        return PS_AGAIN;
    }
    uint64_t now_us = ps_clock_advance(&d->clock, in->now_us);
    ps_emit e = {.out = out, .first_segment = out->segments_len};
    if (d->stage == PS_DOWNLOAD_ENDED) {
        *consumed = in->type == PS_STREAM_BYTES ? in->u.bytes.len : 1;
        return PS_OK;
    }
    *consumed = dispatch(d, &e, in);
    if (d->stage == PS_DOWNLOAD_RUNNING) {
        ask(d, &e);
    }
    if (d->stage != PS_DOWNLOAD_ENDED && ps_stall_over(&d->stall, now_us)) {
        ps_download_fail(d, &e, PS_E_STALLED, false, true);
    }
    return PS_OK;
}

uint64_t ps_download_deadline_us(const ps_download *d)
{
    return d->stage == PS_DOWNLOAD_START ? 0 : ps_clock_host_us(&d->clock, d->stall.deadline_us);
}

uint64_t ps_download_verified_bytes(const ps_download *d)
{
    return d->verified_bytes;
}

bool ps_download_due(const ps_download *d, uint64_t *offset, uint64_t *len)
{
    if (d->stage != PS_DOWNLOAD_RUNNING || d->phase != PS_DOWNLOAD_PAYLOAD) {
        return false;
    }
    *offset = (uint64_t)d->piece * PS_PIECE_BYTES + d->position;
    *len = d->payload_left;
    return true;
}

/* The downloader's machine: its life, its inputs, its clock, where payload belongs. */
#include "transfer/download_internal.h"

#include "channel/wipe.h"

_Static_assert(_Alignof(ps_download) <= 16, "what init asks of the caller's memory");
_Static_assert(PS_STREAM_WANTS_MIN >= 2, "a piece and its chunk of hashes are asked for together");

void ps_download_config_default(ps_download_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->size = sizeof *cfg;
    cfg->stall_ms = 30000;
    cfg->window_bytes = 8u * PS_PIECE_BYTES;
}

size_t ps_download_size(const ps_download_config *cfg)
{
    if (!cfg || cfg->size != sizeof *cfg ||
        !ps_machine_possible(cfg->crypto, &cfg->binding, cfg->stall_ms) ||
        cfg->window_bytes < PS_PIECE_BYTES || cfg->window_bytes > PS_DOWNLOAD_WINDOW_MAX) {
        return 0;
    }
    return sizeof(ps_download); /* the machine; a chunk of hashes and the ring are most of it */
}

ps_status ps_download_init(void *mem, size_t len, const ps_download_config *cfg, uint64_t now_us,
                           ps_download **out)
{
    size_t need = ps_download_size(cfg);
    if (!mem || !out || need == 0 || len < need || (uintptr_t)mem % _Alignof(max_align_t) != 0) {
        return PS_INVALID;
    }
    ps_download *d = mem;
    memset(d, 0, need);
    d->crypto = cfg->crypto;
    d->binding = cfg->binding;
    d->window_bytes = cfg->window_bytes;
    d->max_wants = PS_STREAM_WANTS_MIN;
    d->file_first = d->file_next = d->file_asking = 1;
    d->stage = PS_DOWNLOAD_START;
    d->phase = PS_DOWNLOAD_HEADER;
    d->stall.length_us = (uint64_t)cfg->stall_ms * 1000u;
    ps_gather_begin(&d->gather, PS_FRAME_HEADER_BYTES);
    ps_stall_stop(&d->stall);
    (void)ps_clock_advance(&d->clock, now_us);
    *out = d;
    return PS_OK;
}

static void leave(ps_download *d)
{
    d->stage = PS_DOWNLOAD_ENDED;
    d->scanning = false;
    ps_stall_stop(&d->stall);
    for (uint32_t i = 0; i < PS_DOWNLOAD_FILES; i++) {
        ps_wipe(d->files[i].key, sizeof d->files[i].key);
    }
}

ps_stream_event *ps_download_fail(ps_download *d, ps_emit *e, uint32_t error, bool remote,
                                  bool tell)
{
    PS_ASSERT(d->stage != PS_DOWNLOAD_ENDED);
    leave(d);
    return ps_emit_failure(e, error, remote, tell);
}

void ps_download_end(ps_download *d, ps_emit *e)
{
    PS_ASSERT(d->stage != PS_DOWNLOAD_ENDED && d->file_first == d->file_next);
    leave(d);
    (void)ps_emit_event(e, PS_STREAM_EVENT_DONE);
}

void ps_download_finish(ps_download *d, ps_emit *e)
{
    ps_writer w = ps_emit_writer(e);
    ps_bye_write(&w);
    (void)ps_emit_bytes(e, &w);
    ps_download_end(d, e);
}

static void say_hello(ps_download *d, ps_emit *e)
{
    static const uint8_t none[PS_STREAM_NONCE_BYTES];
    ps_writer w = ps_emit_writer(e);
    if (d->binding.plain) {
        ps_write8(&w, PS_STREAM_PREFACE_PLAIN);
    }
    ps_hello_write(&w, d->binding.plain ? d->binding.bytes : none);
    (void)ps_emit_bytes(e, &w);
    d->stage = PS_DOWNLOAD_HELLO;
}

static bool input_valid(const ps_download *d, const ps_stream_input *in)
{
    switch (in->type) {
    case PS_STREAM_TICK:
    case PS_STREAM_BYTES:
    case PS_STREAM_CLOSED:
    case PS_STREAM_CANCEL:
    case PS_STREAM_SENT:
    case PS_STREAM_TAKEN:
    case PS_STREAM_FINISH:
        return true;
    case PS_STREAM_FETCH:
        return d->stage == PS_DOWNLOAD_ENDED /* it crossed the end */
               || ps_download_fetch_valid(d, &in->u.fetch);
    case PS_STREAM_HASHED:
        return d->stage == PS_DOWNLOAD_ENDED /* the answer crossed the end */
               || ps_download_checking(d, in->u.hashed.file, in->u.hashed.piece);
    case PS_STREAM_OPENED:
        break;
    }
    return false;
}

/* Handles one input of a machine that has not ended; @return what was consumed. */
static size_t dispatch(ps_download *d, ps_emit *e, const ps_stream_input *in)
{
    const bool began = d->stage != PS_DOWNLOAD_START;
    if (in->type == PS_STREAM_CLOSED) {
        (void)ps_download_fail(d, e, PS_E_CLOSED, false, false);
        return 1;
    }
    if (in->type == PS_STREAM_CANCEL) {
        (void)ps_download_fail(d, e, ps_machine_cancel_error(in), false, began);
        return 1;
    }
    if (!began) {
        say_hello(d, e);
    }
    switch (in->type) {
    case PS_STREAM_BYTES:
        return ps_download_receive(d, e, in->u.bytes.data, in->u.bytes.len);
    case PS_STREAM_FETCH:
        ps_download_fetch(d, &in->u.fetch);
        break;
    case PS_STREAM_HASHED:
        ps_download_hashed(d, e, in->u.hashed.file, in->u.hashed.piece, &in->u.hashed.hash);
        break;
    case PS_STREAM_FINISH:
        d->finishing = true;
        break;
    case PS_STREAM_TICK:
    case PS_STREAM_SENT:
    case PS_STREAM_TAKEN:
        break;
    /* unreachable: input_valid() refuses an uploader's input; these ends were handled above */
    case PS_STREAM_OPENED:
    case PS_STREAM_CLOSED:
    case PS_STREAM_CANCEL:
        break;
    }
    return 1;
}

/* Time runs while the uploader owes something. */
static void set_clock(ps_download *d)
{
    const bool asks = d->file_first != d->file_next || d->finishing;
    const bool awaits = d->wants > 0 || (d->stage == PS_DOWNLOAD_HELLO && asks);
    if (!awaits) {
        ps_stall_stop(&d->stall);
    } else if (d->stall.deadline_us == PS_TIME_NEVER) {
        ps_stall_progress(&d->stall, d->clock.now_us);
    }
}

/* After each input: asks for more, ends what has nothing left, looks at the clock. */
static void go_on(ps_download *d, ps_emit *e)
{
    /* A plain stream's binding needs the uploader's nonce. */
    if (d->stage == PS_DOWNLOAD_RUNNING || !d->binding.plain) {
        ps_download_ask(d, e);
    }
    if (d->stage == PS_DOWNLOAD_RUNNING && d->finishing && d->file_first == d->file_next) {
        ps_download_finish(d, e);
        return;
    }
    set_clock(d);
    if (ps_stall_over(&d->stall, d->clock.now_us)) {
        (void)ps_download_fail(d, e, PS_E_STALLED, false, true);
    }
}

ps_status ps_download_step(ps_download *d, const ps_stream_input *in, size_t *consumed,
                           ps_stream_output *out)
{
    if (!ps_machine_step_possible(d, in, consumed, out) || !input_valid(d, in)) {
        return PS_INVALID;
    }
    if (!ps_emit_has_room(out)) {
        return PS_AGAIN;
    }
    (void)ps_clock_advance(&d->clock, in->now_us);
    ps_emit e = {.out = out, .first_segment = out->segments_len};
    if (d->stage == PS_DOWNLOAD_ENDED) {
        *consumed = ps_machine_ignored(in);
        return PS_OK;
    }
    *consumed = dispatch(d, &e, in);
    if (d->stage != PS_DOWNLOAD_ENDED) {
        go_on(d, &e);
    }
    const bool bytes_left = in->type == PS_STREAM_BYTES && *consumed < in->u.bytes.len;
    return bytes_left || d->scanning ? PS_MORE : PS_OK;
}

uint64_t ps_download_deadline_us(const ps_download *d)
{
    if (d->stage == PS_DOWNLOAD_START) {
        return 0;
    }
    return ps_clock_host_us(&d->clock, d->scanning ? d->clock.now_us : d->stall.deadline_us);
}

uint32_t ps_download_room(const ps_download *d)
{
    if (d->stage == PS_DOWNLOAD_ENDED || d->finishing || d->file_next == UINT32_MAX) {
        return 0;
    }
    return PS_DOWNLOAD_FILES - (d->file_next - d->file_first);
}

bool ps_download_due(const ps_download *d, ps_download_place *place)
{
    if (d->stage != PS_DOWNLOAD_RUNNING || d->phase != PS_DOWNLOAD_PAYLOAD) {
        return false;
    }
    const ps_download_piece *p = ps_download_awaited(d);
    PS_ASSERT(p);
    *place = (ps_download_place){
        .file = p->file,
        .piece = p->piece,
        .offset = (uint64_t)p->piece * PS_PIECE_BYTES + d->position,
        .len = d->payload_left,
    };
    return true;
}

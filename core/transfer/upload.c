/* The uploader's machine: its life, its inputs, its clock. */
#include "transfer/upload_internal.h"

#define MAX_WANTS 4096u
#define MAX_BURST (1u << 30)

_Static_assert(sizeof(ps_upload) % _Alignof(ps_want) == 0, "the ring may follow the machine");
_Static_assert(_Alignof(ps_upload) <= 16, "what init asks of the caller's memory");
_Static_assert(MAX_WANTS <= UINT16_MAX, "it fits the uploader's HELLO");

void ps_upload_config_default(ps_upload_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->size = sizeof *cfg;
    cfg->idle_ms = 30000;
    cfg->max_wants = 64;
    cfg->burst_bytes = 1048576;
}

size_t ps_upload_size(const ps_upload_config *cfg)
{
    if (!cfg || cfg->size != sizeof *cfg ||
        !ps_machine_possible(cfg->crypto, &cfg->binding, cfg->idle_ms) || !cfg->crypto->open ||
        !cfg->keys || cfg->max_wants < PS_STREAM_WANTS_MIN || cfg->max_wants > MAX_WANTS ||
        cfg->burst_bytes < PS_LEAF_BYTES || cfg->burst_bytes > MAX_BURST) {
        return 0;
    }
    return sizeof(ps_upload)                           /* the machine */
           + (size_t)cfg->max_wants * sizeof(ps_want); /* WANTs that wait */
}

ps_status ps_upload_init(void *mem, size_t len, const ps_upload_config *cfg, uint64_t now_us,
                         ps_upload **out)
{
    size_t need = ps_upload_size(cfg);
    if (!mem || !out || need == 0 || len < need || (uintptr_t)mem % _Alignof(max_align_t) != 0) {
        return PS_INVALID;
    }
    ps_upload *u = mem;
    memset(u, 0, need);
    u->crypto = cfg->crypto;
    u->keys = cfg->keys;
    u->binding = cfg->binding;
    u->burst_bytes = cfg->burst_bytes;
    u->max_wants = cfg->max_wants;
    u->stage = PS_UPLOAD_HELLO;
    u->phase = cfg->binding.plain ? PS_UPLOAD_PREFACE : PS_UPLOAD_HEADER;
    u->stall.length_us = (uint64_t)cfg->idle_ms * 1000u;
    u->file_left_us = u->stall.length_us;
    ps_gather_begin(&u->gather, cfg->binding.plain ? 1 : PS_FRAME_HEADER_BYTES);
    ps_stall_progress(&u->stall, ps_clock_advance(&u->clock, now_us));
    *out = u;
    return PS_OK;
}

void ps_upload_fail(ps_upload *u, ps_emit *e, uint32_t error, bool remote, bool tell)
{
    PS_ASSERT(u->stage != PS_UPLOAD_ENDED);
    u->stage = PS_UPLOAD_ENDED;
    u->wants_len = 0;
    ps_stall_stop(&u->stall);
    (void)ps_emit_failure(e, error, remote, tell);
}

/* The stream took bytes. Only what answers WANTs can be progress, and each byte once. */
static void taken(ps_upload *u, uint64_t bytes)
{
    const uint64_t rest = u->unsent - u->taken;
    bytes = bytes < rest ? bytes : rest;
    u->taken += bytes;
    ps_stall_payload(&u->stall, bytes, PS_LEAF_BYTES, u->clock.now_us);
}

/* The stream took all. */
static void sent(ps_upload *u, ps_emit *e)
{
    taken(u, u->unsent);
    u->unsent = u->taken = 0;
    u->answer_unsent = false;
    ps_upload_end_served(u, e);
    (void)ps_upload_receive(u, e, NULL, 0); /* A BYE may have waited for it. */
}

static bool input_valid(const ps_upload *u, const ps_stream_input *in)
{
    switch (in->type) {
    case PS_STREAM_TICK:
    case PS_STREAM_BYTES:
    case PS_STREAM_CLOSED:
    case PS_STREAM_CANCEL:
    case PS_STREAM_SENT:
    case PS_STREAM_TAKEN:
        return true;
    case PS_STREAM_OPENED:
        if (u->stage == PS_UPLOAD_ENDED) {
            return true; /* The answer crossed the end. */
        }
        return u->stage == PS_UPLOAD_ASKED && in->u.opened.error <= UINT16_MAX &&
               (in->u.opened.error != PS_E_NONE || in->u.opened.tree || u->pieces <= 1);
    case PS_STREAM_FETCH:
    case PS_STREAM_HASHED:
    case PS_STREAM_FINISH:
        break;
    }
    return false;
}

static void dispatch(ps_upload *u, ps_emit *e, const ps_stream_input *in, size_t *consumed)
{
    *consumed = 1;
    switch (in->type) {
    case PS_STREAM_BYTES:
        *consumed = ps_upload_receive(u, e, in->u.bytes.data, in->u.bytes.len);
        break;
    case PS_STREAM_CLOSED:
        ps_upload_fail(u, e, PS_E_CLOSED, false, false);
        break;
    case PS_STREAM_CANCEL:
        ps_upload_fail(u, e, ps_machine_cancel_error(in), false, true);
        break;
    case PS_STREAM_SENT:
        sent(u, e);
        break;
    case PS_STREAM_TAKEN:
        taken(u, in->u.taken_bytes);
        break;
    case PS_STREAM_OPENED:
        ps_upload_opened(u, e, in->u.opened.error, in->u.opened.tree);
        break;
    case PS_STREAM_TICK:
        break;
    /* unreachable: input_valid() refuses a downloader's inputs */
    case PS_STREAM_FETCH:
    case PS_STREAM_HASHED:
    case PS_STREAM_FINISH:
        break;
    }
}

static bool more_is_due(const ps_upload *u, const ps_stream_input *in, size_t consumed)
{
    const bool bytes_left = in->type == PS_STREAM_BYTES && consumed < in->u.bytes.len;
    return (u->stage == PS_UPLOAD_SERVING && ps_upload_can_serve(u)) ||
           (bytes_left && !ps_upload_blocked(u));
}

ps_status ps_upload_step(ps_upload *u, const ps_stream_input *in, size_t *consumed,
                         ps_stream_output *out)
{
    if (!ps_machine_step_possible(u, in, consumed, out) || !input_valid(u, in)) {
        return PS_INVALID;
    }
    if (!ps_emit_has_room(out)) {
        return PS_AGAIN;
    }
    uint64_t now_us = ps_clock_advance(&u->clock, in->now_us);
    ps_emit e = {.out = out, .first_segment = out->segments_len};
    if (u->stage == PS_UPLOAD_ENDED) {
        *consumed = ps_machine_ignored(in);
        return PS_OK;
    }
    u->wall_s = in->wall_s;
    dispatch(u, &e, in, consumed);
    if (u->stage == PS_UPLOAD_SERVING) {
        ps_upload_serve(u, &e);
    }
    if (u->stage != PS_UPLOAD_ENDED && ps_stall_over(&u->stall, now_us)) {
        ps_upload_fail(u, &e, PS_E_STALLED, false, true);
    }
    return more_is_due(u, in, *consumed) ? PS_MORE : PS_OK;
}

uint64_t ps_upload_deadline_us(const ps_upload *u)
{
    if (u->stage == PS_UPLOAD_SERVING && ps_upload_can_serve(u)) {
        return ps_clock_host_us(&u->clock, u->clock.now_us);
    }
    return ps_clock_host_us(&u->clock, u->stall.deadline_us);
}

uint32_t ps_upload_refused(const ps_upload *u)
{
    return u->refused;
}

uint64_t ps_upload_sent_bytes(const ps_upload *u)
{
    return u->sent_bytes;
}

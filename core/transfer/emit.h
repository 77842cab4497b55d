/* Appends to a step's output. Room for a step's worst case was checked before any work. */
#ifndef PS_TRANSFER_EMIT_H
#define PS_TRANSFER_EMIT_H

#include "transfer/frames.h"
#include "util/assert.h"

/* One step's view of the output: segments of earlier steps are never touched again. */
typedef struct ps_emit {
    ps_stream_output *out;
    size_t first_segment;
} ps_emit;

static inline bool ps_emit_has_room(const ps_stream_output *out)
{
    return out->bytes_cap - out->bytes_len >= PS_STREAM_STEP_BYTES &&
           out->segments_cap - out->segments_len >= PS_STREAM_STEP_SEGMENTS &&
           out->events_cap - out->events_len >= PS_STREAM_STEP_EVENTS;
}

/* False: the output's pointers and counts cannot be. */
static inline bool ps_emit_valid(const ps_stream_output *out)
{
    return out && (out->bytes || out->bytes_cap == 0) &&
           (out->segments || out->segments_cap == 0) && (out->events || out->events_cap == 0) &&
           out->bytes_len <= out->bytes_cap && out->segments_len <= out->segments_cap &&
           out->events_len <= out->events_cap;
}

static inline ps_writer ps_emit_writer(const ps_emit *e)
{
    return (ps_writer){
        .base = e->out->bytes + e->out->bytes_len,
        .cap = e->out->bytes_cap - e->out->bytes_len,
    };
}

/* Takes what was written into the slab as the next part of the stream; @return its length. */
static inline uint64_t ps_emit_bytes(ps_emit *e, const ps_writer *w)
{
    ps_stream_output *out = e->out;
    PS_ASSERT(!w->full);
    ps_segment *last =
        out->segments_len > e->first_segment ? &out->segments[out->segments_len - 1] : NULL;
    if (last && !last->from_file) {
        last->len += w->len;
    } else {
        PS_ASSERT(out->segments_len < out->segments_cap);
        out->segments[out->segments_len++] = (ps_segment){
            .from_file = false,
            .offset = out->bytes_len,
            .len = w->len,
        };
    }
    out->bytes_len += w->len;
    return w->len;
}

static inline void ps_emit_file(ps_emit *e, uint32_t file, uint64_t offset, uint64_t len)
{
    ps_stream_output *out = e->out;
    PS_ASSERT(out->segments_len < out->segments_cap);
    out->segments[out->segments_len++] =
        (ps_segment){.from_file = true, .file = file, .offset = offset, .len = len};
}

/* A new event, zero but for its type. */
static inline ps_stream_event *ps_emit_event(ps_emit *e, ps_stream_event_type type)
{
    ps_stream_output *out = e->out;
    PS_ASSERT(out->events_len < out->events_cap);
    ps_stream_event *event = &out->events[out->events_len++];
    memset(event, 0, sizeof *event);
    event->type = type;
    return event;
}

/* The end with an error; says so to the other side unless it said so itself or is gone. */
static inline ps_stream_event *ps_emit_failure(ps_emit *e, uint32_t error, bool remote, bool tell)
{
    if (tell) {
        ps_writer w = ps_emit_writer(e);
        ps_stream_error_write(&w, error);
        (void)ps_emit_bytes(e, &w);
    }
    ps_stream_event *event = ps_emit_event(e, PS_STREAM_EVENT_FAILED);
    event->error = error;
    event->remote = remote;
    return event;
}

#endif

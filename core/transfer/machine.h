/* What both machines ask of their configurations and of a step's arguments. */
#ifndef PS_TRANSFER_MACHINE_H
#define PS_TRANSFER_MACHINE_H

#include "transfer/emit.h"
#include "util/clock.h"

#define PS_MACHINE_TIME_MS_MAX 86400000u
#define PS_MACHINE_INPUT_MAX   (1u << 30)

/* All zero bytes bind to nothing: a host forgot them. */
static inline bool ps_machine_possible(const ps_crypto *crypto, const ps_stream_binding *binding,
                                       uint32_t time_ms)
{
    static const uint8_t none[sizeof binding->bytes];
    return crypto && crypto->size == sizeof(ps_crypto) &&
           memcmp(binding->bytes, none, sizeof none) != 0 && time_ms > 0 &&
           time_ms <= PS_MACHINE_TIME_MS_MAX;
}

/* False: PS_INVALID, whatever the machine's state. Zeroes *consumed where there is one. */
static inline bool ps_machine_step_possible(const void *machine, const ps_stream_input *in,
                                            size_t *consumed, const ps_stream_output *out)
{
    if (!machine || !in || !consumed) {
        return false;
    }
    *consumed = 0;
    if (!ps_emit_valid(out)) {
        return false;
    }
    switch (in->type) {
    case PS_STREAM_CANCEL:
        return in->u.cancel_error <= UINT16_MAX;
    case PS_STREAM_BYTES:
        return in->u.bytes.len <= PS_MACHINE_INPUT_MAX &&
               (in->u.bytes.data || in->u.bytes.len == 0);
    case PS_STREAM_TICK:
    case PS_STREAM_CLOSED:
    case PS_STREAM_SENT:
    case PS_STREAM_OPENED:
    case PS_STREAM_TAKEN:
    case PS_STREAM_FETCH:
    case PS_STREAM_HASHED:
    case PS_STREAM_FINISH:
        return true;
    default:
        return false;
    }
}

/* What is consumed of an input that comes after the end: all of it. */
static inline size_t ps_machine_ignored(const ps_stream_input *in)
{
    return in->type == PS_STREAM_BYTES ? in->u.bytes.len : 1;
}

static inline uint32_t ps_machine_cancel_error(const ps_stream_input *in)
{
    return in->u.cancel_error ? in->u.cancel_error : (uint32_t)PS_E_CANCELLED;
}

#endif

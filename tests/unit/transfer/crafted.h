/* Frames made by hand, byte by byte: independent of the product's encoders. */
#ifndef PS_TESTS_TRANSFER_CRAFTED_H
#define PS_TESTS_TRANSFER_CRAFTED_H

#include "unit.h"

#include "content.h"
#include "exact.h"
#include "tickets.h"

typedef struct crafted {
    uint8_t bytes[32768];
    size_t len;
} crafted;

static inline void craft_number(crafted *c, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        c->bytes[c->len++] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
}

static inline void craft_header(crafted *c, uint8_t type, uint32_t length)
{
    craft_number(c, type, 1);
    craft_number(c, 0, 3);
    craft_number(c, length, 4);
}

static inline void craft_fill(crafted *c, const void *bytes, size_t len)
{
    memcpy(c->bytes + c->len, bytes, len);
    c->len += len;
}

static inline void craft_hello(crafted *c, uint8_t nonce)
{
    craft_header(c, 1, 36);
    craft_number(c, 1, 2);
    craft_number(c, 0, 2);
    memset(c->bytes + c->len, nonce, 32);
    c->len += 32;
}

static inline void craft_open(crafted *c, const uint8_t mac[32], const uint8_t *ticket, size_t len)
{
    craft_header(c, 2, 32 + (uint32_t)len);
    craft_fill(c, mac, 32);
    craft_fill(c, ticket, len);
}

static inline void craft_opened(crafted *c, uint32_t code)
{
    craft_header(c, 2, 4);
    craft_number(c, code, 2);
    craft_number(c, 0, 2);
}

static inline void craft_want(crafted *c, uint8_t kind, uint32_t first, uint32_t count)
{
    craft_header(c, 3, 12);
    craft_number(c, kind, 1);
    craft_number(c, 0, 3);
    craft_number(c, first, 4);
    craft_number(c, count, 4);
}

static inline void craft_error(crafted *c, uint32_t code)
{
    craft_header(c, 9, 4);
    craft_number(c, code, 2);
    craft_number(c, 0, 2);
}

static inline void craft_welcome(crafted *c, uint32_t max_wants, uint8_t nonce)
{
    craft_header(c, 1, 40);
    craft_number(c, 1, 2);
    craft_number(c, max_wants, 2);
    craft_number(c, 1048576, 4);
    memset(c->bytes + c->len, nonce, 32);
    c->len += 32;
}

static inline void craft_data(crafted *c, uint64_t offset, uint32_t payload)
{
    craft_header(c, 5, 8 + payload);
    craft_number(c, offset, 8);
}

/* An output with exactly the room of one step, or any less. */
typedef struct crafted_output {
    ps_stream_output out;
    uint8_t bytes[PS_STREAM_STEP_BYTES];
    ps_segment segments[PS_STREAM_STEP_SEGMENTS];
    ps_stream_event events[PS_STREAM_STEP_EVENTS];
} crafted_output;

static inline void crafted_output_reset(crafted_output *o)
{
    o->out = (ps_stream_output){
        .bytes = o->bytes,
        .bytes_cap = sizeof o->bytes,
        .segments = o->segments,
        .segments_cap = PS_STREAM_STEP_SEGMENTS,
        .events = o->events,
        .events_cap = PS_STREAM_STEP_EVENTS,
    };
}

/* The one FAILED of this output. */
static inline const ps_stream_event *crafted_failure(const crafted_output *o)
{
    const ps_stream_event *found = NULL;
    for (size_t i = 0; i < o->out.events_len; i++) {
        if (o->out.events[i].type == PS_STREAM_EVENT_FAILED) {
            assert_null(found);
            found = &o->out.events[i];
        }
    }
    return found;
}

/* True when the output's last frame is an ERROR of this code. */
static inline bool crafted_tells(const crafted_output *o, uint32_t code)
{
    if (o->out.segments_len == 0) {
        return false;
    }
    const ps_segment *s = &o->out.segments[o->out.segments_len - 1];
    const uint8_t *b = o->out.bytes + s->offset;
    for (size_t at = 0; !s->from_file && at + 12 <= s->len; at++) {
        size_t body = (size_t)b[at + 6] * 256u + b[at + 7];
        if (b[at] == 9 && b[at + 4] == 0 && b[at + 5] == 0 && at + 8 + body == s->len) {
            return b[at + 8] * 256u + b[at + 9] == code && b[at + 10] == 0 && b[at + 11] == 0;
        }
    }
    return false;
}

#endif

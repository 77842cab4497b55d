#include "sweep.h"

#include "exact.h"

#include <stdlib.h>
#include <string.h>

static bool taken(sweep_decode decode, const uint8_t *bytes, size_t len)
{
    uint8_t *exact = exact_copy(bytes, len);
    const bool good = decode((ps_span){exact, len});
    free(exact);
    return good;
}

size_t sweep_cuts(sweep_decode decode, const uint8_t *body, size_t len)
{
    size_t count = 0;
    for (size_t cut = 0; cut < len; cut++) {
        count += taken(decode, body, cut);
    }
    uint8_t *longer = malloc(len + 1);
    if (longer == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(longer, body, len);
    }
    longer[len] = 0;
    count += taken(decode, longer, len + 1);
    free(longer);
    return count;
}

enum { BEFORE = 3, FILL = 0xa5 };

/* One writer of this capacity, beginning behind BEFORE bytes. */
static bool capacity_holds(sweep_encode encode, const void *message, size_t cap, size_t needed)
{
    const size_t total = BEFORE + cap;
    uint8_t *room = malloc(total);
    if (room == NULL) {
        abort();
    }
    memset(room, FILL, total);
    ps_writer w = {.base = room, .cap = total, .len = BEFORE};
    const bool done = encode(&w, message);
    bool good = done == (cap == needed) && !w.full && w.base == room && w.cap == total;
    good = good && w.len == (done ? total : BEFORE);
    for (size_t i = 0; i < BEFORE; i++) {
        good = good && room[i] == FILL;
    }
    /* Still usable: what is left takes as many bytes as it has. */
    const size_t left = good ? total - w.len : 0;
    for (size_t i = 0; i < left; i++) {
        ps_write8(&w, 1);
    }
    good = good && !w.full && w.len == total;
    free(room);
    return good;
}

bool sweep_capacities(sweep_encode encode, const void *message, size_t needed)
{
    for (size_t cap = 0; cap <= needed; cap++) {
        if (!capacity_holds(encode, message, cap, needed)) {
            return false;
        }
    }
    return true;
}

/* ---- room of a step ---- */

static void *block(size_t bytes)
{
    void *p = malloc(bytes > 0 ? bytes : 1);
    if (p == NULL) {
        abort();
    }
    return p;
}

/* An output with so much room behind what stands in it already. */
static ps_output output_of(const sweep_machine *m, size_t before, size_t more)
{
    ps_output out = {.bytes_cap = before + m->bytes + more,
                     .bytes_len = before,
                     .datagrams_cap = before + m->datagrams + more,
                     .datagrams_len = before,
                     .events_cap = before + m->events + more,
                     .events_len = before};
    out.bytes = block(out.bytes_cap);
    out.datagrams = block(out.datagrams_cap * sizeof(ps_datagram));
    out.events = block(out.events_cap * sizeof(ps_event));
    memset(out.bytes, FILL, out.bytes_cap);
    memset(out.datagrams, FILL, out.datagrams_cap * sizeof(ps_datagram));
    memset(out.events, FILL, out.events_cap * sizeof(ps_event));
    return out;
}

static void output_free(ps_output *out)
{
    free(out->bytes);
    free(out->datagrams);
    free(out->events);
}

/* The input with its datagram in a block of its own, for the machine may write into it. */
static ps_input own_copy(const ps_input *in)
{
    ps_input own = *in;
    if (in->type == PS_INPUT_DATAGRAM && in->u.datagram.data != NULL) {
        own.u.datagram.data = exact_copy(in->u.datagram.data, in->u.datagram.len);
    }
    return own;
}

static void own_free(const ps_input *own)
{
    if (own->type == PS_INPUT_DATAGRAM) {
        free(own->u.datagram.data);
    }
}

static bool filled(const void *at, size_t len)
{
    const uint8_t *p = at;
    for (size_t i = 0; i < len; i++) {
        if (p[i] != FILL) {
            return false;
        }
    }
    return true;
}

static bool refused(const sweep_machine *m, const ps_input *in, const ps_output *out)
{
    ps_input own = own_copy(in);
    ps_output given = *out;
    size_t consumed = 9;
    bool good = m->step(m->self, &own, 1, &consumed, &given) == PS_AGAIN && consumed == 0;
    good = good && memcmp(&given, out, sizeof given) == 0;
    if (in->type == PS_INPUT_DATAGRAM && in->u.datagram.len > 0) {
        good = good && memcmp(own.u.datagram.data, in->u.datagram.data, in->u.datagram.len) == 0;
    }
    own_free(&own);
    return good;
}

/* Every capacity below the room, of one of the three at a time, and of all. */
static bool shortages_hold(const sweep_machine *m, const ps_input *in)
{
    ps_output room = output_of(m, 0, 0);
    uint8_t *before = exact_copy(m->self, m->len);
    bool good = true;
    for (size_t cap = 0; good && cap < m->bytes; cap++) {
        ps_output out = room;
        out.bytes_cap = cap;
        good = refused(m, in, &out);
    }
    for (size_t cap = 0; good && cap < m->datagrams; cap++) {
        ps_output out = room;
        out.datagrams_cap = cap;
        good = refused(m, in, &out);
    }
    for (size_t cap = 0; good && cap < m->events; cap++) {
        ps_output out = room;
        out.events_cap = cap;
        good = refused(m, in, &out);
    }
    for (size_t part = 0; good && part < 3; part++) { /* Or one less behind what is there. */
        ps_output out = room;
        size_t *lens[] = {&out.bytes_len, &out.datagrams_len, &out.events_len};
        *lens[part] = 1;
        good = refused(m, in, &out);
    }
    const ps_output nothing = {.bytes = NULL};
    good = good && refused(m, in, &nothing);
    good = good && exact_same(before, m->self, m->len);
    good = good && filled(room.bytes, m->bytes) &&
           filled(room.datagrams, m->datagrams * sizeof(ps_datagram)) &&
           filled(room.events, m->events * sizeof(ps_event));
    free(before);
    output_free(&room);
    return good;
}

/* A copy of the machine steps the input. */
static ps_status step_copy(const sweep_machine *m, ps_input *in, void *copy, ps_output *out)
{
    size_t consumed = 9;
    memcpy(copy, m->self, m->len);
    const ps_status status = m->step(copy, in, 1, &consumed, out);
    return consumed == (status == PS_OK || status == PS_MORE ? 1 : 0) ? status : PS_FAILED;
}

/* The same datagrams, behind `shift` records and bytes in the second. */
static bool same_output(const ps_output *a, const ps_output *b, size_t shift)
{
    bool good = a->bytes_len + shift == b->bytes_len &&
                a->datagrams_len + shift == b->datagrams_len &&
                a->events_len + shift == b->events_len &&
                memcmp(a->bytes, b->bytes + shift, a->bytes_len) == 0 && filled(b->bytes, shift) &&
                filled(b->datagrams, shift * sizeof(ps_datagram)) &&
                filled(b->events, shift * sizeof(ps_event));
    for (size_t i = 0; good && i < a->datagrams_len; i++) {
        const ps_datagram *x = &a->datagrams[i];
        const ps_datagram *y = &b->datagrams[shift + i];
        good = x->offset + shift == y->offset && x->len == y->len &&
               x->commit_seq == y->commit_seq && ps_addr_equal(&x->to, &y->to);
    }
    for (size_t i = 0; good && i < a->events_len; i++) {
        good = a->events[i].type == b->events[shift + i].type;
    }
    return good;
}

bool sweep_rooms(const sweep_machine *m, const ps_input *in)
{
    enum { SHIFT = 5, WIDE = 100 };
    if (!shortages_hold(m, in)) {
        return false;
    }
    const size_t len = (m->len + 63) / 64 * 64;
    void *copies[2] = {aligned_alloc(64, len), aligned_alloc(64, len)};
    if (copies[0] == NULL || copies[1] == NULL) {
        abort();
    }
    ps_input own[2] = {own_copy(in), own_copy(in)};
    ps_output exact = output_of(m, 0, 0);
    ps_output wide = output_of(m, SHIFT, WIDE);
    const ps_status status = step_copy(m, &own[0], copies[0], &exact);
    bool good = status == PS_OK || status == PS_MORE || status == PS_INVALID;
    good = good && step_copy(m, &own[1], copies[1], &wide) == status;
    good = good && same_output(&exact, &wide, SHIFT);
    for (size_t i = 0; i < 2; i++) {
        free(copies[i]);
        own_free(&own[i]);
    }
    output_free(&exact);
    output_free(&wide);
    return good;
}

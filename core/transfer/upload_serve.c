/* Answers WANTs in their order: hashes with their proof, and the heads of file bytes. */
#include "transfer/upload_internal.h"

/* Answers in one step: DATA frames, of which one HASHES may take the place. */
#define STEP_ANSWERS 16u

/* The worst step: HASHES, heads of DATA, the uploader's HELLO, OPENEDs and an ERROR. */
_Static_assert(PS_FRAME_HEADER_BYTES + PS_HASHES_BYTES_MAX +
                       STEP_ANSWERS * (PS_FRAME_HEADER_BYTES + PS_DATA_HEAD_BYTES) +
                       PS_FRAME_HEADER_BYTES + PS_WELCOME_BYTES +
                       2 * (PS_FRAME_HEADER_BYTES + PS_OPENED_BYTES) + PS_FRAME_HEADER_BYTES +
                       PS_ERROR_BYTES_MAX <=
                   PS_STREAM_STEP_BYTES,
               "a step fits the slab that it asked for");
_Static_assert(2 * STEP_ANSWERS + 2 <= PS_STREAM_STEP_SEGMENTS, "and the segments");

/* Payload of the next DATA frame: to the piece's end, or as many leaves as a burst holds. */
static uint32_t next_payload(const ps_upload *u, const ps_want *want)
{
    uint32_t rest = ps_piece_length(u->content.length, want->first) - u->piece_at;
    uint32_t burst = u->burst_bytes - u->burst_bytes % PS_LEAF_BYTES;
    return rest < burst ? rest : burst;
}

bool ps_upload_can_serve(const ps_upload *u)
{
    if (u->wants_len == 0) {
        return false;
    }
    if (u->unsent == 0) {
        return true;
    }
    const ps_want *want = &ps_upload_wants_const(u)[u->wants_head];
    if (want->kind == PS_WANT_HASHES) {
        return u->unsent < u->burst_bytes;
    }
    return u->unsent + next_payload(u, want) <= u->burst_bytes;
}

static void pop_want(ps_upload *u)
{
    u->wants_head = (u->wants_head + 1) % u->max_wants;
    u->wants_len--;
    u->piece_at = 0;
}

static void serve_hashes(ps_upload *u, ps_emit *e, const ps_want *want)
{
    const ps_subtree s = {u->pieces, want->first, want->count};
    ps_writer w = ps_emit_writer(e);
    ps_hashes_head_write(&w, &s);
    ps_write_bytes(&w, (const uint8_t *)(u->tree + s.first),
                   ps_subtree_nodes(&s) * sizeof(ps_node));
    for (uint32_t i = 0; i < ps_subtree_uncles(&s); i++) {
        ps_node uncle;
        ps_subtree_uncle(u->crypto, &s, u->tree, i, &uncle);
        ps_write_bytes(&w, uncle.bytes, sizeof uncle.bytes);
    }
    u->unsent += ps_emit_bytes(e, &w);
    pop_want(u);
}

static void serve_data(ps_upload *u, ps_emit *e, ps_want *want)
{
    uint32_t payload = next_payload(u, want);
    uint64_t offset = (uint64_t)want->first * PS_PIECE_BYTES + u->piece_at;
    ps_writer w = ps_emit_writer(e);
    ps_data_head_write(&w, offset, payload);
    (void)ps_emit_bytes(e, &w);
    ps_emit_file(e, u->file, offset, payload);
    u->unsent += payload;
    u->sent_bytes += payload;
    u->piece_at += payload;
    if (u->piece_at == ps_piece_length(u->content.length, want->first)) {
        u->piece_at = 0;
        want->first++;
        want->count--;
        if (want->count == 0) {
            pop_want(u);
        }
    }
}

void ps_upload_serve(ps_upload *u, ps_emit *e)
{
    bool hashes = false;
    for (uint32_t answers = 0; answers < STEP_ANSWERS && ps_upload_can_serve(u); answers++) {
        ps_want *want = &ps_upload_wants(u)[u->wants_head];
        if (want->kind == PS_WANT_DATA) {
            serve_data(u, e, want);
        } else if (!hashes) {
            serve_hashes(u, e, want);
            hashes = true;
        } else {
            break;
        }
    }
}

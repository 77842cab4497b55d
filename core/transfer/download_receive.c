/* What an uploader may say, and when. */
#include "transfer/download_internal.h"

/* Headers, bodies and parts of payload that one step handles. */
#define STEP_PARTS 24u

/* Each part has two events at most; then files end that lack nothing, and the stream. */
_Static_assert(2 * STEP_PARTS + PS_DOWNLOAD_FILES + 2 <= PS_STREAM_STEP_EVENTS,
               "a step fits the events that it asked for");

static void next_header(ps_download *d)
{
    d->phase = PS_DOWNLOAD_HEADER;
    ps_gather_begin(&d->gather, PS_FRAME_HEADER_BYTES);
}

/* A piece's answers come in this order: OPENED before a file's first one, HASHES before a chunk's,
 * DATA. */
static bool opened_expected(const ps_download *d)
{
    const ps_download_piece *p = ps_download_awaited(d);
    return p && ps_download_file_const(d, p->file)->state == PS_FILE_OPENING;
}

static bool hashes_expected(const ps_download *d)
{
    const ps_download_piece *p = ps_download_awaited(d);
    if (!p || opened_expected(d) || !p->hashes) {
        return false;
    }
    const ps_subtree s = ps_download_chunk(ps_download_file_const(d, p->file), p->piece);
    uint32_t nodes = ps_subtree_nodes(&s) + ps_subtree_uncles(&s);
    return d->frame.length == PS_HASHES_HEAD_BYTES + nodes * PS_ROOT_BYTES;
}

static bool data_expected(const ps_download *d)
{
    const ps_download_piece *p = ps_download_awaited(d);
    if (!p || opened_expected(d) || p->hashes) {
        return false;
    }
    if (d->frame.length <= PS_DATA_HEAD_BYTES) {
        return false;
    }
    /* Whole leaves, or what is left of the piece: heads stay few. */
    const uint32_t rest = ps_download_piece_bytes(d, p) - d->position;
    const uint32_t payload = d->frame.length - PS_DATA_HEAD_BYTES;
    return payload == rest || (payload < rest && payload % PS_LEAF_BYTES == 0);
}

/* True when a frame of this type and length may come now; `head` is how much to gather. */
static bool frame_expected(const ps_download *d, uint32_t *head)
{
    const bool running = d->stage == PS_DOWNLOAD_RUNNING;
    *head = d->frame.length;
    switch (d->frame.type) {
    case PS_FRAME_HELLO:
        return !running && d->frame.length >= PS_HELLO_BYTES_MIN &&
               d->frame.length <= PS_HELLO_BYTES_MAX;
    case PS_FRAME_OPEN:
        return running && d->frame.length == PS_OPENED_BYTES && opened_expected(d);
    case PS_FRAME_ERROR:
        return d->frame.length >= PS_ERROR_HEAD_BYTES && d->frame.length <= PS_ERROR_BYTES_MAX;
    case PS_FRAME_HASHES:
        *head = PS_HASHES_HEAD_BYTES;
        return running && hashes_expected(d);
    case PS_FRAME_DATA:
        *head = PS_DATA_HEAD_BYTES;
        return running && data_expected(d);
    default:
        return false;
    }
}

static void on_header(ps_download *d, ps_emit *e)
{
    uint32_t head;
    if (!ps_frame_read(d->gather.bytes, &d->frame) || !frame_expected(d, &head)) {
        (void)ps_download_fail(d, e, PS_E_PROTOCOL, false, true);
        return;
    }
    d->phase = PS_DOWNLOAD_HEAD;
    ps_gather_begin(&d->gather, head);
}

static void on_welcome(ps_download *d, ps_emit *e)
{
    ps_welcome welcome;
    if (!ps_welcome_read((ps_span){d->gather.bytes, d->gather.fill}, &welcome)) {
        (void)ps_download_fail(d, e, PS_E_PROTOCOL, false, true);
        return;
    }
    if (welcome.version != PS_STREAM_VERSION) {
        (void)ps_download_fail(d, e, PS_E_UNSUPPORTED, false, true);
        return;
    }
    if (d->binding.plain) {
        ps_plain_binding(d->crypto, d->binding.bytes, welcome.nonce, d->binding.bytes);
    }
    d->max_wants = welcome.max_wants;
    d->stage = PS_DOWNLOAD_RUNNING;
    ps_stall_progress(&d->stall, d->clock.now_us);
    next_header(d);
}

static void on_opened(ps_download *d, ps_emit *e)
{
    uint32_t error;
    if (!ps_opened_read((ps_span){d->gather.bytes, d->gather.fill}, &error)) {
        (void)ps_download_fail(d, e, PS_E_PROTOCOL, false, true);
        return;
    }
    ps_download_opened(d, e, error);
    next_header(d);
}

static void on_error(ps_download *d, ps_emit *e)
{
    uint32_t code = ps_stream_error_read((ps_span){d->gather.bytes, d->gather.fill});
    if (code == PS_E_NONE) {
        (void)ps_download_fail(d, e, PS_E_PROTOCOL, false, true);
    } else if (code == PS_E_STALLED && d->stage == PS_DOWNLOAD_RUNNING &&
               d->file_first == d->file_next) {
        ps_download_end(d, e); /* Nothing was asked of it for long: nobody's fault. */
    } else {
        (void)ps_download_fail(d, e, code, true, false);
    }
}

static void on_hashes_head(ps_download *d, ps_emit *e)
{
    const ps_download_piece *p = ps_download_awaited(d);
    PS_ASSERT(p);
    const ps_subtree s = ps_download_chunk(ps_download_file_const(d, p->file), p->piece);
    if (ps_load32(d->gather.bytes) != s.first || ps_load32(d->gather.bytes + 4) != s.count) {
        (void)ps_download_fail(d, e, PS_E_PROTOCOL, false, true);
        return;
    }
    d->phase = PS_DOWNLOAD_NODES;
    d->nodes_fill = 0;
    d->nodes_want = d->frame.length - PS_HASHES_HEAD_BYTES;
}

static void on_data_head(ps_download *d, ps_emit *e)
{
    const ps_download_piece *p = ps_download_awaited(d);
    PS_ASSERT(p);
    uint64_t offset = (uint64_t)p->piece * PS_PIECE_BYTES + d->position;
    if (ps_load64(d->gather.bytes) != offset) {
        (void)ps_download_fail(d, e, PS_E_PROTOCOL, false, true);
        return;
    }
    d->phase = PS_DOWNLOAD_PAYLOAD;
    d->payload_left = d->frame.length - PS_DATA_HEAD_BYTES;
}

static void on_head(ps_download *d, ps_emit *e)
{
    switch (d->frame.type) {
    case PS_FRAME_HELLO:
        on_welcome(d, e);
        break;
    case PS_FRAME_OPEN:
        on_opened(d, e);
        break;
    case PS_FRAME_ERROR:
        on_error(d, e);
        break;
    case PS_FRAME_HASHES:
        on_hashes_head(d, e);
        break;
    default:
        PS_ASSERT(d->frame.type == PS_FRAME_DATA);
        on_data_head(d, e);
        break;
    }
}

/* All nodes are here: not one of them counts unless they lead to the root. */
static void on_nodes(ps_download *d, ps_emit *e)
{
    ps_download_piece *p = ps_download_piece_of(d, d->piece_due);
    const ps_download_file *f = ps_download_file_of(d, p->file);
    const ps_subtree s = ps_download_chunk(f, p->piece);
    if (!ps_subtree_verify(d->crypto, &s, d->nodes, d->nodes + ps_subtree_nodes(&s),
                           f->content.root)) {
        ps_stream_event *failed = ps_download_fail(d, e, PS_E_MISMATCH, false, true);
        failed->file = p->file;
        failed->piece = p->piece;
        return;
    }
    p->hashes = false;
    d->wants--;
    ps_stall_progress(&d->stall, d->clock.now_us);
    next_header(d);
}

static size_t take_nodes(ps_download *d, ps_emit *e, const uint8_t *data, size_t len)
{
    size_t n = d->nodes_want - d->nodes_fill;
    n = len < n ? len : n;
    memcpy((uint8_t *)d->nodes + d->nodes_fill, data, n);
    d->nodes_fill += (uint32_t)n;
    if (d->nodes_fill == d->nodes_want) {
        on_nodes(d, e);
    }
    return n;
}

static size_t take_payload(ps_download *d, ps_emit *e, const uint8_t *data, size_t len)
{
    uint32_t n = len < d->payload_left ? (uint32_t)len : d->payload_left;
    d->payload_left -= n;
    ps_download_payload(d, e, data, n);
    if (d->payload_left == 0) {
        next_header(d);
    }
    return n;
}

static size_t take_gathered(ps_download *d, ps_emit *e, const uint8_t *data, size_t len)
{
    size_t n = ps_gather_take(&d->gather, data, len);
    if (!ps_gather_full(&d->gather)) {
        return n;
    }
    if (d->phase == PS_DOWNLOAD_HEADER) {
        on_header(d, e);
    } else {
        on_head(d, e);
    }
    return n;
}

size_t ps_download_receive(ps_download *d, ps_emit *e, const uint8_t *data, size_t len)
{
    size_t at = 0;
    bool nodes = false;
    /* A chunk of hashes is work enough for a step. */
    for (uint32_t parts = 0; parts < STEP_PARTS && at < len && !nodes; parts++) {
        if (d->phase == PS_DOWNLOAD_PAYLOAD) {
            at += take_payload(d, e, data + at, len - at);
        } else if (d->phase == PS_DOWNLOAD_NODES) {
            at += take_nodes(d, e, data + at, len - at);
            nodes = d->phase != PS_DOWNLOAD_NODES;
        } else {
            at += take_gathered(d, e, data + at, len - at);
        }
        if (d->stage == PS_DOWNLOAD_ENDED) {
            return len;
        }
    }
    return at;
}

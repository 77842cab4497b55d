/* The bodies of a stream's frames as they are parsed: what is read and written again is the same,
 * any split of bytes gathers the same; and the arithmetic of trees for files of any length, each
 * layer's proof against a tree that is built. */
#include "harness.h"
#include "transfer/frames.h"

#define PIECES_MAX 1100u

static size_t body_of(tape *t, uint8_t body[64])
{
    const size_t len = take8(t) % 65u;
    for (size_t i = 0; i < len; i++) {
        body[i] = take8(t);
    }
    return len;
}

/* What was written behind a frame's header is what was read, and nothing more. */
static void same(const ps_writer *w, uint8_t type, ps_span body)
{
    ps_frame frame;
    must(!w->full && ps_frame_read(w->base, &frame) && frame.type == type);
    must(frame.length == body.len && w->len == PS_FRAME_HEADER_BYTES + body.len);
    must(memcmp(w->base + PS_FRAME_HEADER_BYTES, body.data, body.len) == 0);
}

static void greetings(ps_span body)
{
    uint8_t bytes[128];
    ps_hello hello;
    ps_welcome welcome;
    ps_writer w = {.base = bytes, .cap = sizeof bytes};
    if (ps_hello_read(body, &hello) && hello.version == PS_STREAM_VERSION) {
        ps_hello_write(&w, hello.nonce);
        same(&w, PS_FRAME_HELLO, body);
    }
    w.len = 0;
    if (ps_welcome_read(body, &welcome) && welcome.version == PS_STREAM_VERSION) {
        ps_welcome_write(&w, welcome.max_wants, welcome.nonce);
        same(&w, PS_FRAME_HELLO, body);
    }
}

static void bodies(tape *t)
{
    uint8_t body[64], bytes[512], header[PS_FRAME_HEADER_BYTES];
    ps_span span = {body, body_of(t, body)};
    ps_writer w = {.base = bytes, .cap = sizeof bytes};
    ps_frame frame;
    ps_want want;
    uint32_t error;
    uint8_t *exact = malloc(span.len + (span.len == 0));
    must(exact != NULL);
    memcpy(exact, body, span.len);
    span.data = exact;
    greetings(span);
    if (ps_want_read(span, &want)) {
        ps_want_write(&w, &want);
        same(&w, PS_FRAME_WANT, span);
    }
    w.len = 0;
    if (ps_opened_read(span, &error)) {
        ps_opened_write(&w, error);
        same(&w, PS_FRAME_OPEN, span);
    }
    w.len = 0;
    error = ps_stream_error_read(span);
    ps_stream_error_write(&w, error);
    must(ps_frame_read(bytes, &frame) && frame.length <= PS_ERROR_BYTES_MAX);
    must(ps_stream_error_read((ps_span){bytes + PS_FRAME_HEADER_BYTES, frame.length}) == error);
    for (size_t i = 0; i < sizeof header; i++) {
        header[i] = take8(t);
    }
    must(ps_frame_read(header, &frame) == (header[1] + header[2] + header[3] == 0));
    free(exact);
}

static void gather(tape *t)
{
    uint8_t bytes[64];
    ps_gather g;
    const uint32_t want = take8(t) % 44u;
    ps_gather_begin(&g, want);
    for (uint32_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (uint32_t at = 0; !ps_gather_full(&g);) {
        const uint32_t n = t->left > 0 ? take8(t) % 9u : 9;
        const size_t took = ps_gather_take(&g, bytes + at, n);
        must(took == (n < want - at ? n : want - at));
        at += (uint32_t)took;
        must(g.fill == at);
    }
    must(ps_gather_take(&g, bytes, 9) == 0 && memcmp(g.bytes, bytes, want) == 0);
}

/* A proof of any part of the piece layer leads to the root; with a bit changed it does not. */
static void proof(tape *t)
{
    static ps_node tree[3 * PIECES_MAX], nodes[PS_HASHES_MAX + PS_LAYERS_MAX];
    const ps_crypto *c = ps_sim_crypto();
    const uint32_t pieces = 2u + (uint32_t)(take64(t) >> 32) % (PIECES_MAX - 2u);
    const uint64_t length = (uint64_t)pieces * PS_PIECE_BYTES - take8(t);
    uint8_t root[PS_ROOT_BYTES];
    memset(tree, 0, sizeof tree);
    for (uint32_t i = 0; i < pieces; i++) {
        tree[i].bytes[0] = (uint8_t)i;
        tree[i].bytes[1] = (uint8_t)(i >> 8);
    }
    must(ps_piece_count(length) == pieces && ps_tree_nodes(length) <= 3 * PIECES_MAX);
    ps_tree_build(c, length, tree);
    ps_tree_root(c, length, tree, root);
    must(ps_node_equal(&tree[ps_tree_nodes(length) - 1], root));
    for (int n = 0; n < 8 && t->left > 0; n++) {
        const uint8_t how = take8(t);
        ps_subtree s = {.pieces = pieces, .count = 1u << how % 11u};
        s.count += how >= 250 ? how : 0;
        s.count = how == 249 ? 0 : s.count;
        s.first = (uint32_t)(take64(t) >> 40) % (2 * pieces);
        s.first -= how < 240 && s.count != 0 ? s.first % s.count : 0;
        if (!ps_subtree_valid(&s)) {
            continue;
        }
        const uint32_t own = ps_subtree_nodes(&s), uncles = ps_subtree_uncles(&s);
        must(own >= 1 && own <= s.count && s.first + own <= pieces);
        memcpy(nodes, tree + s.first, own * sizeof *nodes);
        for (uint32_t i = 0; i < uncles; i++) {
            ps_subtree_uncle(c, &s, tree, i, &nodes[own + i]);
        }
        must(ps_subtree_verify(c, &s, nodes, nodes + own, root));
        nodes[how % (own + uncles)].bytes[7] ^= 1;
        must(!ps_subtree_verify(c, &s, nodes, nodes + own, root));
    }
}

/* Lengths up to the largest, and impossible ones. */
static void lengths(tape *t)
{
    const uint8_t shift = take8(t) % 64u;
    const ps_content content = {.length = take64(t) >> shift, .root = {take8(t)}};
    const uint32_t index = (uint32_t)take64(t) >> shift / 2u;
    const bool possible = ps_content_possible(&content);
    must(possible == (content.length == 0 ? content.root[0] == 0 : content.length <= PS_FILE_MAX));
    if (!possible) {
        return;
    }
    const uint32_t pieces = ps_piece_count(content.length);
    const uint32_t last = pieces > 0 ? ps_piece_length(content.length, pieces - 1) : 0;
    must(pieces == 0 || (last > 0 && last <= PS_PIECE_BYTES));
    must(pieces == 0 || (uint64_t)(pieces - 1) * PS_PIECE_BYTES + last == content.length);
    must((ps_piece_length(content.length, index) == 0) == (index >= pieces));
    must(pieces == 0 || ps_tree_nodes(content.length) < 2u * pieces + PS_LAYERS_MAX);
    const ps_content other = {.length = content.length, .root = {take8(t)}};
    must(ps_content_equal(&content, &other) == (content.root[0] == other.root[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(tape *) = {bodies, gather, proof, lengths};
    tape t = {data, size};
    parts[take8(&t) % 4u](&t);
    return 0;
}

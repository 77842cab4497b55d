#include "transfer/frames.h"

#include "util/assert.h"

size_t ps_gather_take(ps_gather *g, const uint8_t *data, size_t len)
{
    size_t n = g->want - g->fill;
    n = len < n ? len : n;
    PS_ASSERT(g->want <= sizeof g->bytes);
    if (n > 0) {
        memcpy(g->bytes + g->fill, data, n);
    }
    g->fill += (uint32_t)n;
    return n;
}

bool ps_frame_read(const uint8_t header[PS_FRAME_HEADER_BYTES], ps_frame *frame)
{
    frame->type = header[0];
    frame->length = ps_load32(header + 4);
    return header[1] == 0 && ps_load16(header + 2) == 0;
}

bool ps_hello_read(ps_span body, ps_hello *hello)
{
    ps_reader r = ps_reader_of(body);
    memset(hello, 0, sizeof *hello);
    hello->version = ps_read16(&r);
    if (r.bad || hello->version != PS_STREAM_VERSION) {
        return !r.bad;
    }
    uint16_t reserved = ps_read16(&r);
    ps_read_copy(&r, hello->nonce, sizeof hello->nonce);
    return !r.bad && r.left == 0 && reserved == 0;
}

bool ps_welcome_read(ps_span body, ps_welcome *welcome)
{
    ps_reader r = ps_reader_of(body);
    memset(welcome, 0, sizeof *welcome);
    welcome->version = ps_read16(&r);
    if (r.bad || welcome->version != PS_STREAM_VERSION) {
        return !r.bad;
    }
    welcome->max_wants = ps_read16(&r);
    uint32_t piece_bytes = ps_read32(&r);
    ps_read_copy(&r, welcome->nonce, sizeof welcome->nonce);
    return !r.bad && r.left == 0 && welcome->max_wants >= PS_STREAM_WANTS_MIN &&
           piece_bytes == PS_PIECE_BYTES;
}

bool ps_want_read(ps_span body, ps_want *want)
{
    ps_reader r = ps_reader_of(body);
    want->kind = ps_read8(&r);
    uint32_t reserved = ps_read8(&r);
    reserved |= ps_read16(&r);
    want->first = ps_read32(&r);
    want->count = ps_read32(&r);
    return !r.bad && r.left == 0 && reserved == 0 &&
           (want->kind == PS_WANT_HASHES || want->kind == PS_WANT_DATA);
}

bool ps_opened_read(ps_span body, uint32_t *error)
{
    ps_reader r = ps_reader_of(body);
    *error = ps_read16(&r);
    uint32_t reserved = ps_read16(&r);
    return !r.bad && r.left == 0 && reserved == 0;
}

uint32_t ps_stream_error_read(ps_span body)
{
    ps_reader r = ps_reader_of(body);
    uint32_t code = ps_read16(&r);
    uint32_t reserved = ps_read16(&r);
    return r.bad || reserved != 0 ? 0 : code;
}

static void header_write(ps_writer *w, ps_frame_type type, uint32_t length)
{
    ps_write8(w, (uint8_t)type);
    ps_write8(w, 0);
    ps_write16(w, 0);
    ps_write32(w, length);
}

void ps_hello_write(ps_writer *w, const uint8_t nonce[PS_STREAM_NONCE_BYTES])
{
    header_write(w, PS_FRAME_HELLO, PS_HELLO_BYTES);
    ps_write16(w, PS_STREAM_VERSION);
    ps_write16(w, 0);
    ps_write_bytes(w, nonce, PS_STREAM_NONCE_BYTES);
}

void ps_welcome_write(ps_writer *w, uint16_t max_wants, const uint8_t nonce[PS_STREAM_NONCE_BYTES])
{
    header_write(w, PS_FRAME_HELLO, PS_WELCOME_BYTES);
    ps_write16(w, PS_STREAM_VERSION);
    ps_write16(w, max_wants);
    ps_write32(w, PS_PIECE_BYTES);
    ps_write_bytes(w, nonce, PS_STREAM_NONCE_BYTES);
}

void ps_open_write(ps_writer *w, const uint8_t mac[PS_OPEN_MAC_BYTES], ps_span ticket)
{
    PS_ASSERT(ticket.len > 0 && ticket.len <= PS_FILE_TICKET_MAX);
    header_write(w, PS_FRAME_OPEN, PS_OPEN_MAC_BYTES + (uint32_t)ticket.len);
    ps_write_bytes(w, mac, PS_OPEN_MAC_BYTES);
    ps_write_bytes(w, ticket.data, ticket.len);
}

void ps_opened_write(ps_writer *w, uint32_t error)
{
    header_write(w, PS_FRAME_OPEN, PS_OPENED_BYTES);
    ps_write16(w, (uint16_t)error);
    ps_write16(w, 0);
}

void ps_want_write(ps_writer *w, const ps_want *want)
{
    header_write(w, PS_FRAME_WANT, PS_WANT_BYTES);
    ps_write8(w, want->kind);
    ps_write8(w, 0);
    ps_write16(w, 0);
    ps_write32(w, want->first);
    ps_write32(w, want->count);
}

void ps_hashes_head_write(ps_writer *w, const ps_subtree *s)
{
    uint32_t nodes = ps_subtree_nodes(s) + ps_subtree_uncles(s);
    header_write(w, PS_FRAME_HASHES, PS_HASHES_HEAD_BYTES + nodes * PS_ROOT_BYTES);
    ps_write32(w, s->first);
    ps_write32(w, s->count);
}

void ps_data_head_write(ps_writer *w, uint64_t offset, uint32_t payload)
{
    header_write(w, PS_FRAME_DATA, PS_DATA_HEAD_BYTES + payload);
    ps_write64(w, offset);
}

void ps_stream_error_write(ps_writer *w, uint32_t error)
{
    const char *text = ps_error_text(error);
    uint32_t len = 0;
    while (len < PS_TEXT_MAX && text[len] != '\0') {
        len++;
    }
    header_write(w, PS_FRAME_ERROR, PS_ERROR_HEAD_BYTES + len);
    ps_write16(w, (uint16_t)error);
    ps_write16(w, 0);
    ps_write_bytes(w, (const uint8_t *)text, len);
}

void ps_bye_write(ps_writer *w)
{
    header_write(w, PS_FRAME_BYE, 0);
}

void ps_plain_binding(const ps_crypto *crypto, const uint8_t downloader[PS_STREAM_NONCE_BYTES],
                      const uint8_t uploader[PS_STREAM_NONCE_BYTES], uint8_t out[32])
{
    static const char label[] = "peersync plain";
    ps_sha256 sha;
    crypto->sha256_init(&sha);
    crypto->sha256_update(&sha, label, sizeof label - 1);
    crypto->sha256_update(&sha, downloader, PS_STREAM_NONCE_BYTES);
    crypto->sha256_update(&sha, uploader, PS_STREAM_NONCE_BYTES);
    crypto->sha256_final(&sha, out);
}

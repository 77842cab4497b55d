#include "read.h"

#include <string.h>

static uint64_t number(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) {
        v = v * 256u + p[i];
    }
    return v;
}

bool read_packet_of(const uint8_t *data, size_t len, read_packet *out)
{
    size_t at = 17;
    memset(out, 0, sizeof *out);
    if (len < 17 || len > PS_DATAGRAM_MAX || (data[0] != 7 && data[0] != 5)) {
        return false;
    }
    out->type = data[0];
    out->receiver = number(data + 1, 8);
    out->counter = number(data + 9, 8);
    while (at < len) {
        if (len - at < 8 || out->count == 8) {
            return false;
        }
        const size_t body = (size_t)number(data + at + 2, 2);
        if (len - at - 8 < body) {
            return false;
        }
        out->messages[out->count++] = (read_message){.type = data[at],
                                                     .request = (uint32_t)number(data + at + 4, 4),
                                                     .body = data + at + 8,
                                                     .len = body};
        at += 8 + body;
    }
    return out->type == 5 ? out->count == 0 : out->count > 0;
}

read_cursor read_body(const read_message *m)
{
    return (read_cursor){.at = m->body, .left = m->len};
}

ps_span read_bytes(read_cursor *c, size_t len)
{
    if (c->bad || c->left < len) {
        c->bad = true;
        return (ps_span){NULL, 0};
    }
    const ps_span bytes = {c->at, len};
    c->at += len;
    c->left -= len;
    return bytes;
}

uint64_t read_number(read_cursor *c, size_t bytes)
{
    const ps_span s = read_bytes(c, bytes);
    return s.data ? number(s.data, bytes) : 0;
}

ps_span read_text(read_cursor *c)
{
    return read_bytes(c, (size_t)read_number(c, 1));
}

ps_content read_content(read_cursor *c)
{
    ps_content content = {.length = read_number(c, 8)};
    const ps_span root = read_bytes(c, PS_ROOT_BYTES);
    if (root.data) {
        memcpy(content.root, root.data, PS_ROOT_BYTES);
    }
    return content;
}

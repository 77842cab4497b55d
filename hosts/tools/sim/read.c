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

/* Where RESPOND's payload lies: type, client id, ephemeral key, sealed static key. */
#define RESPOND_PAYLOAD (1u + 8u + 32u + 48u)
#define HEADER          17u
#define TAG             16u

static bool read_messages(const uint8_t *data, size_t end, read_packet *out)
{
    size_t at = HEADER;
    while (at < end) {
        if (end - at < 8 || out->count == 8) {
            return false;
        }
        const size_t body = (size_t)number(data + at + 2, 2);
        if (end - at - 8 < body) {
            return false;
        }
        out->messages[out->count++] = (read_message){.type = data[at],
                                                     .request = (uint32_t)number(data + at + 4, 4),
                                                     .body = data + at + 8,
                                                     .len = body};
        at += 8 + body;
    }
    return out->count > 0;
}

bool read_packet_of(const uint8_t *data, size_t len, read_packet *out)
{
    memset(out, 0, sizeof *out);
    if (len < 10 || len > PS_DATAGRAM_MAX) {
        return false;
    }
    out->type = data[0];
    out->receiver = number(data + (data[0] == READ_INITIATE ? 2 : 1), 8);
    switch (data[0]) {
    case READ_INITIATE:
        return len == 256;
    case READ_RESPOND:
        out->given = len >= RESPOND_PAYLOAD + 8 + TAG ? number(data + RESPOND_PAYLOAD, 8) : 0;
        return out->given != 0;
    case READ_RETRY:
        return len == 57;
    case READ_VERSIONS:
        return len == 10u + data[9];
    case READ_RESET:
    case READ_DATA:
        if (len < HEADER) {
            return false;
        }
        out->counter = number(data + 9, 8);
        return data[0] == READ_RESET
                   ? len == HEADER
                   : len > HEADER + TAG && read_messages(data, len - TAG, out);
    default:
        return false;
    }
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

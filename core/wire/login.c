#include "wire/frame.h"

/* Before the user: device, capabilities, stream port, datagram limit, method. */
#define LOGIN_FIXED (PS_DEVICE_BYTES + 4u + 2u + 2u + 1u)
/* Before the observed address: three times, wall clock, generation, digest, life. */
#define LOGIN_OK_FIXED (3u * 4u + 4u * 8u)
/* Typed fields: their header, */
#define FIELD_HEADER 3u
/* and those that are known. LOGIN: the ticket beside a password. LOGIN_OK: expiry u64, ticket; and
 * first epoch u64, keys. */
enum { FIELD_TICKET = 1, FIELD_FILE_KEYS = 2 };
#define FIELD_TYPES 3u

_Static_assert(PS_PACKET_HEADER + PS_MESSAGE_HEADER + LOGIN_OK_FIXED + 19 + FIELD_HEADER + 8 +
                       PS_TICKET_MAX + FIELD_HEADER + 8 + PS_FILE_EPOCHS * PS_KEY_BYTES +
                       PS_TAG_BYTES <=
                   PS_DATAGRAM_MIN,
               "LOGIN_OK fits the smallest datagram");

/* The values of the known fields by type, of each the first one if there are several; empty where
 * there is none. False: a field is cut off. */
static bool fields_read(ps_reader *r, ps_span values[FIELD_TYPES])
{
    memset(values, 0, FIELD_TYPES * sizeof *values);
    while (r->left > 0 && !r->bad) {
        const uint8_t found = ps_read8(r);
        const size_t len = ps_read16(r);
        const uint8_t *p = ps_read(r, len);
        if (p != NULL && found < FIELD_TYPES && values[found].data == NULL) {
            values[found] = (ps_span){p, len};
        }
    }
    return !r->bad;
}

/* Of a field's value: how many bytes the field takes, none when there is nothing to say. */
static size_t field_bytes(size_t before, ps_span value)
{
    return value.len > 0 ? FIELD_HEADER + before + value.len : 0;
}

static uint8_t *field_begin(uint8_t *p, uint8_t type, size_t len)
{
    p[0] = type;
    ps_store16(p + 1, (uint16_t)len);
    return p + FIELD_HEADER;
}

/* A number and bytes, or no field; returns what follows. */
static uint8_t *store_numbered(uint8_t *p, uint8_t type, uint64_t n, ps_span bytes)
{
    if (bytes.len == 0) {
        return p;
    }
    p = field_begin(p, type, 8 + bytes.len);
    ps_store64(p, n);
    memcpy(p + 8, bytes.data, bytes.len);
    return p + 8 + bytes.len;
}

/* Such a field's parts. False: there is one without bytes. */
static bool load_numbered(ps_span field, uint64_t *n, ps_span *bytes)
{
    const bool some = field.len > 8;
    *n = some ? ps_load64(field.data) : 0;
    *bytes = some ? (ps_span){field.data + 8, field.len - 8} : (ps_span){NULL, 0};
    return some || field.len == 0;
}

bool ps_login_encode(ps_writer *w, uint32_t request, const ps_login *m)
{
    PS_ASSERT(m->user.len >= 1 && m->user.len <= PS_USER_MAX);
    PS_ASSERT(m->secret.len <= (m->method == PS_LOGIN_TICKET ? PS_TICKET_MAX : PS_PASSWORD_MAX));
    PS_ASSERT(m->ticket.len <= PS_TICKET_MAX);
    const size_t field = field_bytes(0, m->ticket);
    const size_t body = LOGIN_FIXED + 1 + m->user.len + 1 + m->secret.len + field;
    uint8_t *p = ps_message_room(w, PS_MSG_LOGIN, request, body);
    if (!p) {
        return false;
    }
    memcpy(p, m->device, PS_DEVICE_BYTES);
    ps_store32(p + 16, m->capabilities);
    ps_store16(p + 20, m->stream_port);
    ps_store16(p + 22, m->datagram_max);
    p[24] = m->method;
    p = ps_store_span8(ps_store_span8(p + LOGIN_FIXED, m->user), m->secret);
    if (field > 0) {
        memcpy(field_begin(p, FIELD_TICKET, m->ticket.len), m->ticket.data, m->ticket.len);
    }
    return true;
}

bool ps_login_decode(ps_span body, ps_login *m)
{
    ps_reader r = ps_reader_of(body);
    ps_span fields[FIELD_TYPES];
    const uint8_t *p = ps_read(&r, LOGIN_FIXED);
    if (!p) {
        return false;
    }
    memcpy(m->device, p, PS_DEVICE_BYTES);
    m->capabilities = ps_load32(p + 16);
    m->stream_port = ps_load16(p + 20);
    m->datagram_max = ps_load16(p + 22);
    m->method = p[24];
    m->user = ps_read_span8(&r);
    m->secret = ps_read_span8(&r);
    const size_t secret_max = m->method == PS_LOGIN_PASSWORD ? PS_PASSWORD_MAX : PS_TICKET_MAX;
    const bool whole = fields_read(&r, fields);
    m->ticket = fields[FIELD_TICKET];
    return whole && m->ticket.len <= PS_TICKET_MAX && m->datagram_max >= PS_DATAGRAM_MIN &&
           m->datagram_max <= PS_DATAGRAM_MAX && m->user.len >= 1 && m->user.len <= PS_USER_MAX &&
           m->secret.len <= secret_max;
}

bool ps_login_ok_encode(ps_writer *w, uint32_t request, const ps_login_ok *m)
{
    PS_ASSERT(m->ticket.len <= PS_TICKET_MAX);
    PS_ASSERT(m->file_keys.len <= PS_FILE_EPOCHS * PS_KEY_BYTES);
    PS_ASSERT(m->file_keys.len % PS_KEY_BYTES == 0);
    const size_t address = ps_addr_bytes(&m->observed);
    const size_t fields = field_bytes(8, m->ticket) + field_bytes(8, m->file_keys);
    uint8_t *p = ps_message_room(w, PS_MSG_LOGIN_OK, request, LOGIN_OK_FIXED + address + fields);
    if (!p) {
        return false;
    }
    ps_store32(p, m->heartbeat_ms);
    ps_store32(p + 4, m->dead_ms);
    ps_store32(p + 8, m->resend_ms);
    ps_store64(p + 12, m->wall_s);
    ps_store64(p + 20, m->generation);
    ps_store64(p + 28, m->digest);
    ps_store64(p + 36, m->life);
    ps_writer tail = {.base = p + LOGIN_OK_FIXED, .cap = address};
    ps_addr_encode(&tail, &m->observed);
    p = store_numbered(p + LOGIN_OK_FIXED + address, FIELD_TICKET, m->expires_s, m->ticket);
    (void)store_numbered(p, FIELD_FILE_KEYS, m->first_epoch, m->file_keys);
    return true;
}

/* A time of zero is malformed: a peer that took it over would send without pause. */
bool ps_login_ok_decode(ps_span body, ps_login_ok *m)
{
    ps_reader r = ps_reader_of(body);
    ps_span fields[FIELD_TYPES];
    const uint8_t *p = ps_read(&r, LOGIN_OK_FIXED);
    if (!p) {
        return false;
    }
    m->heartbeat_ms = ps_load32(p);
    m->dead_ms = ps_load32(p + 4);
    m->resend_ms = ps_load32(p + 8);
    m->wall_s = ps_load64(p + 12);
    m->generation = ps_load64(p + 20);
    m->digest = ps_load64(p + 28);
    m->life = ps_load64(p + 36);
    ps_addr_decode(&r, &m->observed);
    if (!fields_read(&r, fields) ||
        !load_numbered(fields[FIELD_TICKET], &m->expires_s, &m->ticket) ||
        !load_numbered(fields[FIELD_FILE_KEYS], &m->first_epoch, &m->file_keys) ||
        m->ticket.len > PS_TICKET_MAX || m->file_keys.len % PS_KEY_BYTES != 0) {
        return false;
    }
    if (m->file_keys.len > PS_FILE_EPOCHS * PS_KEY_BYTES) {
        m->file_keys.len = PS_FILE_EPOCHS * PS_KEY_BYTES;
    }
    return m->heartbeat_ms != 0 && m->dead_ms != 0 && m->resend_ms != 0;
}

#include "wire/frame.h"

/* Before the user: client id, device, capabilities, stream port, datagram limit, method. */
#define LOGIN_FIXED (8u + PS_DEVICE_BYTES + 4u + 2u + 2u + 1u)
/* Before the observed address: session id, three times, wall clock, generation, digest, life. */
#define LOGIN_OK_FIXED (8u + 3u * 4u + 4u * 8u)

bool ps_login_encode(ps_writer *w, uint32_t request, const ps_login *m)
{
    PS_ASSERT(m->client_id != 0);
    PS_ASSERT(m->user.len >= 1 && m->user.len <= PS_USER_MAX);
    PS_ASSERT(m->secret.len <= PS_PASSWORD_MAX);
    const size_t body = LOGIN_FIXED + 1 + m->user.len + 1 + m->secret.len;
    uint8_t *p = ps_message_room(w, PS_MSG_LOGIN, request, body);
    if (!p) {
        return false;
    }
    ps_store64(p, m->client_id);
    memcpy(p + 8, m->device, PS_DEVICE_BYTES);
    ps_store32(p + 24, m->capabilities);
    ps_store16(p + 28, m->stream_port);
    ps_store16(p + 30, m->datagram_max);
    p[32] = m->method;
    (void)ps_store_span8(ps_store_span8(p + LOGIN_FIXED, m->user), m->secret);
    return true;
}

bool ps_login_decode(ps_span body, ps_login *m)
{
    ps_reader r = ps_reader_of(body);
    const uint8_t *p = ps_read(&r, LOGIN_FIXED);
    if (!p) {
        return false;
    }
    m->client_id = ps_load64(p);
    memcpy(m->device, p + 8, PS_DEVICE_BYTES);
    m->capabilities = ps_load32(p + 24);
    m->stream_port = ps_load16(p + 28);
    m->datagram_max = ps_load16(p + 30);
    m->method = p[32];
    m->user = ps_read_span8(&r);
    m->secret = ps_read_span8(&r);
    return ps_fields_skip(&r) && m->client_id != 0 && m->datagram_max >= PS_DATAGRAM_MIN &&
           m->datagram_max <= PS_DATAGRAM_MAX && m->user.len >= 1 && m->user.len <= PS_USER_MAX &&
           m->secret.len <= PS_PASSWORD_MAX;
}

bool ps_login_ok_encode(ps_writer *w, uint32_t request, const ps_login_ok *m)
{
    PS_ASSERT(m->session_id != 0);
    const size_t body = LOGIN_OK_FIXED + ps_addr_bytes(&m->observed);
    uint8_t *p = ps_message_room(w, PS_MSG_LOGIN_OK, request, body);
    if (!p) {
        return false;
    }
    ps_store64(p, m->session_id);
    ps_store32(p + 8, m->heartbeat_ms);
    ps_store32(p + 12, m->dead_ms);
    ps_store32(p + 16, m->resend_ms);
    ps_store64(p + 20, m->wall_s);
    ps_store64(p + 28, m->generation);
    ps_store64(p + 36, m->digest);
    ps_store64(p + 44, m->life);
    ps_writer tail = {.base = p + LOGIN_OK_FIXED, .cap = body - LOGIN_OK_FIXED};
    ps_addr_encode(&tail, &m->observed);
    return true;
}

/* A time of zero is malformed: a peer that took it over would send without pause. */
bool ps_login_ok_decode(ps_span body, ps_login_ok *m)
{
    ps_reader r = ps_reader_of(body);
    const uint8_t *p = ps_read(&r, LOGIN_OK_FIXED);
    if (!p) {
        return false;
    }
    m->session_id = ps_load64(p);
    m->heartbeat_ms = ps_load32(p + 8);
    m->dead_ms = ps_load32(p + 12);
    m->resend_ms = ps_load32(p + 16);
    m->wall_s = ps_load64(p + 20);
    m->generation = ps_load64(p + 28);
    m->digest = ps_load64(p + 36);
    m->life = ps_load64(p + 44);
    ps_addr_decode(&r, &m->observed);
    return ps_fields_skip(&r) && m->session_id != 0 && m->heartbeat_ms != 0 && m->dead_ms != 0 &&
           m->resend_ms != 0;
}

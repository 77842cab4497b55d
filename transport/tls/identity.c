/* A ticket as the identity of a pre-shared key: base64url without padding (RFC 4648, section 5). */
#include "tls/tls_internal.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t ps_tls_identity_encode(ps_span ticket, uint8_t out[PS_TLS_IDENTITY_MAX])
{
    if (ticket.len > PS_TLS_TICKET_MAX) {
        return 0;
    }
    size_t len = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < ticket.len; i++) {
        bits = (bits << 8 | ticket.data[i]) & 0xffffu;
        for (have += 8; have >= 6; have -= 6) {
            out[len++] = (uint8_t)alphabet[bits >> (have - 6) & 63u];
        }
    }
    if (have > 0) {
        out[len++] = (uint8_t)alphabet[bits << (6 - have) & 63u];
    }
    return len;
}

/* @return 0 to 63, or 64: not of the alphabet. */
static uint32_t value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)c - 'a' + 26u;
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)c - '0' + 52u;
    }
    return c == '-' ? 62u : c == '_' ? 63u : 64u;
}

size_t ps_tls_identity_decode(ps_span identity, uint8_t out[PS_TLS_TICKET_MAX])
{
    if (identity.len > PS_TLS_IDENTITY_MAX || identity.len % 4 == 1) {
        return 0;
    }
    size_t len = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < identity.len; i++) {
        const uint32_t value = value_of(identity.data[i]);
        if (value > 63u) {
            return 0;
        }
        bits = (bits << 6 | value) & 0xffffu;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    /* One ticket has one identity: the bits that fill up the last character are zero. */
    return (bits & ((1u << have) - 1u)) == 0 ? len : 0;
}

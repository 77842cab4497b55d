#include "wire/frame.h"

void ps_addr_encode(ps_writer *w, const ps_addr *addr)
{
    const size_t bytes = ps_addr_bytes(addr);
    uint8_t *p = ps_write(w, bytes);
    if (p) {
        p[0] = PS_ADDR_NONE;
        if (bytes > 1) {
            p[0] = addr->family;
            ps_store16(p + 1, addr->port);
            memcpy(p + 3, addr->ip, bytes - 3);
        }
    }
}

void ps_addr_decode(ps_reader *r, ps_addr *addr)
{
    *addr = (ps_addr){.family = ps_read8(r)};
    switch (addr->family) {
    case PS_ADDR_NONE:
        break;
    case PS_ADDR_V4:
        addr->port = ps_read16(r);
        ps_read_copy(r, addr->ip, 4);
        break;
    case PS_ADDR_V6:
        addr->port = ps_read16(r);
        ps_read_copy(r, addr->ip, 16);
        break;
    default:
        addr->family = PS_ADDR_NONE;
        r->bad = true;
    }
}

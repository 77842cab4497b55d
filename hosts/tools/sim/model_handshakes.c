/* The model's handshakes, and what the server gave to clients for the next one: cookies, tickets.
 */
#include "model_internal.h"

#include <stdlib.h>
#include <string.h>

#define HANDSHAKES 2048u
#define COOKIES    4096u
#define TICKETS    1024u

void model_handshakes_init(model *m)
{
    m->handshakes = calloc(HANDSHAKES, sizeof *m->handshakes);
    m->cookies = calloc(COOKIES, sizeof *m->cookies);
    m->tickets = calloc(TICKETS, sizeof *m->tickets);
    WORLD_REQUIRE(m->w, m->handshakes != NULL && m->cookies != NULL && m->tickets != NULL);
}

void model_handshakes_free(model *m)
{
    free(m->handshakes);
    free(m->cookies);
    free(m->tickets);
}

/* Cookies and tickets hold at the next server, too: its lasting secrets are the same. */
void model_handshakes_crash(model *m)
{
    memset(m->handshakes, 0, HANDSHAKES * sizeof *m->handshakes);
    m->open_us = 0;
    m->wall_s = 0;
}

model_handshake *model_handshake_of(const model *m, uint64_t id)
{
    for (size_t i = 0; i < HANDSHAKES && id != 0; i++) {
        if (m->handshakes[i].id == id) {
            return &m->handshakes[i];
        }
    }
    return NULL;
}

model_handshake *model_handshake_for(const model *m, uint64_t client_id)
{
    model_handshake *found = NULL; /* One INITIATE may have been answered twice. */
    for (size_t i = 0; i < HANDSHAKES && client_id != 0; i++) {
        model_handshake *h = &m->handshakes[i];
        if (h->client_id == client_id && (found == NULL || h->login)) {
            found = h;
        }
    }
    return found;
}

void model_handshake_add(model *m, const ps_addr *addr, uint64_t client_id, uint64_t id)
{
    if (model_handshake_of(m, id) == NULL) { /* Else it was told again. */
        m->handshakes[m->handshakes_at++ % HANDSHAKES] =
            (model_handshake){.id = id, .client_id = client_id, .addr = *addr};
    }
}

void model_cookie_add(model *m, const ps_addr *addr, const uint8_t cookie[16])
{
    model_cookie *c = &m->cookies[m->cookies_at++ % COOKIES];
    c->addr = *addr;
    memcpy(c->bytes, cookie, sizeof c->bytes);
}

static bool given(const model *m, const ps_addr *addr, const uint8_t *cookie)
{
    for (size_t i = 0; i < COOKIES; i++) {
        if (memcmp(m->cookies[i].bytes, cookie, 16) == 0 &&
            ps_addr_equal(&m->cookies[i].addr, addr)) {
            return true;
        }
    }
    return false;
}

/* A bucket: each handshake without a cookie uses up 1 / open_per_s of a second, and never more than
 * a second is saved. One more, for the bucket's rounding. */
void model_began(model *m, const ps_addr *from, const uint8_t *initiate)
{
    static const uint8_t none[16];
    const uint64_t per_s = m->w->cfg.server.open_per_s;
    if (memcmp(initiate + 10, none, sizeof none) != 0 && given(m, from, initiate + 10)) {
        return;
    }
    WORLD_REQUIRE(m->w, per_s > 0);
    /* (From a second before the beginning of time: the bucket was full then.) */
    const uint64_t now_us = m->now_us + 1000000;
    m->open_us = (m->open_us > m->now_us ? m->open_us : m->now_us) + 1000000 / per_s;
    WORLD_REQUIRE(m->w, m->open_us <= now_us + 1000000 / per_s);
}

void model_ticket_add(model *m, ps_span ticket, uint64_t expires_s)
{
    m->tickets[m->tickets_at++ % TICKETS] =
        (model_ticket){.hash = model_hash(ticket), .expires_s = expires_s};
}

bool model_ticket_good(const model *m, ps_span ticket)
{
    const uint32_t hash = model_hash(ticket);
    const uint64_t wall_s = model_wall_s(m);
    for (size_t i = 0; i < TICKETS; i++) {
        if (m->tickets[i].hash == hash && m->tickets[i].expires_s > 0) {
            return wall_s != 0 && wall_s < m->tickets[i].expires_s;
        }
    }
    return m->tickets_at > TICKETS; /* Forgotten here. */
}

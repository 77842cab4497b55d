/* What the world knows of sessions, and invariant 1: the server tells of a user as active only
 * while its session is alive, from the login to the logout or the dead time of silence. The model
 * sees what the server was sent (anything from the session's node counts as a sign of life: more
 * than the server may count) and what it answered, read with the wire's decoders. */
#include "world.h"

#include "wire/messages.h"

static uint32_t node_of(const world *w, const ps_addr *addr)
{
    const uint32_t host =
        ((uint32_t)addr->ip[1] << 16) | ((uint32_t)addr->ip[2] << 8) | addr->ip[3];
    WORLD_REQUIRE(w, addr->ip[0] == 10 && host >= 1 && host <= w->cfg.peers + 1);
    return host - 1;
}

void world_model_inputs(world *w, const ps_input in[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (in[i].type == PS_INPUT_DATAGRAM) {
            w->heard_us[node_of(w, &in[i].u.datagram.from)] = in[i].now_us;
        }
    }
}

static void on_session(world *w, const ps_event *e, uint64_t now_us)
{
    const ps_event_session *s = &e->u.session;
    const uint32_t user = world_user_index(w, (ps_span){s->user.bytes, s->user.len});
    const uint32_t node = node_of(w, &s->addr);
    WORLD_REQUIRE(w, user != UINT32_MAX && node >= 1);
    world_account *a = &w->accounts[user];
    if (e->type == PS_EVENT_SESSION_OPENED) {
        WORLD_REQUIRE(w, !a->open && s->reason == 0);
        *a = (world_account){.open = true, .node = node, .opened_us = now_us};
        return;
    }
    WORLD_REQUIRE(w, a->open && a->node == node);
    a->open = false;
    a->closed_us = now_us;
    a->reason = s->reason;
    const world_peer *p = &w->peers[node - 1];
    /* Who lost the server and tries to return is alive too: a peer always notices first. */
    if (s->reason == PS_CLOSE_SILENCE && !p->leaving && (p->online || p->lost_us != 0)) {
        w->live_evictions++;
    }
}

static void require_alive(const world *w, ps_span user, uint64_t now_us)
{
    const uint32_t i = world_user_index(w, user);
    WORLD_REQUIRE(w, i != UINT32_MAX);
    const world_account *a = &w->accounts[i];
    const uint64_t dead_us = (uint64_t)w->cfg.server.dead_ms * 1000;
    /* Closed in this very instant: by an input after the one that is answered here. */
    WORLD_REQUIRE(w, a->open || a->closed_us == now_us);
    /* A session's life begins with its verdict, some time after its login was heard. */
    const uint64_t heard_us = w->heard_us[a->node];
    const uint64_t sign_us = heard_us > a->opened_us ? heard_us : a->opened_us;
    WORLD_REQUIRE(w, sign_us + dead_us > now_us);
}

static void on_page(const world *w, const ps_message *m, uint64_t now_us)
{
    ps_page page;
    ps_span user;
    ps_file file;
    ps_source source;
    const ps_message_type type = (ps_message_type)m->type;
    WORLD_REQUIRE(w, ps_page_decode(type, m->body, &page));
    for (uint8_t i = 0; i < page.count; i++) {
        if (type == PS_MSG_PEERS) {
            WORLD_REQUIRE(w, ps_page_next_peer(&page, &user));
            require_alive(w, user, now_us);
        } else if (type == PS_MSG_FILES) {
            WORLD_REQUIRE(w, ps_page_next_file(&page, &file));
            if (file.active) {
                require_alive(w, file.user, now_us);
            }
        } else {
            WORLD_REQUIRE(w, ps_page_next_source(&page, &source));
            WORLD_REQUIRE(w, source.active || source.addrs_count == 0);
            if (source.active) {
                require_alive(w, source.user, now_us);
            }
        }
    }
}

static void on_datagram(const world *w, const uint8_t *data, size_t len, uint64_t now_us)
{
    ps_packet packet;
    ps_drop why;
    ps_message m;
    WORLD_REQUIRE(w, ps_packet_decode(data, len, &packet, &why));
    ps_reader r = ps_reader_of(packet.messages);
    while (ps_message_decode(&r, &m)) {
        if (m.type == PS_MSG_PEERS || m.type == PS_MSG_FILES || m.type == PS_MSG_SOURCES) {
            on_page(w, &m, now_us);
        }
    }
    WORLD_REQUIRE(w, !r.bad);
}

void world_model_outputs(world *w, const ps_output *before, const ps_output *out, uint64_t now_us)
{
    for (size_t i = before->events_len; i < out->events_len; i++) {
        const ps_event *e = &out->events[i];
        if (e->type == PS_EVENT_SESSION_OPENED || e->type == PS_EVENT_SESSION_CLOSED) {
            on_session(w, e, now_us);
        }
    }
    for (size_t i = before->datagrams_len; i < out->datagrams_len; i++) {
        on_datagram(w, out->bytes + out->datagrams[i].offset, out->datagrams[i].len, now_us);
    }
}

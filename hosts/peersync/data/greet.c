/* Lets a downloader in, or not: what comes before there is a machine. */
#include "upload_internal.h"

#include "alloc.h"

/* It has not shown what would let it in. Where a handshake has told it so, that must not be lost by
 * closing on bytes that are still unread. */
static void turn_away(struct upload *u)
{
    (void)atomic_fetch_add(&u->data->tickets_refused, 1);
    u->ended = true;
    if (u->conn.tls) {
        conn_linger(&u->conn);
    } else {
        conn_close(&u->conn);
    }
}

/* The other side is let in: its machine is made. */
static bool make_machine(struct upload *u, bool plain)
{
    ps_upload_config cfg;
    ps_upload_config_default(&cfg);
    cfg.crypto = u->data->cfg.crypto;
    cfg.keys = &u->conn.loop->keys;
    cfg.idle_ms = u->data->cfg.upload_idle_ms;
    cfg.binding.plain = plain;
    if (!plain) {
        ps_tls_binding(u->conn.tls, cfg.binding.bytes);
    } else if (ps_posix_entropy(cfg.binding.bytes, sizeof cfg.binding.bytes) != PS_OK) {
        return false;
    }
    size_t size = ps_upload_size(&cfg);
    u->memory = data_alloc(1, size);
    conn_make_room(&u->conn);
    return ps_upload_init(u->memory, size, &cfg, ps_posix_now_us(), &u->machine) == PS_OK;
}

/* The first byte says which kind of stream it is. @return false when there is none yet, or none
 * that is served. */
static bool greet_first(struct upload *u)
{
    uint8_t first = 0;
    ps_status status = conn_peek(&u->conn, &first);
    if (status == PS_AGAIN) {
        conn_watch(&u->conn, UV_READABLE);
    } else if (status == PS_FAILED) {
        upload_cut(u, PS_E_CLOSED);
    } else if (first == PS_STREAM_PREFACE_PLAIN) {
        if (!make_machine(u, true)) {
            upload_cut(u, PS_E_PROTOCOL);
        } else if (!u->data->cfg.plain_transfers) {
            (void)atomic_fetch_add(&u->data->tickets_refused, 1);
            upload_end_with(u, PS_E_PLAIN);
        }
        return u->machine != NULL;
    } else if (first == PS_TLS_FIRST_BYTE && conn_tls_serve(&u->conn)) {
        return true;
    } else {
        turn_away(u);
    }
    return false;
}

bool upload_greet(struct upload *u)
{
    struct conn *c = &u->conn;
    conn_alarm(c, u->greet_until_us);
    if (u->greet_until_us <= ps_posix_now_us()) {
        upload_cut(u, PS_E_STALLED);
        return false;
    }
    if (!c->tls && !greet_first(u)) {
        return false;
    }
    if (u->machine) {
        return true;
    }
    ps_status status = conn_handshake(c);
    if (status == PS_FAILED) {
        turn_away(u);
    } else if (status == PS_OK) {
        lobby_know(&u->data->lobby, &u->guest);
        if (make_machine(u, false)) {
            return true;
        }
        upload_cut(u, PS_E_PROTOCOL);
    }
    return false;
}

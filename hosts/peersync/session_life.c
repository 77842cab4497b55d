/* What the session is made of, and how it is taken apart. */
#include "session_internal.h"

#include "common/address.h"
#include "common/slab.h"
#include "data/alloc.h"
#include "peersync/crypto_sodium.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often the journal's bytes go to disk. */
#define JOURNAL_MS 1000u

static void on_journal_due(uv_timer_t *timer)
{
    struct session *s = timer->data;
    const char *fault = ps_journal_file_flush(s->journal);
    if (fault != NULL) {
        s->cfg.journal_failed(s->cfg.ctx, fault);
    }
}

/* The machine as the pump drives it: itself, or its recorder. */
static ps_exit make_face(struct session *s, const ps_peer_config *cfg, ps_machine *out, char *why,
                         size_t why_cap)
{
    char fault[256];
    *out = ps_machine_of_peer(s->peer);
    if (s->cfg.journal == NULL) {
        return PS_EXIT_DONE;
    }
    ps_journal_head head = {.kind = PS_JOURNAL_PEER, .peer = *cfg};
    s->journal = ps_journal_file_open(s->cfg.journal, &head, fault, sizeof fault);
    if (s->journal == NULL) {
        snprintf(why, why_cap, "the journal %s cannot be written: %s", s->cfg.journal, fault);
        return PS_EXIT_LOCAL_FILE;
    }
    *out = ps_journal_file_machine(s->journal, *out);
    return PS_EXIT_DONE;
}

static ps_exit make_machine(struct session *s, char *why, size_t why_cap)
{
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.mem_is_zero = true;
    cfg.crypto = ps_crypto_sodium();
    if (ps_posix_entropy(cfg.seed, sizeof cfg.seed) != PS_OK) {
        snprintf(why, why_cap, "the system gives no random bytes");
        return PS_EXIT_SYSTEM;
    }
    s->slab_len = ps_peer_size(&cfg);
    s->slab = ps_slab_map(s->slab_len);
    if (s->slab == NULL) {
        snprintf(why, why_cap, "there is no memory for the session: %s", strerror(errno));
        return PS_EXIT_SYSTEM;
    }
    const ps_output out = {.bytes = s->bytes,
                           .bytes_cap = sizeof s->bytes,
                           .datagrams = s->datagrams,
                           .datagrams_cap = OUT_DATAGRAMS,
                           .events = s->events,
                           .events_cap = OUT_EVENTS};
    ps_machine face;
    s->transport = ps_posix_udp_transport(s->udp);
    snprintf(why, why_cap, "the session could not be made");
    if (ps_peer_init(s->slab, s->slab_len, &cfg, &s->peer) != PS_OK) {
        return PS_EXIT_SYSTEM;
    }
    const ps_exit code = make_face(s, &cfg, &face, why, why_cap);
    if (code != PS_EXIT_DONE) {
        return code;
    }
    return ps_pump_init(&s->pump, &s->transport, face, out) == PS_OK ? PS_EXIT_DONE
                                                                     : PS_EXIT_SYSTEM;
}

ps_exit session_open(const struct session_config *cfg, struct session **out, char *why,
                     size_t why_cap)
{
    *out = NULL;
    struct session *s = data_alloc(1, sizeof *s);
    s->cfg = *cfg;
    s->queue_tail = &s->queue;
    /* A server on this machine is reached from the loopback address, any other from wherever the
     * system routes. */
    ps_addr any = {.family = cfg->server.family};
    if (ps_address_is_loopback(&cfg->server)) {
        memcpy(any.ip, cfg->server.ip, sizeof any.ip);
    }
    ps_posix_error error;
    if (ps_posix_udp_open(&any, 1, NULL, &s->udp, &error) != PS_OK) {
        snprintf(why, why_cap, "%s", error.text);
        free(s);
        return PS_EXIT_SYSTEM;
    }
    ps_exit code = make_machine(s, why, why_cap);
    if (code == PS_EXIT_DONE) {
        const int rc = uv_poll_init(cfg->loop, &s->poll, ps_posix_udp_fd(s->udp, 0));
        if (rc != 0) {
            snprintf(why, why_cap, "the socket cannot be watched: %s", uv_strerror(rc));
            code = PS_EXIT_SYSTEM;
        }
    }
    if (code != PS_EXIT_DONE) {
        (void)ps_journal_file_close(s->journal);
        if (s->slab != NULL) {
            ps_slab_unmap(s->slab, s->slab_len);
        }
        ps_posix_udp_close(s->udp);
        free(s);
        return code;
    }
    uv_timer_init(cfg->loop, &s->timer);
    uv_timer_init(cfg->loop, &s->journal_timer);
    s->poll.data = s->timer.data = s->journal_timer.data = s;
    s->open_handles = 3;
    if (s->journal != NULL) {
        uv_timer_start(&s->journal_timer, on_journal_due, JOURNAL_MS, JOURNAL_MS);
    }
    session_wait(s, PS_OK, false);
    *out = s;
    return PS_EXIT_DONE;
}

static void on_closed(uv_handle_t *handle)
{
    struct session *s = handle->data;
    if (--s->open_handles > 0) {
        return;
    }
    while (s->requests != NULL) {
        session_request_free(s, s->requests);
    }
    ps_posix_udp_close(s->udp);
    ps_slab_unmap(s->slab, s->slab_len);
    free(s);
}

void session_close(struct session *s)
{
    if (s == NULL) {
        return;
    }
    s->failed = true;
    const char *fault = ps_journal_file_close(s->journal);
    s->journal = NULL;
    if (fault != NULL) {
        s->cfg.journal_failed(s->cfg.ctx, fault);
    }
    uv_close((uv_handle_t *)&s->poll, on_closed);
    uv_close((uv_handle_t *)&s->timer, on_closed);
    uv_close((uv_handle_t *)&s->journal_timer, on_closed);
}

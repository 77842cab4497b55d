#include "machine.h"

#include "common/slab.h"
#include "peersync/crypto_sodium.h"
#include "peersync/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one step of either machine, and for a batch of many where a recorder steps. */
#define STEPS     64u
#define DATAGRAMS (STEPS * PS_SERVER_STEP_DATAGRAMS)
#define BYTES     (STEPS * PS_SERVER_STEP_BYTES)
#define EVENTS    (STEPS * PS_PEER_STEP_EVENTS)

_Static_assert(PS_SERVER_STEP_DATAGRAMS >= PS_PEER_STEP_DATAGRAMS, "the larger one");
_Static_assert(PS_PEER_STEP_EVENTS >= PS_SERVER_STEP_EVENTS, "the larger one");

static bool make_room(replay_machine *m)
{
    m->out = (ps_output){.bytes = malloc(BYTES),
                         .bytes_cap = BYTES,
                         .datagrams = malloc(DATAGRAMS * sizeof(ps_datagram)),
                         .datagrams_cap = DATAGRAMS,
                         .events = malloc(EVENTS * sizeof(ps_event)),
                         .events_cap = EVENTS};
    return m->out.bytes != NULL && m->out.datagrams != NULL && m->out.events != NULL;
}

static bool choose_crypto(ps_journal_head *head)
{
    const ps_crypto *crypto = head->crypto_kind == PS_CRYPTO_REAL       ? ps_crypto_sodium()
                              : head->crypto_kind == PS_CRYPTO_STAND_IN ? ps_sim_crypto()
                                                                        : NULL;
    head->server.crypto = head->peer.crypto = crypto;
    return crypto != NULL;
}

static ps_status make_machine(replay_machine *m, const ps_journal_head *head)
{
    ps_status status = PS_INVALID;
    if (m->kind == PS_JOURNAL_SERVER) {
        ps_server_config cfg = head->server;
        cfg.mem_is_zero = true; /* Fresh pages: whatever the recorded machine lived in. */
        status = ps_server_init(m->slab, m->slab_len, &cfg, &m->server);
        m->face = ps_machine_of_server(m->server);
    } else {
        ps_peer_config cfg = head->peer;
        cfg.mem_is_zero = true;
        status = ps_peer_init(m->slab, m->slab_len, &cfg, &m->peer);
        m->face = ps_machine_of_peer(m->peer);
    }
    return status;
}

const char *replay_machine_open(replay_machine *m, ps_journal_head *head)
{
    memset(m, 0, sizeof *m);
    if (!choose_crypto(head)) {
        return "its cryptography is not known here";
    }
    m->kind = head->kind;
    m->slab_len =
        m->kind == PS_JOURNAL_SERVER ? ps_server_size(&head->server) : ps_peer_size(&head->peer);
    if (m->slab_len == 0) {
        return "its configuration is impossible";
    }
    m->slab = ps_slab_map(m->slab_len);
    if (m->slab == NULL || !make_room(m)) {
        const char *fault = strerror(errno);
        replay_machine_close(m);
        return fault;
    }
    if (make_machine(m, head) != PS_OK) {
        replay_machine_close(m);
        return "its configuration is refused";
    }
    return NULL;
}

void replay_machine_close(replay_machine *m)
{
    if (m->slab != NULL) {
        ps_slab_unmap(m->slab, m->slab_len);
    }
    free(m->out.bytes);
    free(m->out.datagrams);
    free(m->out.events);
    memset(m, 0, sizeof *m);
}

ps_status replay_machine_step(replay_machine *m, ps_input *in)
{
    size_t consumed = 0;
    m->out.bytes_len = m->out.datagrams_len = m->out.events_len = 0;
    const ps_status status = m->face.step(m->face.self, in, 1, &consumed, &m->out);
    return consumed == 1 || (status != PS_OK && status != PS_MORE) ? status : PS_INVALID;
}

size_t replay_machine_unseal(const replay_machine *m, uint8_t *packet, size_t len)
{
    return m->kind == PS_JOURNAL_SERVER ? ps_server_unseal(m->server, packet, len)
                                        : ps_peer_unseal(m->peer, packet, len);
}

void replay_machine_drops(const replay_machine *m, uint64_t drops[PS_DROP_COUNT])
{
    ps_server_stats server;
    ps_peer_stats peer;
    if (m->kind == PS_JOURNAL_SERVER) {
        ps_server_stats_get(m->server, &server);
        memcpy(drops, server.drops, sizeof server.drops);
    } else {
        ps_peer_stats_get(m->peer, &peer);
        memcpy(drops, peer.drops, sizeof peer.drops);
    }
}

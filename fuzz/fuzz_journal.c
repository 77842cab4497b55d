/* Hostile journals. The input is read as a journal as it is, and again with every checksum put
 * right, so that what lies behind them is reached: heads, records, inputs. What is read is stepped
 * into a small machine of the journal's kind, through a recorder, whose own journal must read back
 * with the same inputs and replay equal. */
#include "journal_world.h"

#include "peersync/explain.h"
#include "peersync/journal.h"
#include "peersync/sim.h"

#include <stdlib.h>
#include <string.h>

enum { DATAGRAMS = 16, EVENTS = 256, SLAB = 16384, MOST = 1 << 20 };

/* ps_server_check() adds to the clock; beyond, its sums wrap, though the machine's do not. */
#define CLOCK_MAX (UINT64_MAX >> 1)

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A machine with room for its output. */
typedef struct machine {
    ps_machine face;
    ps_server *server;
    ps_peer *peer;
    void *mem;
    ps_output out;
    uint8_t bytes[SLAB];
    ps_datagram datagrams[DATAGRAMS];
    ps_event events[EVENTS];
} machine;

static void open_machine(machine *m, const ps_journal_head *head)
{
    const bool server = head->kind == PS_JOURNAL_SERVER;
    const size_t len = server ? ps_server_size(&head->server) : ps_peer_size(&head->peer);
    m->server = NULL;
    m->peer = NULL;
    m->mem = aligned_alloc(64, len);
    must(len != 0 && m->mem != NULL);
    memset(m->mem, 0, len);
    if (server) {
        must(ps_server_init(m->mem, len, &head->server, &m->server) == PS_OK);
        m->face = ps_machine_of_server(m->server);
    } else {
        must(ps_peer_init(m->mem, len, &head->peer, &m->peer) == PS_OK);
        m->face = ps_machine_of_peer(m->peer);
    }
    m->out = (ps_output){.bytes = m->bytes,
                         .bytes_cap = SLAB,
                         .datagrams = m->datagrams,
                         .datagrams_cap = DATAGRAMS,
                         .events = m->events,
                         .events_cap = EVENTS};
}

/* A hostile head may ask for all of the memory: its capacities are made small ones. */
static void shrink(ps_journal_head *head)
{
    const uint8_t shape = head->kind == PS_JOURNAL_SERVER ? head->server.seed[0] : 0;
    ps_server_config_default(&head->server);
    head->server.max_sessions = 1 + (shape & 3u);
    head->server.max_users = 4;
    head->server.max_devices = 4;
    head->server.max_publications = 16;
    head->server.max_user_publications = 8;
    head->server.max_handshakes = 4;
    head->server.max_pending_logins = 2;
    head->server.max_networks = 2;
    head->server.open_per_s = 2;
    head->server.name_bytes = 256;
    head->server.search_names = 4;
    head->server.records = (shape & 4) != 0;
    ps_peer_config_default(&head->peer);
    head->peer.max_requests = 4;
    head->peer.max_publications = 8;
    head->peer.name_bytes = 256;
    head->server.crypto = head->peer.crypto = ps_sim_crypto();
}

typedef struct tape {
    uint8_t *bytes;
    size_t len, cap;
} tape;

static bool tape_sink(void *ctx, const uint8_t *bytes, size_t len)
{
    tape *t = ctx;
    if (len > t->cap - t->len) {
        return false;
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    return true;
}

/* Steps one input, its bytes in a block of their size. @return OK or MORE: it was taken. */
static ps_status step(machine *m, ps_machine face, ps_input *in, uint64_t *digest)
{
    ps_journal_digest d;
    size_t consumed = 0;
    uint8_t *exact = NULL;
    if (in->type == PS_INPUT_DATAGRAM) {
        exact = malloc(in->u.datagram.len > 0 ? in->u.datagram.len : 1);
        must(exact != NULL);
        memcpy(exact, in->u.datagram.data, in->u.datagram.len);
        in->u.datagram.data = exact;
    }
    m->out.bytes_len = m->out.datagrams_len = m->out.events_len = 0;
    const ps_status status = face.step(face.self, in, 1, &consumed, &m->out);
    must(status == PS_OK || status == PS_MORE ? consumed == 1 : consumed == 0);
    must(status != PS_AGAIN);
    for (size_t i = 0; i < m->out.datagrams_len; i++) {
        char text[PS_EXPLAIN_BYTES];
        uint8_t packet[PS_DATAGRAM_MAX];
        const size_t len = m->datagrams[i].len;
        memcpy(packet, m->bytes + m->datagrams[i].offset, len);
        const size_t opened = m->server != NULL ? ps_server_unseal(m->server, packet, len)
                                                : ps_peer_unseal(m->peer, packet, len);
        must(ps_explain_packet(packet, len, opened, text, sizeof text) < sizeof text);
    }
    ps_journal_digest_init(&d);
    ps_journal_digest_add(&d, &m->out, 0, 0);
    *digest = ps_journal_digest_value(&d);
    free(exact);
    return status;
}

static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
static uint8_t record_buffer[PS_JOURNAL_RECORD_MAX];

/* The recorder's journal: the same inputs, the same outcomes. */
static void replay(const tape *t, size_t inputs)
{
    static machine m;
    ps_journal_reader r;
    ps_journal_head head;
    ps_journal_record record;
    ps_journal_memory memory = {.data = t->bytes, .len = t->len};
    size_t replayed = 0;
    must(ps_journal_reader_init(&r, ps_journal_read_memory, &memory, buffer, &head) ==
         PS_JOURNAL_OK);
    must(head.crypto_kind == PS_CRYPTO_STAND_IN);
    head.server.crypto = head.peer.crypto = ps_sim_crypto();
    open_machine(&m, &head);
    while (ps_journal_next(&r, &record) == PS_JOURNAL_OK) {
        ps_input in;
        uint64_t digest = 0;
        must(record.inputs == 1 && ps_journal_next_input(&r, &in));
        must(step(&m, m.face, &in, &digest) == record.status && digest == record.digest);
        replayed++;
    }
    must(r.state == PS_JOURNAL_END && replayed == inputs);
    free(m.mem);
}

static void run(const uint8_t *data, size_t size)
{
    static machine m;
    static ps_journal_writer writer;
    static uint8_t tape_bytes[MOST];
    tape t = {.bytes = tape_bytes, .cap = MOST};
    ps_journal_reader r;
    ps_journal_head head;
    ps_journal_record record;
    ps_journal_memory memory = {.data = data, .len = size};
    size_t inputs = 0;
    if (ps_journal_reader_init(&r, ps_journal_read_memory, &memory, buffer, &head) !=
        PS_JOURNAL_OK) {
        return;
    }
    shrink(&head);
    open_machine(&m, &head);
    must(ps_journal_writer_init(&writer, &head, tape_sink, &t, record_buffer,
                                sizeof record_buffer) == PS_OK);
    const ps_machine face = ps_journal_machine(&writer, m.face);
    while (ps_journal_next(&r, &record) == PS_JOURNAL_OK) {
        ps_input in;
        uint32_t n = 0;
        for (uint64_t digest = 0; ps_journal_next_input(&r, &in); n++) {
            in.now_us &= CLOCK_MAX;
            const ps_status status = step(&m, face, &in, &digest);
            inputs += status == PS_OK || status == PS_MORE ? 1 : 0;
        }
        must(n == record.inputs);
    }
    must(m.server == NULL || ps_server_check(m.server) == 0);
    must(m.peer == NULL || ps_peer_check(m.peer) == 0);
    free(m.mem);
    must(writer.state == PS_JOURNAL_OK && writer.inputs == inputs);
    replay(&t, inputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 32768) {
        return 0;
    }
    uint8_t *exact = malloc(size > 0 ? size : 1);
    must(exact != NULL);
    if (size > 0) {
        memcpy(exact, data, size);
    }
    run(exact, size);
    journal_seal_all(exact, size);
    run(exact, size);
    free(exact);
    return 0;
}

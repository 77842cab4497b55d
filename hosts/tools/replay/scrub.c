/* A scrubbed journal is a true one, of a twin: a machine with secrets of its own that is stepped
 * beside the first, with inputs that mean the same to it and hold nobody's secrets. */
#include "replay.h"

#include "common/journal_file.h"
#include "peersync/posix.h"

#include <string.h>

typedef struct scrubbing {
    replay_machine first, twin;
    ps_machine recorder; /* The twin, as it writes its journal. */
    /* The datagram that the first one gets, while the twin's is made in the reader's buffer. */
    uint8_t bytes[PS_JOURNAL_RECORD_MAX];
    uint8_t stars[PS_PASSWORD_MAX];
    uint8_t zeros[PS_TICKET_MAX];
} scrubbing;

/* As many bytes of another kind. A longer secret is refused by every machine, and stands in no
 * journal. */
static ps_span blanked(const uint8_t *with, size_t cap, size_t len)
{
    return (ps_span){with, len < cap ? len : cap};
}

/* Behind the header there is nothing that a peer with other keys can open. */
static void blank_datagram(ps_input_datagram *m)
{
    const size_t header = 17;
    const bool data = m->len > 0 && m->data[0] == 4;
    const bool known = m->len > 0 && m->data[0] >= 1 && m->data[0] <= 6;
    const size_t kept = data ? header : 2;
    if ((data || !known) && m->len > kept) {
        memset(m->data + kept, 0, m->len - kept);
    }
}

static void scrub_peers_input(scrubbing *s, ps_input *in)
{
    if (in->type == PS_INPUT_DATAGRAM) {
        blank_datagram(&in->u.datagram);
    } else if (in->type == PS_INPUT_ENTROPY) {
        memset(s->bytes, 0, in->u.entropy.len);
        in->u.entropy.data = s->bytes;
    } else if (in->type == PS_INPUT_LOGIN) {
        ps_input_login *m = &in->u.login;
        m->password = blanked(s->stars, sizeof s->stars, m->password.len);
        m->ticket = blanked(s->zeros, sizeof s->zeros, m->ticket.len);
        memset(m->device, 0, sizeof m->device);
    }
}

/* Steps the twin. @return what its step answered. */
static ps_status step_twin(scrubbing *s, ps_input *in)
{
    size_t consumed = 0;
    s->twin.out.bytes_len = s->twin.out.datagrams_len = s->twin.out.events_len = 0;
    return s->recorder.step(s->recorder.self, in, 1, &consumed, &s->twin.out);
}

/* What a peer's twin refuses now (it may not be where the first one was) is left out. */
static const char *copy_peers(scrubbing *s, ps_input *in)
{
    scrub_peers_input(s, in);
    const ps_status status = step_twin(s, in);
    return status == PS_AGAIN ? "the machine lacks room" : NULL;
}

/* The same number of datagrams, of the same sizes, to the same addresses, and of events. */
static bool did_the_same(const ps_output *a, const ps_output *b)
{
    if (a->datagrams_len != b->datagrams_len || a->events_len != b->events_len ||
        a->bytes_len != b->bytes_len) {
        return false;
    }
    for (size_t i = 0; i < a->datagrams_len; i++) {
        if (a->datagrams[i].len != b->datagrams[i].len ||
            !ps_addr_equal(&a->datagrams[i].to, &b->datagrams[i].to)) {
            return false;
        }
    }
    return true;
}

static const char *copy_servers(scrubbing *s, ps_input *in)
{
    ps_input true_input = *in;
    if (in->type == PS_INPUT_DATAGRAM) {
        memcpy(s->bytes, in->u.datagram.data, in->u.datagram.len);
        true_input.u.datagram.data = s->bytes;
        ps_server_translate(s->first.server, s->twin.server, &in->u.datagram);
    } else if (in->type == PS_INPUT_VERDICT) {
        memset(in->u.verdict.credential, 0, sizeof in->u.verdict.credential);
    }
    const ps_status status = replay_machine_step(&s->first, &true_input);
    if (status != PS_OK && status != PS_MORE) {
        return "the machine refuses an input";
    }
    if (step_twin(s, in) != status || !did_the_same(&s->first.out, &s->twin.out)) {
        return "the copy would tell another story";
    }
    return NULL;
}

static const char *copy_all(scrubbing *s, ps_journal_reader *reader)
{
    ps_journal_record record;
    ps_journal_result result;
    while ((result = ps_journal_next(reader, &record)) == PS_JOURNAL_OK) {
        ps_input in;
        while (ps_journal_next_input(reader, &in)) {
            const char *fault =
                s->twin.kind == PS_JOURNAL_SERVER ? copy_servers(s, &in) : copy_peers(s, &in);
            if (fault != NULL) {
                return fault;
            }
        }
    }
    return result == PS_JOURNAL_FAILED ? ps_journal_result_text(result) : NULL;
}

/* Other secrets. A server keeps its seed: the ids of sessions come from it, and without the lasting
 * keys it opens nothing. A peer's seed is all that its keys come from. */
static bool renew_secrets(ps_journal_head *head)
{
    ps_server_config *server = &head->server;
    head->scrubbed = true;
    if (head->kind == PS_JOURNAL_PEER) {
        return ps_posix_entropy(head->peer.seed, sizeof head->peer.seed) == PS_OK;
    }
    return ps_posix_entropy(server->static_secret, sizeof server->static_secret) == PS_OK &&
           ps_posix_entropy(server->realm_secret, sizeof server->realm_secret) == PS_OK;
}

static const char *open_both(scrubbing *s, ps_journal_head *head)
{
    const char *fault = replay_machine_open(&s->first, head);
    if (fault != NULL) {
        return fault;
    }
    fault = renew_secrets(head) ? replay_machine_open(&s->twin, head) : "there is no entropy";
    if (fault != NULL) {
        replay_machine_close(&s->first);
    }
    return fault;
}

const char *replay_scrub(ps_journal_source source, void *ctx, uint8_t *buffer, const char *path,
                         char *why, size_t why_cap)
{
    static scrubbing s;
    ps_journal_reader reader;
    ps_journal_head head;
    const ps_journal_result result = ps_journal_reader_init(&reader, source, ctx, buffer, &head);
    if (result != PS_JOURNAL_OK) {
        return ps_journal_result_text(result);
    }
    memset(s.stars, '*', sizeof s.stars);
    const char *fault = open_both(&s, &head);
    if (fault != NULL) {
        return fault;
    }
    ps_journal_file *file = ps_journal_file_open(path, &head, why, why_cap);
    if (file == NULL) {
        fault = why;
    } else {
        s.recorder = ps_journal_file_machine(file, s.twin.face);
        fault = copy_all(&s, &reader);
        const char *closed = ps_journal_file_close(file);
        fault = fault != NULL ? fault : closed;
    }
    replay_machine_close(&s.first);
    replay_machine_close(&s.twin);
    return fault;
}

#include "replay.h"

#include "common/journal_file.h"
#include "peersync/explain.h"

#include <string.h>

/* Overwrites what is secret in an input; everything else stays. */
static void scrub_input(ps_input *in)
{
    static uint8_t stars[PS_PASSWORD_MAX];
    memset(stars, '*', sizeof stars);
    if (in->type == PS_INPUT_DATAGRAM) {
        (void)ps_explain_blank_secrets(in->u.datagram.data, in->u.datagram.len);
    } else if (in->type == PS_INPUT_LOGIN) {
        /* A longer one is refused by every machine, and stands in no journal. */
        const size_t len = in->u.login.password.len;
        in->u.login.password = (ps_span){stars, len < sizeof stars ? len : sizeof stars};
    }
}

/* Gives the record's inputs to the recording machine, in batches as they were recorded. */
static bool copy_record(replay_machine *m, ps_machine recorder, ps_journal_reader *reader)
{
    ps_input batch[PS_PUMP_BATCH];
    size_t n = 0;
    do {
        for (n = 0; n < PS_PUMP_BATCH && ps_journal_next_input(reader, &batch[n]); n++) {
            scrub_input(&batch[n]);
        }
        size_t consumed = 0;
        m->out.bytes_len = m->out.datagrams_len = m->out.events_len = 0;
        const ps_status status = recorder.step(recorder.self, batch, n, &consumed, &m->out);
        if (n > 0 && (consumed < n || (status != PS_OK && status != PS_MORE))) {
            return false;
        }
    } while (n == PS_PUMP_BATCH);
    return true;
}

static const char *copy_all(replay_machine *m, ps_machine recorder, ps_journal_reader *reader)
{
    ps_journal_record record;
    ps_journal_result result;
    while ((result = ps_journal_next(reader, &record)) == PS_JOURNAL_OK) {
        if (!copy_record(m, recorder, reader)) {
            return "the machine refuses an input";
        }
    }
    return result == PS_JOURNAL_FAILED ? ps_journal_result_text(result) : NULL;
}

const char *replay_scrub(ps_journal_source source, void *ctx, uint8_t *buffer, const char *path,
                         char *why, size_t why_cap)
{
    ps_journal_reader reader;
    ps_journal_head head;
    replay_machine machine;
    const ps_journal_result result = ps_journal_reader_init(&reader, source, ctx, buffer, &head);
    if (result != PS_JOURNAL_OK) {
        return ps_journal_result_text(result);
    }
    const char *fault = replay_machine_open(&machine, &head);
    if (fault != NULL) {
        return fault;
    }
    head.scrubbed = true;
    ps_journal_file *file = ps_journal_file_open(path, &head, why, why_cap);
    if (file == NULL) {
        replay_machine_close(&machine);
        return why;
    }
    fault = copy_all(&machine, ps_journal_file_machine(file, machine.face), &reader);
    const char *closed = ps_journal_file_close(file);
    replay_machine_close(&machine);
    return fault != NULL ? fault : closed;
}

#include "replay.h"

#include <string.h>

const char *replay_input_name(ps_input_type type)
{
    switch (type) {
    case PS_INPUT_TICK:
        return "TICK";
    case PS_INPUT_DATAGRAM:
        return "DATAGRAM";
    case PS_INPUT_ENTROPY:
        return "ENTROPY";
    case PS_INPUT_WALL_CLOCK:
        return "WALL_CLOCK";
    case PS_INPUT_VERDICT:
        return "VERDICT";
    case PS_INPUT_RESTORE:
        return "RESTORE";
    case PS_INPUT_STORE:
        return "STORE";
    case PS_INPUT_LOGIN:
        return "LOGIN";
    case PS_INPUT_LOGOUT:
        return "LOGOUT";
    case PS_INPUT_PUBLISH:
        return "PUBLISH";
    case PS_INPUT_UNPUBLISH:
        return "UNPUBLISH";
    case PS_INPUT_LIST_PEERS:
        return "LIST_PEERS";
    case PS_INPUT_LIST_FILES:
        return "LIST_FILES";
    case PS_INPUT_SEARCH:
        return "SEARCH";
    case PS_INPUT_LOCATE:
        return "LOCATE";
    default:
        return "unknown";
    }
}

/* The call's answer, where it is about the inputs that were consumed. */
static bool status_is_equal(ps_status recorded, ps_status now)
{
    const bool taken = now == PS_OK || now == PS_MORE;
    return taken && (recorded == now || recorded == PS_AGAIN || recorded == PS_INVALID);
}

/* Steps one input and adds its outcome. */
static ps_status step_input(replay_machine *m, ps_input *in, uint64_t number,
                            const replay_lines *lines, uint64_t first_us, ps_journal_digest *digest)
{
    const bool printed = lines->to != NULL && number >= lines->from && number <= lines->up;
    const uint64_t at_us = in->now_us;
    uint64_t drops[PS_DROP_COUNT];
    if (printed) {
        replay_machine_drops(m, drops);
        replay_print_input(lines->to, number, first_us, in);
    }
    const ps_status status = replay_machine_step(m, in);
    ps_journal_digest_add(digest, &m->out, 0, 0);
    if (printed) {
        replay_print_outcome(lines->to, number, at_us, first_us, m, drops);
    }
    return status;
}

/* False: its outcome is another one than the journal's. */
static bool replay_record(replay_machine *m, ps_journal_reader *reader,
                          const ps_journal_record *record, const replay_lines *lines,
                          replay_result *result)
{
    ps_journal_digest digest;
    ps_input in;
    ps_journal_digest_init(&digest);
    result->status = PS_OK;
    for (uint64_t number = record->first; ps_journal_next_input(reader, &in); number++) {
        if (number == 1) {
            result->first_us = result->last_us = in.now_us;
        }
        if (number == record->first) {
            result->differs_us = in.now_us;
            result->differs_type = in.type;
        }
        if (in.now_us > result->last_us) {
            result->last_us = in.now_us;
        }
        result->status = step_input(m, &in, number, lines, result->first_us, &digest);
        if (result->status != PS_OK && result->status != PS_MORE) {
            break; /* It was not taken, which it was when it was recorded. */
        }
    }
    result->digest = ps_journal_digest_value(&digest);
    return status_is_equal(record->status, result->status) && result->digest == record->digest;
}

bool replay_run(ps_journal_source source, void *ctx, uint8_t *buffer, const replay_lines *lines,
                replay_result *result)
{
    ps_journal_reader reader;
    ps_journal_record record;
    replay_machine machine;
    memset(result, 0, sizeof *result);
    result->end = ps_journal_reader_init(&reader, source, ctx, buffer, &result->head);
    if (result->end != PS_JOURNAL_OK) {
        return false;
    }
    result->fault = replay_machine_open(&machine, &result->head);
    if (result->fault != NULL) {
        return false;
    }
    while ((result->end = ps_journal_next(&reader, &record)) == PS_JOURNAL_OK) {
        result->record = record;
        if (!replay_record(&machine, &reader, &record, lines, result)) {
            result->differs = true;
            break;
        }
        result->records++;
        result->inputs += record.inputs;
    }
    replay_machine_close(&machine);
    return !result->differs;
}

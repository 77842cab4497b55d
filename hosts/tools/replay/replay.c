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
    case PS_INPUT_EXPEL:
        return "EXPEL";
    case PS_INPUT_LOGIN:
        return "LOGIN";
    case PS_INPUT_TRUST:
        return "TRUST";
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

/* The front of a datagram as it came. */
typedef struct front {
    uint8_t bytes[PS_DATAGRAM_MAX];
    size_t len;
} front;

static void keep_front(front *f, const ps_input *in)
{
    f->len = in->type == PS_INPUT_DATAGRAM ? in->u.datagram.len : 0;
    f->len = f->len < sizeof f->bytes ? f->len : sizeof f->bytes;
    if (f->len > 0) {
        memcpy(f->bytes, in->u.datagram.data, f->len);
    }
}

static bool counted(const uint64_t before[], const uint64_t after[], ps_drop why)
{
    return after[why] != before[why];
}

/* Bytes of messages that the machine has opened in place. They are others now; but where the
 * cryptography is a stand-in that changes nothing, all that tells is why it was dropped. */
static size_t opened_in_place(const ps_input *in, const front *f, const uint64_t before[],
                              const uint64_t after[])
{
    /* DATA: a header of 17 bytes, and a tag behind the messages. */
    const size_t header = 17;
    const bool data = in->type == PS_INPUT_DATAGRAM && f->len > header + PS_TAG_BYTES &&
                      f->len == in->u.datagram.len && f->bytes[0] == 4;
    if (!data || counted(before, after, PS_DROP_SEAL)) {
        return 0;
    }
    const bool changed = memcmp(f->bytes, in->u.datagram.data, f->len) != 0;
    const bool kept_out = counted(before, after, PS_DROP_NO_SESSION) ||
                          counted(before, after, PS_DROP_ADDRESS) ||
                          counted(before, after, PS_DROP_REPLAY);
    return changed || !kept_out ? f->len - header - PS_TAG_BYTES : 0;
}

/* Steps one input and adds its outcome. */
static ps_status step_input(replay_machine *m, ps_input *in, uint64_t number,
                            const replay_lines *lines, uint64_t first_us, ps_journal_digest *digest)
{
    const bool printed = lines->to != NULL && number >= lines->from && number <= lines->up;
    uint64_t drops[PS_DROP_COUNT];
    uint64_t after[PS_DROP_COUNT];
    front before;
    if (printed) {
        replay_machine_drops(m, drops);
        keep_front(&before, in);
    }
    const ps_status status = replay_machine_step(m, in);
    ps_journal_digest_add(digest, &m->out, 0, 0);
    if (printed) {
        replay_machine_drops(m, after);
        replay_print_input(lines->to, number, first_us, in,
                           opened_in_place(in, &before, drops, after));
        replay_print_outcome(lines->to, number, in->now_us, first_us, m, drops);
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

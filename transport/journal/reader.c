#include "journal/format.h"

const char *ps_journal_result_text(ps_journal_result result)
{
    switch (result) {
    case PS_JOURNAL_OK:
        return "all is well";
    case PS_JOURNAL_END:
        return "it ends after a whole record";
    case PS_JOURNAL_CUT:
        return "it is cut off inside a record";
    case PS_JOURNAL_DAMAGED:
        return "it is damaged";
    case PS_JOURNAL_FOREIGN:
        return "it is no journal, or one of another version";
    case PS_JOURNAL_TOO_LARGE:
        return "an input was too large for it";
    case PS_JOURNAL_FAILED:
        return "its bytes could not be read or written";
    default:
        return "unknown";
    }
}

bool ps_journal_read_memory(void *ctx, uint8_t *to, size_t cap, size_t *got)
{
    ps_journal_memory *m = ctx;
    *got = cap < m->len ? cap : m->len;
    if (*got > 0) {
        memcpy(to, m->data, *got);
        m->data += *got;
        m->len -= *got;
    }
    return true;
}

/* Exactly `len` bytes to buffer + at. @return OK; END: none at all; CUT: not all; FAILED. */
static ps_journal_result fill(ps_journal_reader *r, size_t at, size_t len)
{
    size_t have = 0;
    while (have < len) {
        size_t got = 0;
        if (!r->source(r->ctx, r->buffer + at + have, len - have, &got) || got > len - have) {
            return PS_JOURNAL_FAILED;
        }
        if (got == 0) {
            return have == 0 ? PS_JOURNAL_END : PS_JOURNAL_CUT;
        }
        have += got;
    }
    return PS_JOURNAL_OK;
}

static ps_journal_result fill_more(ps_journal_reader *r, size_t at, size_t len)
{
    const ps_journal_result result = fill(r, at, len);
    return result == PS_JOURNAL_END ? PS_JOURNAL_CUT : result;
}

/* The checksum behind the first `len` bytes. */
static bool is_sound(ps_journal_reader *r, size_t len)
{
    strip s = {.at = r->buffer + len, .left = CHECKSUM};
    return get_number(&s, CHECKSUM) == fnv(FNV_BASIS, r->buffer, len);
}

static ps_journal_result read_head(ps_journal_reader *r, ps_journal_head *head)
{
    const size_t magic = sizeof PS_JOURNAL_MAGIC - 1;
    ps_journal_result result = fill_more(r, 0, magic);
    if (result == PS_JOURNAL_OK && memcmp(r->buffer, PS_JOURNAL_MAGIC, magic) != 0) {
        return PS_JOURNAL_FOREIGN;
    }
    if (result == PS_JOURNAL_OK) {
        result = fill_more(r, magic, PREAMBLE - magic + HEAD_FIXED);
    }
    if (result != PS_JOURNAL_OK) {
        return result;
    }
    strip s = {.at = r->buffer + PREAMBLE, .left = HEAD_FIXED};
    const uint64_t version = get_number(&s, 2);
    const uint64_t kind = get_number(&s, 1);
    const bool scrubbed = get_truth(&s);
    const size_t config = (size_t)get_number(&s, 2);
    if (version != PS_JOURNAL_VERSION) {
        return PS_JOURNAL_FOREIGN;
    }
    if (s.bad || (kind != PS_JOURNAL_SERVER && kind != PS_JOURNAL_PEER) || config > CONFIG_MAX) {
        return PS_JOURNAL_DAMAGED;
    }
    result = fill_more(r, PREAMBLE + HEAD_FIXED, config + CHECKSUM);
    if (result != PS_JOURNAL_OK) {
        return result;
    }
    *head = (ps_journal_head){.kind = (ps_journal_kind)kind, .scrubbed = scrubbed};
    const bool well =
        is_sound(r, PREAMBLE + HEAD_FIXED + config) &&
        ps_journal_config_get((ps_span){r->buffer + PREAMBLE + HEAD_FIXED, config}, head);
    return well ? PS_JOURNAL_OK : PS_JOURNAL_DAMAGED;
}

ps_journal_result ps_journal_reader_init(ps_journal_reader *r, ps_journal_source source, void *ctx,
                                         uint8_t *buffer, ps_journal_head *head)
{
    *r = (ps_journal_reader){.source = source, .ctx = ctx, .buffer = buffer};
    r->state = read_head(r, head);
    return r->state;
}

/* Decodes all inputs once, so that handing them out cannot fail. */
static bool inputs_are_sound(const ps_journal_reader *r)
{
    strip s = {.at = r->buffer + r->at, .left = r->end - r->at};
    for (uint32_t i = 0; i < r->left && !s.bad; i++) {
        ps_input in;
        ps_journal_input_get(&s, &in);
    }
    return !s.bad && s.left == 0;
}

static ps_journal_result read_record(ps_journal_reader *r, ps_journal_record *record)
{
    ps_journal_result result = fill(r, 0, LENGTH);
    if (result != PS_JOURNAL_OK) {
        return result;
    }
    strip s = {.at = r->buffer, .left = LENGTH};
    const size_t length = (size_t)get_number(&s, LENGTH);
    if (length < RECORD_FIXED || length > PS_JOURNAL_RECORD_MAX - LENGTH - CHECKSUM) {
        return PS_JOURNAL_DAMAGED;
    }
    result = fill_more(r, LENGTH, length + CHECKSUM);
    if (result != PS_JOURNAL_OK) {
        return result;
    }
    s = (strip){.at = r->buffer + LENGTH, .left = length};
    const uint64_t status = get_number(&s, 1);
    record->status = (ps_status)status;
    record->digest = get_number(&s, 8);
    record->inputs = (uint32_t)get_number(&s, 4);
    record->first = r->inputs + 1;
    r->left = record->inputs;
    r->at = LENGTH + RECORD_FIXED;
    r->end = LENGTH + length;
    if (!is_sound(r, r->end) || status > PS_INVALID || record->inputs == 0 ||
        !inputs_are_sound(r)) {
        r->left = 0;
        return PS_JOURNAL_DAMAGED;
    }
    r->inputs += record->inputs;
    return PS_JOURNAL_OK;
}

ps_journal_result ps_journal_next(ps_journal_reader *r, ps_journal_record *record)
{
    r->left = 0;
    if (r->state == PS_JOURNAL_OK) {
        r->state = read_record(r, record);
    }
    return r->state;
}

bool ps_journal_next_input(ps_journal_reader *r, ps_input *in)
{
    if (r->left == 0) {
        return false;
    }
    strip s = {.at = r->buffer + r->at, .left = r->end - r->at};
    ps_journal_input_get(&s, in);
    r->at = r->end - s.left;
    r->left--;
    return true;
}

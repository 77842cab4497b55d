#include "rig.h"

static tape t;
static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
static ps_input all[EVERY_INPUT];
/* Where each record ends on the tape; the first is the head. */
static size_t ends[EVERY_INPUT + 1];

static int fill(void **state)
{
    (void)state;
    every_input(all);
    record(&t, all, EVERY_INPUT, 1);
    ends[0] = head_bytes(t.bytes);
    for (unsigned i = 1; i <= EVERY_INPUT; i++) {
        const uint8_t *at = t.bytes + ends[i - 1];
        ends[i] = ends[i - 1] + LENGTH + (size_t)at[2] * 256 + at[3] + CHECKSUM;
    }
    assert_int_equal(ends[EVERY_INPUT], t.len);
    return 0;
}

/* Reads to the end. @return how it ends; `inputs` counts what was read. */
static ps_journal_result read_all(const uint8_t *bytes, size_t len, size_t *inputs)
{
    ps_journal_reader r;
    ps_journal_head head;
    ps_journal_record record;
    ps_journal_memory memory = {.data = bytes, .len = len};
    *inputs = 0;
    ps_journal_result result =
        ps_journal_reader_init(&r, ps_journal_read_memory, &memory, buffer, &head);
    while (result == PS_JOURNAL_OK) {
        result = ps_journal_next(&r, &record);
        if (result == PS_JOURNAL_OK) {
            assert_int_equal(record.first, *inputs + 1);
            ps_input in;
            size_t n = 0;
            while (ps_journal_next_input(&r, &in)) {
                assert_int_equal(in.type, all[*inputs + n].type);
                n++;
            }
            assert_int_equal(n, record.inputs);
            *inputs += n;
        }
    }
    assert_int_equal(ps_journal_next(&r, &record), result); /* It stays so. */
    return result;
}

static void every_kind_of_input_comes_back(void **state)
{
    (void)state;
    size_t inputs = 0;
    assert_int_equal(read_all(t.bytes, t.len, &inputs), PS_JOURNAL_END);
    assert_int_equal(inputs, EVERY_INPUT);
    static tape batch;
    every_input(all);
    record(&batch, all, EVERY_INPUT, 4);
    assert_int_equal(read_all(batch.bytes, batch.len, &inputs), PS_JOURNAL_END);
    assert_int_equal(inputs, EVERY_INPUT);
}

/* Cut at every byte: all whole records are read, and the cut is said. */
static void what_is_cut_off_reads_up_to_the_last_whole_record(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= t.len; cut++) {
        size_t inputs = 0, whole = 0;
        while (whole < EVERY_INPUT && ends[whole + 1] <= cut) {
            whole++;
        }
        uint8_t *exact = exact_copy(t.bytes, cut);
        const ps_journal_result end = read_all(exact, cut, &inputs);
        free(exact);
        const bool at_an_end = cut >= ends[0] && cut == ends[whole];
        assert_int_equal(end, at_an_end ? PS_JOURNAL_END : PS_JOURNAL_CUT);
        assert_int_equal(inputs, cut < ends[0] ? 0 : whole);
    }
}

/* Flipped anywhere: what was before is read, and the journal does not end well. */
static void what_is_flipped_reads_up_to_there(void **state)
{
    (void)state;
    for (size_t at = ends[0]; at < t.len; at++) {
        size_t inputs = 0, before = 0;
        while (ends[before + 1] <= at) {
            before++;
        }
        for (unsigned bit = 0; bit < 8; bit++) {
            t.bytes[at] = (uint8_t)(t.bytes[at] ^ 1u << bit);
            const ps_journal_result end = read_all(t.bytes, t.len, &inputs);
            t.bytes[at] = (uint8_t)(t.bytes[at] ^ 1u << bit);
            assert_int_equal(inputs, before);
            assert_true(end == PS_JOURNAL_DAMAGED || end == PS_JOURNAL_CUT);
        }
    }
}

/* Fields that no writer writes, under a checksum that is right. */
static void hostile_records_are_refused(void **state)
{
    (void)state;
    const size_t at = ends[0];
    const size_t len = ends[1] - ends[0];
    static const struct {
        size_t field;
        uint8_t value;
    } hostile[] = {
        {LENGTH, PS_FAILED},     /* Status. */
        {LENGTH + 12, 0},        /* Count: none, */
        {LENGTH + 12, 2},        /* more than there are, */
        {LENGTH + 9, 0xff},      /* and far more. */
        {LENGTH + 13 + 8, 0},    /* Kind of the input. */
        {LENGTH + 13 + 8, 18},   /* A kind that does not exist yet. */
        {LENGTH + 13 + 8, 0x08}, /* A kind that has more fields. */
    };
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        size_t inputs = 0;
        uint8_t *byte = t.bytes + at + hostile[i].field;
        const uint8_t was = *byte;
        *byte = hostile[i].value;
        mend(t.bytes, at, len);
        assert_int_equal(read_all(t.bytes, t.len, &inputs), PS_JOURNAL_DAMAGED);
        assert_int_equal(inputs, 0);
        *byte = was;
        mend(t.bytes, at, len);
        assert_int_equal(read_all(t.bytes, t.len, &inputs), PS_JOURNAL_END);
    }
}

/* Gives a byte at a time, or fails at one. */
typedef struct dribble {
    ps_journal_memory memory;
    size_t fails_at;
} dribble;

static bool dribble_read(void *ctx, uint8_t *to, size_t cap, size_t *got)
{
    dribble *d = ctx;
    if (d->fails_at > 0 && --d->fails_at == 0) {
        return false;
    }
    return ps_journal_read_memory(&d->memory, to, cap < 1 ? cap : 1, got);
}

static void sources_may_dribble_and_fail(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        ps_journal_reader r;
        ps_journal_head head;
        ps_journal_record record;
        dribble d = {.memory = {.data = t.bytes, .len = t.len},
                     .fails_at = k == 0   ? 0
                                 : k == 1 ? 5
                                          : ends[2] + 7};
        size_t records = 0;
        ps_journal_result result = ps_journal_reader_init(&r, dribble_read, &d, buffer, &head);
        while (result == PS_JOURNAL_OK &&
               (result = ps_journal_next(&r, &record)) == PS_JOURNAL_OK) {
            records++; /* Its inputs are skipped. */
        }
        assert_int_equal(result, k == 0 ? PS_JOURNAL_END : PS_JOURNAL_FAILED);
        assert_int_equal(records, k == 0 ? EVERY_INPUT : k == 1 ? 0 : 2);
    }
}

static void every_result_has_words(void **state)
{
    (void)state;
    for (int i = PS_JOURNAL_OK; i <= PS_JOURNAL_FAILED; i++) {
        assert_string_not_equal(ps_journal_result_text((ps_journal_result)i), "unknown");
    }
    assert_string_equal(ps_journal_result_text((ps_journal_result)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_input_comes_back),
        cmocka_unit_test(what_is_cut_off_reads_up_to_the_last_whole_record),
        cmocka_unit_test(what_is_flipped_reads_up_to_there),
        cmocka_unit_test(hostile_records_are_refused),
        cmocka_unit_test(sources_may_dribble_and_fail),
        cmocka_unit_test(every_result_has_words),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}

#include "rig.h"

static tape t;
static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
static uint8_t read_buffer[PS_JOURNAL_RECORD_MAX];
static ps_journal_writer j;
static scripted s;
static ps_machine face;

static void begin(size_t cap)
{
    const ps_journal_head head = server_head();
    t.len = t.calls = t.fails_at = 0;
    s = (scripted){.room = SIZE_MAX, .deadline_us = 4711};
    assert_int_equal(ps_journal_writer_init(&j, &head, tape_sink, &t, buffer, cap), PS_OK);
    face = ps_journal_machine(&j, scripted_face(&s));
}

/* Reads the tape: how many records and inputs it has, and its last record. */
static void count(size_t *records, size_t *inputs, ps_journal_record *last)
{
    ps_journal_reader r;
    ps_journal_head head;
    ps_journal_record record;
    ps_journal_memory memory = {.data = t.bytes, .len = t.len};
    *records = *inputs = 0;
    assert_int_equal(
        ps_journal_reader_init(&r, ps_journal_read_memory, &memory, read_buffer, &head),
        PS_JOURNAL_OK);
    while (ps_journal_next(&r, &record) == PS_JOURNAL_OK) {
        *last = record;
        ++*records;
        *inputs += record.inputs;
    }
    assert_int_equal(r.state, PS_JOURNAL_END);
}

static void it_is_the_machine_to_whoever_drives_it(void **state)
{
    (void)state;
    size_t consumed = 9;
    ps_input in[EVERY_INPUT];
    every_input(in);
    begin(sizeof buffer);
    assert_true(face.deadline_us(face.self) == 4711);
    s.answer = PS_MORE;
    assert_int_equal(face.step(face.self, in, EVERY_INPUT, &consumed, fresh_output()), PS_MORE);
    assert_int_equal(consumed, EVERY_INPUT);
    assert_int_equal(s.calls, 1);
    assert_int_equal(face.step(face.self, in, 0, &consumed, fresh_output()), PS_MORE);
    assert_int_equal(consumed, 0);
    assert_int_equal(j.records, 1);
    assert_int_equal(j.inputs, EVERY_INPUT);
    assert_int_equal(j.lost, 0);
}

static void bytes_are_recorded_before_they_are_opened_in_place(void **state)
{
    (void)state;
    size_t consumed = 0;
    ps_input in[EVERY_INPUT];
    every_input(in);
    begin(sizeof buffer);
    face.step(face.self, in, EVERY_INPUT, &consumed, fresh_output());
    assert_int_equal(in[1].u.datagram.data[0], 0xdd); /* The machine did open it. */
    ps_journal_reader r;
    ps_journal_head head;
    ps_journal_record record;
    ps_input out;
    ps_journal_memory memory = {.data = t.bytes, .len = t.len};
    ps_journal_reader_init(&r, ps_journal_read_memory, &memory, read_buffer, &head);
    assert_int_equal(ps_journal_next(&r, &record), PS_JOURNAL_OK);
    assert_true(ps_journal_next_input(&r, &out) && ps_journal_next_input(&r, &out));
    assert_memory_equal(out.u.datagram.data, "\x07\x00\xff\x01", 4);
}

static void inputs_that_were_not_consumed_are_left_out(void **state)
{
    (void)state;
    size_t consumed = 0, records = 0, inputs = 0;
    ps_journal_record last = {0};
    ps_input in[EVERY_INPUT];
    every_input(in);
    begin(sizeof buffer);
    s.room = 0;
    assert_int_equal(face.step(face.self, in, 5, &consumed, fresh_output()), PS_AGAIN);
    assert_int_equal(consumed, 0);
    count(&records, &inputs, &last);
    assert_int_equal(records, 0);
    s.room = 3;
    assert_int_equal(face.step(face.self, in, 5, &consumed, fresh_output()), PS_AGAIN);
    assert_int_equal(consumed, 3);
    count(&records, &inputs, &last);
    assert_int_equal(records, 1);
    assert_int_equal(inputs, 3);
    assert_int_equal(last.status, PS_AGAIN);
    s.room = SIZE_MAX;
    in[4].type = (ps_input_type)99;
    assert_int_equal(face.step(face.self, in + 3, 2, &consumed, fresh_output()), PS_INVALID);
    assert_int_equal(consumed, 1);
    count(&records, &inputs, &last);
    assert_int_equal(inputs, 4);
    assert_int_equal(last.status, PS_INVALID);
    assert_int_equal(last.first, 4);
}

/* A call with more than a record holds is several records, and one call to whoever drives it. */
static void large_calls_are_divided(void **state)
{
    (void)state;
    size_t consumed = 0, records = 0, inputs = 0;
    ps_journal_record last = {0};
    static ps_input in[200];
    static uint8_t bytes[200][100];
    for (unsigned i = 0; i < 200; i++) {
        in[i] = (ps_input){.type = PS_INPUT_DATAGRAM, .now_us = i};
        in[i].u.datagram.data = bytes[i];
        in[i].u.datagram.len = sizeof bytes[i];
    }
    begin(sizeof buffer);
    assert_int_equal(face.step(face.self, in, 200, &consumed, fresh_output()), PS_OK);
    assert_int_equal(consumed, 200);
    count(&records, &inputs, &last);
    assert_int_equal(inputs, 200);
    assert_int_equal(records, (200 + PS_PUMP_BATCH - 1) / PS_PUMP_BATCH);
    begin(PS_JOURNAL_BUFFER_MIN); /* Some 14 of them fit. */
    assert_int_equal(face.step(face.self, in, 200, &consumed, fresh_output()), PS_OK);
    assert_int_equal(consumed, 200);
    count(&records, &inputs, &last);
    assert_int_equal(inputs, 200);
    assert_true(records > 10 && records < 20);
}

static void a_sink_that_fails_stops_the_journal_alone(void **state)
{
    (void)state;
    for (unsigned k = 2; k <= 6; k++) {
        size_t records = 0, inputs = 0;
        ps_journal_record last;
        ps_input in[EVERY_INPUT];
        every_input(in);
        begin(sizeof buffer);
        t.fails_at = k;
        for (unsigned i = 0; i < EVERY_INPUT; i++) {
            size_t consumed = 0;
            assert_int_equal(face.step(face.self, in + i, 1, &consumed, fresh_output()), PS_OK);
            assert_int_equal(consumed, 1);
        }
        assert_int_equal(s.taken, EVERY_INPUT);
        assert_int_equal(j.state, PS_JOURNAL_FAILED);
        assert_int_equal(j.inputs, k - 2);
        assert_int_equal(j.lost, EVERY_INPUT - (k - 2));
        assert_int_equal(t.calls, k); /* Never called again. */
        count(&records, &inputs, &last);
        assert_int_equal(inputs, k - 2);
    }
    const ps_journal_head head = server_head();
    t.calls = 0;
    t.fails_at = 1;
    assert_int_equal(ps_journal_writer_init(&j, &head, tape_sink, &t, buffer, sizeof buffer),
                     PS_FAILED);
}

static void an_input_beyond_the_buffer_stops_the_journal_alone(void **state)
{
    (void)state;
    size_t consumed = 0;
    static uint8_t big[BIG_DATAGRAM];
    ps_input in[2] = {{.type = PS_INPUT_TICK}, {.type = PS_INPUT_DATAGRAM}};
    in[1].u.datagram.data = big;
    in[1].u.datagram.len = sizeof big;
    begin(sizeof buffer); /* The longest that UDP has fits. */
    assert_int_equal(face.step(face.self, in, 2, &consumed, fresh_output()), PS_OK);
    assert_int_equal(j.inputs, 2);
    begin(PS_JOURNAL_BUFFER_MIN);
    assert_int_equal(face.step(face.self, in, 2, &consumed, fresh_output()), PS_OK);
    assert_int_equal(consumed, 2);
    assert_int_equal(s.taken, 2);
    assert_int_equal(j.state, PS_JOURNAL_TOO_LARGE);
    assert_int_equal(j.inputs, 1);
    assert_int_equal(j.lost, 1);
}

static void impossible_writers_are_refused(void **state)
{
    (void)state;
    ps_journal_head head = server_head();
    assert_int_equal(ps_journal_writer_init(NULL, &head, tape_sink, &t, buffer, sizeof buffer),
                     PS_INVALID);
    assert_int_equal(ps_journal_writer_init(&j, NULL, tape_sink, &t, buffer, sizeof buffer),
                     PS_INVALID);
    assert_int_equal(ps_journal_writer_init(&j, &head, NULL, &t, buffer, sizeof buffer),
                     PS_INVALID);
    assert_int_equal(ps_journal_writer_init(&j, &head, tape_sink, &t, NULL, sizeof buffer),
                     PS_INVALID);
    assert_int_equal(
        ps_journal_writer_init(&j, &head, tape_sink, &t, buffer, PS_JOURNAL_BUFFER_MIN - 1),
        PS_INVALID);
    head.kind = (ps_journal_kind)3;
    assert_int_equal(ps_journal_writer_init(&j, &head, tape_sink, &t, buffer, sizeof buffer),
                     PS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_machine_to_whoever_drives_it),
        cmocka_unit_test(bytes_are_recorded_before_they_are_opened_in_place),
        cmocka_unit_test(inputs_that_were_not_consumed_are_left_out),
        cmocka_unit_test(large_calls_are_divided),
        cmocka_unit_test(a_sink_that_fails_stops_the_journal_alone),
        cmocka_unit_test(an_input_beyond_the_buffer_stops_the_journal_alone),
        cmocka_unit_test(impossible_writers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What both machines ask of a step's arguments. */
#include "unit.h"

#include "transfer/machine.h"

typedef struct call {
    uint8_t bytes[16];
    ps_segment segments[2];
    ps_stream_event events[2];
    ps_stream_output out;
    ps_stream_input in;
    size_t consumed;
} call;

static call sound(void)
{
    call c;
    memset(&c, 0, sizeof c);
    c.in.type = PS_STREAM_TICK;
    c.consumed = 7;
    return c;
}

static bool possible(call *c)
{
    static const int machine;
    return ps_machine_step_possible(&machine, &c->in, &c->consumed, &c->out);
}

/* In place: the output leads into the call itself. */
static void with_room(call *c)
{
    *c = sound();
    c->out = (ps_stream_output){
        .bytes = c->bytes,
        .bytes_cap = sizeof c->bytes,
        .segments = c->segments,
        .segments_cap = 2,
        .events = c->events,
        .events_cap = 2,
    };
}

static void refuses_what_is_missing(void **state)
{
    (void)state;
    static const int machine;
    call c;
    with_room(&c);
    assert_true(possible(&c));
    assert_int_equal(c.consumed, 0);
    assert_false(ps_machine_step_possible(NULL, &c.in, &c.consumed, &c.out));
    assert_false(ps_machine_step_possible(&machine, NULL, &c.consumed, &c.out));
    assert_false(ps_machine_step_possible(&machine, &c.in, NULL, &c.out));
    c.consumed = 7;
    assert_false(ps_machine_step_possible(&machine, &c.in, &c.consumed, NULL));
    assert_int_equal(c.consumed, 0);
}

#define REFUSES(...)                                                                               \
    do {                                                                                           \
        call c;                                                                                    \
        with_room(&c);                                                                             \
        __VA_ARGS__;                                                                               \
        assert_false(possible(&c));                                                                \
    } while (0)

/* No room at all may come without memory; room may not, and no more may be used than is there. */
static void refuses_outputs_that_cannot_be(void **state)
{
    (void)state;
    call none = sound();
    assert_true(possible(&none));
    REFUSES(c.out.bytes = NULL);
    REFUSES(c.out.segments = NULL);
    REFUSES(c.out.events = NULL);
    REFUSES(c.out.bytes_len = c.out.bytes_cap + 1);
    REFUSES(c.out.segments_len = 3);
    REFUSES(c.out.events_len = 3);
}

static void refuses_inputs_that_cannot_be(void **state)
{
    (void)state;
    REFUSES(c.in.type = (ps_stream_input_type)0);
    REFUSES(c.in.type = (ps_stream_input_type)99);
    REFUSES(c.in.type = PS_STREAM_CANCEL; c.in.u.cancel_error = UINT16_MAX + 1u);
    REFUSES(c.in.type = PS_STREAM_BYTES; c.in.u.bytes = (ps_span){NULL, 1});
    REFUSES(c.in.type = PS_STREAM_BYTES;
            c.in.u.bytes = (ps_span){c.bytes, (size_t)PS_MACHINE_INPUT_MAX + 1});
    call c;
    with_room(&c);
    c.in.type = PS_STREAM_BYTES;
    c.in.u.bytes = (ps_span){NULL, 0};
    assert_true(possible(&c));
}

static void asks_for_crypto_a_binding_and_a_time(void **state)
{
    (void)state;
    ps_crypto crypto = {.size = sizeof crypto};
    ps_stream_binding binding = {.bytes = {0}};
    assert_false(ps_machine_possible(&crypto, &binding, 1));
    binding.bytes[sizeof binding.bytes - 1] = 1;
    assert_true(ps_machine_possible(&crypto, &binding, 1));
    assert_true(ps_machine_possible(&crypto, &binding, PS_MACHINE_TIME_MS_MAX));
    assert_false(ps_machine_possible(&crypto, &binding, PS_MACHINE_TIME_MS_MAX + 1));
    assert_false(ps_machine_possible(&crypto, &binding, 0));
    assert_false(ps_machine_possible(NULL, &binding, 1));
    crypto.size--;
    assert_false(ps_machine_possible(&crypto, &binding, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_missing),
        cmocka_unit_test(refuses_outputs_that_cannot_be),
        cmocka_unit_test(refuses_inputs_that_cannot_be),
        cmocka_unit_test(asks_for_crypto_a_binding_and_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

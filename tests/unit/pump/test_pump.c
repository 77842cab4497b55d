/* The pump between a scripted transport and a scripted machine, both in memory. */
#include "script.h"

#include "peersync/sim.h"

static void test_init_refuses_nonsense(void **state)
{
    (void)state;
    begin("", 4);
    const ps_machine machine = f.pump.machine;
    ps_output out = f.pump.out;
    assert_int_equal(ps_pump_init(NULL, &f.transport, machine, out), PS_INVALID);
    assert_int_equal(ps_pump_init(&f.pump, NULL, machine, out), PS_INVALID);
    out.events_cap = 0;
    assert_int_equal(ps_pump_init(&f.pump, &f.transport, machine, out), PS_INVALID);
    out.events_cap = 1;
    out.bytes = NULL;
    assert_int_equal(ps_pump_init(&f.pump, &f.transport, machine, out), PS_INVALID);
}

static void test_idle_round(void **state)
{
    (void)state;
    begin("", 4);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_int_equal(f.s.sends, 0);
    assert_stepped("");
    assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
}

static void test_answers_go_out_in_order(void **state)
{
    (void)state;
    begin("ab2-c", 64);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_stepped("ab2-c");
    assert_sent("ab22c");
    assert_int_equal(f.s.sends, 1);
}

/* Received datagrams come before a tick, which comes when it is due. */
static void test_tick_after_datagrams(void **state)
{
    (void)state;
    begin("ab", 64);
    f.s.deadline_us = 1001;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_stepped("ab");
    assert_true(ps_pump_deadline_us(&f.pump) == 1001);
    f.s.now_us = 1001;
    f.s.inbox[f.s.inbox_len++] = 'c';
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_stepped("abcT");
}

static void test_more_ticks_again(void **state)
{
    (void)state;
    begin("", 64);
    f.s.deadline_us = 0;
    f.s.more = 2;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
    assert_true(ps_pump_deadline_us(&f.pump) == 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_stepped("TTT");
}

/* While the socket holds full batches a due tick waits, but not for ever. */
static void test_flood_cannot_stop_time(void **state)
{
    (void)state;
    begin("", 64);
    f.s.deadline_us = 0;
    unsigned rounds = 0;
    while (f.s.deadline_us == 0) {
        memset(f.s.inbox, '-', PS_PUMP_BATCH);
        f.s.inbox_len = PS_PUMP_BATCH;
        f.s.inbox_at = 0;
        f.s.stepped_len = 0;
        assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
        rounds++;
        assert_true(rounds <= PS_PUMP_FULL);
    }
    assert_int_equal(rounds, PS_PUMP_FULL);
    f.s.deadline_us = 0;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK); /* An empty socket: at once. */
    assert_true(f.s.deadline_us == PS_TIME_NEVER);
}

/* A full output is drained and the machine goes on where it stopped. */
static void test_small_output_is_drained(void **state)
{
    (void)state;
    for (size_t slots = 2; slots < 12; slots++) {
        begin("abcdefghij2klmn", slots);
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        assert_stepped("abcdefghij2klmn");
        assert_sent("abcdefghij22klmn");
    }
}

/* An output that never has room is a bug of the caller; it does not hang. */
static void test_output_too_small(void **state)
{
    (void)state;
    begin("a", 1);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_stepped("");
}

/* Whatever send fails to take, and however little each takes: nothing is lost, doubled or swapped.
 */
static void test_partial_sends_resume(void **state)
{
    (void)state;
    for (size_t slots = 2; slots <= 16; slots += 7) {
        for (size_t limit = 0; limit < 5; limit++) {
            for (unsigned k = 0; k < 12; k++) {
                begin("abcdefghij", slots);
                f.s.send_limit = limit;
                f.s.send_again_at = k;
                ps_status status = PS_AGAIN;
                for (unsigned round = 0; status != PS_OK; round++) {
                    assert_true(round < 64);
                    status = ps_pump_run_once(&f.pump);
                    assert_true(status != PS_FAILED && status != PS_INVALID);
                    if (status == PS_AGAIN) { /* Wait for the socket, not for a time. */
                        assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
                    }
                }
                assert_stepped("abcdefghij");
                assert_sent("abcdefghij");
                assert_int_equal(f.pump.out.bytes_len, 0);
            }
        }
    }
}

static void test_promises_wait_for_their_commit(void **state)
{
    (void)state;
    begin("aBcDeF", 64);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("ace");
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("ace");
    ps_pump_commit(&f.pump, 2);
    assert_true(ps_pump_deadline_us(&f.pump) == 0);
    f.s.inbox[f.s.inbox_len++] = 'g';
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("aceBDg");
    assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
    ps_pump_commit(&f.pump, UINT64_MAX);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("aceBDgF");
    assert_int_equal(f.pump.out.bytes_len, 0);
}

/* At the start nothing waits. */
static void test_without_a_store_promises_go_at_once(void **state)
{
    (void)state;
    begin("ABC", 64);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("ABC");
}

/* An output full of promises blocks only until one is kept; what goes past it keeps going. */
static void test_output_full_of_promises(void **state)
{
    (void)state;
    begin("ABCdEf", 4);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_stepped("ABC");
    assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_sent("");
    ps_pump_commit(&f.pump, 1);
    assert_true(ps_pump_deadline_us(&f.pump) == 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_stepped("ABCdE");
    assert_sent("Ad");
    ps_pump_commit(&f.pump, 4);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("AdBCEf");
}

/* Promises between, more than one batch, sends that stop anywhere: all still arrive once, each kind
 * in its order. */
static void test_sends_stop_among_promises(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 9; limit += 2) {
        for (unsigned k = 1; k < 9; k++) {
            begin("", 256);
            for (size_t i = 0; i < 150; i++) {
                f.s.inbox[i] = (char)((i % 3 == 0 ? 'A' : 'a') + (int)(i % 19));
            }
            f.s.inbox_len = 150;
            f.s.send_limit = limit;
            f.s.send_again_at = k;
            ps_pump_commit(&f.pump, 0);
            for (unsigned round = 0; f.s.sent_len < 100; round++) {
                assert_true(round < 400);
                (void)ps_pump_run_once(&f.pump);
            }
            ps_pump_commit(&f.pump, 50);
            for (unsigned round = 0; f.s.sent_len < 150; round++) {
                assert_true(round < 400);
                (void)ps_pump_run_once(&f.pump);
            }
            size_t lower = 0;
            for (size_t i = 0; i < 150; i++) {
                lower += i % 3 == 0 ? 0u : 1u;
                if (i % 3 != 0) {
                    assert_int_equal(f.s.sent[lower - 1], f.s.inbox[i]);
                } else {
                    assert_int_equal(f.s.sent[100 + i / 3], f.s.inbox[i]);
                }
            }
            assert_int_equal(f.pump.out.datagrams_len, 0);
        }
    }
}

/* Events stop a round, for their spans point into the machine; the host reads and clears them. */
static void test_events_end_a_round(void **state)
{
    (void)state;
    begin("a", 64);
    f.s.deadline_us = 0;
    f.s.inbox[1] = '!';
    f.s.inbox_len = 2;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
    assert_stepped("a!");
    assert_sent("a");
    assert_int_equal(f.pump.out.events_len, 1);
    assert_int_equal(f.pump.out.events[0].type, PS_EVENT_LOST);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_INVALID);
    ps_pump_clear_events(&f.pump);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_stepped("a!T");
}

/* More events than there is room for come in several rounds. */
static void test_many_events(void **state)
{
    (void)state;
    begin("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", 64);
    size_t seen = 0;
    for (unsigned round = 0; seen < 40; round++) {
        assert_true(round < 5);
        assert_int_equal(ps_pump_run_once(&f.pump), round < 2 ? PS_MORE : PS_OK);
        seen += f.pump.out.events_len;
        ps_pump_clear_events(&f.pump);
    }
    assert_int_equal(f.s.stepped_len, 40);
}

static void test_failing_receive(void **state)
{
    (void)state;
    begin("", 64);
    f.s.receive_fails = PS_FAILED;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_FAILED);
    f.s.receive_fails = PS_OK;
    f.s.inbox[f.s.inbox_len++] = 'a';
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("a");
}

/* A send that fails takes nothing with it: the next round sends what was left. */
static void test_failing_send(void **state)
{
    (void)state;
    begin("abc", 64);
    f.s.send_failed_at = 1;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_FAILED);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("abc");
    begin("abcdef", 3);
    f.s.send_failed_at = 2;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_FAILED);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("abcdef");
}

static void test_submit(void **state)
{
    (void)state;
    begin("", 64);
    ps_input in = {.type = PS_INPUT_SEARCH};
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_OK);
    assert_stepped("C");
    assert_true(in.now_us == 1000);
    assert_sent("C");
    in.type = PS_INPUT_WALL_CLOCK; /* What the machine refuses is the caller's bug. */
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_INVALID);
    f.s.send_failed_at = 2;
    in.type = PS_INPUT_SEARCH;
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_FAILED);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("CC");
}

/* A submit that the socket does not take at once is still done; the next round sends it. */
static void test_submit_into_a_full_socket(void **state)
{
    (void)state;
    begin("", 2);
    f.s.send_again_at = 1;
    ps_input in = {.type = PS_INPUT_SEARCH};
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_OK);
    assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_AGAIN); /* No room beside a promise. */
    assert_stepped("C");
    ps_pump_commit(&f.pump, UINT64_MAX);
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_OK);
    assert_sent("CC");
}

/* A command between received and not yet stepped datagrams must not make their time run back. */
static void test_submit_keeps_time_in_order(void **state)
{
    (void)state;
    begin("ABab", 3);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_stepped("AB");
    f.s.now_us = 5000;
    ps_pump_commit(&f.pump, 2);
    ps_input in = {.type = PS_INPUT_SEARCH};
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_OK);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_stepped("ABCab");
    assert_int_equal(f.s.clock_ran_back, 0);
}

/* A smaller batch receives less at a time, and what is left is more to do. */
static void test_batch_of_one(void **state)
{
    (void)state;
    begin("abc", 64);
    f.pump.batch = 1;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
    assert_stepped("a");
    assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_MORE);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("abc");
}

/* The faces of the two machines reach them. */
static void test_machines(void **state)
{
    (void)state;
    static _Alignas(64) uint8_t mem[65536];
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    cfg.crypto = ps_sim_crypto();
    cfg.max_requests = 2;
    cfg.max_publications = 4;
    cfg.name_bytes = 256;
    ps_peer *peer = NULL;
    assert_int_equal(ps_peer_init(mem, sizeof mem, &cfg, &peer), PS_OK);
    ps_machine m = ps_machine_of_peer(peer);
    assert_true(m.deadline_us(m.self) == ps_peer_deadline_us(peer));
    ps_input in = {.now_us = 1, .type = PS_INPUT_VERDICT};
    ps_output out = {0};
    size_t consumed = 9;
    assert_int_equal(m.step(m.self, &in, 0, &consumed, &out), PS_OK);
    assert_int_equal(consumed, 0);

    ps_server_config scfg;
    ps_server_config_default(&scfg);
    scfg.max_sessions = scfg.max_users = scfg.max_devices = scfg.max_publications = 4;
    scfg.max_pending_logins = 2;
    scfg.max_handshakes = 4;
    scfg.max_networks = 4;
    scfg.crypto = ps_sim_crypto();
    scfg.name_bytes = 256;
    ps_server *server = NULL;
    assert_int_equal(ps_server_init(mem, sizeof mem, &scfg, &server), PS_OK);
    m = ps_machine_of_server(server);
    assert_true(m.deadline_us(m.self) == PS_TIME_NEVER);
    assert_int_equal(m.step(m.self, &in, 0, &consumed, &out), PS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_refuses_nonsense),
        cmocka_unit_test(test_idle_round),
        cmocka_unit_test(test_answers_go_out_in_order),
        cmocka_unit_test(test_tick_after_datagrams),
        cmocka_unit_test(test_more_ticks_again),
        cmocka_unit_test(test_flood_cannot_stop_time),
        cmocka_unit_test(test_small_output_is_drained),
        cmocka_unit_test(test_output_too_small),
        cmocka_unit_test(test_partial_sends_resume),
        cmocka_unit_test(test_promises_wait_for_their_commit),
        cmocka_unit_test(test_without_a_store_promises_go_at_once),
        cmocka_unit_test(test_output_full_of_promises),
        cmocka_unit_test(test_sends_stop_among_promises),
        cmocka_unit_test(test_events_end_a_round),
        cmocka_unit_test(test_many_events),
        cmocka_unit_test(test_failing_receive),
        cmocka_unit_test(test_failing_send),
        cmocka_unit_test(test_submit),
        cmocka_unit_test(test_submit_into_a_full_socket),
        cmocka_unit_test(test_submit_keeps_time_in_order),
        cmocka_unit_test(test_batch_of_one),
        cmocka_unit_test(test_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

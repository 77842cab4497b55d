/* Promises that wait beside the output: through the pump, and the two rings against a model. */
#include "script.h"

#include "pump/hold.h"

#include "random.h"

static uint8_t held_bytes[4096];
static ps_datagram held[256];

/* A pump whose output has room for `slots` and whose hold has room for `promises` datagrams, with
 * nothing committed yet. */
static void begin_held(const char *inbox, size_t slots, size_t promises)
{
    begin(inbox, slots);
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, promises * 16, held, promises), PS_OK);
    ps_pump_commit(&f.pump, 0);
}

static void hold_refuses_nonsense(void **state)
{
    (void)state;
    begin("A", 4);
    assert_int_equal(ps_pump_hold(NULL, held_bytes, 64, held, 4), PS_INVALID);
    assert_int_equal(ps_pump_hold(&f.pump, NULL, 64, held, 4), PS_INVALID);
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 0, held, 4), PS_INVALID);
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 64, NULL, 4), PS_INVALID);
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 64, held, 0), PS_INVALID);
    if (SIZE_MAX > UINT32_MAX) {
        assert_int_equal(ps_pump_hold(&f.pump, held_bytes, SIZE_MAX, held, 4), PS_INVALID);
    }
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 64, held, 4), PS_OK);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    /* One that waits must not lose its bytes. */
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 64, held, 4), PS_INVALID);
    ps_pump_commit(&f.pump, 1);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("A");
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 64, held, 4), PS_OK);
}

/* The smallest output never fills with promises; waiting for a commit alone is neither PS_AGAIN nor
 * a deadline. */
static void promises_leave_the_output(void **state)
{
    (void)state;
    for (size_t slots = 2; slots < 12; slots++) {
        begin_held("AbCDEfGHIJk", slots, 16);
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        assert_stepped("AbCDEfGHIJk");
        assert_sent("bfk");
        assert_int_equal(f.pump.out.datagrams_len, 0);
        assert_int_equal(f.pump.out.bytes_len, 0);
        assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        assert_sent("bfk");
        ps_pump_commit(&f.pump, 8);
        assert_true(ps_pump_deadline_us(&f.pump) == 0);
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        assert_sent("bfkACDEGHIJ");
        assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
        assert_int_equal(f.pump.promises_dropped, 0);
    }
}

/* A commit of a part frees that part, before what comes later. */
static void part_by_part(void **state)
{
    (void)state;
    begin_held("ABCDE", 64, 8);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    static const char *const sent[] = {"", "Ax", "AxBx", "AxBxCx", "AxBxCxDx", "AxBxCxDxEx"};
    for (uint64_t seq = 1; seq <= 5; seq++) {
        ps_pump_commit(&f.pump, seq);
        f.s.inbox[f.s.inbox_len++] = 'x';
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        assert_sent(sent[seq]);
    }
    /* What is committed when it is said need not wait. */
    ps_pump_commit(&f.pump, UINT64_MAX);
    f.s.inbox[f.s.inbox_len++] = 'F';
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("AxBxCxDxExF");
}

static void all_is_committed_at_once(void **state)
{
    (void)state;
    begin_held("AbCdE", 64, 8);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("bd");
    ps_pump_commit(&f.pump, UINT64_MAX);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("bdACE");
}

/* In a full hold of any size the later promises are lost and counted; all else goes on, and what
 * was held is kept. */
static void a_full_hold_drops_and_counts(void **state)
{
    (void)state;
    for (size_t room = 1; room < 6; room++) {
        begin_held("AaBbCcDdEe", 4, room);
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        assert_sent("abcde");
        assert_true(f.pump.promises_dropped == 5 - room);
        ps_pump_commit(&f.pump, 5);
        f.s.inbox[f.s.inbox_len++] = 'F';
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        char expected[16] = "abcdeABCDE";
        expected[5 + room] = '\0';
        assert_sent(expected);
        ps_pump_commit(&f.pump, 6);
        assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
        strcat(expected, "F");
        assert_sent(expected);
    }
}

/* A hold with bytes for less than its datagrams, and one that a datagram never fits. */
static void bytes_run_out_before_datagrams(void **state)
{
    (void)state;
    begin("ABC", 64);
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 47, held, 8), PS_OK);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_true(f.pump.promises_dropped == 1);
    ps_pump_commit(&f.pump, UINT64_MAX);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("AB");
    begin("A", 64);
    assert_int_equal(ps_pump_hold(&f.pump, held_bytes, 15, held, 8), PS_OK);
    ps_pump_commit(&f.pump, 0);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_true(f.pump.promises_dropped == 1);
}

/* What is committed while the socket takes nothing goes first when it takes again. */
static void a_commit_while_blocked(void **state)
{
    (void)state;
    begin_held("AbCd", 64, 8);
    f.s.send_again_at = 1;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
    ps_pump_commit(&f.pump, 1);
    assert_true(ps_pump_deadline_us(&f.pump) == 0);
    f.s.send_again_at = 2;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_AGAIN);
    assert_true(ps_pump_deadline_us(&f.pump) == PS_TIME_NEVER);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("Abd");
    ps_pump_commit(&f.pump, 2);
    ps_input in = {.type = PS_INPUT_SEARCH}; /* A submit sends what was freed too. */
    assert_int_equal(ps_pump_submit(&f.pump, &in), PS_OK);
    assert_sent("AbdC");
    ps_pump_commit(&f.pump, 3);
    f.s.send_failed_at = f.s.sends + 1;
    assert_int_equal(ps_pump_run_once(&f.pump), PS_FAILED);
    assert_int_equal(ps_pump_run_once(&f.pump), PS_OK);
    assert_sent("AbdCC");
}

/* Sends that stop anywhere and commits of every size: each promise goes once, in order, and never
 * before its commit. */
static void sends_stop_among_held_promises(void **state)
{
    (void)state;
    for (size_t limit = 0; limit < 9; limit += 2) {
        for (uint64_t stride = 1; stride < 60; stride += 7) {
            begin_held("", 8, 64);
            for (size_t i = 0; i < 150; i++) {
                f.s.inbox[i] = (char)((i % 3 == 0 ? 'A' : 'a') + (int)(i % 19));
            }
            f.s.inbox_len = 150;
            f.s.send_limit = limit;
            uint64_t committed = 0;
            for (unsigned round = 0; f.s.sent_len < 150; round++) {
                assert_true(round < 600);
                (void)ps_pump_run_once(&f.pump);
                size_t promises = 0;
                for (size_t i = 0; i < f.s.sent_len; i++) {
                    if (f.s.sent[i] >= 'A' && f.s.sent[i] <= 'Z') {
                        assert_int_equal(f.s.sent[i], 'A' + (int)(promises * 3 % 19));
                        promises++;
                    }
                }
                assert_true(promises <= committed);
                committed = committed + stride < f.s.seq ? committed + stride : f.s.seq;
                ps_pump_commit(&f.pump, committed);
            }
            assert_true(f.pump.promises_dropped == 0);
        }
    }
}

/* The rings against a plain list: lengths, capacities, commits and sends at random. */

typedef struct model {
    uint64_t seq[4096];
    size_t len[4096];
    size_t first;
    size_t end;
    size_t take; /* What the next send takes. */
    test_random random;
} model;

static model m;

static uint8_t byte_of(uint64_t seq, size_t i)
{
    return (uint8_t)(seq * 31 + i);
}

static ps_status model_send(void *ctx, const uint8_t *slab, const ps_datagram dg[], size_t n,
                            size_t *sent)
{
    (void)ctx;
    m.take = (size_t)test_random_below(&m.random, n + 1);
    for (*sent = 0; *sent < m.take; (*sent)++, m.first++) {
        assert_true(m.first < m.end);
        assert_true(dg[*sent].commit_seq == m.seq[m.first]);
        assert_int_equal(dg[*sent].len, m.len[m.first]);
        for (size_t i = 0; i < dg[*sent].len; i++) {
            assert_int_equal(slab[dg[*sent].offset + i], byte_of(m.seq[m.first], i));
        }
    }
    return m.take == n ? PS_OK : PS_AGAIN;
}

static void rings_match_a_list(void **state)
{
    (void)state;
    const ps_transport transport = {.send = model_send};
    for (uint64_t seed = 0; seed < 200; seed++) {
        m = (model){.random = test_random_of(seed)};
        const size_t bytes_cap = (size_t)test_random_range(&m.random, 1, 400);
        ps_pump_held h = {.bytes = held_bytes,
                          .bytes_cap = bytes_cap,
                          .datagrams = held,
                          .cap = (size_t)test_random_range(&m.random, 1, 20)};
        uint64_t seq = 0;
        uint64_t committed = 0;
        size_t refused = 0;
        for (unsigned turn = 0; turn < 2000; turn++) {
            if (test_random_chance(&m.random, 60)) {
                uint8_t slab[256];
                ps_datagram dg = {.offset = (uint32_t)test_random_below(&m.random, 64),
                                  .commit_seq = seq + test_random_below(&m.random, 2)};
                dg.len = (uint32_t)test_random_range(&m.random, 1, 128);
                for (size_t i = 0; i < dg.len; i++) {
                    slab[dg.offset + i] = byte_of(dg.commit_seq, i);
                }
                if (ps_hold_put(&h, slab, &dg)) {
                    m.seq[m.end] = seq = dg.commit_seq;
                    m.len[m.end++] = dg.len;
                } else {
                    assert_true(m.end > m.first || dg.len > bytes_cap);
                    refused++;
                }
            } else {
                committed = test_random_range(&m.random, committed, seq);
                const ps_status status = ps_hold_send(&h, committed, &transport);
                const bool left = m.first < m.end && m.seq[m.first] <= committed;
                assert_int_equal(status, left ? PS_AGAIN : PS_OK);
                assert_int_equal(ps_hold_ready(&h, committed), left);
            }
            assert_int_equal(h.len, m.end - m.first);
        }
        assert_true(m.end > 0 || bytes_cap < 128);
        assert_true(refused > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hold_refuses_nonsense),
        cmocka_unit_test(promises_leave_the_output),
        cmocka_unit_test(part_by_part),
        cmocka_unit_test(all_is_committed_at_once),
        cmocka_unit_test(a_full_hold_drops_and_counts),
        cmocka_unit_test(bytes_run_out_before_datagrams),
        cmocka_unit_test(a_commit_while_blocked),
        cmocka_unit_test(sends_stop_among_held_promises),
        cmocka_unit_test(rings_match_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

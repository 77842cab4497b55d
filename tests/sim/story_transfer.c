/* Invariant 3: a download ends as the exact bytes, or as an error; never as a wrong file. */
#include "liars.h"
#include "story.h"
#include "xfer.h"

#include "peersync/crypto_sodium.h"

#define MIB 1048576u

static ps_sim_config network(uint64_t seed)
{
    ps_sim_config cfg;
    ps_sim_config_default(&cfg);
    cfg.seed = seed;
    cfg.link = (ps_sim_link){.latency_us = 5000, .jitter_us = 2000, .rate_bytes_s = 20000000};
    return cfg;
}

/* Seeds take turns with plain streams. */
static xfer *make_many(uint64_t seed, const uint64_t *lengths, uint32_t count)
{
    const ps_sim_config cfg = network(seed);
    xfer *x = xfer_new(&cfg, ps_crypto_sodium(), lengths, count);
    x->plain = seed % 2 == 1;
    return x;
}

static xfer *make(uint64_t seed, uint64_t length)
{
    return make_many(seed, &length, 1);
}

static void files_of_every_size_arrive(void **state)
{
    (void)state;
    static const uint64_t lengths[8] = {1, 16383, 16384, 16385, MIB, MIB - 1, MIB + 1, 5 * MIB / 2};
    for (size_t i = 0; i < 16; i++) {
        xfer *x = make(i, lengths[i / 2]);
        xfer_start(x);
        xfer_run(x, 20 * S);
        assert_int_equal(x->sink.state, STREAM_END_DONE);
        assert_int_equal(xfer_missing(x), 0);
        assert_int_equal(x->received, lengths[i / 2]);
        ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + 1 * S);
        assert_int_equal(x->source.state, STREAM_END_DONE);
        xfer_free(x);
    }
}

/* A stream's losses are delays: the file arrives all the same, only later. */
static void losses_delay_only(void **state)
{
    (void)state;
    ps_sim_config cfg = network(3);
    cfg.link.loss_ppm = 200000;
    const uint64_t length = 2 * MIB + 77;
    xfer *x = xfer_new(&cfg, ps_crypto_sodium(), &length, 1);
    xfer_start(x);
    xfer_run(x, 600 * S);
    assert_int_equal(x->sink.state, STREAM_END_DONE);
    xfer_free(x);
}

/* Partitions of every length at every stage: short ones delay, long ones end in an error. */
static void partitions_delay_or_end(void **state)
{
    (void)state;
    uint32_t done = 0;
    uint32_t failed = 0;
    for (uint64_t at = 0; at < 200 * MS; at += 17 * MS) {
        for (int k = 0; k < 2; k++) {
            xfer *x = make(at, 2 * MIB);
            xfer_start(x);
            ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + at);
            assert_int_equal(
                ps_sim_partition(x->sim, &x->source.node, 1, &x->sink.node, 1, at % 2 == 1, NULL),
                PS_OK);
            ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + (k == 0 ? 5 * S : 100 * S));
            ps_sim_heal_all(x->sim);
            xfer_run(x, 100 * S);
            assert_true(x->sink.state == STREAM_END_DONE || x->sink.state == STREAM_END_FAILED);
            assert_true(k == 1 || x->sink.state == STREAM_END_DONE);
            done += x->sink.state == STREAM_END_DONE ? 1u : 0u;
            failed += x->sink.state == STREAM_END_FAILED ? 1u : 0u;
            xfer_free(x);
        }
    }
    assert_true(done > 0 && failed > 0);
}

/* The source dies at every stage. */
static void a_source_that_dies_leaves_no_file(void **state)
{
    (void)state;
    uint32_t failed = 0;
    for (uint64_t at = 0; at < 300 * MS; at += 7 * MS) {
        xfer *x = make(at, MIB + 5);
        xfer_start(x);
        ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + at);
        const bool was_done = x->sink.state == STREAM_END_DONE;
        xfer_kill_source(x);
        xfer_run(x, 100 * S);
        assert_int_equal(x->sink.state, was_done ? STREAM_END_DONE : x->sink.state);
        assert_true(x->sink.state == STREAM_END_DONE || x->sink.state == STREAM_END_FAILED);
        failed += x->sink.state == STREAM_END_FAILED ? 1u : 0u;
        xfer_free(x);
    }
    assert_true(failed > 10);
}

/* One wrong bit anywhere in what is sent, in files of one piece, of two and of more. */
static void a_lying_source_is_found_out(void **state)
{
    (void)state;
    static const uint64_t lengths[4] = {1, 16385, MIB + 1, 3 * MIB};
    for (size_t i = 0; i < 4; i++) {
        for (uint64_t k = 0; k < 6; k++) {
            xfer *x = make(k, lengths[i]);
            const uint64_t at = k == 0   ? 0
                                : k == 1 ? lengths[i] - 1
                                         : ps_sim_random(x->sim, lengths[i]);
            x->files[0].served[at] ^= (uint8_t)(1u << (k % 8));
            xfer_start(x);
            xfer_run(x, 60 * S);
            assert_int_equal(x->sink.state, STREAM_END_FAILED);
            assert_int_equal(x->sink.error, PS_E_MISMATCH);
            xfer_free(x);
        }
    }
}

/* Hashes that do not lead to the root. */
static void a_lying_tree_is_found_out(void **state)
{
    (void)state;
    uint32_t failed = 0;
    for (size_t k = 0; k < ps_tree_nodes(3 * MIB); k++) {
        xfer *x = make(k, 3 * MIB);
        x->files[0].tree[k].bytes[k % PS_ROOT_BYTES] ^= 1;
        xfer_start(x);
        xfer_run(x, 60 * S);
        /* A node that is not sent, or is computed from others, does no harm. */
        assert_true(x->sink.state == STREAM_END_DONE || x->sink.state == STREAM_END_FAILED);
        failed += x->sink.state == STREAM_END_FAILED ? 1u : 0u;
        xfer_free(x);
    }
    assert_true(failed > 0);
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    static const uint32_t errors[3] = {PS_E_NOT_PUBLISHED, PS_E_SLOTS, PS_E_CHANGED};
    for (size_t i = 0; i < 3; i++) {
        xfer *x = make(i, MIB);
        x->files[0].refusal = errors[i];
        xfer_start(x);
        xfer_run(x, 10 * S);
        assert_int_equal(x->sink.state, STREAM_END_FAILED);
        assert_int_equal(x->sink.error, errors[i]);
        xfer_free(x);
    }
}

static void others_tickets_and_lies_are_found_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        liars_run(seed);
    }
}

/* Many files, one after the other over one stream, some of them refused: the others come. */
static void a_stream_carries_many_files(void **state)
{
    (void)state;
    uint64_t lengths[XFER_FILES];
    for (uint32_t i = 0; i < XFER_FILES; i++) {
        lengths[i] = i % 9 == 4 ? MIB + i : 1 + i * 700;
    }
    for (uint64_t seed = 1; seed <= 4; seed++) {
        xfer *x = make_many(seed, lengths, XFER_FILES);
        for (uint32_t i = 0; i < XFER_FILES; i += 5) {
            x->files[i].refusal = i % 2 == 0 ? PS_E_NOT_PUBLISHED : PS_E_CHANGED;
        }
        for (uint32_t i = 3; i < XFER_FILES; i += 10) {
            xfer_ticket(x, i, XFER_WALL_S);
        }
        xfer_start(x);
        xfer_run(x, 60 * S);
        ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + 1 * S);
        assert_int_equal(x->sink.state, STREAM_END_FAILED); /* As its first file. */
        assert_int_equal(x->sink.error, PS_E_NOT_PUBLISHED);
        assert_int_equal(x->source.state, STREAM_END_DONE);
        for (uint32_t i = 0; i < XFER_FILES; i++) {
            const uint32_t expect = i % 10 == 3  ? (uint32_t)PS_E_FILE_TICKET
                                    : i % 5 == 0 ? x->files[i].refusal
                                                 : (uint32_t)PS_E_NONE;
            assert_true(x->wanted[i].ended);
            assert_int_equal(x->wanted[i].error, expect);
            assert_int_equal(x->files[i].opened, expect != PS_E_FILE_TICKET);
            assert_int_equal(x->wanted[i].received, expect == PS_E_NONE ? lengths[i] : 0);
        }
        xfer_free(x);
    }
}

/* The stream breaks at any byte, again and again; each time the rest is fetched anew, from what is
 * verified alone. In the end the bytes are right, and no cut has cost more than a window. */
static void cuts_at_any_byte_cost_a_window_at_most(void **state)
{
    (void)state;
    static const uint64_t lengths[3] = {9 * MIB + 321, 40000, 3 * MIB};
    const uint64_t all = lengths[0] + lengths[1] + lengths[2];
    uint64_t cuts = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        xfer *x = make_many(seed, lengths, 3);
        uint64_t rounds = 0;
        while (xfer_missing(x) > 0) {
            const uint64_t missing = xfer_missing(x);
            const uint64_t before = x->received;
            xfer_start(x);
            /* Near the beginning, where the frames are, as often as in the middle. */
            x->sink.cut_after = 1 + ps_sim_random(x->sim, rounds % 2 == 0 ? 400 : 3 * MIB);
            xfer_run(x, 60 * S);
            assert_true(x->sink.state != STREAM_END_RUNNING);
            assert_true(x->received - before <= missing);
            assert_true(missing - xfer_missing(x) <= x->received - before);
            rounds++;
            assert_true(rounds < 200);
        }
        cuts += rounds - 1;
        assert_true(x->received <= all + (rounds - 1) * 8 * MIB);
        for (uint32_t i = 0; i < 3; i++) {
            assert_memory_equal(x->files[i].received, x->files[i].original, (size_t)lengths[i]);
        }
        xfer_free(x);
    }
    assert_true(cuts > 30);
}

/* The source stands still for longer than a downloader waits, and goes on at the next try. */
static void a_source_that_stalls_is_left_and_found_again(void **state)
{
    (void)state;
    for (uint64_t at = 10 * MS; at < 600 * MS; at += 90 * MS) {
        xfer *x = make(at, 6 * MIB);
        xfer_start(x);
        ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + at);
        ps_sim_pause(x->sim, x->source.node, 40 * S);
        xfer_run(x, 100 * S);
        if (x->sink.state == STREAM_END_FAILED) {
            assert_int_equal(x->sink.error, PS_E_STALLED);
            ps_sim_run_until(x->sim, ps_sim_now_us(x->sim) + 20 * S);
            const uint64_t missing = xfer_missing(x);
            const uint64_t before = x->received;
            xfer_start(x);
            xfer_run(x, 20 * S);
            assert_int_equal(x->received - before, missing);
        }
        assert_int_equal(x->sink.state, STREAM_END_DONE);
        xfer_free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_every_size_arrive),
        cmocka_unit_test(losses_delay_only),
        cmocka_unit_test(partitions_delay_or_end),
        cmocka_unit_test(a_source_that_dies_leaves_no_file),
        cmocka_unit_test(a_lying_source_is_found_out),
        cmocka_unit_test(a_lying_tree_is_found_out),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(others_tickets_and_lies_are_found_out),
        cmocka_unit_test(a_stream_carries_many_files),
        cmocka_unit_test(cuts_at_any_byte_cost_a_window_at_most),
        cmocka_unit_test(a_source_that_stalls_is_left_and_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

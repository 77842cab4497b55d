/* The contract of ps_transport. */
#include "conformance_internal.h"

#include <stdlib.h>
#include <string.h>

#define BATCH     64u
#define SLAB      (BATCH * 1280u)
#define OVERSIZED (PS_DATAGRAM_MAX + 300u)

static ps_addr endpoint_addr(const ps_transport *t, size_t index)
{
    ps_addr all[8];
    size_t n = t->endpoints(t->ctx, all, 8);
    assert_true(index < n && n <= 8);
    return all[index];
}

/* Sends one datagram from the endpoint to an address; the world is idle, so it must go. */
static void send_one(const ps_transport *t, uint32_t endpoint, const ps_addr *to,
                     const uint8_t *bytes, size_t len)
{
    const ps_datagram dg = {.to = *to, .endpoint = endpoint, .len = (uint32_t)len};
    size_t sent = 0;
    assert_int_equal(t->send(t->ctx, bytes, &dg, 1, &sent), PS_OK);
    assert_int_equal(sent, 1);
}

/* Waits for at least one datagram. */
static size_t receive(conformance_world *w, const ps_transport *t, ps_input in[], size_t cap)
{
    size_t n = 0;
    ps_status status = PS_AGAIN;
    while ((status = t->receive(t->ctx, in, cap, &n)) == PS_AGAIN) {
        conformance_wait(w);
    }
    assert_int_equal(status, PS_OK);
    assert_in_range(n, 1, cap);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(in[i].type, PS_INPUT_DATAGRAM);
    }
    return n;
}

static void test_endpoints(void **state)
{
    conformance_world *w = *state;
    for (unsigned node = 0; node < CONFORMANCE_NODES; node++) {
        const ps_transport *t = w->udp[node];
        const size_t expected = node == 0 ? 2 : 1;
        ps_addr all[4];
        memset(all, 0, sizeof all);
        assert_int_equal(t->endpoints(t->ctx, all, 4), expected);
        for (size_t i = 0; i < expected; i++) {
            assert_true(all[i].family == PS_ADDR_V4 || all[i].family == PS_ADDR_V6);
            assert_true(all[i].port != 0);
        }
        assert_int_equal(all[expected].family, PS_ADDR_NONE);
        ps_addr none = {0};
        assert_int_equal(t->endpoints(t->ctx, &none, 0), expected);
        assert_int_equal(none.family, PS_ADDR_NONE);
    }
    const ps_addr a = endpoint_addr(w->udp[0], 0);
    const ps_addr b = endpoint_addr(w->udp[0], 1);
    assert_false(ps_addr_equal(&a, &b));
}

static void test_nothing_to_receive(void **state)
{
    conformance_world *w = *state;
    ps_input in[4];
    for (unsigned node = 0; node < CONFORMANCE_NODES; node++) {
        size_t n = 99;
        assert_int_equal(w->udp[node]->receive(w->udp[node]->ctx, in, 4, &n), PS_AGAIN);
    }
}

static void test_nothing_to_send(void **state)
{
    conformance_world *w = *state;
    size_t sent = 99;
    assert_int_equal(w->udp[0]->send(w->udp[0]->ctx, NULL, NULL, 0, &sent), PS_OK);
    assert_int_equal(sent, 0);
}

static void test_one_datagram(void **state)
{
    conformance_world *w = *state;
    const ps_addr to = endpoint_addr(w->udp[1], 0);
    const ps_addr from = endpoint_addr(w->udp[2], 0);
    const uint64_t before_us = w->udp[1]->now_us(w->udp[1]->ctx);
    send_one(w->udp[2], 0, &to, (const uint8_t *)"hello", 5);
    ps_input in[4];
    assert_int_equal(receive(w, w->udp[1], in, 4), 1);
    assert_int_equal(in[0].u.datagram.len, 5);
    assert_memory_equal(in[0].u.datagram.data, "hello", 5);
    assert_int_equal(in[0].u.datagram.endpoint, 0);
    assert_memory_equal(&in[0].u.datagram.from, &from, sizeof from);
    assert_true(in[0].now_us >= before_us);
    assert_true(in[0].now_us <= w->udp[1]->now_us(w->udp[1]->ctx));
    size_t n = 0;
    assert_int_equal(w->udp[1]->receive(w->udp[1]->ctx, in, 4, &n), PS_AGAIN);
}

static void test_sizes(void **state)
{
    conformance_world *w = *state;
    static const size_t sizes[] = {0, 1, 2, 511, 512, PS_DATAGRAM_MAX - 1, PS_DATAGRAM_MAX};
    const ps_addr to = endpoint_addr(w->udp[1], 0);
    uint8_t bytes[PS_DATAGRAM_MAX];
    test_random r = test_random_of(1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        test_random_bytes(&r, bytes, sizeof bytes);
        send_one(w->udp[0], 0, &to, bytes, sizes[i]);
        ps_input in[2];
        assert_int_equal(receive(w, w->udp[1], in, 2), 1);
        assert_int_equal(in[0].u.datagram.len, sizes[i]);
        assert_non_null(in[0].u.datagram.data);
        assert_memory_equal(in[0].u.datagram.data, bytes, sizes[i]);
    }
}

/* What is too long is told to be so, and does not spoil its neighbours. */
static void test_oversized(void **state)
{
    conformance_world *w = *state;
    static uint8_t bytes[OVERSIZED];
    const ps_addr to = endpoint_addr(w->udp[1], 0);
    const size_t sizes[] = {PS_DATAGRAM_MAX + 1, 7, OVERSIZED, 8};
    for (size_t i = 0; i < 4; i++) {
        send_one(w->udp[0], 0, &to, bytes, sizes[i]);
    }
    size_t seen = 0;
    size_t oversized = 0;
    size_t small = 0;
    while (seen < 4) {
        ps_input in[4];
        size_t n = receive(w, w->udp[1], in, 4);
        for (size_t i = 0; i < n; i++) {
            const size_t len = in[i].u.datagram.len;
            oversized += len > PS_DATAGRAM_MAX ? 1u : 0u;
            small += len == 7 || len == 8 ? len : 0u;
        }
        seen += n;
    }
    assert_int_equal(oversized, 2);
    assert_int_equal(small, 15);
}

/* The i-th of a batch: its length and every byte follow from i. */
static size_t fill(uint8_t *bytes, size_t i)
{
    const size_t len = 1 + (i * 37) % PS_DATAGRAM_MAX;
    memset(bytes, (int)(i & 0xff), len);
    bytes[0] = (uint8_t)i;
    return len;
}

static void batch_received_in_arrays_of(conformance_world *w, size_t cap)
{
    static uint8_t slab[SLAB];
    ps_datagram dg[BATCH];
    ps_input in[BATCH];
    bool seen[BATCH] = {false};
    const ps_addr to = endpoint_addr(w->udp[2], 0);
    for (size_t i = 0; i < BATCH; i++) {
        dg[i] = (ps_datagram){.to = to, .offset = (uint32_t)(i * 1280)};
        dg[i].len = (uint32_t)fill(slab + dg[i].offset, i);
    }
    size_t sent = 0;
    assert_int_equal(w->udp[1]->send(w->udp[1]->ctx, slab, dg, BATCH, &sent), PS_OK);
    assert_int_equal(sent, BATCH);
    memset(slab, 0xee, sizeof slab); /* What was sent is the transport's own by now. */
    for (size_t got = 0; got < BATCH;) {
        size_t n = receive(w, w->udp[2], in, cap);
        for (size_t i = 0; i < n; i++, got++) {
            uint8_t expected[1280];
            const size_t index = in[i].u.datagram.data[0];
            assert_true(index < BATCH && !seen[index]);
            assert_true(index == got || !w->adapter->ordered);
            seen[index] = true;
            assert_int_equal(in[i].u.datagram.len, fill(expected, index));
            assert_memory_equal(in[i].u.datagram.data, expected, in[i].u.datagram.len);
        }
    }
}

static void test_batches(void **state)
{
    conformance_world *w = *state;
    batch_received_in_arrays_of(w, 64);
    batch_received_in_arrays_of(w, 7);
    batch_received_in_arrays_of(w, 1);
}

static void test_answer_leaves_from_its_endpoint(void **state)
{
    conformance_world *w = *state;
    for (uint32_t id = 0; id < 2; id++) {
        const ps_addr to = endpoint_addr(w->udp[0], id);
        send_one(w->udp[1], 0, &to, (const uint8_t *)"?", 1);
        ps_input in[2];
        assert_int_equal(receive(w, w->udp[0], in, 2), 1);
        assert_int_equal(in[0].u.datagram.endpoint, id);
        const ps_addr back = in[0].u.datagram.from;
        send_one(w->udp[0], in[0].u.datagram.endpoint, &back, (const uint8_t *)"!", 1);
        assert_int_equal(receive(w, w->udp[1], in, 2), 1);
        assert_true(ps_addr_equal(&in[0].u.datagram.from, &to));
    }
}

/* Both endpoints of a node and both other nodes at once: everything arrives, with its origin. */
static void test_many_senders(void **state)
{
    conformance_world *w = *state;
    unsigned counts[2][2] = {{0, 0}, {0, 0}};
    for (unsigned round = 0; round < 10; round++) {
        for (uint32_t id = 0; id < 2; id++) {
            const ps_addr to = endpoint_addr(w->udp[0], id);
            send_one(w->udp[1], 0, &to, (const uint8_t *)"1", 1);
            send_one(w->udp[2], 0, &to, (const uint8_t *)"2", 1);
        }
    }
    const ps_addr first = endpoint_addr(w->udp[1], 0);
    for (unsigned got = 0; got < 40;) {
        ps_input in[64];
        size_t n = receive(w, w->udp[0], in, 64);
        for (size_t i = 0; i < n; i++, got++) {
            const ps_input_datagram *d = &in[i].u.datagram;
            const bool is_first = ps_addr_equal(&d->from, &first);
            assert_int_equal(d->data[0], is_first ? '1' : '2');
            assert_true(d->endpoint < 2);
            counts[is_first ? 0 : 1][d->endpoint]++;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(counts[i / 2][i % 2], 10);
    }
}

/* A sender that nobody listens to fills what there is to fill, is never held up, and the network
 * carries on afterwards. */
static void test_full_socket(void **state)
{
    conformance_world *w = *state;
    static uint8_t slab[PS_DATAGRAM_MAX];
    const ps_addr to = endpoint_addr(w->udp[1], 0);
    ps_datagram dg[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        dg[i] = (ps_datagram){.to = to, .len = PS_DATAGRAM_MAX};
    }
    for (unsigned round = 0; round < 128; round++) {
        for (size_t at = 0; at < BATCH;) {
            size_t sent = 0;
            ps_status status = w->udp[0]->send(w->udp[0]->ctx, slab, dg + at, BATCH - at, &sent);
            assert_true(status == PS_OK ? sent == BATCH - at : sent < BATCH - at);
            at += sent;
            if (status != PS_OK) {
                assert_int_equal(status, PS_AGAIN);
                conformance_wait(w);
            }
        }
    }
    /* The last datagram may come behind what is still under way; it is sent again until heard. */
    ps_input in[BATCH];
    for (bool heard = false; !heard;) {
        size_t n = 0;
        ps_status status = w->udp[1]->receive(w->udp[1]->ctx, in, BATCH, &n);
        for (size_t i = 0; status == PS_OK && i < n; i++) {
            heard = heard || in[i].u.datagram.len == 3;
        }
        if (status == PS_AGAIN) {
            send_one(w->udp[0], 0, &to, (const uint8_t *)"end", 3);
            conformance_wait(w);
        }
    }
}

/* Who is not there costs the others nothing, neither now nor when the network says so. */
static void test_unreachable_counts_as_sent(void **state)
{
    conformance_world *w = *state;
    const ps_addr nobody = w->adapter->nobody(w->ctx);
    const ps_addr to = endpoint_addr(w->udp[1], 0);
    const ps_addr back = endpoint_addr(w->udp[0], 0);
    for (unsigned round = 0; round < 4; round++) {
        ps_datagram dg[4];
        for (size_t i = 0; i < 4; i++) {
            dg[i] = (ps_datagram){.to = i % 2 == 0 ? nobody : to, .offset = (uint32_t)i, .len = 1};
        }
        size_t sent = 0;
        const uint8_t *slab = (const uint8_t *)"abcd";
        assert_int_equal(w->udp[0]->send(w->udp[0]->ctx, slab, dg, 4, &sent), PS_OK);
        assert_int_equal(sent, 4);
        unsigned sum = 0;
        for (size_t got = 0; got < 2;) {
            ps_input in[4];
            size_t n = receive(w, w->udp[1], in, 4);
            for (size_t i = 0; i < n; i++, got++) {
                sum += in[i].u.datagram.data[0];
            }
        }
        assert_int_equal(sum, 'b' + 'd');
        send_one(w->udp[1], 0, &back, (const uint8_t *)"e", 1);
        ps_input in[4];
        assert_int_equal(receive(w, w->udp[0], in, 4), 1);
        assert_int_equal(in[0].u.datagram.data[0], 'e');
    }
}

static void test_clock_never_runs_back(void **state)
{
    conformance_world *w = *state;
    const ps_transport *t = w->udp[0];
    const uint64_t start_us = t->now_us(t->ctx);
    uint64_t last_us = start_us;
    uint64_t last_wall_s = t->wall_s(t->ctx);
    while (last_us < start_us + 50000) {
        conformance_wait(w);
        const uint64_t now_us = t->now_us(t->ctx);
        const uint64_t wall_s = t->wall_s(t->ctx);
        assert_true(now_us >= last_us);
        assert_true((wall_s == 0) == (last_wall_s == 0));
        assert_true(wall_s >= last_wall_s && wall_s <= last_wall_s + 60);
        last_us = now_us;
        last_wall_s = wall_s;
    }
}

static void test_entropy_differs(void **state)
{
    conformance_world *w = *state;
    uint8_t draws[6][32];
    memset(draws, 0, sizeof draws);
    for (unsigned i = 0; i < 6; i++) {
        const ps_transport *t = w->udp[i % CONFORMANCE_NODES];
        assert_int_equal(t->entropy(t->ctx, draws[i], 32), PS_OK);
        for (unsigned j = 0; j < i; j++) {
            assert_memory_not_equal(draws[i], draws[j], 32);
        }
    }
    /* All of a long request is filled: none of its 16-byte parts stays zero. */
    static uint8_t large[4096];
    static const uint8_t zero[16];
    memset(large, 0, sizeof large);
    assert_int_equal(w->udp[0]->entropy(w->udp[0]->ctx, large, sizeof large), PS_OK);
    for (size_t i = 0; i < sizeof large; i += 16) {
        assert_memory_not_equal(large + i, zero, 16);
    }
    assert_int_equal(w->udp[0]->entropy(w->udp[0]->ctx, large, 0), PS_OK);
}

int conformance_run_datagrams(const conformance_adapter *adapter)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(test_endpoints),
        CONFORMANCE_TEST(test_nothing_to_receive),
        CONFORMANCE_TEST(test_nothing_to_send),
        CONFORMANCE_TEST(test_one_datagram),
        CONFORMANCE_TEST(test_sizes),
        CONFORMANCE_TEST(test_oversized),
        CONFORMANCE_TEST(test_batches),
        CONFORMANCE_TEST(test_answer_leaves_from_its_endpoint),
        CONFORMANCE_TEST(test_many_senders),
        CONFORMANCE_TEST(test_full_socket),
        CONFORMANCE_TEST(test_unreachable_counts_as_sent),
        CONFORMANCE_TEST(test_clock_never_runs_back),
        CONFORMANCE_TEST(test_entropy_differs),
    };
    return cmocka_run_group_tests_name(adapter->name, tests, NULL, NULL);
}

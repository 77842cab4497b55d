/* Sizes, impossible configurations, init, counters, capacities from the smallest up. */
#include "rig.h"

static void defaults_are_possible(void **state)
{
    (void)state;
    ps_peer_config cfg;
    ps_peer_config_default(&cfg);
    assert_int_equal(cfg.size, sizeof cfg);
    assert_int_equal(cfg.max_requests, 64);
    assert_int_equal(cfg.max_publications, 131072);
    assert_int_equal(cfg.request_ms, 10000);
    assert_int_equal(cfg.datagram_max, PS_DATAGRAM_MAX);
    assert_int_equal(cfg.rekey_ms, 3600000);
    assert_int_equal(cfg.rekey_packets, UINT64_C(1) << 32);
    assert_int_equal(ps_peer_size(&cfg), 0); /* The cryptography is the caller's. */
    cfg.crypto = ps_sim_crypto();
    assert_true(ps_peer_size(&cfg) > 0);
}

static void impossible_configurations_have_no_size(void **state)
{
    (void)state;
    const ps_peer_config good = rig_config();
    assert_int_equal(ps_peer_size(NULL), 0);
#define BAD(field, value)                                                                          \
    do {                                                                                           \
        ps_peer_config cfg = good;                                                                 \
        cfg.field = (value);                                                                       \
        assert_int_equal(ps_peer_size(&cfg), 0);                                                   \
    } while (0)
    BAD(size, 0);
    BAD(size, sizeof good + 1);
    BAD(max_requests, 0);
    BAD(max_requests, PS_PEER_REQUESTS_MAX + 1);
    BAD(max_publications, 0);
    BAD(max_publications, (1u << 24) + 1);
    BAD(name_bytes, UINT64_MAX);
    BAD(request_ms, 0);
    BAD(datagram_max, PS_DATAGRAM_MIN - 1);
    BAD(datagram_max, PS_DATAGRAM_MAX + 1);
    BAD(rekey_ms, 0);
    BAD(rekey_packets, 0);
    BAD(crypto, NULL);
#undef BAD
    const ps_crypto whole = *good.crypto;
    ps_crypto lame = whole;
    ps_peer_config cfg = good;
    cfg.crypto = &lame;
    assert_int_equal(ps_peer_size(&cfg), ps_peer_size(&good));
#define LACKS(field)                                                                               \
    do {                                                                                           \
        lame = whole;                                                                              \
        lame.field = 0;                                                                            \
        assert_int_equal(ps_peer_size(&cfg), 0);                                                   \
    } while (0)
    LACKS(size);
    LACKS(sha256_init);
    LACKS(sha256_update);
    LACKS(sha256_final);
    LACKS(x25519_public);
    LACKS(x25519);
    LACKS(seal);
    LACKS(open);
#undef LACKS
    cfg = good;
    cfg.max_requests = PS_PEER_REQUESTS_MAX;
    cfg.max_publications = 1u << 24;
    cfg.name_bytes = 0;
    cfg.request_ms = 1;
    cfg.datagram_max = PS_DATAGRAM_MIN;
    assert_true(ps_peer_size(&cfg) > 0);
}

static void size_grows_with_each_capacity(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    const size_t base = ps_peer_size(&cfg);
    cfg.max_requests *= 2;
    assert_true(ps_peer_size(&cfg) > base);
    cfg = rig_config();
    cfg.max_publications *= 2;
    assert_true(ps_peer_size(&cfg) > base);
    cfg = rig_config();
    cfg.name_bytes *= 2;
    assert_true(ps_peer_size(&cfg) > base);
}

static void init_refuses_and_leaves_the_memory(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    const size_t need = ps_peer_size(&cfg);
    const size_t len = (need + 63) / 64 * 64 + 64;
    uint8_t *mem = aligned_alloc(64, len);
    uint8_t *before = malloc(len);
    ps_peer *p = NULL;
    assert_non_null(mem);
    assert_non_null(before);
    memset(mem, 0xa5, len);
    memcpy(before, mem, len);
    assert_int_equal(ps_peer_init(NULL, need, &cfg, &p), PS_INVALID);
    assert_int_equal(ps_peer_init(mem, need - 1, &cfg, &p), PS_INVALID);
    assert_int_equal(ps_peer_init(mem + 32, need, &cfg, &p), PS_INVALID);
    assert_int_equal(ps_peer_init(mem, need, NULL, &p), PS_INVALID);
    assert_int_equal(ps_peer_init(mem, need, &cfg, NULL), PS_INVALID);
    cfg.max_requests = 0;
    assert_int_equal(ps_peer_init(mem, need, &cfg, &p), PS_INVALID);
    assert_null(p);
    assert_memory_equal(mem, before, len);
    cfg = rig_config();
    assert_int_equal(ps_peer_init(mem, need, &cfg, &p), PS_OK);
    assert_ptr_equal(p, mem);
    assert_memory_equal(mem + need, before + need, len - need);
    assert_int_equal(ps_peer_check(p), 0);
    free(mem);
    free(before);
}

static void begins_idle(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    const ps_peer_stats stats = rig_stats(r);
    assert_int_equal(stats.state, PS_PEER_IDLE);
    assert_int_equal(stats.publications, 0);
    assert_int_equal(stats.unacknowledged, 0);
    assert_int_equal(stats.requests, 0);
    assert_int_equal(stats.rtt_us, 0);
    assert_int_equal(stats.datagrams_out, 0);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    assert_int_equal(rig_tick(r), PS_OK);
    assert_int_equal(r->sent_len + r->events_len, 0);
    rig_free(r);
}

static void zeroed_memory_serves_as_well(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.mem_is_zero = true;
    rig *zeroed = rig_new(&cfg);
    rig *dirty = rig_new_default();
    rig *both[] = {zeroed, dirty};
    for (int i = 0; i < 2; i++) {
        (void)rig_login(both[i]);
        rig_accept(both[i], 0);
        (void)rig_publish(both[i], 1, "file", 5);
        rig_acknowledge(both[i]);
        (void)rig_command(both[i], PS_INPUT_SEARCH, 2, "x");
    }
    assert_int_equal(zeroed->sent_len, dirty->sent_len);
    for (size_t i = 0; i < zeroed->sent_len; i++) {
        assert_memory_equal(zeroed->sent[i].body, dirty->sent[i].body, zeroed->sent[i].body_len);
    }
    rig_free(zeroed);
    rig_free(dirty);
}

static void request_table_swept_from_one(void **state)
{
    (void)state;
    for (uint32_t cap = 1; cap <= 20; cap++) {
        ps_peer_config cfg = rig_config();
        cfg.max_requests = cap;
        rig *r = rig_new(&cfg);
        (void)rig_login(r);
        rig_accept(r, 0);
        for (uint32_t k = 0; k < cap + 2; k++) {
            (void)rig_command(r, PS_INPUT_LIST_PEERS, 100 + k, "");
        }
        assert_int_equal(rig_stats(r).requests, cap);
        assert_int_equal(rig_done(r, 100 + cap), PS_E_BUSY);
        assert_int_equal(rig_done(r, 101 + cap), PS_E_BUSY);
        for (uint32_t k = 0; k < cap; k++) {
            rig_packet(r);
            craft_page(&r->c, PS_MSG_PEERS, rig_nth(r, PS_MSG_LIST_PEERS, k)->request, 0);
            craft_end(&r->c);
            (void)rig_deliver(r);
            assert_int_equal(rig_done(r, 100 + k), PS_E_NONE);
        }
        assert_int_equal(rig_stats(r).requests, 0);
        (void)rig_command(r, PS_INPUT_LIST_PEERS, 7, "");
        assert_false(rig_is_done(r, 7));
        rig_free(r);
    }
}

static void publications_and_names_swept_from_the_smallest(void **state)
{
    (void)state;
    char name[64];
    for (uint32_t cap = 1; cap <= 40; cap += 3) {
        for (uint64_t name_bytes = 0; name_bytes <= 28 * 4; name_bytes += 28) {
            ps_peer_config cfg = rig_config();
            cfg.max_publications = cap;
            cfg.name_bytes = name_bytes;
            rig *r = rig_new(&cfg);
            uint32_t full = 0;
            uint32_t blocks = (uint32_t)(name_bytes / 28);
            uint32_t held = 0;
            for (uint32_t k = 0; k < cap + 5; k++) {
                const bool longer = k % 2 == 1; /* 30 bytes: a block more. */
                (void)snprintf(name, sizeof name, longer ? "%030u" : "%u", k);
                const bool fits = held < cap && (!longer || blocks > 0);
                (void)rig_publish(r, k, name, 1);
                assert_int_equal(rig_is_done(r, k), !fits);
                if (fits) {
                    held++;
                    blocks -= longer ? 1 : 0;
                } else {
                    assert_int_equal(rig_done(r, k), PS_E_FULL);
                    full++;
                }
            }
            assert_true(full >= 5);
            assert_int_equal(rig_stats(r).publications, held);
            rig_free(r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_possible),
        cmocka_unit_test(impossible_configurations_have_no_size),
        cmocka_unit_test(size_grows_with_each_capacity),
        cmocka_unit_test(init_refuses_and_leaves_the_memory),
        cmocka_unit_test(begins_idle),
        cmocka_unit_test(zeroed_memory_serves_as_well),
        cmocka_unit_test(request_table_swept_from_one),
        cmocka_unit_test(publications_and_names_swept_from_the_smallest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

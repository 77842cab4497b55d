/* The heap against a plain search for the least, over random histories. */
#include "random.h"
#include "rig.h"

static uint32_t take(ps_peer *p, uint64_t key)
{
    const uint32_t i =
        ps_slots_take(&p->requests, ps_peer_request_at(p, 0), sizeof(ps_peer_request));
    if (i != PS_NIL) {
        memset(ps_peer_request_at(p, i), 0, sizeof(ps_peer_request));
        ps_peer_request_at(p, i)->next_us = key;
        ps_peer_heap_push(p, i);
    }
    return i;
}

static void give(ps_peer *p, uint32_t i)
{
    ps_peer_heap_remove(p, i);
    assert_int_equal(ps_peer_request_at(p, i)->heap_at, PS_NIL);
    ps_slots_give(&p->requests, ps_peer_request_at(p, 0), sizeof(ps_peer_request), i);
}

static void verify(const ps_peer *p)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t k = 0; k < p->requests.used; k++) {
        const ps_peer_request *r = ps_peer_request_at(p, ps_peer_heap(p)[k]);
        assert_int_equal(r->heap_at, k);
        least = r->next_us < least ? r->next_us : least;
    }
    const uint32_t top = ps_peer_heap_top(p);
    if (p->requests.used == 0) {
        assert_int_equal(top, PS_NIL);
    } else {
        assert_int_equal(ps_peer_request_at(p, top)->next_us, least);
    }
}

static void random_histories(void **state)
{
    (void)state;
    for (uint32_t cap = 1; cap <= 33; cap += cap < 4 ? 1 : 7) {
        ps_peer_config cfg = rig_config();
        cfg.max_requests = cap;
        rig *r = rig_new(&cfg);
        test_random random = test_random_of(cap);
        for (int n = 0; n < 1500; n++) {
            const uint64_t key = test_random_below(&random, 50);
            const uint32_t used = r->p->requests.used;
            const uint64_t what = test_random_below(&random, 3);
            if (what == 0 || used == 0) {
                assert_int_equal(take(r->p, key) == PS_NIL, used == cap);
            } else {
                const uint32_t at = (uint32_t)test_random_below(&random, used);
                const uint32_t i = ps_peer_heap(r->p)[at];
                if (what == 1) {
                    give(r->p, i);
                } else {
                    ps_peer_request_at(r->p, i)->next_us = key;
                    ps_peer_heap_update(r->p, i);
                }
            }
            verify(r->p);
        }
        rig_free(r);
    }
}

static void comes_out_in_order(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_requests = PS_PEER_REQUESTS_MAX;
    rig *r = rig_new(&cfg);
    for (uint32_t i = 0; i < PS_PEER_REQUESTS_MAX; i++) {
        assert_int_not_equal(take(r->p, i * 7919u % 1031u), PS_NIL);
    }
    assert_int_equal(take(r->p, 0), PS_NIL);
    uint64_t last = 0;
    while (r->p->requests.used > 0) {
        const uint32_t i = ps_peer_heap_top(r->p);
        assert_true(ps_peer_request_at(r->p, i)->next_us >= last);
        last = ps_peer_request_at(r->p, i)->next_us;
        give(r->p, i);
    }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories),
        cmocka_unit_test(comes_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

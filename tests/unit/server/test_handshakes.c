#include "fixture.h"

static void are_found_by_address_and_client(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    f->s->pending_mask = 0; /* All in one chain. */
    client c[4];
    for (uint16_t i = 0; i < 4; i++) {
        c[i] = client_make(f, "alice", (uint16_t)(4000 + i));
        client_login_send(&c[i]);
    }
    assert_int_equal(fixture_stats(f).pending_logins, 4);
    for (size_t i = 0; i < 4; i++) {
        uint32_t p = ps_pending_find(f->s, &c[i].addr, c[i].client_id);
        assert_int_not_equal(p, PS_NIL);
        assert_int_equal(ps_pending_find(f->s, &c[i].addr, c[i].client_id + 1), PS_NIL);
        assert_int_equal(ps_pending_find(f->s, &c[(i + 1) % 4].addr, c[i].client_id), PS_NIL);
    }
    const size_t order[] = {2, 0, 3, 1};
    for (size_t i = 0; i < 4; i++) {
        const client *x = &c[order[i]];
        ps_pending_remove(f->s, ps_pending_find(f->s, &x->addr, x->client_id));
        assert_int_equal(ps_pending_find(f->s, &x->addr, x->client_id), PS_NIL);
        assert_int_equal(ps_server_check(f->s), 0);
    }
    fixture_free(f);
}

static void expire_when_no_verdict_comes(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    assert_int_equal(ps_server_deadline_us(f->s), f->now_us + 15000000);
    f->now_us += 14999999;
    (void)fixture_tick(f);
    assert_int_equal(fixture_stats(f).pending_logins, 1);
    f->now_us += 1;
    (void)fixture_tick(f);
    assert_int_equal(fixture_stats(f).pending_logins, 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_found_by_address_and_client),
        cmocka_unit_test(expire_when_no_verdict_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

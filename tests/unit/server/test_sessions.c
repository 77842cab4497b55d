#include "fixture.h"

static void ids_are_never_reused(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    enum { LOGINS = 500 };
    static uint64_t ids[LOGINS];
    client a = client_make(f, "alice", 4001);
    for (size_t i = 0; i < LOGINS; i++) {
        a.client_id++;
        client_login(&a); /* The same device: each replaces the one before. */
        ids[i] = a.session_id;
        for (size_t k = 0; k < i; k++) {
            assert_true(ids[k] != ids[i]);
        }
        assert_int_equal(ps_session_find(f->s, a.session_id), 0);
        assert_int_equal(i > 0 ? ps_session_find(f->s, ids[i - 1]) : PS_NIL, PS_NIL);
    }
    fixture_free(f);
}

static void another_seed_gives_other_ids(void **state)
{
    (void)state;
    uint64_t ids[2];
    for (int k = 0; k < 2; k++) {
        ps_server_config cfg;
        fixture_config(&cfg);
        cfg.seed[31] = (uint8_t)k;
        fixture *f = fixture_new(&cfg);
        client a = client_make(f, "alice", 4001);
        client_login(&a);
        ids[k] = a.session_id;
        fixture_free(f);
    }
    assert_true(ids[0] != ids[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_never_reused),
        cmocka_unit_test(another_seed_gives_other_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

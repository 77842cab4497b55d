/* The checker must be able to fail: each kind of damage is found. */
#include "fixture.h"

static fixture *sound(void)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    client c = client_make(f, "carol", 4003);
    client_login(&a);
    client_login(&b);
    client_login_send(&c);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_NONE);
    return f;
}

#define BREAKS(damage)                                                                             \
    do {                                                                                           \
        fixture *f = sound();                                                                      \
        ps_server *s = f->s;                                                                       \
        damage;                                                                                    \
        assert_int_not_equal(ps_server_check(s), 0);                                               \
        fixture_free(f);                                                                           \
    } while (0)

static void finds_each_damage(void **state)
{
    (void)state;
    BREAKS(ps_session_at(s, 0)->id ^= 1);
    BREAKS(ps_session_at(s, 0)->user = 1);
    BREAKS(ps_receiver_add(s, 0)); /* Twice in the index. */
    BREAKS(ps_session_at(s, 0)->device = 1);
    BREAKS(ps_session_at(s, 0)->generation++);
    BREAKS(ps_session_at(s, 0)->datagram_max = 0);
    BREAKS(ps_session_at(s, 0)->client_id = 0);
    BREAKS(ps_session_times(s)[0].deadline_us = UINT64_MAX);
    BREAKS(ps_session_times(s)[0].next = 0);
    BREAKS(s->sessions.used++);
    BREAKS(s->liveness.head = PS_NIL);
    BREAKS(ps_user_at(&s->directory, 0)->session = PS_NIL);
    BREAKS(ps_handshake_at(s, 2)->client_id ^= 1);
    BREAKS(ps_handshake_at(s, 2)->id ^= 1);
    BREAKS(ps_handshake_at(s, 2)->state = PS_HANDSHAKE_REFUSED);
    BREAKS(ps_handshake_at(s, 0)->state = PS_HANDSHAKE_OPEN);
    BREAKS(s->handshakes.used = 0);
    BREAKS(s->logins = 0);
    BREAKS(s->retiring = 1);
    BREAKS(s->logging_in.tail = 3);
    BREAKS(s->admitted.head = PS_NIL);
    BREAKS(s->directory.pubs.used++);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_each_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

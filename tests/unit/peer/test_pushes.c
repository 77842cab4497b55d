/* CHALLENGE and PUSH are answered, together, from inside the session only. */
#include "rig.h"

static void a_challenge_is_echoed(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    uint64_t nonce = 0;
    rig_packet(r);
    craft_challenge(&r->c, 42, UINT64_C(0x0123456789abcdef));
    (void)rig_deliver(r);
    const rig_sent *s = rig_last(r, PS_MSG_CHALLENGE_OK);
    assert_int_equal(s->request, 42);
    assert_int_equal(s->receiver_id, RIG_SESSION);
    assert_int_equal(s->counter, 2); /* LOGIN had the first. */
    assert_true(ps_challenge_decode((ps_span){s->body, s->body_len}, &nonce));
    assert_true(nonce == UINT64_C(0x0123456789abcdef));
    rig_free(r);
}

static void every_push_is_acknowledged(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    for (unsigned kind = 0; kind < 256; kind++) {
        rig_packet(r);
        craft_push(&r->c, kind + 1, kind, "data");
        (void)rig_deliver(r);
        assert_int_equal(rig_last(r, PS_MSG_PUSH_OK)->request, kind + 1);
    }
    assert_int_equal(rig_count(r, PS_MSG_PUSH_OK), 256);
    assert_int_equal(rig_drops_all(r), 0);
    rig_free(r);
}

static void eight_answers_leave_in_one_datagram(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_packet(r);
    for (unsigned k = 0; k < PS_PACKET_MESSAGES; k++) {
        craft_challenge(&r->c, k, k);
    }
    (void)rig_deliver(r);
    assert_int_equal(r->out.datagrams_len, 1);
    assert_int_equal(rig_count(r, PS_MSG_CHALLENGE_OK), PS_PACKET_MESSAGES);
    for (unsigned k = 0; k < PS_PACKET_MESSAGES; k++) {
        assert_int_equal(r->sent[k].request, k);
    }
    rig_free(r);
}

static void malformed_ones_are_not_answered(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_packet(r);
    craft_message(&r->c, PS_MSG_CHALLENGE, 1);
    craft_u32(&r->c, 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
    rig_packet(r);
    craft_message(&r->c, PS_MSG_PUSH, 1);
    craft_u8(&r->c, 1);
    craft_u8(&r->c, 4);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 2);
    assert_int_equal(r->sent_len, 0);
    rig_free(r);
}

static void while_leaving_they_are_answered_still(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_logout(r);
    rig_packet(r);
    craft_challenge(&r->c, 3, 4);
    (void)rig_deliver(r);
    assert_int_equal(rig_count(r, PS_MSG_CHALLENGE_OK), 1);
    rig_packet(r); /* With the end of the session in the same datagram there is nowhere to go. */
    craft_challenge(&r->c, 4, 4);
    craft_logout_ok(&r->c, rig_last(r, PS_MSG_LOGOUT)->request);
    (void)rig_deliver(r);
    assert_int_equal(rig_count(r, PS_MSG_CHALLENGE_OK), 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_challenge_is_echoed),
        cmocka_unit_test(every_push_is_acknowledged),
        cmocka_unit_test(eight_answers_leave_in_one_datagram),
        cmocka_unit_test(malformed_ones_are_not_answered),
        cmocka_unit_test(while_leaving_they_are_answered_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

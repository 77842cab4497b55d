/* What an attacker who sees all datagrams and can send any from anywhere brings about: nothing. */
#include "attack.h"

#define ATTACK_TEST(name, function)                                                                \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        attacks a = attack_begin();                                                                \
        function(&a);                                                                              \
        attack_table(&a);                                                                          \
    }

ATTACK_TEST(what_was_captured_and_comes_again_changes_nothing, attack_replay)
ATTACK_TEST(a_bit_turned_over_in_any_byte_of_a_login_delays_it, attack_flips)
ATTACK_TEST(a_spoofed_source_gets_no_more_than_was_sent_in_its_name, attack_spoofs)
ATTACK_TEST(forged_resets_cost_a_handshake_a_second, attack_resets)
ATTACK_TEST(a_session_follows_its_peer, attack_roam)
ATTACK_TEST(a_victim_that_is_claimed_gets_challenges_alone, attack_claim)
ATTACK_TEST(logins_go_on_whatever_the_wall_clock_shows, attack_clocks)
ATTACK_TEST(what_voids_a_ticket, attack_accounts)

/* The trace does not show how many datagrams a machine is given at a time. */
static void the_batch_does_not_show(void **state)
{
    (void)state;
    attacks one = attack_begin();
    attacks many = attack_begin();
    one.out = many.out = NULL;
    one.batch = 1;
    attack_replay(&one);
    attack_replay(&many);
    attack_claim(&one);
    attack_claim(&many);
    assert_true(one.hash == many.hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_captured_and_comes_again_changes_nothing),
        cmocka_unit_test(a_bit_turned_over_in_any_byte_of_a_login_delays_it),
        cmocka_unit_test(a_spoofed_source_gets_no_more_than_was_sent_in_its_name),
        cmocka_unit_test(forged_resets_cost_a_handshake_a_second),
        cmocka_unit_test(a_session_follows_its_peer),
        cmocka_unit_test(a_victim_that_is_claimed_gets_challenges_alone),
        cmocka_unit_test(logins_go_on_whatever_the_wall_clock_shows),
        cmocka_unit_test(what_voids_a_ticket),
        cmocka_unit_test(the_batch_does_not_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

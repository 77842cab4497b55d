/* A restart under ten thousand peers: by tickets all are back within three seconds; by passwords
 * each in his turn (of a smaller crowd here: `peersync-sim --story attacks` has the whole). */
#include "attack.h"

static void ten_thousand_return_by_tickets(void **state)
{
    (void)state;
    attacks a = attack_begin();
    attack_return(&a);
    attack_table(&a);
}

static void a_crowd_returns_by_passwords_in_its_turn(void **state)
{
    (void)state;
    attacks a = attack_begin();
    a.crowd_by_password = 1000;
    attack_return_by_password(&a);
    attack_table(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_return_by_tickets),
        cmocka_unit_test(a_crowd_returns_by_passwords_in_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

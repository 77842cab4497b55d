/* A flood of spoofed handshakes: nobody is thrown out, and nobody is kept out. */
#include "attack.h"

static void a_flood_of_initiates_keeps_nobody_out(void **state)
{
    (void)state;
    attacks a = attack_begin();
    attack_flood(&a);
    attack_table(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_initiates_keeps_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

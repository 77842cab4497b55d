/* The checker must be able to fail: each kind of damage is found. */
#include "fixture.h"

static ps_directory *sound(void)
{
    ps_directory *d = directory_new((ps_directory_caps){4, 4, 8, 8}, true);
    uint32_t a = device_online(d, "alice", 1);
    uint32_t b = device_online(d, "bob", 1);
    for (uint64_t i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        ps_content c = content_of(i);
        assert_int_equal(ps_pub_add(d, a, span(name), &c), PS_E_NONE);
        assert_int_equal(ps_pub_add(d, b, span(name), &c), PS_E_NONE);
    }
    assert_int_equal(ps_directory_check(d), 0);
    return d;
}

#define BREAKS(damage)                                                                             \
    do {                                                                                           \
        ps_directory *d = sound();                                                                 \
        damage;                                                                                    \
        assert_int_not_equal(ps_directory_check(d), 0);                                            \
        free(d);                                                                                   \
    } while (0)

static void finds_each_damage(void **state)
{
    (void)state;
    BREAKS(ps_user_at(d, 0)->name[0] ^= 1);
    BREAKS(ps_user_at(d, 0)->publications++);
    BREAKS(ps_user_at(d, 1)->devices++);
    BREAKS(ps_device_at(d, 0)->publications--);
    BREAKS(ps_device_at(d, 0)->id[3] ^= 1);
    BREAKS(ps_device_at(d, 0)->sessions = 2);
    BREAKS(ps_device_at(d, 0)->generation = 0);
    BREAKS(ps_device_at(d, 0)->digest++);
    BREAKS(ps_device_at(d, 0)->sums = 1);
    BREAKS(ps_device_at(d, 0)->newest = ps_device_at(d, 1)->newest);
    BREAKS(ps_pub_at(d, 2)->content.length++);
    BREAKS(ps_pub_at(d, 2)->device_prev = 1 - ps_pub_at(d, 2)->device_prev);
    BREAKS(ps_pub_at(d, 2)->device_next = PS_NIL);
    BREAKS(d->sums.used++);
    BREAKS(d->users.used++);
    BREAKS(d->devices.used--);
    BREAKS(d->pubs.used++);
    BREAKS(ps_pub_at(d, 2)->name.head[0] = '/');
    BREAKS(ps_pub_at(d, 2)->name.head[0] ^= 1);
    BREAKS(ps_pub_at(d, 2)->same_next = 2);
    BREAKS(ps_pub_at(d, 2)->serial = 1);
    BREAKS(ps_pub_at(d, 2)->older = PS_NIL);
    BREAKS(ps_pub_at(d, 2)->newer = PS_NIL);
    BREAKS(ps_pub_at(d, 2)->device = 1 - ps_pub_at(d, 2)->device);
    BREAKS(d->root = PS_NIL);
    BREAKS(d->newest = d->oldest);
    BREAKS(d->last_serial = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_each_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

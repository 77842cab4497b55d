#include "fixture.h"

static void is_keyed_by_user_and_id(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){2, 4, 1, 1}, false);
    uint32_t a1 = device_online(d, "alice", 1);
    uint32_t a2 = device_online(d, "alice", 2);
    uint32_t b1 = device_online(d, "bob", 1);
    uint8_t one[PS_DEVICE_BYTES] = {1};
    uint8_t two[PS_DEVICE_BYTES] = {2};
    uint32_t alice = ps_user_find(d, span("alice"));
    uint32_t bob = ps_user_find(d, span("bob"));
    assert_int_equal(ps_device_find(d, alice, one), a1);
    assert_int_equal(ps_device_find(d, alice, two), a2);
    assert_int_equal(ps_device_find(d, bob, one), b1);
    assert_int_equal(ps_device_find(d, bob, two), PS_NIL);
    assert_int_equal(ps_directory_check(d), 0);
    free(d);
}

static void releasing_the_last_forgets_the_user(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){1, 2, 1, 1}, true);
    uint32_t a1 = device_online(d, "alice", 1);
    uint32_t a2 = device_online(d, "alice", 2);
    assert_int_equal(device_online(d, "alice", 3), PS_NIL);
    ps_device_release(d, a1); /* Online: stays. */
    assert_int_equal(d->devices.used, 2);
    ps_device_at(d, a1)->sessions = 0;
    ps_device_release(d, a1);
    assert_int_equal(d->devices.used, 1);
    assert_int_equal(d->users.used, 1);
    ps_device_at(d, a2)->sessions = 0;
    ps_device_release(d, a2);
    assert_int_equal(d->devices.used, 0);
    assert_int_equal(d->users.used, 0);
    assert_int_equal(ps_directory_check(d), 0);
    free(d);
}

static void publications_keep_it(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){1, 1, 1, 1}, true);
    uint32_t v = device_online(d, "alice", 1);
    ps_content c = content_of(5);
    assert_int_equal(ps_pub_add(d, v, span("a"), &c), PS_E_NONE);
    ps_device_at(d, v)->sessions = 0;
    ps_device_release(d, v);
    assert_int_equal(d->devices.used, 1);
    ps_pub_remove(d, ps_pub_find(d, v, span("a")));
    ps_device_release(d, v);
    assert_int_equal(d->devices.used, 0);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_keyed_by_user_and_id),
        cmocka_unit_test(releasing_the_last_forgets_the_user),
        cmocka_unit_test(publications_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture.h"

static void same_name_by_many(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){8, 8, 8, 1}, true);
    uint32_t devices[4];
    for (uint8_t i = 0; i < 4; i++) {
        char user[4] = {'u', (char)('0' + i), 0, 0};
        devices[i] = device_online(d, user, 1);
        ps_content c = content_of(i);
        assert_int_equal(ps_pub_add(d, devices[i], span("same"), &c), PS_E_NONE);
        assert_int_equal(ps_directory_check(d), 0);
    }
    assert_int_equal(ps_pub_first_named(d, span("other")), PS_NIL);
    uint32_t first = ps_pub_first_named(d, span("same"));
    uint32_t seen = 0;
    uint32_t at = first;
    do {
        seen |= 1u << ps_pub_at(d, at)->content.length;
        at = ps_pub_at(d, at)->same_next;
    } while (at != first);
    assert_int_equal(seen, 0xf);
    /* Every order of removal leaves a ring; here: the first, the last added, then the rest. */
    ps_pub_remove(d, first);
    assert_int_equal(ps_directory_check(d), 0);
    ps_pub_remove(d, ps_pub_find(d, devices[3], span("same")));
    assert_int_equal(ps_directory_check(d), 0);
    ps_pub_remove(d, ps_pub_first_named(d, span("same")));
    ps_pub_remove(d, ps_pub_first_named(d, span("same")));
    assert_int_equal(ps_pub_first_named(d, span("same")), PS_NIL);
    assert_int_equal(ps_directory_check(d), 0);
    free(d);
}

static void full_tables_change_nothing(void **state)
{
    (void)state;
    char longest[PS_NAME_MAX + 1];
    memset(longest, 'x', PS_NAME_MAX);
    longest[PS_NAME_MAX] = 0;
    const uint32_t blocks = (PS_NAME_MAX - PS_NAME_HEAD + 27) / 28;
    for (uint32_t cap = 0; cap <= blocks; cap++) {
        ps_directory *d = directory_new((ps_directory_caps){1, 1, 3, cap}, false);
        uint32_t v = device_online(d, "alice", 1);
        ps_content c = content_of(1);
        ps_error e = ps_pub_add(d, v, span(longest), &c);
        assert_int_equal(e, cap < blocks ? PS_E_FULL : PS_E_NONE);
        assert_int_equal(d->names.used, cap < blocks ? 0 : blocks);
        assert_int_equal(ps_directory_check(d), 0);
        assert_int_equal(ps_pub_add(d, v, span("short"), &c), PS_E_NONE);
        free(d);
    }
    ps_directory *d = directory_new((ps_directory_caps){1, 1, 1, 0}, false);
    uint32_t v = device_online(d, "alice", 1);
    ps_content c = content_of(1);
    assert_int_equal(ps_pub_add(d, v, span("one"), &c), PS_E_NONE);
    assert_int_equal(ps_pub_add(d, v, span("two"), &c), PS_E_FULL);
    assert_int_equal(ps_directory_check(d), 0);
    free(d);
}

/* Random adds and removes beside a model of plain arrays. */
static void agrees_with_a_model(void **state)
{
    (void)state;
    enum { USERS = 3, NAMES = 40 };
    ps_directory *d = directory_new((ps_directory_caps){USERS, USERS, 64, 64}, false);
    uint32_t devices[USERS];
    uint64_t model[USERS][NAMES] = {{0}}; /* Length + 1; 0: absent. */
    uint32_t count = 0;
    for (uint8_t u = 0; u < USERS; u++) {
        char user[4] = {'u', (char)('0' + u), 0, 0};
        devices[u] = device_online(d, user, 1);
    }
    uint64_t x = 42;
    for (uint32_t round = 0; round < 6000; round++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t u = (uint32_t)(x >> 33) % USERS;
        uint32_t n = (uint32_t)(x >> 40) % NAMES;
        char name[64];
        (void)snprintf(name, sizeof name, "file-%u%s", n,
                       n % 3 ? "" : "-with-a-long-long-tail.txt");
        uint32_t pub = ps_pub_find(d, devices[u], span(name));
        assert_int_equal(pub != PS_NIL, model[u][n] != 0);
        if (pub != PS_NIL) {
            assert_int_equal(ps_pub_at(d, pub)->content.length + 1, model[u][n]);
            ps_pub_remove(d, pub);
            model[u][n] = 0;
            count--;
        } else {
            ps_content c = content_of(round);
            ps_error e = ps_pub_add(d, devices[u], span(name), &c);
            assert_int_equal(e == PS_E_NONE, count < 64);
            if (e == PS_E_NONE) {
                model[u][n] = (uint64_t)round + 1;
                count++;
            }
        }
        if (round % 16 == 0) {
            assert_int_equal(ps_directory_check(d), 0);
        }
    }
    assert_int_equal(ps_directory_check(d), 0);
    assert_int_equal(d->pubs.used, count);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_name_by_many),
        cmocka_unit_test(full_tables_change_nothing),
        cmocka_unit_test(agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

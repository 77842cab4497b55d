/* A device's digests below, at and above the number from which they are kept by bucket. */
#include "fixture.h"

#include "random.h"

static uint64_t sum_of(const uint64_t sums[PS_BUCKETS])
{
    uint64_t sum = 0;
    for (unsigned b = 0; b < PS_BUCKETS; b++) {
        sum += sums[b];
    }
    return sum;
}

/* Whether what is kept and what is told is what the publications sum up to. */
static void verify(const ps_directory *d, uint32_t device)
{
    uint64_t told[PS_BUCKETS];
    uint64_t fresh[PS_BUCKETS] = {0};
    const ps_device *v = ps_device_at(d, device);
    const ps_sipkey key = ps_digest_key(v->id);
    for (uint32_t at = v->newest; at != PS_NIL; at = ps_pub_at(d, at)->device_next) {
        uint8_t scratch[PS_NAME_MAX];
        const ps_mark m =
            ps_digest_mark(&key, ps_pub_name(d, at, scratch), &ps_pub_at(d, at)->content);
        fresh[m.bucket] += m.mark;
    }
    ps_digest_sums(d, device, told);
    assert_memory_equal(told, fresh, sizeof told);
    assert_true(v->digest == sum_of(told));
    assert_int_equal(v->sums != 0, v->publications >= PS_SUMS_FROM);
}

static void add(ps_directory *d, uint32_t device, unsigned k)
{
    char name[16];
    const ps_content c = content_of(k);
    (void)snprintf(name, sizeof name, "%u", k);
    assert_int_equal(ps_pub_add(d, device, span(name), &c), PS_E_NONE);
}

static uint32_t find(const ps_directory *d, uint32_t device, unsigned k)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%u", k);
    return ps_pub_find(d, device, span(name));
}

static void tables_come_and_go_at_the_bound(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){2, 2, 400, 0}, false);
    const uint32_t v = device_online(d, "alice", 1);
    for (unsigned k = 0; k < 300; k++) {
        add(d, v, k);
        verify(d, v);
        assert_int_equal(d->sums.used, k + 1 >= PS_SUMS_FROM ? 1 : 0);
    }
    for (unsigned n = 0; n < 20; n++) { /* Up and down across the bound. */
        for (unsigned k = 300; k > 120; k--) {
            const uint32_t pub = find(d, v, k - 1);
            const ps_content c = content_of(k + n + 1000);
            ps_digest_replace(d, pub, &c);
            verify(d, v);
            ps_pub_remove(d, pub);
            verify(d, v);
        }
        assert_int_equal(d->sums.used, 0);
        for (unsigned k = 120; k < 300; k++) {
            add(d, v, k);
        }
        assert_int_equal(ps_directory_check(d), 0);
    }
    for (unsigned k = 0; k < 300; k++) {
        ps_pub_remove(d, find(d, v, k));
    }
    verify(d, v);
    assert_true(ps_device_at(d, v)->digest == 0);
    free(d);
}

/* Publications that fill the directory, spread so that as many devices as possible have as many as
 * need a table: there is one for each. */
static void tables_never_run_out(void **state)
{
    (void)state;
    for (uint32_t tables = 0; tables <= 8; tables++) {
        for (uint32_t rest = 0; rest < PS_SUMS_FROM; rest += PS_SUMS_FROM - 1) {
            const uint32_t pubs = tables * PS_SUMS_FROM + rest;
            if (pubs == 0) {
                continue;
            }
            ps_directory *d = directory_new((ps_directory_caps){16, 16, pubs, 0}, false);
            uint32_t devices[9];
            for (uint32_t i = 0; i < 9; i++) {
                devices[i] = device_online(d, i % 2 == 0 ? "alice" : "bob", (uint8_t)(i + 1));
            }
            for (unsigned round = 0; round < 3; round++) {
                for (unsigned k = 0; k < PS_SUMS_FROM; k++) { /* All reach the bound together. */
                    for (uint32_t i = 0; i < tables; i++) {
                        add(d, devices[i], k);
                    }
                }
                for (unsigned k = 0; k < rest; k++) {
                    add(d, devices[8], k);
                }
                const ps_content c = content_of(1);
                assert_int_equal(ps_pub_add(d, devices[8], span("more"), &c), PS_E_FULL);
                assert_int_equal(d->sums.used, tables);
                assert_int_equal(ps_directory_check(d), 0);
                for (unsigned k = 0; k < PS_SUMS_FROM; k++) {
                    for (uint32_t i = tables; i-- > 0;) {
                        ps_pub_remove(d, find(d, devices[i], k));
                    }
                }
                for (unsigned k = 0; k < rest; k++) {
                    ps_pub_remove(d, find(d, devices[8], k));
                }
                assert_int_equal(d->sums.used, 0);
                assert_int_equal(ps_directory_check(d), 0);
            }
            free(d);
        }
    }
}

static void random_histories(void **state)
{
    (void)state;
    ps_directory *d = directory_new((ps_directory_caps){4, 4, 3 * PS_SUMS_FROM, 0}, true);
    uint32_t devices[3];
    test_random r = test_random_of(41);
    for (uint8_t i = 0; i < 3; i++) {
        devices[i] = device_online(d, "alice", (uint8_t)(i + 1));
    }
    for (unsigned n = 0; n < 12000; n++) {
        const uint32_t v = devices[test_random_below(&r, 3)];
        /* Now growing, now shrinking, so that the bound is crossed often. */
        const bool grow = test_random_chance(&r, n / 1500 % 2 == 0 ? 80 : 20);
        const unsigned k = (unsigned)test_random_below(&r, 200);
        const uint32_t pub = find(d, v, k);
        if (pub == PS_NIL && grow && d->pubs.used < d->pubs.cap) {
            add(d, v, k);
        } else if (pub != PS_NIL && !grow) {
            ps_pub_remove(d, pub);
        } else if (pub != PS_NIL) {
            const ps_content c = content_of(test_random_below(&r, 1000));
            ps_digest_replace(d, pub, &c);
        }
        if (n % 20 == 0) {
            verify(d, v);
            assert_int_equal(ps_directory_check(d), 0);
        }
    }
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_come_and_go_at_the_bound),
        cmocka_unit_test(tables_never_run_out),
        cmocka_unit_test(random_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

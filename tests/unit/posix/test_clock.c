#include "peersync/posix.h"
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static int interruptions; /* getentropy() calls that are interrupted first. */
static int refusals;

int __real_getentropy(void *buf, size_t len);
int __wrap_getentropy(void *buf, size_t len);
int __wrap_getentropy(void *buf, size_t len)
{
    assert_in_range(len, 1, 256);
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    if (refusals > 0) {
        refusals--;
        errno = ENOSYS;
        return -1;
    }
    return __real_getentropy(buf, len);
}

static void test_monotonic(void **state)
{
    (void)state;
    uint64_t last_us = ps_posix_now_us();
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t now_us = ps_posix_now_us();
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const uint64_t now_us = (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
    assert_true(now_us >= last_us && now_us - last_us < 60000000u);
}

static void test_wall(void **state)
{
    (void)state;
    const uint64_t before_s = (uint64_t)time(NULL);
    const uint64_t wall_s = ps_posix_wall_s();
    assert_true(wall_s + 1 >= before_s && wall_s <= before_s + 60);
}

static void test_entropy(void **state)
{
    (void)state;
    uint8_t a[1000];
    uint8_t b[1000];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    interruptions = 3;
    assert_int_equal(ps_posix_entropy(a, 999), PS_OK);
    assert_int_equal(interruptions, 0);
    assert_int_equal(a[999], 0); /* Not a byte more. */
    assert_int_equal(ps_posix_entropy(b, 999), PS_OK);
    static const uint8_t zero[32];
    for (size_t i = 0; i + 32 <= 999; i += 32) {
        assert_memory_not_equal(a + i, b + i, 32);
        assert_memory_not_equal(a + i, zero, 32);
    }
    assert_int_equal(ps_posix_entropy(a, 0), PS_OK);
    refusals = 1;
    assert_int_equal(ps_posix_entropy(a, 16), PS_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic),
        cmocka_unit_test(test_wall),
        cmocka_unit_test(test_entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

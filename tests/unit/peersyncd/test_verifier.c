#include "unit.h"

#include "peersyncd/verifier.h"

#include <pthread.h>
#include <string.h>

/* Threads that wait at a gate: the test decides how many verifications go through it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned permits;
static unsigned inside;
static unsigned ready_calls;
static uint64_t clock_us;
static uint64_t tick_us;

static ps_check gate(const char stored[PS_PASSWORD_STORED], ps_span password)
{
    pthread_mutex_lock(&lock);
    inside++;
    pthread_cond_broadcast(&changed);
    while (permits == 0) {
        pthread_cond_wait(&changed, &lock);
    }
    permits--;
    inside--;
    pthread_mutex_unlock(&lock);
    const size_t len = strlen(stored);
    return password.len == len && memcmp(password.data, stored, len) == 0 ? PS_CHECK_RIGHT
                                                                          : PS_CHECK_WRONG;
}

static void ready(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    ready_calls++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Each reading of this clock takes a tick: a verification is one, unless the test lets time pass.
 */
static uint64_t now_us(void)
{
    pthread_mutex_lock(&lock);
    clock_us += tick_us;
    const uint64_t now = clock_us;
    pthread_mutex_unlock(&lock);
    return now;
}

static ps_verifier *open_gated(unsigned threads, uint32_t slots)
{
    permits = inside = ready_calls = 0;
    tick_us = 80000;
    ps_verifier *v = ps_verifier_open(&(ps_verifier_config){
        .threads = threads, .slots = slots, .ready = ready, .check = gate, .now_us = now_us});
    assert_non_null(v);
    return v;
}

static void let_through(unsigned n)
{
    pthread_mutex_lock(&lock);
    permits += n;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await(const unsigned *value, unsigned wanted)
{
    pthread_mutex_lock(&lock);
    while (*value < wanted) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static ps_login_job login_of(uint64_t pending, const char *password, const char *stored)
{
    ps_login_job l = {
        .pending = pending, .password_len = (uint8_t)strlen(password), .trial = {.counts = true}};
    memcpy(l.password, password, l.password_len);
    strcpy(l.trial.stored, stored);
    return l;
}

static void verdicts_come_back_in_order(void **state)
{
    (void)state;
    ps_verifier *v = open_gated(1, 8);
    ps_login_job l = login_of(1, "right", "right");
    assert_true(ps_verifier_begin(v, &l));
    l = login_of(2, "wrong", "right");
    assert_true(ps_verifier_begin(v, &l));
    l.trial.counts = false; /* Of no account, or one in clear: argon2id's word is not asked. */
    l.pending = 3;
    assert_true(ps_verifier_begin(v, &l));
    l.trial.good = true;
    l.pending = 4;
    assert_true(ps_verifier_begin(v, &l));
    assert_false(ps_verifier_end(v, &l));
    let_through(4);
    await(&ready_calls, 4);
    static const ps_check right[] = {PS_CHECK_RIGHT, PS_CHECK_WRONG, PS_CHECK_WRONG,
                                     PS_CHECK_RIGHT};
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(ps_verifier_end(v, &l));
        assert_int_equal(l.pending, i + 1);
        assert_int_equal(l.verdict, right[i]);
        assert_true(sodium_is_zero(l.password, sizeof l.password));
    }
    assert_false(ps_verifier_end(v, &l));
    ps_verifier_close(v);
}

static void a_full_queue_says_when_it_is_worked_off(void **state)
{
    (void)state;
    ps_verifier *v = open_gated(2, 10);
    ps_login_job l = login_of(0, "pw", "pw");
    assert_int_equal(ps_verifier_retry_ms(v), PS_VERIFIER_RETRY_MIN_MS);
    for (uint64_t i = 0; i < 10; i++) {
        assert_true(ps_verifier_begin(v, &l));
    }
    assert_false(ps_verifier_begin(v, &l));
    assert_int_equal(ps_verifier_retry_ms(v), 10 * (PS_VERIFIER_FIRST_US / 1000) / 2);
    /* What is done keeps its slot until it is taken back. */
    let_through(3);
    await(&ready_calls, 3);
    assert_false(ps_verifier_begin(v, &l));
    assert_true(ps_verifier_end(v, &l));
    assert_true(ps_verifier_begin(v, &l));
    /* Measured times count: two threads share the clock, so one takes 80 ms or a little more. */
    assert_true(ps_verifier_retry_ms(v) > 8 * (PS_VERIFIER_FIRST_US / 1000) / 2);
    let_through(8);
    await(&ready_calls, 11);
    ps_verifier_close(v);
}

static void pass_us(uint64_t us)
{
    pthread_mutex_lock(&lock);
    clock_us += us;
    pthread_mutex_unlock(&lock);
}

static void the_first_measured_time_is_believed(void **state)
{
    (void)state;
    ps_verifier *v = open_gated(1, 4);
    ps_login_job l = login_of(0, "pw", "pw");
    tick_us = 0;
    static const struct {
        uint64_t takes_us;
        uint32_t retry_ms; /* For one. */
    } steps[] = {{500000, 500}, {1300000, 600}};
    for (unsigned i = 0; i < 2; i++) {
        assert_true(ps_verifier_begin(v, &l));
        await(&inside, 1);
        pass_us(steps[i].takes_us);
        let_through(1);
        await(&ready_calls, 2 * i + 1);
        assert_true(ps_verifier_end(v, &l));
        assert_true(ps_verifier_begin(v, &l));
        assert_int_equal(ps_verifier_retry_ms(v), steps[i].retry_ms);
        await(&inside, 1);
        pass_us(steps[i].retry_ms * 1000u);
        let_through(1);
        await(&ready_calls, 2 * i + 2);
        assert_true(ps_verifier_end(v, &l));
    }
    ps_verifier_close(v);
}

static void who_has_waited_too_long_is_not_looked_at(void **state)
{
    (void)state;
    ps_verifier *v = open_gated(1, 4);
    ps_login_job l = login_of(0, "pw", "pw");
    tick_us = 0;
    assert_true(ps_verifier_begin(v, &l));
    assert_true(ps_verifier_begin(v, &l));
    await(&inside, 1);
    pass_us(PS_VERIFIER_LATE_US + 1u);
    let_through(1); /* For the first only: the second needs no leave. */
    await(&ready_calls, 2);
    assert_true(ps_verifier_end(v, &l));
    assert_int_equal(l.verdict, PS_CHECK_RIGHT);
    assert_true(ps_verifier_end(v, &l));
    assert_int_equal(l.verdict, PS_CHECK_LATE);
    assert_true(sodium_is_zero(l.password, sizeof l.password));
    ps_verifier_close(v);
}

static void all_threads_work(void **state)
{
    (void)state;
    ps_verifier *v = open_gated(3, 8);
    const ps_login_job l = login_of(0, "pw", "pw");
    for (uint64_t i = 0; i < 8; i++) {
        assert_true(ps_verifier_begin(v, &l));
    }
    await(&inside, 3);
    let_through(8);
    await(&ready_calls, 8);
    ps_verifier_close(v);
}

static void an_end_drops_what_waits(void **state)
{
    (void)state;
    ps_verifier *v = open_gated(1, 4);
    const ps_login_job l = login_of(0, "pw", "pw");
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(ps_verifier_begin(v, &l));
    }
    await(&inside, 1);
    let_through(1);
    await(&ready_calls, 1);
    let_through(4); /* So that the end need not wait for the test. */
    ps_verifier_close(v);
    ps_verifier_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_come_back_in_order),
        cmocka_unit_test(a_full_queue_says_when_it_is_worked_off),
        cmocka_unit_test(the_first_measured_time_is_believed),
        cmocka_unit_test(who_has_waited_too_long_is_not_looked_at),
        cmocka_unit_test(all_threads_work),
        cmocka_unit_test(an_end_drops_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Files that wait to be hashed: whose turn it is, and finding them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hash_jobs.h"

#include "peersync/posix.h"

static struct hash_jobs jobs;

static int make(void **state)
{
    (void)state;
    hash_jobs_init(&jobs);
    return 0;
}

static int end(void **state)
{
    (void)state;
    hash_jobs_free(&jobs);
    return 0;
}

static struct hash_job *add(uint64_t tag, const char *name, uint64_t due_us)
{
    struct hash_job *job = hash_job_new(tag, name, "/path");
    job->due_us = due_us;
    hash_jobs_add(&jobs, job);
    return job;
}

static void take(struct hash_job *expected)
{
    struct hash_job *job = hash_jobs_first(&jobs, false);
    assert_ptr_equal(job, expected);
    hash_jobs_remove(&jobs, job);
    hash_job_free(job);
}

static void the_first_that_is_due_goes_first(void **state)
{
    (void)state;
    assert_null(hash_jobs_first(&jobs, false));
    struct hash_job *late = add(1, "late", 30);
    struct hash_job *b = add(2, "b", 20);
    struct hash_job *a = add(3, "a", 20);
    struct hash_job *early = add(4, "early", 10);
    take(early);
    take(b);
    take(a);
    take(late);
    assert_null(hash_jobs_first(&jobs, false));
}

static void without_a_time_a_job_is_due_at_once_behind_those_before_it(void **state)
{
    (void)state;
    const uint64_t before_us = ps_posix_now_us();
    struct hash_job *later = add(1, "later", before_us + 3600u * UINT64_C(1000000));
    struct hash_job *b = add(2, "b", 0);
    struct hash_job *a = add(3, "a", 0);
    assert_true(b->due_us >= before_us && b->due_us <= ps_posix_now_us());
    take(b);
    take(a);
    take(later);
}

static void large_ones_wait_apart(void **state)
{
    (void)state;
    struct hash_job *large = hash_job_new(1, "large", "/path");
    large->large = true;
    hash_jobs_add(&jobs, large);
    struct hash_job *small = add(2, "small", 0);
    assert_ptr_equal(hash_jobs_first(&jobs, true), large);
    assert_ptr_equal(hash_jobs_of_name(&jobs, "large"), large);
    assert_ptr_equal(hash_jobs_of_tag(&jobs, 1), large);
    take(small);
    assert_null(hash_jobs_first(&jobs, false));
    hash_jobs_remove(&jobs, large);
    assert_null(hash_jobs_first(&jobs, true));
    assert_null(hash_jobs_of_name(&jobs, "large"));
    hash_job_free(large);
}

static void jobs_are_found_by_name_the_oldest_first(void **state)
{
    (void)state;
    struct hash_job *first = add(1, "same", 20);
    struct hash_job *second = add(2, "same", 10);
    (void)add(3, "sam", 5);
    (void)add(4, "same2", 5);
    assert_ptr_equal(hash_jobs_of_name(&jobs, "same"), first);
    hash_jobs_remove(&jobs, first);
    hash_job_free(first);
    assert_ptr_equal(hash_jobs_of_name(&jobs, "same"), second);
    hash_jobs_remove(&jobs, second);
    hash_job_free(second);
    assert_null(hash_jobs_of_name(&jobs, "same"));
    assert_null(hash_jobs_of_name(&jobs, ""));
}

static void jobs_are_found_by_tag_but_for_the_background(void **state)
{
    (void)state;
    struct hash_job *one = add(1, "one", 0);
    struct hash_job *none = add(0, "none", 20);
    struct hash_job *none_too = add(0, "none too", 20);
    assert_ptr_equal(hash_jobs_of_tag(&jobs, 1), one);
    assert_null(hash_jobs_of_tag(&jobs, 0));
    assert_null(hash_jobs_of_tag(&jobs, 2));
    hash_jobs_remove(&jobs, none);
    hash_jobs_add(&jobs, none); /* Again: behind the other. */
    take(none_too);
    take(none);
    take(one);
    assert_null(hash_jobs_of_tag(&jobs, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_that_is_due_goes_first, make, end),
        cmocka_unit_test_setup_teardown(without_a_time_a_job_is_due_at_once_behind_those_before_it,
                                        make, end),
        cmocka_unit_test_setup_teardown(large_ones_wait_apart, make, end),
        cmocka_unit_test_setup_teardown(jobs_are_found_by_name_the_oldest_first, make, end),
        cmocka_unit_test_setup_teardown(jobs_are_found_by_tag_but_for_the_background, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_planes.h"

/* A failure that may pass leaves the publication to be announced again; a refusal takes back what
 * the command has added, and nothing that was there before. */
static void a_failure_takes_back_what_was_added(void **state)
{
    static const struct {
        uint32_t error;
        bool fresh, taken_back;
    } cases[] = {
        {PS_E_NONE, true, false},      {PS_E_QUOTA, true, true},     {PS_E_FULL, true, true},
        {PS_E_BAD_NAME, true, true},   {PS_E_QUOTA, false, false},   {PS_E_FULL, false, false},
        {PS_E_TIMEOUT, true, false},   {PS_E_TIMEOUT, false, false}, {PS_E_BUSY, true, false},
        {PS_E_THROTTLED, true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_open();
        fake_app.options.server = "127.0.0.1";
        fake_unpublished = 0;
        fake_run((const char *[]){"pub", "a", NULL});
        assert_int_equal(uv_run(&fake_app.loop, UV_RUN_NOWAIT) >= 0, 1);
        assert_int_equal(fake_job_count, 1);
        fake_event((struct data_event){.type = DATA_FILE_READY, .fresh = cases[i].fresh});
        fake_done(cases[i].error);
        assert_int_equal(fake_unpublished, cases[i].taken_back);
        assert_int_equal(fake_code == PS_EXIT_DONE, cases[i].error == PS_E_NONE);
        (void)fake_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_failure_takes_back_what_was_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

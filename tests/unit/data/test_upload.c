/* A connection that is served: its pace and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uploader.h"

static void a_downloader_that_does_not_read_is_cut(void **state)
{
    struct rig *r = *state;
    struct caller c;
    rig_restart_impatient(r);
    const ps_content content = rig_publish(r, "f", 24 * MIB, 1);
    const struct data_source source = node_source(&r->up, &content);
    rig_reach(r, &c, &source);
    (void)caller_fetch(&c, &content, &source);
    assert_true(caller_await_payload(&c, 1));
    rig_assert_ended(r, "f", PS_E_STALLED);
    assert_int_equal(rig_stats(r).uploads, 0);
    caller_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_downloader_that_does_not_read_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

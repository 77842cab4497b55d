#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/secrecy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process of its own, for a limit does not rise again. @return whether it can be dumped. */
static bool can_be_dumped(const char *off)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit core = {.rlim_cur = 1, .rlim_max = 1};
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        (void)(off != NULL ? setenv(PS_SECRECY_OFF, off, 1) : unsetenv(PS_SECRECY_OFF));
        ps_secrecy_begin();
        (void)getrlimit(RLIMIT_CORE, &core);
        const bool readable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
        const bool limited = core.rlim_cur == 0 && core.rlim_max == 0;
        _exit(readable ? 1 : limited ? 0 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_in_range(WEXITSTATUS(status), 0, 1);
    return WEXITSTATUS(status) == 1;
}

static void memory_is_kept_from_others(void **state)
{
    (void)state;
    assert_false(can_be_dumped(NULL));
    assert_false(can_be_dumped(""));
    assert_true(can_be_dumped("1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_is_kept_from_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit.h"

#include "common/exit_codes.h"
#include "common/memory.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_program_says_so_and_ends(void **state)
{
    (void)state;
    int ends[2];
    char said[64] = "";
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        ps_memory_missing("program");
    }
    assert_int_equal(close(ends[1]), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), PS_EXIT_SYSTEM);
    assert_int_equal(read(ends[0], said, sizeof said - 1), strlen("program: out of memory\n"));
    assert_string_equal(said, "program: out of memory\n");
    assert_int_equal(close(ends[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_program_says_so_and_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

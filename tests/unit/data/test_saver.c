/* What was told to be published is kept, whatever becomes of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shelf.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 600u

static void name_of(char name[16], unsigned i)
{
    (void)snprintf(name, 16, "f%u", i);
}

/* In a process of its own: publishes all, and writes the tag of each that it is told of. It takes
 * every third back, and publishes it again. */
static void publish_all(struct shelf *s, int told)
{
    char name[16];
    shelf_start(s);
    for (unsigned i = 0; i < FILES; i++) {
        name_of(name, i);
        library_publish(&s->library, i + 1, shelf_path(s, name), NULL);
    }
    for (;;) {
        struct data_event *event = shelf_event(s);
        const unsigned tag = (unsigned)event->tag;
        if (event->type != DATA_FILE_READY || write(told, &tag, sizeof tag) != sizeof tag) {
            _exit(1);
        }
        if (tag % 3 == 0 && tag <= FILES) {
            char *again = strdup(event->name);
            (void)library_unpublish(&s->library, again);
            library_publish(&s->library, tag + FILES, shelf_path(s, again), NULL);
            free(again);
        }
        data_event_free(event);
    }
}

/* Kills the process after it has told of so many. @return how many it has told of in the end. */
static unsigned kill_after(struct shelf *s, unsigned count, bool told[FILES], bool again[FILES])
{
    int told_by[2];
    assert_int_equal(pipe(told_by), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(told_by[0]);
        publish_all(s, told_by[1]);
    }
    assert_true(child > 0);
    (void)close(told_by[1]);
    unsigned n = 0;
    for (unsigned tag = 0; read(told_by[0], &tag, sizeof tag) == (ssize_t)sizeof tag; n++) {
        bool *one = tag > FILES ? &again[tag - 1 - FILES] : &told[tag - 1];
        *one = true;
        if (n + 1 == count) {
            assert_int_equal(kill(child, SIGKILL), 0);
        }
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(told_by[0]);
    return n;
}

static void told_is_kept_when_the_process_is_killed(void **state)
{
    static const unsigned counts[] = {1, 2, 50, 51, 199, 300, 550, FILES};
    struct shelf *s = *state;
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        name_of(name, i);
        (void)shelf_write(s, name, 100 + i, i);
    }
    for (size_t round = 0; round < sizeof counts / sizeof counts[0]; round++) {
        bool told[FILES] = {false}, again[FILES] = {false};
        assert_true(kill_after(s, counts[round], told, again) >= counts[round]);
        atomic_store(&shelf_hashed, 0);
        shelf_start(s);
        size_t n = 0;
        struct data_file *files = library_files(&s->library, &n);
        assert_int_equal(atomic_load(&shelf_hashed), 0);
        for (size_t i = 0; i < n; i++) {
            const unsigned index = (unsigned)strtoul(files[i].name + 1, NULL, 10);
            assert_true(files[i].ready);
            told[index] = false;
            again[index] = false;
        }
        for (unsigned i = 0; i < FILES; i++) {
            /* Every third was being taken back, until it was told again. */
            assert_false(again[i] || (told[i] && (i + 1) % 3 != 0));
        }
        for (size_t i = 0; i < n; i++) {
            assert_true(library_unpublish(&s->library, files[i].name));
        }
        data_files_free(files, n);
        shelf_quiet(s);
        shelf_stop(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(told_is_kept_when_the_process_is_killed, shelf_make,
                                        shelf_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

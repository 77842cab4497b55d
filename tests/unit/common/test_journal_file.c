#include "unit.h"

#include "common/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char path[128];
static char older[128];
static char why[256];
static ps_journal_head head;

static int enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/peersync-unit.XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/journal", dir);
    snprintf(older, sizeof older, "%s/journal.1", dir);
    head = (ps_journal_head){.kind = PS_JOURNAL_PEER};
    ps_peer_config_default(&head.peer);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    char other[128];
    snprintf(other, sizeof other, "%s/other", dir);
    unlink(path);
    unlink(older);
    unlink(other);
    return rmdir(dir);
}

/* Takes every input, and answers OK. */
static ps_status take(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out)
{
    (void)in;
    (void)out;
    *consumed = n;
    *(size_t *)self += n;
    return PS_OK;
}

static uint64_t never(const void *self)
{
    (void)self;
    return PS_TIME_NEVER;
}

/* Records one datagram of `len` bytes. */
static void step(ps_machine face, size_t len)
{
    static uint8_t bytes[65507];
    size_t consumed = 0;
    ps_output out = {0};
    ps_input in = {.type = PS_INPUT_DATAGRAM};
    in.u.datagram = (ps_input_datagram){.data = bytes, .len = len};
    assert_int_equal(face.step(face.self, &in, 1, &consumed, &out), PS_OK);
    assert_int_equal(consumed, 1);
}

static size_t size_of(const char *file)
{
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    return (size_t)st.st_size;
}

static bool from_file(void *ctx, uint8_t *to, size_t cap, size_t *got)
{
    *got = fread(to, 1, cap, ctx);
    return true;
}

static void assert_inputs(const char *of, size_t expected)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    ps_journal_reader r;
    ps_journal_head out;
    ps_journal_record record;
    size_t inputs = 0;
    FILE *file = fopen(of, "rb");
    assert_non_null(file);
    assert_int_equal(ps_journal_reader_init(&r, from_file, file, buffer, &out), PS_JOURNAL_OK);
    while (ps_journal_next(&r, &record) == PS_JOURNAL_OK) {
        inputs += record.inputs;
    }
    fclose(file);
    assert_int_equal(ps_journal_next(&r, &record), PS_JOURNAL_END);
    assert_int_equal(inputs, expected);
}

static void it_belongs_to_its_owner_alone(void **state)
{
    (void)state;
    struct stat st;
    const mode_t old = umask(0);
    for (unsigned i = 0; i < 2; i++) { /* New, then an older one that others could read. */
        ps_journal_file *f = ps_journal_file_open(path, &head, why, sizeof why);
        assert_non_null(f);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_null(ps_journal_file_close(f));
        assert_int_equal(chmod(path, 0644), 0);
    }
    umask(old);
}

static void what_waits_is_written_when_full_and_when_asked(void **state)
{
    (void)state;
    size_t taken = 0;
    ps_journal_file *f = ps_journal_file_open(path, &head, why, sizeof why);
    assert_non_null(f);
    const size_t empty = size_of(path);
    assert_true(empty > 0); /* The head is there at once. */
    const ps_machine face = ps_journal_file_machine(
        f, (ps_machine){.self = &taken, .step = take, .deadline_us = never});
    step(face, 1000);
    assert_int_equal(size_of(path), empty);
    assert_null(ps_journal_file_flush(f));
    const size_t one = size_of(path) - empty;
    assert_true(one > 1000);
    for (unsigned i = 0; i < 64; i++) {
        step(face, 1000);
    }
    assert_true(size_of(path) > empty + 50 * one);
    step(face, 65507);
    step(face, 10);
    assert_null(ps_journal_file_close(f));
    assert_int_equal(taken, 67);
    assert_inputs(path, 67);
}

static void an_older_journal_is_kept(void **state)
{
    (void)state;
    size_t taken = 0;
    for (unsigned i = 3; i > 0; i--) {
        ps_journal_file *f = ps_journal_file_open(path, &head, why, sizeof why);
        assert_non_null(f);
        const ps_machine face = ps_journal_file_machine(
            f, (ps_machine){.self = &taken, .step = take, .deadline_us = never});
        for (unsigned k = 0; k < i; k++) {
            step(face, 10);
        }
        assert_null(ps_journal_file_close(f));
        assert_inputs(path, i);
        if (i < 3) {
            assert_inputs(older, i + 1);
        }
    }
}

static void what_cannot_be_kept_costs_nothing(void **state)
{
    (void)state;
    ps_journal_file *f = ps_journal_file_open(path, &head, why, sizeof why);
    assert_non_null(f);
    assert_null(ps_journal_file_open(path, &head, why, sizeof why));
    assert_string_equal(why, "another program writes it");
    assert_null(ps_journal_file_close(f));
    FILE *file = fopen(older, "w");
    assert_non_null(file);
    fputs("alice password123\n", file);
    fclose(file);
    assert_null(ps_journal_file_open(path, &head, why, sizeof why));
    assert_string_equal(
        why,
        "the journal before is to be kept as FILE.1, and of that, it exists and is no journal");
    assert_int_equal(size_of(older), 18);
    assert_inputs(path, 0);
}

static void other_files_stay_what_they_are(void **state)
{
    (void)state;
    char other[128];
    snprintf(other, sizeof other, "%s/other", dir);
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fputs("alice password123\n", file);
    fclose(file);
    assert_null(ps_journal_file_open(other, &head, why, sizeof why));
    assert_string_equal(why, "it exists and is no journal");
    assert_int_equal(size_of(other), 18);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(symlink(path, other), 0);
    assert_null(ps_journal_file_open(other, &head, why, sizeof why));
    assert_string_equal(why, "it is a symbolic link");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_null(ps_journal_file_open(other, &head, why, sizeof why));
    assert_string_equal(why, "it is no regular file");
    assert_null(ps_journal_file_open(dir, &head, why, sizeof why));
    assert_null(ps_journal_file_open("/dev/full", &head, why, sizeof why));
    assert_null(ps_journal_file_open("/nowhere/journal", &head, why, sizeof why));
    assert_string_equal(why, strerror(ENOENT));
}

/* A full disk: told once, and the machine goes on. */
static void a_write_error_is_told_once(void **state)
{
    (void)state;
    size_t taken = 0;
    struct rlimit old;
    ps_journal_file *f = ps_journal_file_open(path, &head, why, sizeof why);
    assert_non_null(f);
    const ps_machine face = ps_journal_file_machine(
        f, (ps_machine){.self = &taken, .step = take, .deadline_us = never});
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit limit = {.rlim_cur = size_of(path) + 100, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    step(face, 1000);
    const char *fault = ps_journal_file_flush(f);
    step(face, 1000);
    const char *again = ps_journal_file_flush(f);
    const char *last = ps_journal_file_close(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_non_null(fault);
    assert_string_equal(fault, strerror(EFBIG));
    assert_null(again);
    assert_null(last);
    assert_int_equal(taken, 2);
}

static void none_is_nothing(void **state)
{
    (void)state;
    assert_null(ps_journal_file_flush(NULL));
    assert_null(ps_journal_file_close(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_belongs_to_its_owner_alone, enter, leave),
        cmocka_unit_test_setup_teardown(what_waits_is_written_when_full_and_when_asked, enter,
                                        leave),
        cmocka_unit_test_setup_teardown(an_older_journal_is_kept, enter, leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_costs_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(other_files_stay_what_they_are, enter, leave),
        cmocka_unit_test_setup_teardown(a_write_error_is_told_once, enter, leave),
        cmocka_unit_test(none_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

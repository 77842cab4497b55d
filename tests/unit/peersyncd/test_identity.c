#include "unit.h"

#include "common/exit_codes.h"
#include "peersyncd/identity.h"
#include "scratch.h"

#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char message[PS_IDENTITY_MESSAGE];

static int load(const scratch *s, ps_identity *out)
{
    static ps_state_dir dir;
    assert_int_equal(ps_state_dir_open(&dir, s->path), PS_STATE_OK);
    message[0] = '\0';
    const int code = ps_identity_load(&dir, out, message, sizeof message);
    ps_state_dir_close(&dir);
    return code;
}

static void the_first_start_makes_keys_that_last(void **state)
{
    const scratch *s = *state;
    static ps_identity first;
    static ps_identity again;
    uint8_t public_key[PS_KEY_BYTES];
    struct stat st;
    assert_int_equal(load(s, &first), PS_EXIT_DONE);
    assert_int_equal(load(s, &again), PS_EXIT_DONE);
    assert_memory_equal(first.static_secret, again.static_secret, PS_KEY_BYTES);
    assert_memory_equal(first.realm_secret, again.realm_secret, 32);
    assert_memory_not_equal(first.realm_secret, first.static_secret, 32);
    assert_int_equal(crypto_scalarmult_base(public_key, first.static_secret), 0);
    assert_memory_equal(first.public_key, public_key, PS_KEY_BYTES);
    assert_non_null(strstr(first.path, "/server.key"));
    static const char *const names[] = {"server.key", "realm.key"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fstatat(s->dir, names[i], &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(st.st_nlink, 1); /* No second name is left. */
    }
    ps_identity_wipe(&first);
    assert_true(sodium_is_zero(first.static_secret, PS_KEY_BYTES));
    assert_true(sodium_is_zero(first.realm_secret, 32));
}

/* Refused with a message that names the file, and left as it is. */
static void assert_refused(const scratch *s, const char *name, const char *why)
{
    static ps_identity identity;
    assert_int_equal(load(s, &identity), PS_EXIT_STATE);
    assert_non_null(strstr(message, name));
    assert_non_null(strstr(message, why));
    assert_true(sodium_is_zero(identity.static_secret, PS_KEY_BYTES));
}

static void damaged_files_are_refused_and_kept(void **state)
{
    const scratch *s = *state;
    static const char *const bad[] = {
        "",
        "# a comment only\n",
        "# c\nAAAA\n",
        "not base64\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", /* All zero. */
        "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n", /* 31 bytes. */
        "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", /* 33 bytes. */
        "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nsomething more\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scratch_write(s, "realm.key", bad[i]);
        assert_refused(s, "/realm.key", "damaged");
        scratch_expect(s, "realm.key", bad[i]);
        assert_int_equal(unlinkat(s->dir, "realm.key", 0), 0);
    }
    static char large[4096];
    memset(large, '#', sizeof large - 1);
    scratch_write(s, "realm.key", large);
    assert_refused(s, "/realm.key", "damaged");
}

static void files_for_other_eyes_are_refused(void **state)
{
    const scratch *s = *state;
    static ps_identity identity;
    assert_int_equal(load(s, &identity), PS_EXIT_DONE);
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(fchmodat(s->dir, "server.key", modes[i], 0), 0);
        assert_refused(s, "/server.key", "chmod 600");
    }
    assert_int_equal(fchmodat(s->dir, "server.key", 0400, 0), 0);
    assert_int_equal(load(s, &identity), PS_EXIT_DONE);
}

static void what_is_no_file_is_refused(void **state)
{
    const scratch *s = *state;
    scratch_write(s, "elsewhere", "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    assert_int_equal(symlinkat("elsewhere", s->dir, "server.key"), 0);
    assert_refused(s, "/server.key", "symbolic link");
    assert_int_equal(unlinkat(s->dir, "server.key", 0), 0);
    assert_int_equal(mkdirat(s->dir, "server.key", 0700), 0);
    assert_refused(s, "/server.key", "not a regular file");
    assert_int_equal(unlinkat(s->dir, "server.key", AT_REMOVEDIR), 0);
    assert_int_equal(mkfifoat(s->dir, "server.key", 0600), 0);
    assert_refused(s, "/server.key", "not a regular file");
}

/* Editors add carriage returns; people add lines of comment. */
static void other_forms_of_the_text_are_read(void **state)
{
    const scratch *s = *state;
    static ps_identity identity;
    scratch_write(s, "server.key",
                  "# one\n# two\r\nBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\n");
    assert_int_equal(load(s, &identity), PS_EXIT_DONE);
    assert_int_equal(identity.static_secret[0], 4);
    assert_true(sodium_is_zero(identity.static_secret + 1, PS_KEY_BYTES - 1));
}

/* All that start at once get the same keys. */
static void first_starts_that_race_agree(void **state)
{
    enum { RACERS = 8 };
    const scratch *s = *state;
    int go[2];
    int answers[2];
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(answers), 0);
    for (int i = 0; i < RACERS; i++) {
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            static ps_identity mine;
            char c = 0;
            close(go[1]);
            ssize_t n = read(go[0], &c, 1); /* Ends for all of them at once. */
            n += load(s, &mine) == PS_EXIT_DONE ? write(answers[1], &mine, 64) : 0;
            _exit(n == 64 ? 0 : 1);
        }
    }
    close(go[0]);
    close(go[1]);
    static ps_identity right;
    int status = 0;
    for (int i = 0; i < RACERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(load(s, &right), PS_EXIT_DONE);
    for (int i = 0; i < RACERS; i++) {
        uint8_t got[64];
        assert_int_equal(read(answers[0], got, sizeof got), 64);
        assert_memory_equal(got, &right, sizeof got);
    }
    close(answers[0]);
    close(answers[1]);
}

static void without_a_state_directory_they_last_too(void **state)
{
    const scratch *s = *state;
    static ps_identity first;
    static ps_identity again;
    setenv("XDG_STATE_HOME", s->path, 1);
    assert_int_equal(ps_identity_load_default(true, &first, message, sizeof message), PS_EXIT_DONE);
    assert_string_equal(message, "");
    assert_non_null(strstr(first.path, "/peersyncd/server.key"));
    assert_int_equal(ps_identity_load_default(true, &again, message, sizeof message), PS_EXIT_DONE);
    assert_memory_equal(first.public_key, again.public_key, PS_KEY_BYTES);
    char path[128];
    snprintf(path, sizeof path, "%s/peersyncd/server.key", s->path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(ps_identity_load_default(true, &again, message, sizeof message),
                     PS_EXIT_STATE);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/peersyncd/realm.key", s->path);
    assert_int_equal(unlink(path), 0);

    /* Where there is no place, they end with the process, and that is said. */
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(ps_identity_load_default(true, &again, message, sizeof message), PS_EXIT_DONE);
    assert_non_null(strstr(message, "--state"));
    assert_string_equal(again.path, "");
    assert_int_equal(ps_identity_load_default(false, &again, message, sizeof message),
                     PS_EXIT_STATE);
    scratch_write(s, "file", "");
    snprintf(path, sizeof path, "%s/file", s->path);
    setenv("XDG_STATE_HOME", path, 1);
    assert_int_equal(ps_identity_load_default(true, &again, message, sizeof message), PS_EXIT_DONE);
    assert_non_null(strstr(message, "end with this run"));
}

/* scratch_teardown() takes empty directories only. */
static void remove_keys(const scratch *s)
{
    assert_int_equal(unlinkat(s->dir, "peersyncd/server.key", 0), 0);
    (void)unlinkat(s->dir, "peersyncd/realm.key", 0);
}

/* A limit on the size of files stands for the disk that takes nothing. */
static int load_on_full_disk(ps_identity *out)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_max = before.rlim_max}), 0);
    const int code = ps_identity_load_default(true, out, message, sizeof message);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    return code;
}

static void a_server_key_is_kept_without_a_realm_secret(void **state)
{
    const scratch *s = *state;
    static ps_identity first;
    static ps_identity again;
    char path[128];
    setenv("XDG_STATE_HOME", s->path, 1);
    /* Neither is there, and none can be made. */
    assert_int_equal(load_on_full_disk(&first), PS_EXIT_DONE);
    assert_non_null(strstr(message, "the server's keys end with this run"));
    assert_string_equal(first.path, "");

    assert_int_equal(ps_identity_load_default(true, &first, message, sizeof message), PS_EXIT_DONE);
    assert_true(first.made);
    snprintf(path, sizeof path, "%s/peersyncd/realm.key", s->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(load_on_full_disk(&again), PS_EXIT_DONE);
    assert_false(again.made);
    assert_non_null(strstr(message, "the realm secret ends with this run"));
    assert_memory_equal(first.public_key, again.public_key, PS_KEY_BYTES);
    assert_memory_not_equal(first.realm_secret, again.realm_secret, 32);
    assert_false(sodium_is_zero(again.realm_secret, 32));
    remove_keys(s);
}

/* Keys may stand where nobody can look: no others are made instead. */
static void a_directory_of_somebody_else_is_refused(void **state)
{
    const scratch *s = *state;
    static ps_identity identity;
    setenv("XDG_STATE_HOME", s->path, 1);
    assert_int_equal(ps_identity_load_default(true, &identity, message, sizeof message),
                     PS_EXIT_DONE);
    char path[128];
    snprintf(path, sizeof path, "%s/peersyncd", s->path);
    assert_int_equal(chmod(path, 0), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* root may look everywhere, and so becomes nobody. */
        const bool blind = geteuid() != 0 || setuid(65534) == 0;
        const int code = ps_identity_load_default(true, &identity, message, sizeof message);
        _exit(blind && code == PS_EXIT_STATE && strstr(message, "it belongs to ") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(path, 0700), 0);
    remove_keys(s);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_first_start_makes_keys_that_last),
        SCRATCH_TEST(damaged_files_are_refused_and_kept),
        SCRATCH_TEST(files_for_other_eyes_are_refused),
        SCRATCH_TEST(what_is_no_file_is_refused),
        SCRATCH_TEST(other_forms_of_the_text_are_read),
        SCRATCH_TEST(first_starts_that_race_agree),
        SCRATCH_TEST(without_a_state_directory_they_last_too),
        SCRATCH_TEST(a_server_key_is_kept_without_a_realm_secret),
        SCRATCH_TEST(a_directory_of_somebody_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

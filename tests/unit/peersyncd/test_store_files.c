/* The real disk, in a temporary directory. */
#include "records.h"

#include "peersync/crypto_openssl.h"
#include "peersyncd/store.h"
#include "peersyncd/store_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t salt[PS_STORE_SALT];
static char dir[] = "/tmp/peersync-store-XXXXXX";
static int dir_fd;
static ps_store_posix posix;
static ps_store_files files;
static known back;
static ps_store_summary found;

static int make(void **state)
{
    (void)state;
    memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd >= 0 ? 0 : -1;
}

static int clear(void **state)
{
    (void)state;
    (void)unlinkat(dir_fd, PS_STORE_NAME, 0);
    (void)unlinkat(dir_fd, PS_STORE_NAME ".new", 0);
    close(dir_fd);
    return rmdir(dir); /* Nothing else may be left. */
}

static void open_and_load(void)
{
    assert_int_equal(ps_store_posix_open(&posix, dir_fd, false), 0);
    files = ps_store_posix_files(&posix);
    memset(&back, 0, sizeof back);
    assert_int_equal(ps_store_load(&files, ps_crypto_openssl(), salt, known_restore, &back, &found),
                     PS_STORE_OK);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    known after = {0};
    test_random random = test_random_of(1);
    ps_store store;
    struct stat st;
    uint64_t seq = 0, counting = 0;
    for (unsigned life = 0; life < 3; life++) {
        open_and_load();
        known_assert_equal(&back, &after);
        assert_true(found.records == (life == 0 ? 0 : counting + 50));
        counting = found.counting;
        assert_true(ps_store_init(&store, &files, ps_crypto_openssl(), found.good, 65536));
        for (unsigned i = 0; i < 50; i++) {
            const change c = change_next(&after, &random);
            const ps_event_record e = change_event(&c, ++seq);
            assert_true(ps_store_append(&store, &e));
        }
        assert_true(ps_store_begin(&store));
        ps_store_work(&store);
        assert_int_equal(ps_store_end(&store), PS_STORE_COMMITTED);
        assert_true(store.committed == seq);
        ps_store_free(&store);
        ps_store_posix_close(&posix);
    }
    assert_int_equal(fstatat(dir_fd, PS_STORE_NAME, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(st.st_size == (off_t)store.good);
}

/* A torn end, and what a crash has left of a fresh file. */
static void leavings_are_cleared(void **state)
{
    (void)state;
    open_and_load();
    ps_store_posix_close(&posix);
    int fd = openat(dir_fd, PS_STORE_NAME, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "torn", 4), 4);
    close(fd);
    open_and_load();
    assert_true(found.cut == 4);
    ps_store_posix_close(&posix);
    open_and_load();
    assert_true(found.cut == 0 && found.good == PS_STORE_HEADER);
    ps_store_posix_close(&posix);

    assert_int_equal(unlinkat(dir_fd, PS_STORE_NAME, 0), 0);
    fd = openat(dir_fd, PS_STORE_NAME ".new", O_WRONLY | O_CREAT, 0600);
    close(fd);
    open_and_load();
    assert_true(found.good == PS_STORE_HEADER);
    assert_int_equal(faccessat(dir_fd, PS_STORE_NAME ".new", F_OK, 0), -1);
    ps_store_posix_close(&posix);
}

static void a_log_is_written_anew(void **state)
{
    (void)state;
    known after = {0};
    test_random random = test_random_of(2);
    ps_store store;
    open_and_load();
    assert_true(ps_store_init(&store, &files, ps_crypto_openssl(), found.good, 65536));
    for (uint64_t seq = 1; ps_store_pending(&store) <= 65536; seq++) {
        const change c = change_next(&after, &random);
        const ps_event_record e = change_event(&c, seq);
        assert_true(ps_store_append(&store, &e));
    }
    assert_true(ps_store_begin(&store));
    ps_store_work(&store);
    assert_int_equal(ps_store_end(&store), PS_STORE_COMMITTED);
    ps_store_free(&store);
    ps_store_posix_close(&posix);
    open_and_load();
    assert_true(found.records > found.counting);
    known_assert_equal(&back, &after);
    ps_store_posix_close(&posix);
    open_and_load();
    assert_true(found.records == found.counting);
    known_assert_equal(&back, &after);
    ps_store_posix_close(&posix);
}

/* Root may start the server once, by hand. */
static void the_log_stays_its_owners(void **state)
{
    (void)state;
    struct stat st;
    open_and_load();
    ps_store_posix_close(&posix);
    const uid_t owner = geteuid() == 0 ? 4321 : geteuid();
    assert_int_equal(fchownat(dir_fd, PS_STORE_NAME, owner, (gid_t)-1, 0), 0);
    open_and_load();
    ps_store_posix_close(&posix);
    assert_int_equal(fstatat(dir_fd, PS_STORE_NAME, &st, 0), 0);
    assert_int_equal(st.st_uid, owner);
}

static void reading_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(ps_store_posix_open(&posix, dir_fd, true), 0);
    files = ps_store_posix_files(&posix);
    assert_int_equal(ps_store_examine(&files, ps_crypto_openssl(), salt, &found), PS_STORE_OK);
    assert_int_equal(found.kind, PS_STORE_CUT);
    ps_store_posix_close(&posix);
    assert_int_equal(faccessat(dir_fd, PS_STORE_NAME, F_OK, 0), -1);
}

static void only_regular_files(void **state)
{
    (void)state;
    assert_int_equal(mkfifoat(dir_fd, PS_STORE_NAME, 0600), 0);
    assert_int_equal(ps_store_posix_open(&posix, dir_fd, false), EINVAL);
    assert_int_equal(unlinkat(dir_fd, PS_STORE_NAME, 0), 0);
    assert_int_equal(symlinkat("/dev/null", dir_fd, PS_STORE_NAME), 0);
    assert_int_equal(ps_store_posix_open(&posix, dir_fd, false), ELOOP);
    assert_int_equal(unlinkat(dir_fd, PS_STORE_NAME, 0), 0);
    assert_int_equal(mkdirat(dir_fd, PS_STORE_NAME, 0700), 0);
    assert_int_equal(ps_store_posix_open(&posix, dir_fd, false), EISDIR);
    assert_int_equal(unlinkat(dir_fd, PS_STORE_NAME, AT_REMOVEDIR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, make, clear),
        cmocka_unit_test_setup_teardown(leavings_are_cleared, make, clear),
        cmocka_unit_test_setup_teardown(a_log_is_written_anew, make, clear),
        cmocka_unit_test_setup_teardown(the_log_stays_its_owners, make, clear),
        cmocka_unit_test_setup_teardown(reading_changes_nothing, make, clear),
        cmocka_unit_test_setup_teardown(only_regular_files, make, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

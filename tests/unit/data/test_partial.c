/* A partial file goes on from what is verified, whatever has happened to it meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "partial.h"

#include "fixture.h"
#include "peersync/crypto_openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECES 5u
#define LENGTH ((PIECES - 1) * PS_PIECE_BYTES + 777u)

/* The errors of the next calls; 0: none. */
static int fsync_fails, flock_fails;
/* Files belong to another user than who makes them, as where a file system maps them. */
static unsigned owner_shift;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (fsync_fails != 0) {
        errno = fsync_fails;
        fsync_fails = 0; /* The system tells of it once. */
        return -1;
    }
    return __real_fsync(fd);
}

int __wrap_flock(int fd, int how);
int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how)
{
    if (flock_fails != 0) {
        errno = flock_fails;
        return -1;
    }
    return __real_flock(fd, how);
}

uid_t __real_geteuid(void);
uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
    return __real_geteuid() + owner_shift;
}

struct scene {
    char folder[64];
    int dir;
    uint8_t *bytes;
    ps_node layer[PIECES];
    ps_content content;
};

static int make(void **state)
{
    struct scene *s = malloc(sizeof *s);
    ps_posix_error error;
    assert_non_null(s);
    (void)snprintf(s->folder, sizeof s->folder, "/tmp/peersync-partial-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(ps_posix_open_dir(s->folder, &s->dir, &error), PS_OK);
    s->bytes = malloc(LENGTH);
    assert_non_null(s->bytes);
    for (size_t i = 0; i < LENGTH; i++) {
        s->bytes[i] = (uint8_t)(i * 31 + i / 4099);
    }
    for (uint32_t i = 0; i < PIECES; i++) {
        ps_piece_hash(ps_crypto_openssl(), LENGTH, s->bytes + (size_t)i * PS_PIECE_BYTES,
                      ps_piece_length(LENGTH, i), &s->layer[i]);
    }
    s->content.length = LENGTH;
    ps_tree_root(ps_crypto_openssl(), LENGTH, s->layer, s->content.root);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
    (void)close(s->dir);
    free(s->bytes);
    free(s);
    return 0;
}

static enum partial_result open_it(struct scene *s, struct partial *p)
{
    ps_posix_error error = {0};
    return partial_open(p, ps_crypto_openssl(), s->dir, "name", &s->content, &error);
}

static void write_piece(struct scene *s, struct partial *p, uint32_t piece)
{
    ps_posix_error error;
    assert_int_equal(partial_write(p, piece, s->bytes + (size_t)piece * PS_PIECE_BYTES,
                                   ps_piece_length(LENGTH, piece), &s->layer[piece], &error),
                     PS_OK);
    partial_mark(p, piece, &s->layer[piece]);
}

/* As a killed process leaves it: nothing is said, descriptors close. */
static void kill_it(struct partial *p)
{
    (void)close(p->part);
    (void)close(p->state);
    p->part = p->state = -1;
    partial_close(p, false);
}

static unsigned count(const struct partial *p)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < PIECES; i++) {
        n += partial_has(p, i);
    }
    return n;
}

static void add(void *ctx, uint32_t len)
{
    *(uint64_t *)ctx += len;
}

static void recheck(struct partial *p)
{
    atomic_bool stop = false;
    uint64_t held = 0;
    partial_recheck(p, 0, 2, &stop, add, &held);
    partial_recheck(p, 1, 2, &stop, add, &held);
    assert_int_equal(held, partial_bytes(p));
    partial_rechecked(p);
}

/* With pieces 0, 1 and 3. */
static void begin_three(struct scene *s, struct partial *p)
{
    assert_int_equal(open_it(s, p), PARTIAL_OK);
    assert_true(p->trusted);
    assert_int_equal(count(p), 0);
    write_piece(s, p, 0);
    write_piece(s, p, 3);
    write_piece(s, p, 1);
}

static void clean_end_is_believed(void **state)
{
    struct scene *s = *state;
    struct partial p;
    begin_three(s, &p);
    partial_close(&p, false);
    assert_int_equal(folder_count(s->folder), 2);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_true(p.trusted);
    assert_int_equal(count(&p), 3);
    assert_true(partial_has(&p, 3));
    assert_int_equal(partial_bytes(&p), 3 * PS_PIECE_BYTES);
    assert_false(partial_whole(&p));
    /* And once more: the clean end before is not the last word any more. */
    write_piece(s, &p, 2);
    kill_it(&p);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_false(p.trusted);
    assert_int_equal(count(&p), 4);
    partial_close(&p, true);
    assert_int_equal(folder_count(s->folder), 0);
}

static void killed_one_is_looked_at(void **state)
{
    struct scene *s = *state;
    struct partial p;
    begin_three(s, &p);
    kill_it(&p);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_false(p.trusted);
    recheck(&p);
    assert_true(p.trusted);
    assert_int_equal(count(&p), 3);
    write_piece(s, &p, 2);
    write_piece(s, &p, 4);
    assert_true(partial_whole(&p));
    ps_posix_error error;
    assert_int_equal(partial_sync(&p, 0644, &error), PS_OK);
    assert_int_equal(partial_name(&p, &error), PS_OK);
    partial_close(&p, false);
    assert_int_equal(folder_count(s->folder), 1);
    struct stat st;
    assert_int_equal(fstatat(s->dir, "name", &st, 0), 0);
    assert_int_equal(st.st_size, LENGTH);
    assert_int_equal(st.st_mode & 07777, 0644);
}

static void alter_part(struct scene *s, const char *name, off_t at)
{
    int fd = openat(s->dir, name, O_RDWR);
    uint8_t byte;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static void altered_part_is_found_out(void **state)
{
    struct scene *s = *state;
    struct partial p;
    struct timespec before[2] = {{0}};
    struct stat st;
    begin_three(s, &p);
    char name[PARTIAL_NAME];
    memcpy(name, p.part_name, sizeof name);
    partial_close(&p, false);
    assert_int_equal(fstatat(s->dir, name, &st, 0), 0);
    alter_part(s, name, PS_PIECE_BYTES + 5);
    before[0] = st.st_atim;
    before[1] = st.st_mtim;
    assert_int_equal(utimensat(s->dir, name, before, 0), 0); /* The change time still tells. */
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_false(p.trusted);
    recheck(&p);
    assert_int_equal(count(&p), 2);
    assert_false(partial_has(&p, 1));
    /* What was taken back stays so after a clean end. */
    partial_close(&p, false);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_true(p.trusted);
    assert_int_equal(count(&p), 2);
    /* Cut short: what is beyond is gone. */
    partial_close(&p, false);
    int fd = openat(s->dir, name, O_RDWR);
    assert_int_equal(ftruncate(fd, PS_PIECE_BYTES), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_false(p.trusted);
    recheck(&p);
    assert_int_equal(count(&p), 1);
    partial_close(&p, true);
}

static void one_that_was_stopped_vouches_for_nothing(void **state)
{
    struct scene *s = *state;
    struct partial p;
    atomic_bool stop = true;
    begin_three(s, &p);
    char name[PARTIAL_NAME];
    memcpy(name, p.part_name, sizeof name);
    kill_it(&p);
    alter_part(s, name, 5);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    uint64_t held = 0;
    partial_recheck(&p, 0, 1, &stop, add, &held);
    assert_int_equal(held, 0);
    assert_int_equal(count(&p), 0);
    partial_close(&p, false);
    assert_int_equal(folder_count(s->folder), 2);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_false(p.trusted);
    recheck(&p);
    assert_int_equal(count(&p), 2);
    assert_false(partial_has(&p, 0));
    partial_close(&p, true);
}

/* Whatever byte of the state is wrong, no piece is believed that is not there. */
static void damaged_state_costs_time_only(void **state)
{
    struct scene *s = *state;
    struct partial p;
    begin_three(s, &p);
    char name[PARTIAL_NAME];
    memcpy(name, p.state_name, sizeof name);
    partial_close(&p, false);
    uint8_t whole[1024];
    int fd = openat(s->dir, name, O_RDWR);
    ssize_t len = read(fd, whole, sizeof whole);
    assert_true(len > 4 * 40);
    for (ssize_t at = 0; at < len; at++) {
        for (unsigned cut = 0; cut < 2; cut++) {
            uint8_t wrong = whole[at] ^ (uint8_t)(1u << (at % 8));
            assert_int_equal(ftruncate(fd, 0), 0);
            assert_int_equal(pwrite(fd, whole, (size_t)len, 0), len);
            assert_int_equal(pwrite(fd, &wrong, 1, at), 1);
            assert_int_equal(cut ? ftruncate(fd, at) : 0, 0);
            assert_int_equal(open_it(s, &p), PARTIAL_OK);
            for (uint32_t i = 0; i < PIECES; i++) {
                if (partial_has(&p, i)) {
                    assert_true(i == 0 || i == 1 || i == 3);
                    assert_memory_equal(&p.layer[i], &s->layer[i], sizeof(ps_node));
                }
            }
            bool header = at < 8 + 8 + 32 + 2 + 4 + 8;
            assert_int_equal(count(&p) < 2, header || (cut && at < len - 2 * 40));
            if (!header && (at >= len - 40 || (cut && at >= len - 3 * 40))) {
                assert_false(p.trusted); /* The clean end is gone. */
            }
            kill_it(&p);
        }
    }
    assert_int_equal(close(fd), 0);
}

/* A state that is right in itself but says another piece's hash is found out by the root. */
static void wrong_record_is_found_out_by_the_root(void **state)
{
    struct scene *s = *state;
    struct partial p;
    ps_posix_error error;
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    for (uint32_t i = 0; i < PIECES; i++) {
        write_piece(s, &p, i);
    }
    uint8_t other[777] = {1};
    ps_node hash;
    ps_piece_hash(ps_crypto_openssl(), LENGTH, other, sizeof other, &hash);
    assert_int_equal(partial_write(&p, PIECES - 1, other, sizeof other, &hash, &error), PS_OK);
    kill_it(&p);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    recheck(&p);
    assert_int_equal(count(&p), PIECES);
    assert_false(partial_whole(&p));
    assert_int_equal(partial_restart(&p, &error), PS_OK);
    assert_int_equal(count(&p), 0);
    kill_it(&p);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_int_equal(count(&p), 0);
    partial_close(&p, false);
    assert_int_equal(folder_count(s->folder), 0);
}

static void only_one_at_a_time(void **state)
{
    struct scene *s = *state;
    struct partial p, q;
    begin_three(s, &p);
    assert_int_equal(open_it(s, &q), PARTIAL_BUSY);
    assert_int_equal(folder_count(s->folder), 2);
    kill_it(&p);
    assert_int_equal(open_it(s, &q), PARTIAL_OK);
    partial_close(&q, true);
}

static void other_names_and_contents_are_others(void **state)
{
    struct scene *s = *state;
    struct partial p, q;
    ps_posix_error error;
    ps_content other = s->content;
    other.root[31] ^= 1;
    begin_three(s, &p);
    assert_int_equal(partial_open(&q, ps_crypto_openssl(), s->dir, "eman", &s->content, &error),
                     PARTIAL_OK);
    assert_int_equal(count(&q), 0);
    partial_close(&q, false);
    assert_int_equal(partial_open(&q, ps_crypto_openssl(), s->dir, "name", &other, &error),
                     PARTIAL_OK);
    assert_int_equal(count(&q), 0);
    partial_close(&q, false);
    assert_int_equal(folder_count(s->folder), 2);
    partial_close(&p, true);
}

/* Each of the two names is taken by something that a download would never leave. */
static void foreign_things_are_not_touched(void **state)
{
    struct scene *s = *state;
    struct partial p;
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    char names[2][PARTIAL_NAME];
    memcpy(names[0], p.part_name, PARTIAL_NAME);
    memcpy(names[1], p.state_name, PARTIAL_NAME);
    partial_close(&p, true);
    int fd = openat(s->dir, "target", O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    for (unsigned i = 0; i < 8; i++) {
        const char *name = names[i % 2];
        switch (i / 2) {
        case 0:
            assert_int_equal(symlinkat("target", s->dir, name), 0);
            break;
        case 1:
            assert_int_equal(mkfifoat(s->dir, name, 0600), 0);
            break;
        case 2:
            assert_int_equal(mkdirat(s->dir, name, 0700), 0);
            break;
        default:
            assert_int_equal(linkat(s->dir, "target", s->dir, name, 0), 0);
            break;
        }
        assert_int_equal(open_it(s, &p), PARTIAL_FOREIGN);
        struct stat st;
        assert_int_equal(fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(unlinkat(s->dir, name, i / 2 == 2 ? AT_REMOVEDIR : 0), 0);
        char back[9] = "";
        assert_int_equal(pread(fd, back, 8, 0), 8);
        assert_string_equal(back, "precious");
        assert_int_equal(lseek(fd, 0, SEEK_END), 8);
        assert_int_equal(folder_count(s->folder), 1);
    }
    assert_int_equal(close(fd), 0);
}

/* No room for the rest: what is there is still there afterwards. */
static void a_full_disk_takes_nothing(void **state)
{
    struct scene *s = *state;
    struct partial p;
    struct rlimit before, small;
    begin_three(s, &p);
    char name[PARTIAL_NAME];
    memcpy(name, p.part_name, sizeof name);
    partial_close(&p, false);
    int fd = openat(s->dir, name, O_RDWR);
    assert_int_equal(ftruncate(fd, PS_PIECE_BYTES), 0); /* Room is missing again. */
    assert_int_equal(close(fd), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = PS_PIECE_BYTES;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum partial_result result = open_it(s, &p);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, PARTIAL_FAILED);
    assert_int_equal(folder_count(s->folder), 2);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    recheck(&p);
    assert_int_equal(count(&p), 1);
    partial_close(&p, true);
}

static void loose_one_leaves_nothing(void **state)
{
    struct scene *s = *state;
    struct partial p;
    ps_posix_error error;
    assert_int_equal(partial_open_loose(&p, ps_crypto_openssl(), s->dir, &s->content, &error),
                     PARTIAL_OK);
    assert_int_equal(folder_count(s->folder), 0);
    for (uint32_t i = 0; i < PIECES; i++) {
        write_piece(s, &p, i);
    }
    assert_true(partial_whole(&p));
    partial_close(&p, false);
    assert_int_equal(folder_count(s->folder), 0);
}

/* A second sync would succeed, and prove nothing. */
static void a_failed_sync_is_not_forgotten(void **state)
{
    struct scene *s = *state;
    struct partial p;
    ps_posix_error error;
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    for (uint32_t i = 0; i < PIECES; i++) {
        write_piece(s, &p, i);
    }
    fsync_fails = EIO;
    assert_int_equal(partial_sync(&p, 0644, &error), PS_FAILED);
    partial_close(&p, false);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_int_equal(count(&p), PIECES);
    assert_false(p.trusted);
    recheck(&p);
    assert_true(partial_whole(&p));
    partial_close(&p, true);
}

static void a_disk_without_locks_will_do(void **state)
{
    static const int numbers[] = {ENOLCK, EOPNOTSUPP, ENOSYS};
    struct scene *s = *state;
    struct partial p;
    for (unsigned i = 0; i < 3; i++) {
        flock_fails = numbers[i];
        begin_three(s, &p);
        partial_close(&p, false);
        assert_int_equal(open_it(s, &p), PARTIAL_OK);
        assert_int_equal(count(&p), 3);
        partial_close(&p, true);
    }
    flock_fails = EIO;
    assert_int_equal(open_it(s, &p), PARTIAL_FAILED);
    flock_fails = 0;
}

static void whose_files_become_there_is_learnt(void **state)
{
    struct scene *s = *state;
    struct partial p;
    owner_shift = 1;
    begin_three(s, &p);
    partial_close(&p, false);
    assert_int_equal(open_it(s, &p), PARTIAL_OK);
    assert_int_equal(count(&p), 3);
    partial_close(&p, true);
    owner_shift = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clean_end_is_believed, make, end),
        cmocka_unit_test_setup_teardown(killed_one_is_looked_at, make, end),
        cmocka_unit_test_setup_teardown(altered_part_is_found_out, make, end),
        cmocka_unit_test_setup_teardown(one_that_was_stopped_vouches_for_nothing, make, end),
        cmocka_unit_test_setup_teardown(damaged_state_costs_time_only, make, end),
        cmocka_unit_test_setup_teardown(wrong_record_is_found_out_by_the_root, make, end),
        cmocka_unit_test_setup_teardown(only_one_at_a_time, make, end),
        cmocka_unit_test_setup_teardown(other_names_and_contents_are_others, make, end),
        cmocka_unit_test_setup_teardown(foreign_things_are_not_touched, make, end),
        cmocka_unit_test_setup_teardown(a_full_disk_takes_nothing, make, end),
        cmocka_unit_test_setup_teardown(loose_one_leaves_nothing, make, end),
        cmocka_unit_test_setup_teardown(a_failed_sync_is_not_forgotten, make, end),
        cmocka_unit_test_setup_teardown(a_disk_without_locks_will_do, make, end),
        cmocka_unit_test_setup_teardown(whose_files_become_there_is_learnt, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

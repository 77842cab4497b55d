/* Files of one piece: stored, made to last together, named, never over anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "batch.h"

#include "fixture.h"
#include "peersync/crypto_openssl.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/peersync-landing-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int end(void **state)
{
    char command[100];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    return 0;
}

static struct landing landing_of(char *name, const char *bytes)
{
    struct landing l = {.crypto = ps_crypto_openssl(),
                        .folder = folder,
                        .name = name,
                        .mode = 0640,
                        .dir = -1,
                        .stored = -1};
    l.content.length = strlen(bytes);
    ps_node root = {{0}};
    if (bytes[0] != '\0') {
        ps_piece_hash(l.crypto, l.content.length, (const uint8_t *)bytes, (uint32_t)strlen(bytes),
                      &root);
    }
    memcpy(l.content.root, root.bytes, sizeof root.bytes);
    return l;
}

static int open_in(const char *name)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void store(struct landing *l, const char *bytes)
{
    landing_store(l, (const uint8_t *)bytes, (uint32_t)strlen(bytes));
}

static void assert_holds(const char *name, const char *bytes)
{
    char path[200], back[100] = "";
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    (void)fread(back, 1, sizeof back - 1, f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(back, bytes);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void one_is_stored_and_named(void **state)
{
    struct landing l = landing_of((char[]){"name"}, "bytes");
    (void)state;
    store(&l, "bytes");
    assert_int_equal(l.error, PS_E_NONE);
    assert_int_equal(l.dir, -1);
    assert_int_equal(folder_count(folder), 0); /* Nothing to leave behind. */
    assert_true(landing_open(&l));
    landing_sync(&l, true);
    landing_name(&l);
    landing_sync_names(&l);
    assert_false(l.unsure);
    landing_abandon(&l);
    assert_int_equal(l.error, PS_E_NONE);
    assert_int_equal(folder_count(folder), 1);
    assert_holds("name", "bytes");
}

static void what_is_abandoned_leaves_nothing(void **state)
{
    struct landing l = landing_of((char[]){"name"}, "bytes");
    (void)state;
    store(&l, "bytes");
    landing_abandon(&l);
    assert_int_equal(folder_count(folder), 0);
}

static void a_full_disk_leaves_nothing(void **state)
{
    struct landing l = landing_of((char[]){"name"}, "0123456789");
    struct rlimit before, small;
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    store(&l, "0123456789");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(l.error, PS_E_IO);
    landing_abandon(&l);
    assert_int_equal(folder_count(folder), 0);
}

static void a_name_that_is_taken_stays(void **state)
{
    struct landing first = landing_of((char[]){"name"}, "bytes");
    struct landing same = landing_of((char[]){"name"}, "bytes");
    struct landing other = landing_of((char[]){"name"}, "other");
    struct landing *all[] = {&first, &same, &other};
    (void)state;
    store(&first, "bytes");
    store(&same, "bytes");
    store(&other, "other");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(landing_open(all[i]));
        landing_name(all[i]);
        landing_abandon(all[i]);
    }
    assert_int_equal(first.error, PS_E_NONE);
    assert_false(first.already);
    assert_true(same.already); /* Somebody was faster with the same. */
    assert_true(other.exists);
    assert_int_equal(other.error, PS_E_IO);
    assert_int_equal(folder_count(folder), 1);
    assert_holds("name", "bytes");
}

/* A long file is compared a part at a time, for its crew has others to serve. */
static void a_long_file_is_compared_in_parts(void **state)
{
    enum { PIECES = 2 * LANDING_PART_PIECES + 1 };
    static uint8_t zeros[PS_PIECE_BYTES];
    const uint64_t length = (uint64_t)PIECES * PS_PIECE_BYTES;
    ps_node layer[PIECES];
    (void)state;
    const int fd = open_in("name");
    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    assert_int_equal(close(fd), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct landing l = landing_of((char[]){"name"}, "");
        l.content.length = length;
        for (unsigned k = 0; k < PIECES; k++) {
            ps_piece_hash(l.crypto, length, zeros, sizeof zeros, &layer[k]);
        }
        layer[PIECES - 1].bytes[0] ^= i == 1 ? 1 : 0;
        ps_tree_root(l.crypto, length, layer, l.content.root);
        assert_true(landing_open(&l));
        landing_look(&l);
        landing_compare(&l);
        assert_true(l.comparing);
        landing_compare(&l);
        assert_true(l.comparing);
        atomic_store(&l.cancelled, i == 2);
        if (i < 3) {
            landing_compare(&l);
            assert_false(l.comparing);
            assert_int_equal(l.already, i == 0);
            assert_int_equal(l.exists, i == 1);
            assert_int_equal(l.error, i == 0 ? PS_E_NONE : i == 1 ? PS_E_IO : PS_E_CANCELLED);
        }
        landing_abandon(&l); /* The last one in the midst of it. */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_is_stored_and_named, make, end),
        cmocka_unit_test_setup_teardown(what_is_abandoned_leaves_nothing, make, end),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_nothing, make, end),
        cmocka_unit_test_setup_teardown(a_name_that_is_taken_stays, make, end),
        cmocka_unit_test_setup_teardown(a_long_file_is_compared_in_parts, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

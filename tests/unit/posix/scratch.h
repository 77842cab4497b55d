/* A scratch folder for a test, gone with all that is in it afterwards. */
#ifndef PS_TESTS_POSIX_SCRATCH_H
#define PS_TESTS_POSIX_SCRATCH_H

#include "peersync/posix.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct scratch {
    char path[64];
    int dir;
} scratch;

static inline int scratch_setup(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    assert_non_null(s);
    strcpy(s->path, "/tmp/peersync-test-XXXXXX");
    assert_non_null(mkdtemp(s->path));
    assert_int_equal(ps_posix_open_dir(s->path, &s->dir, NULL), PS_OK);
    *state = s;
    return 0;
}

static inline int scratch_teardown(void **state)
{
    scratch *s = *state;
    DIR *d = fdopendir(s->dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            unlinkat(dirfd(d), e->d_name, 0) != 0) {
            assert_int_equal(unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR), 0);
        }
    }
    closedir(d);
    assert_int_equal(rmdir(s->path), 0);
    free(s);
    return 0;
}

/* A file of the folder with these bytes. */
static inline void scratch_write(const scratch *s, const char *name, const char *bytes)
{
    int fd = -1;
    assert_int_equal(ps_posix_create_beneath(s->dir, name, 0600, &fd, NULL), PS_OK);
    assert_int_equal(ps_posix_write_at(fd, bytes, strlen(bytes), 0, NULL), PS_OK);
    close(fd);
}

static inline bool scratch_has(const scratch *s, const char *name)
{
    struct stat st;
    return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The file's bytes are these. */
static inline void scratch_expect(const scratch *s, const char *name, const char *bytes)
{
    int fd = -1;
    char got[256];
    size_t n = 0;
    assert_int_equal(ps_posix_open_beneath(s->dir, name, &fd, NULL, NULL), PS_OK);
    assert_int_equal(ps_posix_read_at(fd, got, sizeof got, 0, &n, NULL), PS_OK);
    close(fd);
    assert_int_equal(n, strlen(bytes));
    assert_memory_equal(got, bytes, n);
}

#define SCRATCH_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

#endif

/* A published file is opened where it was found, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "entry.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct place {
    char base[32];
    char folder[48];
    char path[64];
    char other[64];
    struct entry *entry;
};

static void write_file(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "bytes", 5), 5);
    assert_int_equal(close(fd), 0);
}

/* base/folder/f, published, and base/other/f. */
static int make(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    char other[48];
    assert_non_null(p);
    (void)snprintf(p->base, sizeof p->base, "/tmp/peersync-entry-XXXXXX");
    assert_non_null(mkdtemp(p->base));
    (void)snprintf(p->folder, sizeof p->folder, "%s/folder", p->base);
    (void)snprintf(p->path, sizeof p->path, "%s/f", p->folder);
    (void)snprintf(other, sizeof other, "%s/other", p->base);
    (void)snprintf(p->other, sizeof p->other, "%s/f", other);
    assert_int_equal(mkdir(p->folder, 0700), 0);
    assert_int_equal(mkdir(other, 0700), 0);
    write_file(p->path);
    write_file(p->other);
    p->entry = entry_new("name", p->path, &(ps_posix_file){0}, &(ps_content){0}, NULL);
    *state = p;
    return 0;
}

static int end(void **state)
{
    struct place *p = *state;
    char command[128];
    entry_drop(p->entry);
    (void)snprintf(command, sizeof command, "rm -r %s", p->base);
    assert_int_equal(system(command), 0);
    free(p);
    return 0;
}

static void assert_refused(const struct place *p, int number, const char *text)
{
    int fd = -1;
    ps_posix_file now;
    ps_posix_error error = {0};
    assert_int_equal(entry_open(p->entry, &fd, &now, &error), PS_FAILED);
    assert_int_equal(error.number, number);
    assert_non_null(strstr(file_fault(&error), text));
    assert_int_equal(fd, -1);
}

static void its_file_is_opened(void **state)
{
    const struct place *p = *state;
    int fd = -1;
    ps_posix_file now, other;
    ps_posix_error error;
    char bytes[8];
    size_t n = 0;
    assert_int_equal(entry_open(p->entry, &fd, &now, &error), PS_OK);
    assert_int_equal(now.size, 5);
    assert_int_equal(ps_posix_read_at(fd, bytes, sizeof bytes, 0, &n, &error), PS_OK);
    assert_int_equal(n, 5);
    assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDONLY);
    assert_int_equal(close(fd), 0);
    /* Another file in its place is another file. */
    assert_int_equal(rename(p->other, p->path), 0);
    assert_int_equal(entry_open(p->entry, &fd, &other, &error), PS_OK);
    assert_false(file_same(&now, &other));
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(p->path), 0);
    assert_refused(p, ENOENT, "no such file");
}

static void a_link_in_the_files_place_is_not_followed(void **state)
{
    const struct place *p = *state;
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(symlink(p->other, p->path), 0);
    assert_refused(p, ELOOP, "links");
}

static void a_link_in_the_folders_place_is_not_followed(void **state)
{
    const struct place *p = *state;
    char was[128];
    (void)snprintf(was, sizeof was, "%s/was", p->base);
    assert_int_equal(rename(p->folder, was), 0);
    assert_int_equal(symlink("other", p->folder), 0);
    assert_refused(p, ELOOP, "links");
}

/* Opening one would wait for its writer. */
static void a_fifo_in_the_files_place_is_refused(void **state)
{
    const struct place *p = *state;
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(mkfifo(p->path, 0600), 0);
    assert_refused(p, 0, "not a regular file");
}

static void other_things_in_the_files_place_are_refused(void **state)
{
    const struct place *p = *state;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", p->path);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_refused(p, 0, "folder");
    assert_int_equal(rmdir(p->path), 0);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_refused(p, ENXIO, "");
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_file_is_opened, make, end),
        cmocka_unit_test_setup_teardown(a_link_in_the_files_place_is_not_followed, make, end),
        cmocka_unit_test_setup_teardown(a_link_in_the_folders_place_is_not_followed, make, end),
        cmocka_unit_test_setup_teardown(a_fifo_in_the_files_place_is_refused, make, end),
        cmocka_unit_test_setup_teardown(other_things_in_the_files_place_are_refused, make, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Downloads on a disk that refuses: nothing false is believed, and what can be kept is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"
#include "partial.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_BYTES 40u

/* Whole pieces that are still written; then EIO. */
static atomic_int pieces_written = INT32_MAX;
/* Records of states are refused, as by a full disk. */
static atomic_bool records_fail;
/* The error of the next fsync() of a file or of a folder; 0: none. */
static atomic_int file_sync_fails, folder_sync_fails;

/* The error of naming a nameless file; 0: none. */
static atomic_int naming_fails;

int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __real_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int __wrap_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    if (flags != 0 && atomic_load(&naming_fails) != 0) {
        errno = atomic_load(&naming_fails);
        return -1;
    }
    return __real_linkat(from_dir, from, to_dir, to, flags);
}

/* While `holding`, emptying a file waits until somebody joins a thread. */
static atomic_bool holding;
static sem_t held, released;

int __wrap_ftruncate(int fd, off_t len);
int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
    if (len == 0 && atomic_load(&holding)) {
        assert_int_equal(sem_post(&held), 0);
        assert_int_equal(sem_wait(&released), 0);
    }
    return __real_ftruncate(fd, len);
}

int __wrap_pthread_join(pthread_t thread, void **result);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result)
{
    if (atomic_exchange(&holding, false)) {
        assert_int_equal(sem_post(&released), 0);
    }
    return __real_pthread_join(thread, result);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    if (len == MIB && atomic_fetch_sub(&pieces_written, 1) <= 0) {
        errno = EIO;
        return -1;
    }
    return __real_pwrite(fd, bytes, len, offset);
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    struct stat st;
    if (len == RECORD_BYTES && atomic_load(&records_fail) && fstat(fd, &st) == 0 &&
        S_ISREG(st.st_mode)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, bytes, len);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat st;
    int number = 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        number = atomic_exchange(&file_sync_fails, 0);
    } else if (S_ISDIR(st.st_mode)) {
        number = atomic_exchange(&folder_sync_fails, 0);
    }
    if (number != 0) {
        errno = number;
        return -1;
    }
    return __real_fsync(fd);
}

/* Fetches it whole; `there` bytes must have been believed. */
static void fetch_rest(struct pair *p, const ps_content *content, uint64_t there)
{
    struct data_source source = node_source(&p->up, content);
    struct data_event *event = node_fetch(&p->down, content, &source, "f");
    assert_int_equal(event->type, DATA_GET_DONE);
    assert_int_equal(event->fetched, content->length - there);
    data_event_free(event);
    assert_true(node_has(&p->down, "f", (size_t)content->length, 1));
    assert_int_equal(folder_count(p->down.downloads), 1);
}

/* Other pieces are on their way to the disk or to a hasher at that moment. */
static void a_failed_write_ends_it_and_keeps_what_was_written(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 12 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    uint64_t kept = 0;
    for (int i = 1; i <= 3; i++) {
        atomic_store(&pieces_written, 2);
        struct data_event *event = node_fetch(&p->down, &content, &source, "f");
        atomic_store(&pieces_written, INT32_MAX);
        assert_int_equal(event->type, DATA_GET_FAILED);
        assert_int_equal(event->error, PS_E_IO);
        kept += 2 * MIB;
        assert_int_equal(event->done, kept);
        data_event_free(event);
    }
    fetch_rest(p, &content, kept);
}

/* Only the records are lost: who is killed then has to fetch their pieces again. */
static void a_state_that_cannot_grow_costs_nothing(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 5 * MIB, 1);
    atomic_store(&records_fail, true);
    fetch_rest(p, &content, 0);
    atomic_store(&records_fail, false);
}

/* All of it is there, but looked at before it is believed. */
static void a_failed_sync_is_told_and_tried_again(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 5 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    atomic_store(&file_sync_fails, EIO);
    struct data_event *event = node_fetch(&p->down, &content, &source, "f");
    assert_int_equal(event->type, DATA_GET_FAILED);
    assert_int_equal(event->error, PS_E_IO);
    assert_int_equal(event->done, 5 * MIB);
    data_event_free(event);
    fetch_rest(p, &content, 5 * MIB);
}

static void fetch_noted(struct pair *p, const ps_content *content, int number, bool noted)
{
    struct data_source source = node_source(&p->up, content);
    atomic_store(&folder_sync_fails, number);
    pair_start(p, 1, content, &source, 1, "f");
    if (noted) {
        struct data_event *event = node_event_of(&p->down, DATA_NOTE);
        assert_true(event->warning);
        assert_non_null(strstr(event->text, "may not outlast a power failure"));
        data_event_free(event);
    }
    struct data_event *event = node_event(&p->down);
    assert_int_equal(event->type, DATA_GET_DONE);
    data_event_free(event);
    assert_int_equal(atomic_load(&folder_sync_fails), 0);
    assert_true(node_has(&p->down, "f", (size_t)content->length, 1));
    char path[200];
    (void)snprintf(path, sizeof path, "%s/f", p->down.downloads);
    assert_int_equal(unlink(path), 0);
}

/* The file is there, whole; only after a power failure it may not be. */
static void a_folder_that_cannot_be_synced_is_no_failure(void **state)
{
    static const size_t lengths[] = {1000, 2 * MIB};
    struct pair *p = *state;
    for (unsigned i = 0; i < 2; i++) {
        ps_content content = pair_publish(p, i == 0 ? "small" : "large", lengths[i], 1);
        fetch_noted(p, &content, EIO, true);
        fetch_noted(p, &content, EINVAL, false);
        fetch_noted(p, &content, ENOTSUP, false);
    }
}

static void a_file_that_cannot_be_named_is_stored_again(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 5000, 1);
    atomic_store(&naming_fails, EPERM);
    fetch_rest(p, &content, 0);
    atomic_store(&naming_fails, 0);
}

/* Leaves a state that is right in itself, but whose pieces are not those of the content. */
static void leave_false_state(struct pair *p, const ps_content *content)
{
    static const uint8_t bytes[MIB] = {1};
    struct partial part;
    ps_posix_error error;
    ps_node hash;
    int dir = -1;
    assert_int_equal(ps_posix_open_dir(p->down.downloads, &dir, &error), PS_OK);
    assert_int_equal(partial_open(&part, p->down.cfg.crypto, dir, "f", content, &error),
                     PARTIAL_OK);
    for (uint32_t i = 0; i < part.pieces; i++) {
        ps_piece_hash(p->down.cfg.crypto, content->length, bytes, MIB, &hash);
        assert_int_equal(partial_write(&part, i, bytes, MIB, &hash, &error), PS_OK);
        partial_mark(&part, i, &hash);
    }
    partial_close(&part, false);
    assert_int_equal(close(dir), 0);
}

/* The end comes while a whole file turns out not to be one: it is not begun anew. */
static void an_end_while_landing_is_the_end(void **state)
{
    struct pair *p = *state;
    assert_int_equal(sem_init(&held, 0, 0), 0);
    assert_int_equal(sem_init(&released, 0, 0), 0);
    ps_content content = pair_publish(p, "f", 2 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    p->down.cfg.loops = 1;
    pair_restart_down(p);
    leave_false_state(p, &content);
    atomic_store(&holding, true);
    pair_start(p, 1, &content, &source, 1, "f");
    assert_int_equal(sem_wait(&held), 0);
    pair_restart_down(p);
    fetch_rest(p, &content, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_BOTH(a_failed_write_ends_it_and_keeps_what_was_written),
        PAIR_SEALED(a_state_that_cannot_grow_costs_nothing),
        PAIR_SEALED(a_folder_that_cannot_be_synced_is_no_failure),
        PAIR_SEALED(a_file_that_cannot_be_named_is_stored_again),
        PAIR_SEALED(an_end_while_landing_is_the_end),
        PAIR_SEALED(a_failed_sync_is_told_and_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

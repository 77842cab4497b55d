/* Bytes to a descriptor: all of them in order, or an end that says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct reader {
    int fd;
    size_t len;
    uint8_t *bytes;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    for (ssize_t n = 1; n > 0; r->len += (size_t)n) {
        n = read(r->fd, r->bytes + r->len, 65536);
        assert_true(n >= 0);
    }
    return NULL;
}

static void start(struct pair *p, uint64_t tag, const ps_content *content,
                  const struct data_source *source, int sink)
{
    struct data_get what = pair_get(p, tag, content, source, 1, "out");
    what.sink = sink;
    data_get(p->down.data, &what);
}

static void bytes_come_in_order(void **state)
{
    static const size_t lengths[] = {0, 1, 100000, MIB, 5 * MIB + 3};
    struct pair *p = *state;
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int ends[2];
        pthread_t thread;
        char name[16], path[200];
        (void)snprintf(name, sizeof name, "f%u", i);
        ps_content content = pair_publish(p, name, lengths[i], i);
        struct data_source source = node_source(&p->up, &content);
        assert_int_equal(pipe(ends), 0);
        struct reader r = {.fd = ends[0], .bytes = malloc(lengths[i] + 65536)};
        assert_int_equal(pthread_create(&thread, NULL, read_all, &r), 0);
        start(p, 1, &content, &source, ends[1]);
        struct data_event *event = node_event_of(&p->down, DATA_GET_DONE);
        assert_string_equal(event->path, "");
        assert_int_equal(event->fetched, lengths[i]);
        data_event_free(event);
        assert_int_equal(close(ends[1]), 0);
        pthread_join(thread, NULL);
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(r.len, lengths[i]);
        assert_int_equal(folder_count(p->down.downloads), 0);
        /* Compared by the fixture, as a file. */
        (void)snprintf(path, sizeof path, "%s/%s", p->down.downloads, name);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(r.bytes, 1, r.len, f), r.len);
        assert_int_equal(fclose(f), 0);
        assert_true(node_has(&p->down, name, lengths[i], i));
        assert_int_equal(unlink(path), 0);
        free(r.bytes);
    }
}

static void a_reader_that_goes_ends_it(void **state)
{
    struct pair *p = *state;
    int ends[2];
    uint8_t byte;
    ps_content content = pair_publish(p, "f", 5 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    assert_int_equal(pipe(ends), 0);
    start(p, 1, &content, &source, ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(close(ends[0]), 0);
    struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
    assert_int_equal(event->error, PS_E_IO);
    assert_non_null(strstr(event->text, "nobody reads"));
    data_event_free(event);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(folder_count(p->down.downloads), 0);
}

/* Nobody reads, but nobody has gone: the writer waits, and must not hold anything up. */
static void one_that_waits_for_its_reader_can_be_ended(void **state)
{
    struct pair *p = *state;
    ps_content content = pair_publish(p, "f", 5 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    for (unsigned close_all = 0; close_all < 2; close_all++) {
        int ends[2];
        uint8_t byte;
        assert_int_equal(pipe(ends), 0);
        start(p, 1, &content, &source, ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        if (close_all) {
            node_stop(&p->down);
        } else {
            data_cancel(p->down.data, 1);
            pair_assert_failed(p, 1, PS_E_CANCELLED);
        }
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(folder_count(p->down.downloads), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_BOTH(bytes_come_in_order),
        PAIR_SEALED(a_reader_that_goes_ends_it),
        PAIR_SEALED(one_that_waits_for_its_reader_can_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

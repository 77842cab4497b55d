#include "conformance_internal.h"

#include <stdlib.h>
#include <string.h>

const conformance_adapter *conformance_under_test;

int conformance_setup(void **state)
{
    conformance_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->adapter = conformance_under_test;
    w->ctx = w->adapter->open();
    assert_non_null(w->ctx);
    for (unsigned i = 0; i < CONFORMANCE_NODES; i++) {
        w->udp[i] = w->adapter->datagrams(w->ctx, i);
        w->tcp[i] = w->adapter->streams(w->ctx, i);
        assert_non_null(w->udp[i]);
        assert_non_null(w->tcp[i]);
    }
    w->deadline_us = w->udp[0]->now_us(w->udp[0]->ctx) + CONFORMANCE_DEADLINE_US;
    *state = w;
    return 0;
}

int conformance_teardown(void **state)
{
    conformance_world *w = *state;
    w->adapter->close(w->ctx);
    free(w);
    return 0;
}

void conformance_wait(conformance_world *w)
{
    assert_true(w->udp[0]->now_us(w->udp[0]->ctx) < w->deadline_us);
    w->adapter->wait(w->ctx);
}

conformance_pair conformance_connect(conformance_world *w, unsigned from, unsigned to)
{
    conformance_pair pair = {.dialler = w->tcp[from], .acceptor = w->tcp[to]};
    const ps_addr at = pair.acceptor->listener(pair.acceptor->ctx);
    assert_int_equal(pair.dialler->dial(pair.dialler->ctx, &at, &pair.dialled), PS_OK);
    assert_true(pair.dialled != 0);
    for (;;) {
        ps_status status = pair.acceptor->accept(pair.acceptor->ctx, &pair.accepted, &pair.from);
        if (status == PS_OK) {
            break;
        }
        assert_int_equal(status, PS_AGAIN);
        conformance_wait(w);
    }
    assert_true(pair.accepted != 0);
    while (pair.dialler->ready(pair.dialler->ctx, pair.dialled, PS_WRITABLE) == 0) {
        conformance_wait(w);
    }
    return pair;
}

void conformance_write(conformance_world *w, const ps_stream_transport *t, ps_stream s,
                       const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        const ps_span part = {at, len};
        size_t n = 0;
        ps_status status = t->write(t->ctx, s, &part, 1, &n);
        if (status == PS_AGAIN) {
            conformance_wait(w);
            continue;
        }
        assert_int_equal(status, PS_OK);
        assert_in_range(n, 1, len);
        at += n;
        len -= n;
    }
}

void conformance_read(conformance_world *w, const ps_stream_transport *t, ps_stream s, void *bytes,
                      size_t len)
{
    uint8_t *at = bytes;
    while (len > 0) {
        size_t n = 0;
        ps_status status = t->read(t->ctx, s, at, len, &n);
        if (status == PS_AGAIN) {
            conformance_wait(w);
            continue;
        }
        assert_int_equal(status, PS_OK);
        assert_in_range(n, 1, len);
        at += n;
        len -= n;
    }
}

void conformance_read_end(conformance_world *w, const ps_stream_transport *t, ps_stream s)
{
    uint8_t byte = 0;
    size_t n = 1;
    ps_status status = PS_AGAIN;
    while ((status = t->read(t->ctx, s, &byte, 1, &n)) == PS_AGAIN) {
        conformance_wait(w);
    }
    assert_int_equal(status, PS_OK);
    assert_int_equal(n, 0);
}

int conformance_run(const conformance_adapter *adapter)
{
    conformance_under_test = adapter;
    return conformance_run_datagrams(adapter) + conformance_run_streams(adapter);
}

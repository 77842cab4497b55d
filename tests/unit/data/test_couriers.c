/* Connections: kept for many small files, few at a time, and within the memory that is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pair.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_FILES 200u

/* A relay that damages nothing and counts connections. */
static void count_connections(struct pair *p, struct relay *relay)
{
    relay_start(relay, RELAY_GATE, UINT64_MAX, &p->up.addr);
}

static void many_small_files_share_connections(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content contents[SMALL_FILES];
    char name[16];
    p->down.cfg.loops = 1;
    pair_restart_down(p);
    for (unsigned i = 0; i < SMALL_FILES; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, i * 37, i);
    }
    count_connections(p, &relay);
    for (unsigned i = 0; i < SMALL_FILES; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        struct data_source source = pair_source_at(p, &contents[i], &relay.addr);
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    for (unsigned i = 0; i < SMALL_FILES; i++) {
        data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    }
    for (unsigned i = 0; i < SMALL_FILES; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_true(node_has(&p->down, name, i * 37, i));
    }
    assert_int_equal(folder_count(p->down.downloads), SMALL_FILES);
    node_stop(&p->down);
    relay_stop(&relay);
    assert_in_range(relay.connections, 1, 2);
}

/* The same, a connection a file: what the comparison measures against. */
static void connections_need_not_be_kept(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content contents[5];
    char name[16];
    p->down.cfg.keep_connections = false;
    pair_restart_down(p);
    count_connections(p, &relay);
    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, 5000 + i, i);
        struct data_source source = pair_source_at(p, &contents[i], &relay.addr);
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    for (unsigned i = 0; i < 5; i++) {
        data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    }
    node_stop(&p->down);
    relay_stop(&relay);
    assert_int_equal(relay.connections, 5);
}

/* One of them is not there any more: the others do not mind. */
static void a_refused_file_stops_no_other(void **state)
{
    struct pair *p = *state;
    ps_content contents[20];
    char name[16];
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, 3000, i);
    }
    assert_true(data_unpublish(p->up.data, "f3"));
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        struct data_source source = node_source(&p->up, &contents[i]);
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    for (unsigned i = 0; i < 20; i++) {
        struct data_event *event = node_event(&p->down);
        assert_int_equal(event->type, event->tag == 4 ? DATA_GET_FAILED : DATA_GET_DONE);
        assert_int_equal(event->error, event->tag == 4 ? PS_E_NOT_PUBLISHED : PS_E_NONE);
        data_event_free(event);
    }
    assert_int_equal(folder_count(p->down.downloads), 19);
}

/* TLS refuses the ticket that a connection is opened with: that says nothing about the others. */
static void a_refused_ticket_stops_no_other(void **state)
{
    struct pair *p = *state;
    ps_content contents[8];
    char name[16];
    p->down.cfg.loops = 1;
    pair_restart_down(p);
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, 3000, i);
    }
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        struct data_source source = node_source(&p->up, &contents[i]);
        source.ticket[source.ticket_len - 1] ^= i < 2; /* The first of each connection. */
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    for (unsigned i = 0; i < 8; i++) {
        struct data_event *event = node_event(&p->down);
        while (event->type == DATA_GET_SOURCE_FAILED) {
            assert_in_range(event->tag, 1, 2);
            data_event_free(event);
            event = node_event(&p->down);
        }
        assert_int_equal(event->type, event->tag <= 2 ? DATA_GET_FAILED : DATA_GET_DONE);
        assert_int_equal(event->error, event->tag <= 2 ? PS_E_FILE_TICKET : PS_E_NONE);
        data_event_free(event);
    }
    assert_int_equal(folder_count(p->down.downloads), 6);
}

/* All of a source that is not there fail together, not one after the other's patience. */
static void a_source_that_is_away_fails_all(void **state)
{
    struct pair *p = *state;
    ps_addr nobody = {.ip = {127, 0, 0, 1}, .family = PS_ADDR_V4, .port = 1};
    ps_content content = pair_publish(p, "f", 3000, 1);
    struct data_source source = pair_source_at(p, &content, &nobody);
    char name[16];
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        pair_start(p, 1 + i, &content, &source, 1, name);
    }
    for (unsigned i = 0; i < 50; i++) {
        struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
        assert_int_equal(event->error, PS_E_CLOSED);
        assert_non_null(strstr(event->text, "connect"));
        data_event_free(event);
    }
    assert_int_equal(folder_count(p->down.downloads), 0);
}

static void a_cancelled_small_one_stops_no_other(void **state)
{
    struct pair *p = *state;
    struct relay relay;
    ps_content contents[8];
    char name[16];
    p->down.cfg.loops = 1;
    pair_restart_down(p);
    relay_start(&relay, RELAY_GATE, 2000, &p->up.addr);
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, 30000, i);
    }
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        struct data_source source = pair_source_at(p, &contents[i], &relay.addr);
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    relay_await(&relay);
    data_cancel(p->down.data, 1);
    data_cancel(p->down.data, 6);
    for (unsigned i = 0; i < 2; i++) {
        struct data_event *event = node_event_of(&p->down, DATA_GET_FAILED);
        assert_int_equal(event->error, PS_E_CANCELLED);
        assert_true(event->tag == 1 || event->tag == 6);
        data_event_free(event);
    }
    relay_release(&relay);
    for (unsigned i = 0; i < 6; i++) {
        data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    }
    assert_int_equal(folder_count(p->down.downloads), 6);
    node_stop(&p->down);
    relay_stop(&relay);
}

static void the_rest_waits_its_turn(void **state)
{
    struct pair *p = *state;
    struct relay relays[2];
    ps_content content = pair_publish(p, "f", 3 * MIB, 1);
    struct data_source source = node_source(&p->up, &content);
    p->down.cfg.max_fetches = 2;
    pair_restart_down(p);
    for (unsigned i = 0; i < 2; i++) {
        relay_start(&relays[i], RELAY_GATE, MIB, &p->up.addr);
        struct data_source gated = pair_source_at(p, &content, &relays[i].addr);
        pair_start(p, 1 + i, &content, &gated, 1, i ? "b" : "a");
        relay_await(&relays[i]);
    }
    pair_start(p, 3, &content, &source, 1, "c");
    struct data_transfer shown[3];
    assert_int_equal(data_transfers(p->down.data, shown, 3), 3);
    assert_false(shown[0].waiting);
    assert_true(shown[2].waiting);
    relay_release(&relays[0]);
    relay_release(&relays[1]);
    for (unsigned i = 0; i < 3; i++) {
        data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    }
    node_stop(&p->down);
    relay_stop(&relays[0]);
    relay_stop(&relays[1]);
}

static void the_budget_holds_and_all_arrive(void **state)
{
    struct pair *p = *state;
    ps_content contents[6];
    char name[16];
    p->down.cfg.buffer_bytes = MIB;
    pair_restart_down(p);
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        contents[i] = pair_publish(p, name, 6 * MIB + i, i);
    }
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        struct data_source source = node_source(&p->up, &contents[i]);
        pair_start(p, 1 + i, &contents[i], &source, 1, name);
    }
    for (unsigned i = 0; i < 6; i++) {
        data_event_free(node_event_of(&p->down, DATA_GET_DONE));
    }
    struct buffers *b = &p->down.data->buffers;
    pthread_mutex_lock(&b->lock);
    uint64_t most = b->most;
    pthread_mutex_unlock(&b->lock);
    assert_in_range(most, MIB, 7 * MIB);
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_true(node_has(&p->down, name, 6 * MIB + i, i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_BOTH(many_small_files_share_connections),
        PAIR_SEALED(connections_need_not_be_kept),
        PAIR_BOTH(a_refused_file_stops_no_other),
        PAIR_SEALED(a_refused_ticket_stops_no_other),
        PAIR_BOTH(a_source_that_is_away_fails_all),
        PAIR_BOTH(a_cancelled_small_one_stops_no_other),
        PAIR_SEALED(the_rest_waits_its_turn),
        PAIR_BOTH(the_budget_holds_and_all_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

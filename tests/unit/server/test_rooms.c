/* The room that a step promises to be content with: every capacity below it is refused with nothing
 * changed, and in exactly that much every input is taken. */
#include "fixture.h"

static void host_says(fixture *f, ps_input in)
{
    assert_true(fixture_step(f, &in) <= PS_MORE);
    fixture_clear(f);
}

/* Entropy, clock, records of an earlier life, a store that takes none. */
static void host_inputs(fixture *f)
{
    static const uint8_t bytes[16] = {1, 2, 3};
    const ps_input_restore record = {
        .generation = 7, .user = span("carol"), .name = span("kept"), .published = true};
    host_says(f, (ps_input){.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000});
    host_says(f, (ps_input){.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}});
    host_says(f, (ps_input){.type = PS_INPUT_RESTORE, .u.restore = record});
    host_says(f, (ps_input){.type = PS_INPUT_STORE, .u.store_retry_ms = 0});
}

/* Eight pages at once: the most that a packet can ask for. Ten names of 66 bytes fill a page. */
static void ask_for_eight_pages(client *c)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    ps_writer w = client_packet(c, buffer);
    const ps_list list = {.cursor = 0};
    for (uint32_t k = 0; k < PS_PACKET_MESSAGES; k++) {
        assert_true(ps_list_encode(&w, PS_MSG_LIST_FILES, 200 + k, &list));
    }
    fixture_clear(c->f);
    client_send(c, &w);
    assert_int_equal(c->f->out.datagrams_len, PS_PACKET_MESSAGES);
    assert_true(c->f->out.bytes_len > PS_PACKET_MESSAGES * (PS_DATAGRAM_MAX - 14));
    fixture_clear(c->f);
}

/* As many changes as a message holds, each of them a record. */
static void withdraw_many(client *c)
{
    uint8_t buffer[PS_DATAGRAM_MAX];
    char names[PS_PAGE_ENTRIES][8];
    for (uint32_t k = 0; k < PS_PAGE_ENTRIES; k++) {
        (void)snprintf(names[k], sizeof names[k], "w%u", (unsigned)k);
        assert_int_equal(client_publish(c, names[k], k), PS_E_NONE);
    }
    ps_writer w = client_packet(c, buffer);
    ps_changes_writer cw;
    assert_true(ps_changes_begin(&w, &cw, PS_MSG_UNPUBLISH, 300, c->generation + 1));
    for (uint32_t k = 0; k < PS_PAGE_ENTRIES; k++) {
        assert_true(ps_changes_add(&w, &cw, &(ps_publication){.name = span(names[k])}));
    }
    assert_true(ps_changes_end(&w, &cw));
    fixture_clear(c->f);
    client_send(c, &w);
    assert_int_equal(c->f->out.events_len, PS_PAGE_ENTRIES);
    fixture_clear(c->f);
}

/* Every input of a server's life, offered with every capacity of the output below a step's room,
 * and in a slab of exactly that room. */
static void every_room_of_a_life(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.records = true;
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    client second = client_make(f, "alice", 4003);
    char name[PS_NAME_MAX + 1];
    f->sweep = true;
    client_login(&a);
    client_login_send(&b);
    fixture_verdict(f, PS_E_CREDENTIALS);
    fixture_clear(f);
    b.client_id++;
    client_login(&b);
    for (unsigned k = 0; k < 20; k++) {
        (void)snprintf(name, sizeof name, "%066u", k);
        assert_int_equal(client_publish(&a, name, k), PS_E_NONE);
    }
    ask_for_eight_pages(&b);
    host_inputs(f);
    client_list(&b, PS_MSG_SEARCH, 0, "1");
    client_list(&b, PS_MSG_LIST_PEERS, 0, "");
    client_unpublish(&a, name);
    withdraw_many(&a);
    client_sync(&a);
    fixture_clear(f);
    client_login_send(&second);
    fixture_verdict(f, PS_E_NONE); /* Alice's first device is asked for a sign of life. */
    client_deliver(&b, (const uint8_t *)"?", 1);
    client_deliver(&b, NULL, 0);
    for (unsigned k = 0; k < 100; k++) {
        f->now_us += 100000;
        fixture_clear(f);
        (void)fixture_tick(f);
    }
    assert_int_equal(fixture_stats(f).taken, 1);
    assert_int_equal(fixture_stats(f).evictions, 2);
    client_heartbeat(&a); /* RESET. */
    fixture_free(f);
}

/* The most evictions that a tick ends. */
static void every_room_of_the_fullest_tick(void **state)
{
    (void)state;
    enum { CROWD = PS_SERVER_TICK_EVICTIONS + 1 };
    static char names[CROWD][8];
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = CROWD;
    fixture *f = fixture_new(&cfg);
    for (uint16_t i = 0; i < CROWD; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%u", i);
        client c = client_make(f, names[i], (uint16_t)(10000 + i));
        client_login(&c);
        fixture_clear(f);
    }
    f->now_us += 3000000;
    f->sweep = true;
    assert_int_equal(fixture_tick(f), PS_MORE);
    assert_int_equal(f->out.events_len, PS_SERVER_TICK_EVICTIONS);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_room_of_a_life),
        cmocka_unit_test(every_room_of_the_fullest_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pages: their lines, the way to the last one, what LOCATE concludes, hostile shapes. */
#include "rig.h"

enum { ACTIVE = 1, OWN = 2 };

static const uint8_t ROOT[PS_ROOT_BYTES] = {7, 8, 9};
static const uint8_t KEY[PS_KEY_BYTES] = {0x5e, 0xc4, 0xe7};
static const char TICKET[] = "a ticket";
static const uint8_t IP[16] = {203, 0, 113, 5};

static uint32_t ask(rig *r, ps_input_type type, uint64_t tag, const char *text, uint8_t message)
{
    (void)rig_command(r, type, tag, text);
    return rig_last(r, message)->request;
}

static void lines_become_events(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    uint32_t id = ask(r, PS_INPUT_LIST_PEERS, 1, "", PS_MSG_LIST_PEERS);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_PEERS, id, 0);
    craft_peer_entry(&r->c, "bob");
    craft_peer_entry(&r->c, "carol");
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_PEER), 2);
    assert_string_equal(rig_event_nth(r, PS_EVENT_PEER, 1)->user, "carol");
    assert_int_equal(rig_event_nth(r, PS_EVENT_PEER, 1)->entry.tag, 1);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(r->events[2].type, PS_EVENT_DONE); /* Last. */

    rig_forget(r);
    id = ask(r, PS_INPUT_SEARCH, 2, "o", PS_MSG_SEARCH);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_FILES, id, 0);
    craft_file_entry(&r->c, ACTIVE, 123456789012, ROOT, "bob", "song.ogg");
    craft_file_entry(&r->c, OWN, 0, ROOT, "alice", "notes.txt");
    craft_end(&r->c);
    (void)rig_deliver(r);
    const rig_event *e = rig_event_nth(r, PS_EVENT_FILE, 0);
    assert_string_equal(e->user, "bob");
    assert_string_equal(e->name, "song.ogg");
    assert_int_equal(e->entry.content.length, 123456789012);
    assert_memory_equal(e->entry.content.root, ROOT, PS_ROOT_BYTES);
    assert_true(e->entry.active);
    assert_false(e->entry.own);
    e = rig_event_nth(r, PS_EVENT_FILE, 1);
    assert_false(e->entry.active);
    assert_true(e->entry.own);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    rig_free(r);
}

/* Ten thousand names, page by page, with every third answer lost and every fifth doubled. */
static void a_long_list_arrives_whole_and_once(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    char name[32];
    uint32_t told = 0;
    unsigned page = 0;
    size_t beats = 0;
    (void)rig_command(r, PS_INPUT_LIST_FILES, 1, "");
    while (!rig_is_done(r, 1)) {
        const rig_sent *s = rig_last(r, PS_MSG_LIST_FILES);
        ps_list list;
        assert_true(ps_list_decode(PS_MSG_LIST_FILES, (ps_span){s->body, s->body_len}, &list));
        assert_int_equal(list.cursor, told);
        page++;
        if (page % 3 == 0) { /* Lost: it asks again. */
            rig_run(r, r->now_us + 700 * MS);
            if (rig_count(r, PS_MSG_HEARTBEAT) > beats) {
                beats = rig_count(r, PS_MSG_HEARTBEAT);
                rig_packet(r);
                craft_heartbeat_ok(&r->c, rig_last(r, PS_MSG_HEARTBEAT)->request, 0, 0, 0);
                (void)rig_deliver(r);
            }
        }
        uint32_t to = told + 20 < 10000 ? told + 20 : 10000;
        rig_packet(r);
        craft_page(&r->c, PS_MSG_FILES, rig_last(r, PS_MSG_LIST_FILES)->request,
                   to < 10000 ? to : 0);
        for (uint32_t k = told; k < to; k++) {
            (void)snprintf(name, sizeof name, "%u", k);
            craft_file_entry(&r->c, ACTIVE, k, ROOT, "b", name);
        }
        craft_end(&r->c);
        (void)rig_deliver(r);
        if (page % 5 == 0) {
            ps_store64(r->c.data + 9, ++r->counter);
            (void)rig_deliver(r);
        }
        told = to;
    }
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(rig_events_of(r, PS_EVENT_FILE), 10000);
    uint32_t k = 0;
    for (size_t i = 0; i < r->events_len; i++) {
        if (r->events[i].type == PS_EVENT_FILE) {
            assert_int_equal(r->events[i].entry.content.length, k++);
        }
    }
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 100);
    rig_free(r);
}

static void an_empty_page_may_lead_on(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    uint32_t id = ask(r, PS_INPUT_SEARCH, 1, "x", PS_MSG_SEARCH);
    for (uint64_t k = 1; k < 50; k++) {
        rig_packet(r);
        craft_page(&r->c, PS_MSG_FILES, id, k * 1000);
        craft_end(&r->c);
        (void)rig_deliver(r);
        assert_false(rig_is_done(r, 1));
        assert_int_not_equal(rig_last(r, PS_MSG_SEARCH)->request, id);
        id = rig_last(r, PS_MSG_SEARCH)->request;
    }
    rig_packet(r);
    craft_page(&r->c, PS_MSG_FILES, id, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_int_equal(r->events_len, 1);
    rig_free(r);
}

static void source(craft *c, unsigned flags, const char *user, unsigned port)
{
    craft_source_entry(c, flags, 10, ROOT, user, 1);
    craft_candidate(c, PS_ADDR_OBSERVED, 4, IP, port);
    craft_source_ticket(c, KEY, TICKET, sizeof TICKET - 1);
}

/* One page of LOCATE with up to two sources; its conclusion. */
static uint32_t located(unsigned flags_a, unsigned port_a, unsigned flags_b, unsigned port_b)
{
    rig *r = rig_new_online();
    const uint32_t id = ask(r, PS_INPUT_LOCATE, 1, "x", PS_MSG_LOCATE);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_SOURCES, id, 0);
    source(&r->c, flags_a, "bob", port_a);
    source(&r->c, flags_b, "carol", port_b);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_SOURCE), 2);
    const unsigned flags[] = {flags_a, flags_b};
    const unsigned ports[] = {port_a, port_b};
    for (size_t i = 0; i < 2; i++) {
        const ps_event_entry *e = &rig_event_nth(r, PS_EVENT_SOURCE, i)->entry;
        const bool active = flags[i] == ACTIVE && ports[i] != 0;
        assert_int_equal(e->active, active);
        assert_int_equal(e->own, (flags[i] & OWN) != 0);
        assert_int_equal(e->addr.family, active ? PS_ADDR_V4 : PS_ADDR_NONE);
        assert_int_equal(e->addr.port, active ? ports[i] : 0);
        assert_int_equal(e->content.length, 10);
        assert_int_equal(e->ticket.len, active ? sizeof TICKET - 1 : 0);
        if (active) {
            assert_memory_equal(rig_event_nth(r, PS_EVENT_SOURCE, i)->ticket, TICKET,
                                sizeof TICKET - 1);
            assert_memory_equal(rig_event_nth(r, PS_EVENT_SOURCE, i)->key, KEY, sizeof KEY);
        }
    }
    const uint32_t error = rig_done(r, 1);
    rig_free(r);
    return error;
}

static void locate_concludes(void **state)
{
    (void)state;
    assert_int_equal(located(ACTIVE, 7000, ACTIVE, 7001), PS_E_NONE);
    assert_int_equal(located(0, 7000, ACTIVE, 7001), PS_E_NONE);
    assert_int_equal(located(0, 7000, 0, 7001), PS_E_NO_ACTIVE_PEER);
    assert_int_equal(located(ACTIVE | OWN, 7000, 0, 7001), PS_E_NO_ACTIVE_PEER);
    assert_int_equal(located(ACTIVE, 0, 0, 7001), PS_E_NO_ACTIVE_PEER); /* Serves nothing. */
    rig *r = rig_new_online();
    uint32_t id = ask(r, PS_INPUT_LOCATE, 1, "x", PS_MSG_LOCATE);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_SOURCES, id, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_NOT_FOUND);
    id = ask(r, PS_INPUT_LOCATE, 2, "x", PS_MSG_LOCATE);
    rig_packet(r); /* The first page has an active source, the last one is empty. */
    craft_page(&r->c, PS_MSG_SOURCES, id, 5);
    source(&r->c, ACTIVE, "bob", 7000);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_false(rig_is_done(r, 2));
    rig_packet(r);
    craft_page(&r->c, PS_MSG_SOURCES, rig_last(r, PS_MSG_LOCATE)->request, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 2), PS_E_NONE);
    rig_free(r);
}

static void the_observed_address_comes_first(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint8_t ip6[16] = {0x20, 0x01, 0x0d, 0xb8};
    const uint32_t id = ask(r, PS_INPUT_LOCATE, 1, "x", PS_MSG_LOCATE);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_SOURCES, id, 0);
    craft_source_entry(&r->c, ACTIVE, 10, ROOT, "bob", 3);
    craft_candidate(&r->c, PS_ADDR_LOCAL, 4, IP, 1111);
    craft_candidate(&r->c, 99, 4, IP, 2222); /* A kind of the future. */
    craft_candidate(&r->c, PS_ADDR_OBSERVED, 6, ip6, 3333);
    craft_source_ticket(&r->c, NULL, NULL, 0);
    craft_source_entry(&r->c, ACTIVE, 10, ROOT, "carol", 2);
    craft_candidate(&r->c, PS_ADDR_LOCAL, 4, IP, 0);
    craft_candidate(&r->c, PS_ADDR_MAPPED, 4, IP, 4444);
    craft_source_ticket(&r->c, NULL, NULL, 0);
    craft_source_entry(&r->c, ACTIVE, 10, ROOT, "dave", 0);
    craft_source_ticket(&r->c, NULL, NULL, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    const ps_addr *addr = &rig_event_nth(r, PS_EVENT_SOURCE, 0)->entry.addr;
    assert_int_equal(addr->family, PS_ADDR_V6);
    assert_int_equal(addr->port, 3333);
    assert_memory_equal(addr->ip, ip6, 16);
    assert_int_equal(rig_event_nth(r, PS_EVENT_SOURCE, 1)->entry.addr.port, 4444);
    assert_false(rig_event_nth(r, PS_EVENT_SOURCE, 2)->entry.active);
    rig_free(r);
}

/* It is another page that ends the command. */
static void a_source_with_a_bad_ticket_is_malformed(void **state)
{
    (void)state;
    static const uint8_t long_ticket[PS_FILE_TICKET_MAX + 1];
    rig *r = rig_new_online();
    const uint32_t id = ask(r, PS_INPUT_LOCATE, 1, "x", PS_MSG_LOCATE);
    for (unsigned i = 0; i < 2; i++) {
        rig_packet(r);
        craft_page(&r->c, PS_MSG_SOURCES, id, 0);
        craft_source_entry(&r->c, ACTIVE, 10, ROOT, "bob", 1);
        craft_candidate(&r->c, PS_ADDR_OBSERVED, 4, IP, 7000);
        if (i == 0) {
            craft_source_ticket(&r->c, KEY, long_ticket, sizeof long_ticket);
        } else { /* A key that is cut. */
            craft_u8(&r->c, 10);
            craft_bytes(&r->c, KEY, sizeof KEY - 1);
        }
        craft_end(&r->c);
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), i + 1);
        assert_int_equal(rig_events_of(r, PS_EVENT_SOURCE), 0);
        assert_false(rig_is_done(r, 1));
    }
    rig_free(r);
}

static void other_pages_are_dropped(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint32_t id = ask(r, PS_INPUT_LIST_FILES, 1, "", PS_MSG_LIST_FILES);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_PEERS, id, 0); /* Not what was asked for. */
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MISPLACED), 1);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_SOURCES, id, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MISPLACED), 2);
    for (uint32_t bit = 0; bit < 32; bit++) { /* Never another id. */
        rig_packet(r);
        craft_page(&r->c, PS_MSG_FILES, id ^ (UINT32_C(1) << bit), 0);
        craft_end(&r->c);
        (void)rig_deliver(r);
    }
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 32);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_FILES, id, 0);
    craft_file_entry(&r->c, 0, 1, ROOT, "b", "c");
    craft_end(&r->c);
    craft_length(&r->c, (unsigned)(r->c.len - r->c.message_at) - PS_MESSAGE_HEADER - 1);
    r->c.len--;
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    assert_false(rig_is_done(r, 1));
    rig_free(r);
}

static void sixty_four_lines_a_datagram(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    uint32_t id = ask(r, PS_INPUT_LIST_PEERS, 1, "", PS_MSG_LIST_PEERS);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_PEERS, id, 0);
    for (int k = 0; k < 65; k++) {
        craft_peer_entry(&r->c, "b");
    }
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), 1);
    assert_int_equal(r->events_len, 0);
    const uint32_t other = ask(r, PS_INPUT_LIST_PEERS, 2, "", PS_MSG_LIST_PEERS);
    rig_packet(r); /* Two pages of 40 in one datagram: the second one must come again. */
    for (int which = 0; which < 2; which++) {
        craft_page(&r->c, PS_MSG_PEERS, which == 0 ? id : other, 0);
        for (int k = 0; k < 40; k++) {
            craft_peer_entry(&r->c, "b");
        }
        craft_end(&r->c);
    }
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_NONE);
    assert_false(rig_is_done(r, 2));
    assert_int_equal(rig_drops(r, PS_DROP_TRAILING), 1);
    assert_int_equal(rig_events_of(r, PS_EVENT_PEER), 40);
    rig_free(r);
}

/* Eight answers in one datagram, each with a next page: what does not fit the step's share is due
 * at once. */
static void many_next_pages_are_sent_in_shares(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    for (uint64_t k = 0; k < 8; k++) {
        (void)rig_command(r, PS_INPUT_LIST_PEERS, k, "");
    }
    rig_packet(r);
    for (size_t k = 0; k < 8; k++) {
        craft_page(&r->c, PS_MSG_PEERS, rig_nth(r, PS_MSG_LIST_PEERS, k)->request, 3);
        craft_peer_entry(&r->c, "b");
        craft_end(&r->c);
    }
    assert_int_equal(rig_deliver(r), PS_MORE);
    assert_int_equal(r->out.datagrams_len, PS_PEER_SENDS);
    rig_settle(r);
    assert_int_equal(rig_count(r, PS_MSG_LIST_PEERS), 16);
    assert_int_equal(rig_stats(r).retransmissions, 0);
    rig_packet(r);
    for (size_t k = 8; k < 16; k++) {
        craft_page(&r->c, PS_MSG_PEERS, rig_nth(r, PS_MSG_LIST_PEERS, k)->request, 0);
        craft_end(&r->c);
    }
    (void)rig_deliver(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_DONE), 8);
    rig_free(r);
}

/* FILES answer lists and searches, and nothing else. */
static void a_page_of_another_kind(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint32_t id = ask(r, PS_INPUT_LIST_PEERS, 1, "", PS_MSG_LIST_PEERS);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_FILES, id, 0);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops_all(r), 1);
    assert_false(rig_is_done(r, 1));
    rig_free(r);
}

/* Of addresses that nobody has observed, the first that can be dialled. */
static void the_first_address_serves_where_none_was_observed(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint32_t id = ask(r, PS_INPUT_LOCATE, 1, "x", PS_MSG_LOCATE);
    rig_packet(r);
    craft_page(&r->c, PS_MSG_SOURCES, id, 0);
    craft_source_entry(&r->c, ACTIVE, 5, ROOT, "bob", 3);
    craft_candidate(&r->c, PS_ADDR_LOCAL, 4, IP, 0); /* Serves nothing. */
    craft_candidate(&r->c, PS_ADDR_LOCAL, 4, IP, 81);
    craft_candidate(&r->c, PS_ADDR_MAPPED, 4, IP, 82);
    craft_source_ticket(&r->c, KEY, TICKET, sizeof TICKET - 1);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_event_nth(r, PS_EVENT_SOURCE, 0)->entry.addr.port, 81);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_events),
        cmocka_unit_test(a_long_list_arrives_whole_and_once),
        cmocka_unit_test(an_empty_page_may_lead_on),
        cmocka_unit_test(locate_concludes),
        cmocka_unit_test(the_observed_address_comes_first),
        cmocka_unit_test(a_source_with_a_bad_ticket_is_malformed),
        cmocka_unit_test(other_pages_are_dropped),
        cmocka_unit_test(sixty_four_lines_a_datagram),
        cmocka_unit_test(many_next_pages_are_sent_in_shares),
        cmocka_unit_test(a_page_of_another_kind),
        cmocka_unit_test(the_first_address_serves_where_none_was_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

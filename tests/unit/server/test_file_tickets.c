/* What LOGIN_OK and SOURCES hand out for transfers: keys for who uploads, tickets for who asks. */
#include "channel/file_ticket.h"
#include "fixture.h"

#define WALL  UINT64_C(1700000000)
#define EPOCH (WALL / PS_FILE_EPOCH_S)

static void set_wall(fixture *f, uint64_t wall_s)
{
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = wall_s};
    (void)fixture_step(f, &in);
}

/* Logs in and takes over the keys that come with it. */
static ps_file_keys keys_of(client *c)
{
    ps_file_keys keys = {.count = 0};
    ps_login_ok ok;
    fixture_clear(c->f);
    client_login_send(c);
    fixture_verdict(c->f, PS_E_NONE);
    assert_true(ps_login_ok_decode(client_answer(c, 0).body, &ok));
    keys.first_epoch = ok.first_epoch;
    keys.count = (uint32_t)(ok.file_keys.len / PS_KEY_BYTES);
    if (keys.count > 0) {
        memcpy(keys.keys, ok.file_keys.data, ok.file_keys.len);
    }
    c->online = true;
    fixture_clear(c->f);
    return keys;
}

typedef struct located {
    bool active;
    uint8_t addrs_count;
    size_t key_len, ticket_len;
    uint8_t key[PS_KEY_BYTES];
    uint8_t ticket[PS_FILE_TICKET_MAX];
} located;

/* The only source of a name. */
static located locate(client *c, const char *name)
{
    ps_page page;
    ps_source s;
    client_list(c, PS_MSG_LOCATE, 0, name);
    assert_true(ps_page_decode(PS_MSG_SOURCES, client_answer(c, 0).body, &page));
    assert_int_equal(page.count, 1);
    assert_int_equal(page.next, 0);
    assert_true(ps_page_next_source(&page, &s));
    located l = {.active = s.active,
                 .addrs_count = s.addrs_count,
                 .key_len = s.key.len,
                 .ticket_len = s.ticket.len};
    if (l.ticket_len > 0) {
        assert_int_equal(l.key_len, PS_KEY_BYTES);
        memcpy(l.key, s.key.data, l.key_len);
        memcpy(l.ticket, s.ticket.data, l.ticket_len);
    }
    fixture_clear(c->f);
    return l;
}

static bool opens(const ps_file_keys *keys, uint64_t wall_s, const located *l, ps_file_ticket *t)
{
    return ps_file_ticket_open(ps_sim_crypto(), keys, wall_s, (ps_span){l->ticket, l->ticket_len},
                               t);
}

/* A server with a clock, alice who publishes "song", and bob. */
typedef struct scene {
    fixture *f;
    client alice, bob;
    ps_file_keys alices, bobs;
} scene;

static scene scene_of(const ps_server_config *cfg, uint64_t wall_s)
{
    scene s = {.f = fixture_new(cfg)};
    set_wall(s.f, wall_s);
    s.alice = client_make(s.f, "alice", 4001);
    s.bob = client_make(s.f, "bob", 4002);
    s.alices = keys_of(&s.alice);
    s.bobs = keys_of(&s.bob);
    assert_int_equal(client_publish(&s.alice, "song", 4711), PS_E_NONE);
    return s;
}

static scene scene_default(uint64_t wall_s)
{
    ps_server_config cfg;
    fixture_config(&cfg);
    return scene_of(&cfg, wall_s);
}

static void a_login_brings_the_devices_keys(void **state)
{
    (void)state;
    scene s = scene_default(WALL);
    uint8_t key[PS_KEY_BYTES];
    const ps_span alice = {(const uint8_t *)"alice", 5};
    assert_int_equal(s.alices.count, PS_FILE_EPOCHS);
    assert_int_equal(s.alices.first_epoch, EPOCH - 1);
    for (unsigned i = 0; i < PS_FILE_EPOCHS; i++) {
        ps_file_key_derive(ps_sim_crypto(), s.f->cfg.realm_secret, s.alice.device, alice,
                           EPOCH - 1 + i, key);
        assert_memory_equal(s.alices.keys[i], key, sizeof key);
        assert_memory_not_equal(s.bobs.keys[i], key, sizeof key);
    }
    /* The next day it is told of the next keys, two of which it knows. */
    s.f->now_us += 1000000;
    set_wall(s.f, WALL + PS_FILE_EPOCH_S);
    s.alice.client_id++;
    s.alice.online = false;
    const ps_file_keys later = keys_of(&s.alice);
    assert_int_equal(later.first_epoch, EPOCH);
    assert_memory_equal(later.keys[0], s.alices.keys[1], sizeof key);
    assert_memory_equal(later.keys[1], s.alices.keys[2], sizeof key);
    fixture_free(s.f);
}

/* Mallory knows alice's device id, and logs in with it under a name of his own. */
static void a_stolen_device_id_tells_nothing(void **state)
{
    (void)state;
    scene s = scene_default(WALL);
    client mallory = client_make(s.f, "mallory", 4003);
    ps_file_ticket t;
    memcpy(mallory.device, s.alice.device, sizeof mallory.device);
    const ps_file_keys his = keys_of(&mallory);
    assert_int_equal(his.count, PS_FILE_EPOCHS);
    for (unsigned i = 0; i < PS_FILE_EPOCHS; i++) {
        assert_memory_not_equal(his.keys[i], s.alices.keys[i], PS_KEY_BYTES);
    }
    const located l = locate(&s.bob, "song");
    assert_false(opens(&his, WALL, &l, &t));
    assert_true(opens(&s.alices, WALL, &l, &t));
    fixture_free(s.f);
}

static void the_first_epoch_has_none_before_it(void **state)
{
    (void)state;
    scene s = scene_default(PS_FILE_EPOCH_S - 1);
    ps_file_ticket t;
    assert_int_equal(s.alices.first_epoch, 0);
    assert_int_equal(s.alices.count, PS_FILE_EPOCHS);
    const located l = locate(&s.bob, "song");
    assert_true(opens(&s.alices, 1, &l, &t));
    fixture_free(s.f);
}

static void a_source_comes_with_its_ticket(void **state)
{
    (void)state;
    scene s = scene_default(WALL);
    ps_file_ticket t;
    const located l = locate(&s.bob, "song");
    const uint64_t expires_s = WALL + s.f->cfg.file_ticket_s;
    assert_true(opens(&s.alices, WALL, &l, &t));
    assert_int_equal(t.content.length, 4711);
    assert_int_equal(t.expires_s, expires_s);
    assert_int_equal(t.downloader.len, 3);
    assert_memory_equal(t.downloader.bytes, "bob", 3);
    assert_memory_equal(t.key, l.key, sizeof l.key);
    assert_true(opens(&s.alices, expires_s - 1, &l, &t));
    assert_false(opens(&s.alices, expires_s, &l, &t));
    assert_false(opens(&s.bobs, WALL, &l, &t)); /* Who asked cannot read it. */
    fixture_free(s.f);
}

/* Who asks for what is his own needs no ticket; his address he is told as ever. */
static void ones_own_has_none(void **state)
{
    (void)state;
    scene s = scene_default(WALL);
    const located l = locate(&s.alice, "song");
    assert_true(l.active);
    assert_int_equal(l.addrs_count, 1);
    assert_int_equal(l.key_len + l.ticket_len, 0);
    fixture_free(s.f);
}

/* Days of it, there and back: the uploader opens what is made until its next login all the same. */
static void a_clock_that_is_set_locks_nobody_out(void **state)
{
    (void)state;
    static const int64_t jumps[] = {-1000, -4, -3, -2, -1, 0, 1, 2, 3, 4, 100000};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        scene s = scene_default(WALL);
        ps_file_ticket t;
        const uint64_t now_s = (uint64_t)((int64_t)WALL + jumps[i] * (int64_t)PS_FILE_EPOCH_S);
        set_wall(s.f, now_s);
        const located l = locate(&s.bob, "song");
        assert_true(opens(&s.alices, now_s, &l, &t));
        assert_int_equal(t.expires_s, now_s + s.f->cfg.file_ticket_s);
        fixture_free(s.f);
    }
}

/* A clock that comes after the login brings tickets with the next one, none that nobody opens. */
static void a_clock_that_comes_later(void **state)
{
    (void)state;
    scene s = scene_default(0);
    ps_file_ticket t;
    set_wall(s.f, WALL);
    assert_int_equal(locate(&s.bob, "song").ticket_len, 0);
    s.f->now_us += 1000000;
    s.alice.client_id++;
    s.alice.online = false;
    s.alices = keys_of(&s.alice);
    const located l = locate(&s.bob, "song");
    assert_true(opens(&s.alices, WALL + 1, &l, &t));
    set_wall(s.f, UINT64_MAX); /* No day of it has a number: who comes now is told of none. */
    s.f->now_us += 1000000;
    s.alice.client_id++;
    s.alice.online = false;
    assert_int_equal(keys_of(&s.alice).count, 0);
    fixture_free(s.f);
}

/* Another key and another salt with every answer. */
static void no_two_tickets_are_alike(void **state)
{
    (void)state;
    scene s = scene_default(WALL);
    const located a = locate(&s.bob, "song");
    const located b = locate(&s.bob, "song");
    assert_memory_not_equal(a.key, b.key, sizeof a.key);
    assert_int_equal(a.ticket_len, b.ticket_len);
    assert_memory_equal(a.ticket, b.ticket, 8); /* The epoch. */
    assert_memory_not_equal(a.ticket + 8, b.ticket + 8, PS_FILE_TICKET_SALT);
    assert_memory_not_equal(a.key, a.ticket + 8, PS_FILE_TICKET_SALT);
    fixture_free(s.f);
}

/* Who knows the seed (a scrubbed journal holds it) knows neither the keys nor the tickets. */
static void the_seed_alone_tells_nothing(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    scene a = scene_of(&cfg, WALL);
    cfg.realm_secret[31] ^= 1;
    scene b = scene_of(&cfg, WALL);
    const located of_a = locate(&a.bob, "song");
    const located of_b = locate(&b.bob, "song");
    ps_file_ticket t;
    assert_memory_not_equal(of_a.key, of_b.key, sizeof of_a.key);
    assert_memory_not_equal(a.alices.keys, b.alices.keys, sizeof a.alices.keys);
    assert_true(opens(&a.alices, WALL, &of_a, &t));
    assert_false(opens(&b.alices, WALL, &of_a, &t));
    fixture_free(a.f);
    fixture_free(b.f);
}

static void what_serves_nothing_has_no_ticket(void **state)
{
    (void)state;
    scene s = scene_default(WALL);
    ps_session_at(s.f->s, 0)->stream_port = 0;
    located l = locate(&s.bob, "song");
    assert_true(l.active);
    assert_int_equal(l.addrs_count + l.key_len + l.ticket_len, 0);
    s.f->now_us += 1500000;
    client_heartbeat(&s.bob);
    s.f->now_us += 1500000; /* And away. */
    fixture_clear(s.f);
    l = locate(&s.bob, "song");
    assert_false(l.active);
    assert_int_equal(l.addrs_count + l.key_len + l.ticket_len, 0);
    fixture_free(s.f);
}

static void without_a_clock_there_is_neither(void **state)
{
    (void)state;
    scene s = scene_default(0);
    assert_int_equal(s.alices.count, 0);
    const located l = locate(&s.bob, "song");
    assert_true(l.active);
    assert_int_equal(l.addrs_count, 1);
    assert_int_equal(l.key_len + l.ticket_len, 0);
    fixture_free(s.f);
}

/* An answer's work is bounded by its datagram: five tickets at most; and the longest names leave
 * room for one in the smallest datagram. */
static void a_page_holds_few_tickets(void **state)
{
    (void)state;
    enum { PEERS = 20 };
    static const uint16_t limits[] = {PS_DATAGRAM_MIN, PS_DATAGRAM_MAX};
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = cfg.max_handshakes = PEERS;
    fixture *f = fixture_new(&cfg);
    set_wall(f, WALL);
    static client c[PEERS];
    static char names[PEERS][PS_USER_MAX + 1];
    for (unsigned i = 0; i < PEERS; i++) {
        memset(names[i], 'u', i == 0 ? 1 : PS_USER_MAX);
        names[i][i == 0 ? 0 : PS_USER_MAX - 1] = (char)('a' + i);
        c[i] = client_make(f, names[i], (uint16_t)(4000 + i));
        c[i].datagram_max = i < 2 ? limits[1 - i] : PS_DATAGRAM_MAX;
        client_login(&c[i]);
        assert_int_equal(client_publish(&c[i], "same", 5), PS_E_NONE);
    }
    for (unsigned i = 0; i < 2; i++) { /* A short name and a large datagram, and the reverse. */
        uint64_t cursor = 0;
        unsigned found = 0;
        do {
            ps_page page;
            client_list(&c[i], PS_MSG_LOCATE, cursor, "same");
            assert_true(ps_page_decode(PS_MSG_SOURCES, client_answer(&c[i], 0).body, &page));
            assert_in_range(page.count, 1, 5);
            found += page.count;
            cursor = page.next;
        } while (cursor != 0);
        assert_int_equal(found, PEERS);
    }
    fixture_free(f);
}

static void its_life_is_at_most_an_epoch(void **state)
{
    (void)state;
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    assert_int_equal(cfg.file_ticket_s, 3600);
    cfg.file_ticket_s = PS_FILE_EPOCH_S;
    assert_int_not_equal(ps_server_size(&cfg), 0);
    cfg.file_ticket_s++;
    assert_int_equal(ps_server_size(&cfg), 0);
}

/* A clock beyond all epochs is no clock: nobody gets keys, and nothing else suffers. */
static void a_clock_beyond_all_epochs(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    const uint64_t last = (uint64_t)PS_NIL * PS_FILE_EPOCH_S;
    for (int beyond = 0; beyond < 2; beyond++) {
        fixture *f = fixture_new(&cfg);
        set_wall(f, beyond == 1 ? last : last - 1);
        client a = client_make(f, "alice", 4001);
        assert_int_equal(keys_of(&a).count == 0, beyond);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_brings_the_devices_keys),
        cmocka_unit_test(a_stolen_device_id_tells_nothing),
        cmocka_unit_test(the_first_epoch_has_none_before_it),
        cmocka_unit_test(a_source_comes_with_its_ticket),
        cmocka_unit_test(ones_own_has_none),
        cmocka_unit_test(a_clock_that_is_set_locks_nobody_out),
        cmocka_unit_test(a_clock_that_comes_later),
        cmocka_unit_test(no_two_tickets_are_alike),
        cmocka_unit_test(the_seed_alone_tells_nothing),
        cmocka_unit_test(what_serves_nothing_has_no_ticket),
        cmocka_unit_test(without_a_clock_there_is_neither),
        cmocka_unit_test(a_page_holds_few_tickets),
        cmocka_unit_test(its_life_is_at_most_an_epoch),
        cmocka_unit_test(a_clock_beyond_all_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

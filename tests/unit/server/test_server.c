/* The face: init, steps, time, batches, copies. */
#include "fixture.h"

static void impossible_configurations_have_no_size(void **state)
{
    (void)state;
    ps_server_config cfg;
    ps_server_config_default(&cfg);
    const size_t size = ps_server_size(&cfg);
    assert_int_not_equal(size, 0);
    assert_int_equal(ps_server_size(NULL), 0);
    uint32_t *fields[] = {&cfg.max_sessions,       &cfg.max_users,    &cfg.max_devices,
                          &cfg.max_publications,   &cfg.heartbeat_ms, &cfg.dead_ms,
                          &cfg.max_pending_logins, &cfg.resend_ms,    &cfg.pending_ms,
                          &cfg.search_names,       &cfg.takeover_ms,  &cfg.max_handshakes,
                          &cfg.max_networks,       &cfg.handshake_ms, &cfg.handshakes_per_s,
                          &cfg.network_per_s,      &cfg.ticket_s,     &cfg.file_ticket_s};
    void *mem = aligned_alloc(64, size);
    uint8_t *before = calloc(1, size);
    assert_true(mem != NULL && before != NULL);
    memset(mem, 0, size);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint32_t kept = *fields[i];
        ps_server *s = NULL;
        *fields[i] = 0;
        assert_int_equal(ps_server_size(&cfg), 0);
        assert_int_equal(ps_server_init(mem, size, &cfg, &s), PS_INVALID);
        assert_null(s);
        *fields[i] = kept;
    }
    ps_server *s = NULL; /* The size does not depend on the cryptography; the machine does. */
    assert_int_equal(ps_server_init(mem, size, &cfg, &s), PS_INVALID);
    for (int missing = 0; missing < 8; missing++) {
        ps_crypto half = *ps_sim_crypto();
        half.sha256_init = missing == 0 ? NULL : half.sha256_init;
        half.sha256_update = missing == 1 ? NULL : half.sha256_update;
        half.sha256_final = missing == 2 ? NULL : half.sha256_final;
        half.x25519 = missing == 3 ? NULL : half.x25519;
        half.x25519_public = missing == 4 ? NULL : half.x25519_public;
        half.seal = missing == 5 ? NULL : half.seal;
        half.open = missing == 6 ? NULL : half.open;
        half.size -= missing == 7 ? 1 : 0;
        cfg.crypto = &half;
        assert_int_equal(ps_server_init(mem, size, &cfg, &s), PS_INVALID);
    }
    assert_memory_equal(mem, before, size);
    free(mem);
    free(before);
    cfg.max_sessions = (UINT32_C(1) << 24) + 1;
    assert_int_equal(ps_server_size(&cfg), 0);
    ps_server_config_default(&cfg);
    cfg.size--;
    assert_int_equal(ps_server_size(&cfg), 0);
}

/* No room beyond the records for names, and no publication for anybody, are sizes like others. */
static void possible_zeros(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.name_bytes = 0;
    cfg.max_user_publications = 0;
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_QUOTA);
    fixture_free(f);
    cfg.max_user_publications = 1;
    f = fixture_new(&cfg);
    a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "a name of twenty-nine bytes..", 1), PS_E_FULL);
    assert_int_equal(client_publish(&a, "a name of twenty-eight bytes", 1), PS_E_NONE);
    assert_int_equal(client_publish(&a, "x", 1), PS_E_QUOTA);
    fixture_free(f);
}

static void init_refuses_bad_memory(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    const size_t size = ps_server_size(&cfg);
    uint8_t *mem = aligned_alloc(64, size + 64);
    ps_server *s = NULL;
    assert_int_equal(ps_server_init(NULL, size, &cfg, &s), PS_INVALID);
    assert_int_equal(ps_server_init(mem, size - 1, &cfg, &s), PS_INVALID);
    assert_int_equal(ps_server_init(mem + 8, size, &cfg, &s), PS_INVALID);
    assert_int_equal(ps_server_init(mem, size, &cfg, NULL), PS_INVALID);
    assert_int_equal(ps_server_init(mem, size, NULL, &s), PS_INVALID);
    assert_null(s);
    assert_int_equal(ps_server_init(mem, size, &cfg, &s), PS_OK);
    assert_int_equal(ps_server_deadline_us(s), PS_TIME_NEVER);
    assert_int_equal(ps_server_check(s), 0);
    free(mem);
}

static void foreign_inputs_are_a_bug_of_the_caller(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    for (int type = PS_INPUT_LOGIN; type <= PS_INPUT_LOCATE + 1; type++) {
        ps_input in = {.type = (ps_input_type)type};
        assert_int_equal(fixture_step(f, &in), PS_INVALID);
    }
    fixture_free(f);
}

/* Each is refused where it stands, behind what was consumed, and changes nothing. */
static void bugs_of_the_caller_change_nothing(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login_send(&a);
    const uint64_t pending = f->out.events[0].u.login.pending;
    fixture_clear(f);
    static const uint8_t short_entropy[15];
    const ps_input_restore nameless = {.generation = 1, .user = span("alice")};
    const ps_input_restore userless = {.generation = 1, .name = span("x")};
    const ps_input wrong[] = {
        {.type = PS_INPUT_DATAGRAM, .u.datagram = {.data = NULL, .len = PS_PACKET_HEADER}},
        {.type = PS_INPUT_ENTROPY, .u.entropy = {NULL, 16}},
        {.type = PS_INPUT_ENTROPY, .u.entropy = {short_entropy, sizeof short_entropy}},
        {.type = PS_INPUT_VERDICT, .u.verdict = {.pending = pending, .error = UINT32_C(1) << 16}},
        {.type = PS_INPUT_RESTORE, .u.restore = nameless},
        {.type = PS_INPUT_RESTORE, .u.restore = userless},
        {.type = PS_INPUT_LOGOUT},
    };
    const size_t size = ps_server_size(&cfg);
    uint8_t *before = malloc(size);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ps_input in[2] = {{.now_us = f->now_us, .type = PS_INPUT_TICK}, wrong[i]};
        in[1].now_us = f->now_us + 5000000;
        size_t consumed = 9;
        memcpy(before, f->s, size);
        assert_int_equal(ps_server_step(f->s, in, 2, &consumed, &f->out), PS_INVALID);
        assert_int_equal(consumed, 1);
        assert_int_equal(f->out.events_len + f->out.datagrams_len, 0);
        assert_memory_equal(before, f->s, size);
    }
    size_t consumed = 0;
    assert_int_equal(ps_server_step(NULL, NULL, 0, &consumed, &f->out), PS_INVALID);
    assert_int_equal(ps_server_step(f->s, NULL, 1, &consumed, &f->out), PS_INVALID);
    assert_int_equal(ps_server_step(f->s, NULL, 0, NULL, &f->out), PS_INVALID);
    assert_int_equal(ps_server_step(f->s, NULL, 0, &consumed, NULL), PS_INVALID);
    assert_true(ps_server_step(f->s, NULL, 0, &consumed, &f->out) <= PS_MORE);
    assert_int_equal(consumed, 0);
    free(before);
    fixture_free(f);
}

static void a_clock_that_runs_back_is_clamped(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    uint64_t deadline = ps_server_deadline_us(f->s);
    f->now_us -= 900000;
    client_heartbeat(&a);
    assert_int_equal(ps_server_deadline_us(f->s), deadline);
    assert_int_equal(fixture_stats(f).clock_clamped, 1);
    f->now_us = UINT64_MAX - 1; /* The end of time overflows nothing. */
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).sessions, 0);
    fixture_free(f);
}

/* An hour back: nobody is evicted for it, deadlines are right in the host's new time, and the rest
 * goes on as before. */
static void a_clock_that_is_set_back_is_followed(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    f->now_us = UINT64_C(7200000000);
    client a = client_make(f, "alice", 4001);
    client b = client_make(f, "bob", 4002);
    ps_input wall = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1700000000};
    assert_int_equal(fixture_step(f, &wall), PS_OK);
    client_login(&a);
    client_login_send(&b); /* Stays without a verdict. */
    const uint64_t login_us = f->now_us;
    f->now_us += 1000000;
    client_heartbeat(&a);
    const uint64_t back_us = UINT64_C(3600000000);
    f->now_us -= back_us;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).clock_clamped, 1);
    assert_int_equal(ps_server_deadline_us(f->s), f->now_us + 3000000);
    for (unsigned k = 1; k <= 6; k++) {
        f->now_us += 2000000;
        assert_int_equal(fixture_tick(f), PS_OK);
        client_sync(&a);
        const uint64_t pending_us = login_us + 15000000 - back_us;
        const uint64_t alive_us = f->now_us + 3000000;
        assert_int_equal(ps_server_deadline_us(f->s),
                         alive_us < pending_us ? alive_us : pending_us);
    }
    assert_int_equal(fixture_stats(f).sessions, 1);
    assert_int_equal(fixture_stats(f).pending_logins, 1);
    assert_int_equal(fixture_stats(f).late_steps, 0);
    fixture_clear(f);
    client_heartbeat(&a);
    ps_heartbeat_ok ok;
    assert_true(ps_heartbeat_ok_decode(client_answer(&a, 0).body, &ok));
    assert_int_equal(ok.wall_s, 1700000013); /* What the host told goes on, too. */
    f->now_us += 2000000;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).pending_logins, 0);
    f->now_us += 999999;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).sessions, 1);
    f->now_us += 1;
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(fixture_stats(f).sessions, 0);
    f->now_us = login_us - back_us + 60000000; /* All that is left are two handshakes' records. */
    assert_int_equal(fixture_tick(f), PS_OK);
    assert_int_equal(ps_server_deadline_us(f->s), PS_TIME_NEVER);
    fixture_free(f);
}

enum { CROWD = 300 };

/* Logs a crowd in, from port 10000 up; all of them publish a file. */
static fixture *crowd(client *c, char (*names)[8])
{
    ps_server_config cfg;
    fixture_config(&cfg);
    cfg.max_sessions = cfg.max_users = cfg.max_devices = 512;
    cfg.max_publications = 512;
    fixture *f = fixture_new(&cfg);
    for (uint16_t i = 0; i < CROWD; i++) {
        (void)snprintf(names[i], sizeof names[i], "u%u", i);
        c[i] = client_make(f, names[i], (uint16_t)(10000 + i));
        client_login(&c[i]);
    }
    fixture_clear(f);
    return f;
}

static void eviction_is_bounded_a_tick(void **state)
{
    (void)state;
    static client c[CROWD];
    static char names[CROWD][8];
    fixture *f = crowd(c, names);
    f->now_us += 3000000;
    unsigned ticks = 0;
    ps_status status;
    do {
        fixture_clear(f);
        status = fixture_tick(f);
        ticks++;
        assert_true(f->out.events_len <= PS_SERVER_TICK_EVICTIONS);
    } while (status == PS_MORE);
    assert_int_equal(status, PS_OK);
    assert_int_equal(ticks, (CROWD + PS_SERVER_TICK_EVICTIONS - 1) / PS_SERVER_TICK_EVICTIONS);
    assert_int_equal(fixture_stats(f).evictions, CROWD);
    assert_int_equal(fixture_stats(f).users, 0);
    fixture_free(f);
}

/* 64 inputs in one call, and 64 calls with one: the same bytes, the same machine. */
static void batches_of_any_size_are_equal(void **state)
{
    (void)state;
    static client c[CROWD];
    static char names[CROWD][8];
    fixture *one = crowd(c, names);
    fixture *many = crowd(c, names);
    static uint8_t packets[2][64][PS_DATAGRAM_MAX];
    ps_input in[2][64];
    for (unsigned round = 0; round < 30; round++) {
        one->now_us += 100000;
        for (size_t i = 0; i < 64; i++) {
            client *x = &c[(round * 37 + i * 11) % CROWD];
            ps_writer w = client_packet(x, packets[0][i]);
            const ps_heartbeat beat = {.generation = 0};
            const ps_list list = {.cursor = 0, .text = span("n")};
            const ps_publication entry = {.name = span(names[i]), .content = {.length = round}};
            ps_changes_writer cw;
            switch (i % 4) {
            case 0:
                assert_true(ps_list_encode(&w, PS_MSG_SEARCH, 5, &list));
                break;
            case 1:
                assert_true(ps_changes_begin(&w, &cw, PS_MSG_PUBLISH, 6, x->generation + 1));
                assert_true(ps_changes_add(&w, &cw, &entry));
                assert_true(ps_changes_end(&w, &cw));
                x->generation++;
                break;
            default:
                assert_true(ps_heartbeat_encode(&w, 7, &beat));
                break;
            }
            size_t len = i % 13 == 0 ? w.len - 3 : w.len;
            memcpy(packets[1][i], packets[0][i], sizeof packets[0][i]);
            for (size_t k = 0; k < 2; k++) {
                in[k][i] = (ps_input){.now_us = one->now_us,
                                      .type = i == 40 ? PS_INPUT_TICK : PS_INPUT_DATAGRAM};
                in[k][i].u.datagram =
                    (ps_input_datagram){.from = x->addr, .data = packets[k][i], .len = len};
            }
        }
        fixture_clear(one);
        fixture_clear(many);
        size_t at = 0;
        while (at < 64) {
            size_t consumed = 0;
            ps_status s = ps_server_step(many->s, &in[1][at], 64 - at, &consumed, &many->out);
            assert_int_not_equal(s, PS_INVALID);
            assert_true(consumed > 0 || s != PS_AGAIN);
            at += consumed;
        }
        for (size_t i = 0; i < 64; i++) {
            size_t consumed = 0;
            (void)ps_server_step(one->s, &in[0][i], 1, &consumed, &one->out);
            assert_int_equal(consumed, 1);
        }
        assert_int_equal(one->out.bytes_len, many->out.bytes_len);
        assert_memory_equal(one->out.bytes, many->out.bytes, one->out.bytes_len);
        assert_int_equal(one->out.datagrams_len, many->out.datagrams_len);
        assert_int_equal(one->out.events_len, many->out.events_len);
        assert_int_equal(ps_server_check(many->s), 0);
    }
    const ps_server_stats a = fixture_stats(one);
    const ps_server_stats b = fixture_stats(many);
    assert_memory_equal(&a, &b, sizeof a);
    fixture_free(one);
    fixture_free(many);
}

/* No pointers inside: a copy of the slab goes on like the original. */
static void a_copy_goes_on_alike(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    client_login(&a);
    assert_int_equal(client_publish(&a, "a name that is longer than its record", 1), PS_E_NONE);
    const size_t size = ps_server_size(&cfg);
    void *copy = aligned_alloc(64, size);
    memcpy(copy, f->s, size);
    client twin = a;
    client_list(&a, PS_MSG_LIST_FILES, 0, "");
    uint8_t answer[PS_DATAGRAM_MAX];
    const size_t len = f->out.bytes_len;
    memcpy(answer, f->out.bytes, len);
    memset(f->s, 0xEE, size);
    free(f->s);
    f->s = copy;
    client_list(&twin, PS_MSG_LIST_FILES, 0, "");
    assert_int_equal(f->out.bytes_len, len);
    assert_memory_equal(f->out.bytes, answer, len);
    fixture_free(f);
}

/* Fresh zero pages and dirty memory give the same machine. */
static void zero_memory_needs_no_touching(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    const size_t size = ps_server_size(&cfg);
    void *mem = aligned_alloc(64, size);
    memset(mem, 0, size);
    cfg.mem_is_zero = true;
    ps_server *s = NULL;
    assert_int_equal(ps_server_init(mem, size, &cfg, &s), PS_OK);
    cfg.mem_is_zero = false;
    fixture *f = fixture_new(&cfg);
    client dirty = client_make(f, "alice", 4001);
    client_login(&dirty);
    free(f->s);
    f->s = s;
    client zero = client_make(f, "alice", 4001);
    client_login(&zero);
    assert_int_equal(zero.session_id, dirty.session_id);
    assert_int_equal(client_publish(&zero, "x", 1), PS_E_NONE);
    fixture_free(f);
}

static void entropy_is_taken(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    uint8_t bytes[16] = {1, 2, 3};
    ps_input in = {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}};
    const ps_prng before = f->s->prng;
    assert_int_equal(fixture_step(f, &in), PS_OK);
    assert_memory_not_equal(&before, &f->s->prng, sizeof before);
    fixture_free(f);
}

/* Offsets in a slab have 32 bits: a longer one is no room. No bytes need no memory. */
static void odd_slabs_and_empty_datagrams(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    ps_input in = {.now_us = f->now_us, .type = PS_INPUT_DATAGRAM};
    size_t consumed = 9;
#if SIZE_MAX > UINT32_MAX
    const size_t cap = f->out.bytes_cap;
    f->out.bytes_cap = (size_t)UINT32_MAX + 1;
    assert_int_equal(ps_server_step(f->s, &in, 1, &consumed, &f->out), PS_AGAIN);
    assert_int_equal(consumed, 0);
    f->out.bytes_cap = cap;
#endif
    assert_int_equal(ps_server_step(f->s, &in, 1, &consumed, &f->out), PS_OK);
    assert_int_equal(consumed, 1);
    assert_int_equal(fixture_stats(f).datagrams_in, 1);
    assert_int_equal(f->out.datagrams_len, 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_configurations_have_no_size),
        cmocka_unit_test(possible_zeros),
        cmocka_unit_test(init_refuses_bad_memory),
        cmocka_unit_test(foreign_inputs_are_a_bug_of_the_caller),
        cmocka_unit_test(bugs_of_the_caller_change_nothing),
        cmocka_unit_test(a_clock_that_runs_back_is_clamped),
        cmocka_unit_test(a_clock_that_is_set_back_is_followed),
        cmocka_unit_test(eviction_is_bounded_a_tick),
        cmocka_unit_test(batches_of_any_size_are_equal),
        cmocka_unit_test(a_copy_goes_on_alike),
        cmocka_unit_test(zero_memory_needs_no_touching),
        cmocka_unit_test(entropy_is_taken),
        cmocka_unit_test(odd_slabs_and_empty_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

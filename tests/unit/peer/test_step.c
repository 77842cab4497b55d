/* The face: shortage, callers' bugs, batches, snapshots, clocks that run back. */
#include "log.h"
#include "random.h"

enum { STORY = 400 };

/* A recorded history of inputs with its own copies of all bytes. */
typedef struct story {
    ps_input in[STORY];
    uint8_t *bytes[STORY];
    size_t len;
    rig_channel *channels; /* What was agreed on in it. */
    size_t channels_len;
} story;

/* Keys that a few packets use up. */
static rig *fresh(void)
{
    ps_peer_config cfg = rig_config();
    cfg.rekey_packets = 20;
    return rig_new(&cfg);
}

static void note(story *s, const ps_input *in)
{
    assert_true(s->len < STORY);
    ps_input *copy = &s->in[s->len];
    *copy = *in;
    if (in->type == PS_INPUT_DATAGRAM) {
        s->bytes[s->len] = exact_copy(in->u.datagram.data, in->u.datagram.len);
        copy->u.datagram.data = s->bytes[s->len];
    }
    s->len++;
}

static void story_free(story *s)
{
    for (size_t i = 0; i < s->len; i++) {
        free(s->bytes[i]);
    }
    free(s->channels);
    free(s);
}

static void note_datagram(story *s, rig *r)
{
    r->c.len = rig_seal(r, r->c.data, r->c.len);
    ps_input in = {.now_us = r->now_us,
                   .type = PS_INPUT_DATAGRAM,
                   .u.datagram = {.from = r->server, .data = r->c.data, .len = r->c.len}};
    note(s, &in);
    (void)rig_deliver_raw(r, &r->server, r->c.data, r->c.len);
}

static void answer(story *s, rig *r, const rig_sent *m, test_random *random)
{
    static const uint8_t root[PS_ROOT_BYTES] = {3};
    ps_changes changes;
    switch (m->type) {
    case PS_MSG_LOGIN:
        if (m->request != r->p->attempt.id || r->p->attempt.phase != PS_ATTEMPT_LOGGING_IN) {
            return;
        }
        r->counter = 0;
        rig_packet(r);
        r->session = m->receiver_id;
        craft_login_ok(&r->c, m->request, 0);
        break;
    case PS_MSG_HEARTBEAT:
        rig_packet(r);
        craft_heartbeat_ok(&r->c, m->request, 0, 0, 0);
        break;
    case PS_MSG_PUBLISH:
        (void)rig_last_changes(r, &changes);
        rig_packet(r);
        craft_published(&r->c, m->request, changes.generation + changes.count - 1);
        craft_end(&r->c);
        break;
    case PS_MSG_LIST_FILES:
        rig_packet(r);
        craft_page(&r->c, PS_MSG_FILES, m->request, test_random_below(random, 3));
        craft_file_entry(&r->c, 1, 9, root, "bob", "file");
        craft_end(&r->c);
        break;
    default:
        rig_packet(r);
        craft_challenge(&r->c, m->request, 1);
        break;
    }
    note_datagram(s, r);
}

/* A life of a peer: commands, answers, losses of them, ticks, one real loss of the server. */
static story *record(void)
{
    story *s = calloc(1, sizeof *s);
    assert_non_null(s);
    rig *r = fresh();
    r->silent = true;
    test_random random = test_random_of(11);
    static const char *names[] = {"a", "b", "c", "d"};
    ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
    size_t seen = 0, initiates = 0;
    while (s->len < STORY - 4) {
        in.now_us = r->now_us;
        note(s, &in);
        (void)rig_step(r, &in);
        const unsigned percent = s->len > 150 && s->len < 230 ? 10 : 80;
        if (r->initiates_len > initiates && test_random_chance(&random, percent)) {
            rig_craft_respond(r, r->server_secret);
            note_datagram(s, r);
        }
        initiates = r->initiates_len;
        for (; seen < r->sent_len && s->len < STORY - 4; seen++) {
            const rig_sent m = r->sent[seen];
            if (test_random_chance(&random, percent)) {
                answer(s, r, &m, &random);
            }
        }
        r->now_us += test_random_below(&random, 150000);
        const uint64_t what = test_random_below(&random, 10);
        memset(&in, 0, sizeof in);
        in.type = PS_INPUT_TICK;
        if (what == 0) {
            in.type = PS_INPUT_LIST_FILES;
            in.u.command.tag = s->len;
        } else if (what == 1) {
            in.type = PS_INPUT_PUBLISH;
            in.u.command.tag = s->len;
            in.u.command.text = span_of(names[test_random_below(&random, 4)]);
            in.u.command.content.length = test_random_below(&random, 5);
        }
    }
    assert_true(rig_stats(r).losses > 0);
    assert_true(rig_stats(r).rekeys > 0);
    assert_true(rig_events_of(r, PS_EVENT_LOGGED_IN) > 1);
    assert_true(rig_events_of(r, PS_EVENT_DONE) > 10);
    s->channels = r->channels;
    s->channels_len = r->channels_len;
    r->channels = NULL;
    rig_free(r);
    return s;
}

typedef struct trace {
    uint64_t hash;
    size_t datagrams, events;
} trace;

static void fold(trace *t, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) {
        t->hash = (t->hash ^ p[i]) * UINT64_C(0x100000001b3);
    }
}

static void take(trace *t, ps_output *out)
{
    for (size_t i = 0; i < out->datagrams_len; i++) {
        fold(t, &out->datagrams[i].len, sizeof out->datagrams[i].len);
    }
    fold(t, out->bytes, out->bytes_len);
    for (size_t i = 0; i < out->events_len; i++) {
        const ps_event *e = &out->events[i];
        fold(t, &e->type, sizeof e->type);
        if (e->type == PS_EVENT_DONE) {
            fold(t, &e->u.done.tag, sizeof e->u.done.tag);
            fold(t, &e->u.done.error, sizeof e->u.done.error);
        } else if (e->type == PS_EVENT_FILE) {
            fold(t, e->u.entry.name.data, e->u.entry.name.len);
        }
    }
    t->datagrams += out->datagrams_len;
    t->events += out->events_len;
    out->bytes_len = out->datagrams_len = out->events_len = 0;
}

/* Plays the story in batches, into a slab of the given number of steps' room. */
static trace play(const story *s, size_t batch, size_t room, rig *r)
{
    trace t = {.hash = UINT64_C(0xcbf29ce484222325)};
    ps_output out = {.bytes_cap = room * PS_PEER_STEP_BYTES,
                     .datagrams_cap = room * PS_PEER_STEP_DATAGRAMS,
                     .events_cap = room * PS_PEER_STEP_EVENTS};
    out.bytes = malloc(out.bytes_cap);
    out.datagrams = calloc(out.datagrams_cap, sizeof(ps_datagram));
    out.events = calloc(out.events_cap, sizeof(ps_event));
    assert_true(out.bytes != NULL && out.datagrams != NULL && out.events != NULL);
    ps_input *in = malloc(sizeof s->in);
    assert_non_null(in);
    memcpy(in, s->in, sizeof s->in);
    for (size_t at = 0; at < s->len;) {
        const size_t n = s->len - at < batch ? s->len - at : batch;
        size_t consumed = 0;
        const ps_status status = ps_peer_step(r->p, in + at, n, &consumed, &out);
        assert_int_equal(ps_peer_check(r->p), 0);
        assert_int_not_equal(status, PS_INVALID);
        assert_true(status == PS_AGAIN ? out.datagrams_len + out.events_len > 0 : consumed == n);
        at += consumed;
        if (status == PS_AGAIN || at % 7 == 0) {
            take(&t, &out);
        }
    }
    take(&t, &out);
    free(in);
    free(out.bytes);
    free(out.datagrams);
    free(out.events);
    return t;
}

static void batches_give_equal_bytes(void **state)
{
    (void)state;
    story *s = record();
    rig *one = fresh();
    const trace expected = play(s, 1, 1, one);
    assert_true(expected.datagrams > 100);
    assert_true(expected.events > 20);
    const size_t batches[] = {2, 7, 64, STORY};
    for (size_t i = 0; i < 4; i++) {
        for (size_t room = 1; room <= 65; room += 32) {
            rig *r = fresh();
            const trace t = play(s, batches[i], room, r);
            assert_int_equal(t.datagrams, expected.datagrams);
            assert_int_equal(t.events, expected.events);
            rig_free(r);
        }
    }
    rig_free(one);
    story_free(s);
}

/* The hash folds datagrams and events of one taking apart, so equal takings are compared. */
static void batches_of_1_and_64_hash_alike(void **state)
{
    (void)state;
    story *s = record();
    uint64_t hash[2];
    for (size_t i = 0; i < 2; i++) {
        rig *r = fresh();
        const size_t cap = (STORY + 1) * PS_PEER_STEP_BYTES;
        ps_output out = {.bytes = malloc(cap),
                         .bytes_cap = cap,
                         .datagrams =
                             calloc((STORY + 1) * PS_PEER_STEP_DATAGRAMS, sizeof(ps_datagram)),
                         .datagrams_cap = (STORY + 1) * PS_PEER_STEP_DATAGRAMS,
                         .events = calloc((STORY + 1) * PS_PEER_STEP_EVENTS, sizeof(ps_event)),
                         .events_cap = (STORY + 1) * PS_PEER_STEP_EVENTS};
        assert_true(out.bytes != NULL && out.datagrams != NULL && out.events != NULL);
        const size_t batch = i == 0 ? 1 : 64;
        for (size_t at = 0; at < s->len;) {
            size_t consumed = 0;
            const size_t n = s->len - at < batch ? s->len - at : batch;
            const ps_status status = ps_peer_step(r->p, s->in + at, n, &consumed, &out);
            assert_true(status == PS_OK || status == PS_MORE);
            assert_int_equal(consumed, n);
            at += n;
        }
        trace t = {.hash = 1};
        take(&t, &out);
        hash[i] = t.hash;
        free(out.bytes);
        free(out.datagrams);
        free(out.events);
        rig_free(r);
    }
    assert_true(hash[0] == hash[1]);
    story_free(s);
}

static void a_copied_slab_goes_on_alike(void **state)
{
    (void)state;
    story *s = record();
    const size_t half = s->len / 2;
    story *first = calloc(1, sizeof *first);
    story *second = calloc(1, sizeof *second);
    assert_true(first != NULL && second != NULL);
    memcpy(first->in, s->in, half * sizeof s->in[0]);
    first->len = half;
    memcpy(second->in, s->in + half, (s->len - half) * sizeof s->in[0]);
    second->len = s->len - half;
    rig *r = fresh();
    rig *copy = fresh();
    (void)play(first, 1, 1, r);
    memcpy(copy->slab, r->slab, r->slab_len);
    const trace a = play(second, 1, 1, r);
    const trace b = play(second, 1, 1, copy);
    assert_true(a.hash == b.hash);
    assert_true(a.datagrams > 20);
    assert_memory_equal(r->slab, copy->slab, r->slab_len);
    free(first);
    free(second);
    story_free(s);
    rig_free(r);
    rig_free(copy);
}

/* Every input of a life with every capacity below a step's room, where nothing is touched, and in a
 * slab of exactly that room. */
static void every_room_of_a_life(void **state)
{
    (void)state;
    story *s = record();
    rig *r = fresh();
    r->sweep = true;
    r->silent = true;
    r->channels = s->channels;
    r->channels_len = s->channels_len;
    s->channels = NULL;
    for (size_t i = 0; i < s->len; i++) {
        r->now_us = s->in[i].now_us;
        (void)rig_step(r, &s->in[i]);
    }
    assert_true(rig_stats(r).losses > 0);
    ps_output nothing = {.bytes = NULL}; /* No input needs no room. */
    size_t consumed = 9;
    rig_run(r, r->now_us);
    assert_int_equal(ps_peer_step(r->p, NULL, 0, &consumed, &nothing), PS_OK);
    assert_int_equal(consumed, 0);
    rig_free(r);
    story_free(s);
}

/* The fullest packet: a page and a message of changes with 64 entries each, and six refusals. */
static void every_room_of_the_fullest_packet(void **state)
{
    (void)state;
    char name[4];
    rig *r = rig_new_online();
    for (unsigned k = 0; k < 65; k++) { /* The first one leaves alone. */
        (void)snprintf(name, sizeof name, "%u", k);
        (void)rig_command(r, PS_INPUT_UNPUBLISH, k, name);
    }
    rig_acknowledge(r);
    for (unsigned k = 0; k < 7; k++) {
        (void)rig_command(r, PS_INPUT_LIST_PEERS, 100 + k, "");
    }
    r->events_len = 0;
    rig_packet(r);
    craft_page(&r->c, PS_MSG_PEERS, rig_nth(r, PS_MSG_LIST_PEERS, 0)->request, 0);
    for (unsigned k = 0; k < PS_PAGE_ENTRIES; k++) {
        craft_peer_entry(&r->c, "x");
    }
    craft_end(&r->c);
    craft_published(&r->c, rig_last(r, PS_MSG_UNPUBLISH)->request, 65);
    craft_end(&r->c);
    for (unsigned k = 1; k < 7; k++) {
        craft_error(&r->c, rig_nth(r, PS_MSG_LIST_PEERS, k)->request, PS_E_UNSUPPORTED, 0, "");
    }
    r->sweep = true;
    (void)rig_deliver(r);
    assert_int_equal(r->events_len, 64 + 1 + 64 + 6);
    rig_free(r);
}

static void callers_bugs(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    uint8_t bytes[16] = {0};
    size_t consumed;
    ps_input in = {.type = PS_INPUT_TICK};
    assert_int_equal(ps_peer_step(NULL, &in, 1, &consumed, &r->out), PS_INVALID);
    assert_int_equal(ps_peer_step(r->p, NULL, 1, &consumed, &r->out), PS_INVALID);
    assert_int_equal(ps_peer_step(r->p, &in, 1, NULL, &r->out), PS_INVALID);
    assert_int_equal(ps_peer_step(r->p, &in, 1, &consumed, NULL), PS_INVALID);
    const ps_input bad[] = {
        {.type = PS_INPUT_VERDICT},
        {.type = PS_INPUT_RESTORE},
        {.type = PS_INPUT_STORE},
        {.type = PS_INPUT_EXPEL},
        {.type = PS_INPUT_TRUST}, /* Nothing was asked. */
        {.type = (ps_input_type)0},
        {.type = (ps_input_type)99},
        {.type = PS_INPUT_DATAGRAM, .u.datagram = {.data = NULL, .len = 1}},
        {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, 15}},
        {.type = PS_INPUT_ENTROPY, .u.entropy = {NULL, 16}},
        {.type = PS_INPUT_SEARCH, .u.command = {.text = {NULL, 4}}},
    };
    uint8_t *before = malloc(r->slab_len);
    assert_non_null(before);
    memcpy(before, r->slab, r->slab_len);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ps_input copy = bad[i];
        r->now_us += SECOND;
        assert_int_equal(rig_step(r, &copy), PS_INVALID);
        assert_memory_equal(before, r->slab, r->slab_len);
    }
    free(before);
    ps_input three[3] = {{.now_us = RIG_START, .type = PS_INPUT_TICK},
                         {.now_us = RIG_START, .type = PS_INPUT_VERDICT},
                         {.now_us = RIG_START, .type = PS_INPUT_TICK}};
    r->out.bytes_len = r->out.datagrams_len = r->out.events_len = 0;
    assert_int_equal(ps_peer_step(r->p, three, 3, &consumed, &r->out), PS_INVALID);
    assert_int_equal(consumed, 1);
    rig_free(r);
}

static void entropy_changes_what_is_drawn(void **state)
{
    (void)state;
    uint64_t ids[2];
    uint8_t keys[2][PS_KEY_BYTES];
    for (int i = 0; i < 2; i++) {
        rig *r = rig_new_default();
        uint8_t bytes[16] = {42};
        if (i == 1) {
            ps_input in = {.type = PS_INPUT_ENTROPY, .u.entropy = {bytes, sizeof bytes}};
            assert_int_equal(rig_step(r, &in), PS_OK);
        }
        (void)rig_login(r);
        ids[i] = r->client_id;
        memcpy(keys[i], r->initiates[0].bytes + PS_INITIATE_MESSAGE, sizeof keys[i]);
        rig_free(r);
    }
    assert_true(ids[0] != ids[1]);
    assert_memory_not_equal(keys[0], keys[1], sizeof keys[0]);
}

static void the_wall_clock_drives_nothing(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    const uint64_t deadline_us = ps_peer_deadline_us(r->p);
    ps_input in = {.type = PS_INPUT_WALL_CLOCK, .u.wall_s = 1900000000};
    assert_int_equal(rig_step(r, &in), PS_OK);
    assert_int_equal(ps_peer_deadline_us(r->p), deadline_us);
    rig_free(r);
}

static void a_clock_that_runs_back_is_clamped(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_run(r, RIG_START + 2 * SECOND);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 1);
    r->now_us -= SECOND - 1;
    (void)rig_tick(r);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    assert_int_equal(rig_stats(r).clock_clamped, 2);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 1);
    rig_run(r, RIG_START + 2080 * MS);
    assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 2);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 0);
    rig_free(r);
}

/* A clock that is set back: deadlines follow it, and nothing waits until it has caught up. */
static void a_clock_that_is_set_back_is_followed(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    log_model *log = log_new(0);
    rig_run(r, RIG_START + 2 * SECOND);
    assert_true(log_answer(r, log, rig_last(r, PS_MSG_HEARTBEAT)));
    r->now_us = 3;
    (void)rig_tick(r);
    assert_int_equal(rig_stats(r).clock_clamped, 1);
    for (uint64_t k = 1; k <= 5; k++) {
        assert_int_equal(ps_peer_deadline_us(r->p), 3 + k * 2 * SECOND);
        rig_run(r, 3 + k * 2 * SECOND);
        assert_int_equal(rig_count(r, PS_MSG_HEARTBEAT), 1 + k);
        assert_true(log_answer(r, log, rig_last(r, PS_MSG_HEARTBEAT)));
    }
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 0);
    r->now_us -= SECOND; /* And again: the offsets add up. */
    (void)rig_tick(r);
    assert_int_equal(ps_peer_deadline_us(r->p), 3 + 11 * SECOND);
    rig_run(r, 3 + 12 * SECOND);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 1);
    assert_int_equal(rig_event_nth(r, PS_EVENT_LOST, 0)->time_us, 3 + 12 * SECOND);
    free(log);
    rig_free(r);
}

/* A peer that was stopped gives its server the time that it was away, and some more. */
static void a_late_step_loses_nobody(void **state)
{
    (void)state;
    const uint64_t lengths_us[] = {1200 * MS, 5 * SECOND, 3600 * SECOND};
    for (size_t k = 0; k < 3; k++) {
        rig *r = rig_new_online();
        log_model *log = log_new(0);
        r->now_us += 2 * SECOND + lengths_us[k];
        rig_settle(r);
        assert_int_equal(rig_stats(r).late_steps, 1);
        assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 0);
        rig_run(r, r->now_us + 490 * MS);
        assert_int_equal(rig_events_of(r, PS_EVENT_LOST), 0);
        assert_true(log_answer(r, log, rig_last(r, PS_MSG_HEARTBEAT)));
        rig_run(r, r->now_us + SECOND);
        assert_int_equal(rig_stats(r).state, PS_PEER_ONLINE);
        rig_run(r, r->now_us + 3 * SECOND); /* Unanswered from here on. */
        assert_int_equal(rig_stats(r).losses, 1);
        free(log);
        rig_free(r);
    }
}

/* A host that is late always still finds out that its server is gone. */
static void a_host_that_is_always_late_still_loses_its_server(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    for (uint64_t k = 0; k < 80 && rig_stats(r).losses == 0; k++) {
        r->now_us += 400 * MS;
        (void)rig_tick(r);
    }
    assert_int_equal(rig_stats(r).losses, 1);
    assert_true(r->now_us >= RIG_START + 3 * SECOND);
    assert_int_equal(rig_stats(r).late_steps, PS_LATE_TIMES);
    rig_free(r);
}

static void the_end_of_time_is_survived(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    r->now_us = UINT64_MAX;
    for (int k = 0; k < 50; k++) {
        (void)rig_tick(r);
    }
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    (void)rig_logout(r);
    for (int k = 0; k < 50; k++) {
        (void)rig_tick(r);
    }
    rig_free(r);
}

/* Offsets in a slab have 32 bits: a longer one is no room. No bytes need no memory. */
static void odd_slabs_and_empty_datagrams(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    ps_input in = {.now_us = r->now_us, .type = PS_INPUT_DATAGRAM};
    size_t consumed = 9;
#if SIZE_MAX > UINT32_MAX
    const size_t cap = r->out.bytes_cap;
    r->out.bytes_cap = (size_t)UINT32_MAX + 1;
    assert_int_equal(ps_peer_step(r->p, &in, 1, &consumed, &r->out), PS_AGAIN);
    assert_int_equal(consumed, 0);
    r->out.bytes_cap = cap;
#endif
    assert_true(ps_peer_step(r->p, &in, 1, &consumed, &r->out) <= PS_MORE);
    assert_int_equal(consumed, 1);
    assert_int_equal(rig_drops(r, PS_DROP_EMPTY), 1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_give_equal_bytes),
        cmocka_unit_test(batches_of_1_and_64_hash_alike),
        cmocka_unit_test(a_copied_slab_goes_on_alike),
        cmocka_unit_test(every_room_of_a_life),
        cmocka_unit_test(every_room_of_the_fullest_packet),
        cmocka_unit_test(callers_bugs),
        cmocka_unit_test(entropy_changes_what_is_drawn),
        cmocka_unit_test(the_wall_clock_drives_nothing),
        cmocka_unit_test(a_clock_that_runs_back_is_clamped),
        cmocka_unit_test(a_clock_that_is_set_back_is_followed),
        cmocka_unit_test(a_late_step_loses_nobody),
        cmocka_unit_test(a_host_that_is_always_late_still_loses_its_server),
        cmocka_unit_test(the_end_of_time_is_survived),
        cmocka_unit_test(odd_slabs_and_empty_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

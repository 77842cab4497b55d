/* Commands and losses at every moment of a repair: between any two of its ticks and answers. */
#include "repair.h"

typedef struct scene {
    rig *r;
    log_model *log, *start;
    void *slab; /* As it was when the LOGIN had been sent. */
    uint64_t client_id;
    size_t next; /* The next message to answer. */
} scene;

static scene scene_new(void)
{
    scene s = {.r = with_default_names(), .log = log_new(0), .start = whole_log(NAMES)};
    make_older(s.start);
    s.start->page = 1;
    s.slab = malloc(s.r->slab_len);
    assert_non_null(s.slab);
    memcpy(s.slab, s.r->slab, s.r->slab_len);
    s.client_id = s.r->client_id;
    return s;
}

/* Begins again: the LOGIN is accepted, nothing else has happened. */
static void scene_begin(scene *s)
{
    memcpy(s->r->slab, s->slab, s->r->slab_len);
    *s->log = *s->start;
    s->r->client_id = s->client_id;
    s->r->now_us = RIG_START;
    s->r->sent_len = 1; /* The LOGIN. */
    s->r->events_len = 0;
    s->next = 1;
    log_accept(s->r, s->log);
}

/* One move: a tick that is due, else an answer. False: nothing moves any more. */
static bool scene_move(scene *s)
{
    rig *r = s->r;
    if (ps_peer_deadline_us(r->p) <= r->now_us) {
        (void)rig_tick(r);
        return true;
    }
    if (s->next == r->sent_len) {
        return false;
    }
    const rig_sent m = r->sent[s->next++];
    (void)log_answer(r, s->log, &m);
    return true;
}

static void scene_free(scene *s)
{
    rig_free(s->r);
    free(s->log);
    free(s->start);
    free(s->slab);
}

typedef struct wish {
    const char *name;
    uint64_t length; /* 0: UNPUBLISH. */
} wish;

static void command(rig *r, uint64_t tag, const wish *w)
{
    if (w->length > 0) {
        (void)rig_publish(r, tag, w->name, w->length);
    } else {
        (void)rig_command(r, PS_INPUT_UNPUBLISH, tag, w->name);
    }
}

/* A command at every moment of a repair: it ends once, not before the server knows it, and both
 * ends agree afterwards. */
static void commands_at_every_moment_are_neither_lost_nor_settled_wrongly(void **state)
{
    (void)state;
    static const wish wishes[] = {
        {"new", 5},        /* A name that nobody has. */
        {"name-3", 4},     /* As it was wanted already; the server lacks it. */
        {"name-3", 44},    /* With another content. */
        {"name-5", 55},    /* The server has it as it was. */
        {"name-77", 9999}, /* As the server has it, which was wrong until now. */
        {"name-9", 0},     /* The server has it. */
        {"name-250", 0},   /* The server lacks it. */
        {"gone-1", 5},     /* The server has it, and nobody wanted it until now. */
        {"gone-2", 66},    /* With another content. */
        {"gone-1", 0},     {"never-there", 0},
    };
    scene s = scene_new();
    for (size_t w = 0; w < sizeof wishes / sizeof wishes[0]; w++) {
        unsigned phases = 0;
        bool more = true;
        for (unsigned moment = 0; more; moment++) {
            scene_begin(&s);
            for (unsigned k = 0; k < moment && more; k++) {
                more = scene_move(&s);
            }
            phases |= 1u << s.r->p->repair.phase;
            command(s.r, 5000, &wishes[w]);
            bool done = false;
            do {
                if (!done && rig_is_done(s.r, 5000)) {
                    done = true;
                    assert_int_equal(rig_done(s.r, 5000), PS_E_NONE);
                    assert_int_equal(log_length(s.log, wishes[w].name), wishes[w].length);
                }
            } while (scene_move(&s));
            assert_int_equal(rig_done(s.r, 5000), PS_E_NONE);
            for (unsigned k = 0; k < NAMES; k++) {
                char name[32];
                name_of(k, name);
                const bool same = strcmp(name, wishes[w].name) == 0;
                assert_int_equal(log_length(s.log, name), same ? wishes[w].length : k + 1);
                assert_true(same || rig_done(s.r, k) == PS_E_NONE);
            }
            assert_true(log_digest(s.log) == s.r->p->digest);
            assert_true(ps_peer_settled(s.r->p));
            assert_int_equal(rig_stats(s.r).publications, log_count(s.log));
        }
        assert_int_equal(phases, 0x1f); /* It was given in every phase. */
    }
    scene_free(&s);
}

/* The server is lost at every moment of a repair, and comes back as it is, or without memory. */
static void losses_at_every_moment_are_mended(void **state)
{
    (void)state;
    scene s = scene_new();
    for (int forgets = 0; forgets <= 1; forgets++) {
        bool more = true;
        for (unsigned moment = 0; more; moment++) {
            scene_begin(&s);
            for (unsigned k = 0; k < moment && more; k++) {
                more = scene_move(&s);
            }
            while (rig_stats(s.r).state == PS_PEER_ONLINE) {
                rig_run(s.r, s.r->now_us + 100 * MS);
            }
            if (forgets != 0) {
                memset(s.log->entries, 0, sizeof s.log->entries);
                s.log->generation = 0;
            }
            s.next = s.r->sent_len - 1; /* The LOGIN of the return. */
            assert_int_equal(s.r->sent[s.next].type, PS_MSG_LOGIN);
            while (scene_move(&s)) {
            }
            require_whole(s.r, s.log, NAMES);
        }
    }
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_at_every_moment_are_neither_lost_nor_settled_wrongly),
        cmocka_unit_test(losses_at_every_moment_are_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The walk over the invariants finds what is broken on purpose. */
#include "rig.h"

/* A peer with requests, names in line, in flight and acknowledged. */
static rig *busy(void)
{
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "acknowledged", 1);
    rig_acknowledge(r);
    (void)rig_publish(r, 2, "in-flight", 1);
    (void)rig_publish(r, 3, "in-line-1", 1);
    (void)rig_publish(r, 4, "in-line-2-with-a-name-that-needs-a-block", 1);
    (void)rig_command(r, PS_INPUT_LIST_FILES, 5, "");
    r->now_us += 5;
    (void)rig_command(r, PS_INPUT_LIST_FILES, 6, "");
    return r;
}

/* In this phase of an attempt: of a first login when it asks, else beside a session. */
static rig *attempting(ps_attempt_phase phase)
{
    if (phase == PS_ATTEMPT_ASKING) {
        rig *r = rig_new_default();
        ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
        in.u.login.key_known = false;
        (void)rig_step(r, &in);
        return r;
    }
    rig *r = rig_new_online();
    r->silent = phase == PS_ATTEMPT_INITIATING;
    craft_reset_packet(&r->c, RIG_SESSION, 1);
    (void)rig_deliver(r);
    return r;
}

#define BREAKS(...)                                                                                \
    do {                                                                                           \
        rig *r = busy();                                                                           \
        ps_peer *p = r->p;                                                                         \
        assert_int_equal(ps_peer_check(p), 0);                                                     \
        __VA_ARGS__;                                                                               \
        assert_int_not_equal(ps_peer_check(p), 0);                                                 \
        rig_free(r);                                                                               \
    } while (0)

static ps_peer_pub *pub(const ps_peer *p, const char *name)
{
    return ps_peer_pub_at(p, ps_peer_pub_find(p, span_of(name)));
}

static void broken_states(void **state)
{
    (void)state;
    BREAKS(p->state = PS_PEER_IDLE);
    BREAKS(p->state = PS_PEER_LOST);
    BREAKS(p->state = PS_PEER_LEAVING);
    BREAKS(p->state = (ps_peer_state)9);
    BREAKS(p->session.id = 0);
    BREAKS(p->acked_known = false);
    BREAKS(p->session.client_id = 0);
    BREAKS(p->account.ticket_alone = true);
    BREAKS(p->account.key_known = false);
}

static void broken_keys(void **state)
{
    (void)state;
    BREAKS(memset(p->session.tx_key, 0, 32));
    BREAKS(memset(p->session.rx_key, 0, 32));
    BREAKS(p->session.replay.next = 1);
    BREAKS(p->old.tx_key[31] = 1); /* Keys of nothing. */
    BREAKS(p->old = p->session; p->old_until_us = PS_TIME_NEVER);
    BREAKS(p->attempt.noise.ephemeral[0] = 1);
    BREAKS(p->attempt.channel.rx_key[0] = 1);
}

/* An attempt in a phase beside the session: what must not be so breaks. */
static void broken_attempts(void **state)
{
    (void)state;
#define BREAKS_IN(in, ...)                                                                         \
    do {                                                                                           \
        rig *r = attempting(in);                                                                   \
        ps_peer *p = r->p;                                                                         \
        assert_int_equal(p->attempt.phase, in);                                                    \
        assert_int_equal(ps_peer_check(p), 0);                                                     \
        __VA_ARGS__;                                                                               \
        assert_int_not_equal(ps_peer_check(p), 0);                                                 \
        rig_free(r);                                                                               \
    } while (0)
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.phase = PS_ATTEMPT_NONE);
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.phase = PS_ATTEMPT_LOGGING_IN);
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.phase = 9);
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.channel.id = 1);
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.channel.client_id = 0);
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.channel.client_id = p->session.client_id);
    BREAKS_IN(PS_ATTEMPT_INITIATING, memset(p->attempt.noise.ephemeral, 0, PS_KEY_BYTES));
    BREAKS_IN(PS_ATTEMPT_INITIATING, p->attempt.deadline_us = 7);
    BREAKS_IN(PS_ATTEMPT_LOGGING_IN, p->attempt.noise.chaining[5] = 1);
    BREAKS_IN(PS_ATTEMPT_LOGGING_IN, p->attempt.channel.id = 0);
    BREAKS_IN(PS_ATTEMPT_LOGGING_IN, memset(p->attempt.channel.tx_key, 0, 32));
    BREAKS_IN(PS_ATTEMPT_LOGGING_IN, memset(p->attempt.channel.rx_key, 0, 32));
    BREAKS_IN(PS_ATTEMPT_LOGGING_IN, p->account.key_known = false);
    BREAKS_IN(PS_ATTEMPT_ASKING, p->account.key_known = true);
    BREAKS_IN(PS_ATTEMPT_ASKING, p->attempt.next_us = p->clock.now_us);
    BREAKS_IN(PS_ATTEMPT_ASKING, p->attempt.deadline_us = p->clock.now_us);
    BREAKS_IN(PS_ATTEMPT_ASKING, p->attempt.channel.tx_counter = 1);
    BREAKS_IN(PS_ATTEMPT_ASKING, p->attempt.rekey = true);
#undef BREAKS_IN
}

static void broken_requests(void **state)
{
    (void)state;
    BREAKS(p->requests.used--);
    BREAKS(p->requests.used++);
    BREAKS(ps_peer_request_at(p, 0)->heap_at = PS_NIL);
    BREAKS(ps_peer_request_at(p, 0)->heap_at ^= 1);
    BREAKS(ps_peer_request_at(p, ps_peer_heap(p)[0])->next_us = UINT64_MAX - 2);
    BREAKS(ps_peer_request_at(p, 0)->id++);
    BREAKS(ps_peer_request_at(p, 0)->serial = p->next_serial);
    BREAKS(p->drain_before = p->next_serial + 1);
}

static void broken_digests(void **state)
{
    (void)state;
    BREAKS(p->digest++);
    BREAKS(p->sums[7]++);
    BREAKS(p->summed = 0);
    BREAKS(p->digest_key.k0++);
    BREAKS(pub(p, "acknowledged")->content.length++);
}

static void broken_publications(void **state)
{
    (void)state;
    BREAKS(p->clean++);
    BREAKS(p->pubs.used++);
    BREAKS(p->names.used++);
    BREAKS(p->dirty_head = PS_NIL);
    BREAKS(p->dirty_tail = p->dirty_head);
    BREAKS(p->flight.count++);
    BREAKS(p->flight.generation++);
    BREAKS(p->flight.len = UINT16_MAX);
    BREAKS(p->logout.cancel_at = p->dirty_head);
    BREAKS(pub(p, "in-flight")->flags &= ~(uint32_t)PS_PUB_IN_FLIGHT);
    BREAKS(pub(p, "in-line-1")->flags &= ~(uint32_t)PS_PUB_QUEUED);
    BREAKS(pub(p, "in-line-1")->next = PS_NIL);
    BREAKS(pub(p, "in-line-1")->name.head[0] = '/');
    BREAKS(pub(p, "in-line-1")->name.head[0] = 'z');
    BREAKS(pub(p, "acknowledged")->flags |= PS_PUB_WAITING);
    BREAKS(pub(p, "acknowledged")->flags &= ~(uint32_t)PS_PUB_WANTED);
    BREAKS(pub(p, "acknowledged")->epoch--; p->clean--);
    BREAKS(pub(p, "acknowledged")->epoch++);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_states),   cmocka_unit_test(broken_keys),
        cmocka_unit_test(broken_attempts), cmocka_unit_test(broken_requests),
        cmocka_unit_test(broken_digests),  cmocka_unit_test(broken_publications),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

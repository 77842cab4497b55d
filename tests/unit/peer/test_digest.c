/* The digest of what is wanted: kept with every command, whatever happens to it. */
#include "log.h"
#include "random.h"

static void follows_every_command(void **state)
{
    (void)state;
    for (int online = 0; online <= 1; online++) {
        rig *r = online != 0 ? rig_new_online() : rig_new_default();
        log_model *wanted = log_new(0);
        test_random random = test_random_of(21);
        if (online == 0) {
            ps_peer_digest_reset(r->p, (const uint8_t[PS_DEVICE_BYTES]){1, 2, 3});
            assert_true(ps_peer_digest_walk(r->p));
        }
        for (uint64_t tag = 0; tag < 2000; tag++) {
            char name[32];
            (void)snprintf(name, sizeof name, "%u", (unsigned)test_random_below(&random, 60));
            const uint64_t length = test_random_below(&random, 4);
            if (length > 0) {
                (void)rig_publish(r, tag, name, length);
            } else {
                (void)rig_command(r, PS_INPUT_UNPUBLISH, tag, name);
            }
            log_put(wanted, name, length);
            uint64_t sums[PS_BUCKETS];
            log_digests(wanted, sums);
            assert_true(r->p->digest == log_digest(wanted));
            assert_memory_equal(r->p->sums, sums, sizeof sums);
            if (online != 0 && tag % 3 == 0) {
                rig_acknowledge(r); /* What the server knows changes nothing of what is wanted. */
                assert_true(r->p->digest == log_digest(wanted));
            }
        }
        free(wanted);
        rig_free(r);
    }
}

/* A refused name is no longer wanted. */
static void a_refusal_takes_it_out(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    rig_packet(r);
    craft_published(&r->c, rig_last(r, PS_MSG_PUBLISH)->request, 1);
    craft_refusal(&r->c, 0, PS_E_QUOTA);
    craft_end(&r->c);
    (void)rig_deliver(r);
    assert_int_equal(rig_done(r, 1), PS_E_QUOTA);
    assert_true(r->p->digest == 0);
    rig_free(r);
}

/* Another device has another key: all is summed up anew, some records a tick, and a command that
 * comes while that goes on is counted once, on whichever side of the mark its record lies. */
static void another_device_is_summed_up_a_part_at_a_time(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_publications = 1000;
    cfg.name_bytes = 0;
    for (unsigned stop = 0; stop <= 4; stop++) {
        rig *r = rig_new(&cfg);
        char name[16];
        for (unsigned k = 0; k < 900; k++) {
            (void)snprintf(name, sizeof name, "%u", k);
            (void)rig_publish(r, k, name, k + 1);
        }
        const uint64_t before = r->p->digest;
        const uint8_t other[PS_DEVICE_BYTES] = {9};
        ps_peer_digest_reset(r->p, other);
        assert_true(r->p->digest == 0);
        for (unsigned n = 0; n < stop; n++) {
            assert_int_equal(ps_peer_digest_walk(r->p), n == 3);
        }
        (void)rig_publish(r, 1000, "0", 77);
        (void)rig_publish(r, 1001, "899", 78);
        (void)rig_command(r, PS_INPUT_UNPUBLISH, 1002, "500");
        (void)rig_publish(r, 1003, "new", 79);
        while (!ps_peer_digest_walk(r->p)) {
            assert_int_equal(ps_peer_check(r->p), 0);
        }
        const ps_sipkey key = ps_digest_key(other);
        uint64_t sum = 0;
        for (unsigned k = 0; k <= 900; k++) {
            const uint64_t length = k == 0 ? 77 : k == 899 ? 78 : k == 900 ? 79 : k + 1;
            const ps_content content = {.length = length, .root = {(uint8_t)length}};
            (void)snprintf(name, sizeof name, k == 900 ? "new" : "%u", k);
            sum += k == 500 ? 0 : ps_digest_mark(&key, span_of(name), &content).mark;
        }
        assert_true(r->p->digest == sum);
        assert_true(before != sum);
        assert_int_equal(ps_peer_check(r->p), 0);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_every_command),
        cmocka_unit_test(a_refusal_takes_it_out),
        cmocka_unit_test(another_device_is_summed_up_a_part_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Ids, jitter, counters of what goes out. */
#include "log.h"

static void ids_are_never_near_repeats(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    const uint32_t first = ps_peer_new_id(r->p, 5);
    assert_int_equal(first % (1u << PS_ID_PLACE_BITS), 5);
    const uint32_t period = UINT32_C(1) << (32u - PS_ID_PLACE_BITS);
    for (uint32_t k = 1; k < period; k++) {
        if (ps_peer_new_id(r->p, 5) == first) {
            fail_msg("the id came again after %u", k);
        }
    }
    assert_int_equal(ps_peer_new_id(r->p, 5), first);
    rig_free(r);
}

static void jitter_is_an_eighth_at_most(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    bool low = false;
    bool high = false;
    for (int k = 0; k < 2000; k++) {
        const uint64_t jitter_us = ps_peer_jitter_us(r->p, 80000);
        assert_in_range(jitter_us, 0, 10000);
        low = low || jitter_us < 500;
        high = high || jitter_us > 9500;
    }
    assert_true(low && high);
    assert_int_equal(ps_peer_jitter_us(r->p, 0), 0);
    rig_free(r);
}

static void every_datagram_has_the_next_counter(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    (void)rig_publish(r, 1, "a", 1);
    (void)rig_command(r, PS_INPUT_LIST_FILES, 2, "");
    rig_packet(r);
    craft_challenge(&r->c, 1, 1);
    (void)rig_deliver(r);
    rig_run(r, RIG_START + 2900 * MS);
    assert_true(r->sent_len > 10);
    for (size_t k = 0; k < r->sent_len; k++) {
        assert_int_equal(r->sent[k].counter, k + 2); /* LOGIN had the first. */
        assert_int_equal(r->sent[k].receiver_id, RIG_SESSION);
    }
    assert_int_equal(rig_stats(r).datagrams_out, r->datagrams);
    rig_free(r);
}

/* Opens a copy of the only datagram of the last step, as a tool would. */
static size_t unsealed(const rig *r, const uint8_t *sealed, size_t len)
{
    uint8_t *copy = exact_copy(sealed, len);
    const size_t messages = ps_peer_unseal(r->p, copy, len);
    if (messages > 0) { /* It leaves the header as it is. */
        assert_memory_equal(copy, sealed, PS_PACKET_HEADER);
        ps_reader reader = ps_reader_of((ps_span){copy + PS_PACKET_HEADER, messages});
        ps_message m;
        while (ps_message_decode(&reader, &m)) {
        }
        assert_false(reader.bad);
    }
    free(copy);
    return messages;
}

static void tools_open_what_was_sent(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r); /* The last step was that of the RESPOND. */
    assert_int_equal(r->out.datagrams_len, 1);
    size_t len = r->out.datagrams[0].len;
    assert_int_equal(unsealed(r, r->out.bytes, len), len - 33);
    rig_accept(r, 0);
    (void)rig_command(r, PS_INPUT_LIST_PEERS, 1, "");
    uint8_t sealed[PS_DATAGRAM_MAX];
    len = r->out.datagrams[0].len;
    memcpy(sealed, r->out.bytes, len);
    assert_int_equal(unsealed(r, sealed, len), 16);
    for (size_t k = 0; k < len; k++) { /* Of another type, channel or counter, or changed. */
        sealed[k] ^= 0x40;
        assert_int_equal(unsealed(r, sealed, len), 0);
        sealed[k] ^= 0x40;
    }
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(unsealed(r, sealed, cut), 0);
    }
    assert_int_equal(unsealed(r, r->initiates[0].bytes, PS_INITIATE_BYTES), 0);
    rig_run(r, r->now_us + 3 * SECOND); /* With the session its keys are gone. */
    assert_int_equal(unsealed(r, sealed, len), 0);
    rig_free(r);
}

/* A message of changes leaves room for the tag, and fills what there is. */
static void changes_fill_a_datagram_to_its_tag(void **state)
{
    (void)state;
    for (uint16_t max = PS_DATAGRAM_MIN; max < PS_DATAGRAM_MIN + 60; max++) {
        ps_peer_config cfg = rig_config();
        cfg.datagram_max = max;
        rig *r = rig_new(&cfg);
        char name[12];
        for (uint64_t k = 0; k < 40; k++) { /* 46 bytes an entry. */
            (void)snprintf(name, sizeof name, "%05u", (unsigned)k);
            (void)rig_publish(r, k, name, 1);
        }
        (void)rig_login(r);
        rig_accept(r, 0);
        log_model *log = log_new(0);
        rig_settle(r);
        log_serve(r, log, 1);
        const rig_sent *s = rig_nth(r, PS_MSG_PUBLISH, 0);
        const size_t len = PS_PACKET_HEADER + PS_MESSAGE_HEADER + s->body_len + PS_TAG_BYTES;
        assert_in_range(len, (size_t)max - 45, max);
        free(log);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_never_near_repeats),
        cmocka_unit_test(jitter_is_an_eighth_at_most),
        cmocka_unit_test(tools_open_what_was_sent),
        cmocka_unit_test(changes_fill_a_datagram_to_its_tag),
        cmocka_unit_test(every_datagram_has_the_next_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

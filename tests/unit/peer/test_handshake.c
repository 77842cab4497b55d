/* The handshake: what is sent again, what is believed, whose key it is. */
#include "rig.h"

/* Begins a first login at a server that does not answer by itself. */
static rig *begun(bool key_known)
{
    rig *r = rig_new_default();
    r->silent = true;
    ps_input in = rig_login_input(r, RIG_USER, RIG_SECRET);
    in.u.login.key_known = key_known;
    assert_int_equal(rig_step(r, &in), PS_OK);
    assert_int_equal(r->initiates_len, 1);
    assert_int_equal(r->sent_len, 0);
    return r;
}

static ps_status trust(rig *r, const uint8_t key[PS_KEY_BYTES])
{
    ps_input in = {.type = PS_INPUT_TRUST};
    memcpy(in.u.trust, key, PS_KEY_BYTES);
    return rig_step(r, &in);
}

/* A RETRY for the last INITIATE. */
static void retry(rig *r, uint8_t mark)
{
    const rig_initiate *i = &r->initiates[r->initiates_len - 1];
    uint8_t cookie[16];
    memset(cookie, mark, sizeof cookie);
    craft_retry(&r->c, i->client_id, cookie, i->bytes + PS_INITIATE_MESSAGE);
}

static void nothing_of_a_person_is_said_before_the_answer(void **state)
{
    (void)state;
    rig *r = begun(true);
    const rig_initiate *i = &r->initiates[0];
    assert_int_equal(r->out.datagrams[0].len, PS_INITIATE_BYTES);
    assert_int_equal(r->out.datagrams[0].endpoint, 3);
    assert_true(i->client_id != 0);
    assert_int_equal(i->bytes[0], PS_PACKET_INITIATE);
    assert_int_equal(i->bytes[1], PS_VERSION);
    const uint8_t none[200] = {0};
    assert_memory_equal(i->bytes + PS_INITIATE_COOKIE, none, 16);
    assert_int_equal(i->bytes[58], 1); /* One version is offered. */
    assert_int_equal(i->bytes[59], PS_VERSION);
    assert_memory_equal(i->bytes + 60, none, PS_INITIATE_BYTES - 60);
    assert_int_equal(rig_stats(r).handshakes, 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOGIN);
    r->now_us += 30 * MS;
    (void)rig_respond(r);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    assert_int_equal(rig_stats(r).rtt_us, 30 * MS);
    rig_free(r);
}

static void the_same_is_sent_again_until_the_time_is_up(void **state)
{
    (void)state;
    rig *r = begun(true);
    rig_run(r, RIG_START + 10 * SECOND - 1);
    assert_int_equal(r->events_len, 0);
    const size_t n = r->initiates_len;
    assert_in_range(n, 11, 14);
    assert_int_equal(rig_stats(r).retransmissions, n - 1);
    assert_int_equal(rig_stats(r).handshakes, 1);
    uint64_t wait_us = 100 * MS;
    for (size_t k = 1; k < n; k++) {
        const rig_initiate *a = &r->initiates[k - 1];
        const rig_initiate *b = &r->initiates[k];
        assert_in_range(b->time_us - a->time_us, wait_us, wait_us + wait_us / 8);
        assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
        wait_us = wait_us * 2 > SECOND ? SECOND : wait_us * 2;
    }
    rig_run(r, RIG_START + 10 * SECOND);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_TIMEOUT);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    rig_wiped(r);
    rig_free(r);
}

static void the_answer_to_a_later_sending_serves_and_is_no_sample(void **state)
{
    (void)state;
    rig *r = begun(true);
    rig_run(r, RIG_START + 500 * MS);
    assert_int_equal(r->initiates_len, 3);
    (void)rig_respond(r);
    assert_int_equal(rig_stats(r).rtt_us, 0);
    const uint64_t began_us = r->now_us;
    rig_run(r, r->now_us + 120 * MS); /* The waiting begins anew. */
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 2);
    assert_in_range(rig_last(r, PS_MSG_LOGIN)->time_us - began_us, 100 * MS, 113 * MS);
    (void)rig_deliver(r); /* The answer to the other ones. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    rig_accept(r, 0);
    rig_free(r);
}

static void cookies_are_sent_back_at_once_but_once_a_sending(void **state)
{
    (void)state;
    rig *r = begun(true);
    const rig_initiate first = r->initiates[0];
    retry(r, 7);
    (void)rig_deliver(r);
    assert_int_equal(r->initiates_len, 2);
    const rig_initiate second = r->initiates[1];
    assert_int_equal(second.time_us, RIG_START);
    for (size_t k = 0; k < PS_INITIATE_BYTES; k++) {
        const bool cookie = k >= PS_INITIATE_COOKIE && k < PS_INITIATE_MESSAGE;
        assert_int_equal(second.bytes[k], cookie ? 7 : first.bytes[k]);
    }
    for (uint8_t k = 0; k < 100; k++) { /* Whoever says it again gains nothing. */
        retry(r, (uint8_t)(100 + k));
        (void)rig_deliver(r);
    }
    assert_int_equal(r->initiates_len, 2);
    rig_run(r, RIG_START + 113 * MS);
    assert_int_equal(r->initiates_len, 3); /* In its time, with the newest cookie. */
    assert_int_equal(r->initiates[2].bytes[PS_INITIATE_COOKIE], 199);
    retry(r, 9);
    (void)rig_deliver(r);
    assert_int_equal(r->initiates_len, 4);
    assert_int_equal(rig_drops_all(r), 0);
    (void)rig_respond(r);
    assert_int_equal(rig_stats(r).rtt_us, 0);
    rig_accept(r, 0);
    rig_free(r);
}

static void a_retry_must_echo_what_was_sent(void **state)
{
    (void)state;
    rig *r = begun(true);
    retry(r, 7);
    r->c.data[1 + 7] ^= 1; /* Another client id. */
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    retry(r, 7);
    r->c.data[56] ^= 1; /* Another key. */
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    retry(r, 7);
    ps_addr other = r->server;
    other.port++;
    (void)rig_deliver_from(r, &other, r->c.data, r->c.len);
    assert_int_equal(rig_drops(r, PS_DROP_ADDRESS), 1);
    assert_int_equal(r->initiates_len, 1);
    retry(r, 7);
    const craft late = r->c;
    (void)rig_respond(r);
    r->c = late;
    (void)rig_deliver(r); /* After the answer. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 2);
    rig_accept(r, 0);
    (void)rig_deliver_raw(r, &r->server, late.data, late.len);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 2);
    assert_int_equal(r->initiates_len, 1);
    rig_free(r);
}

/* Flipped or cut off anywhere it is dropped, and the true one still counts. */
static void a_forged_answer_changes_nothing(void **state)
{
    (void)state;
    rig *r = begun(true);
    rig_craft_respond(r, r->server_secret);
    const craft good = r->c;
    uint64_t seals = 0;
    for (size_t bit = 8 * PS_RESPOND_MESSAGE; bit < 8 * good.len; bit++) {
        r->c = good;
        r->c.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_SEAL), ++seals);
    }
    for (size_t len = 1; len < good.len; len++) {
        (void)rig_deliver_raw(r, &r->server, good.data, len);
        assert_int_equal(rig_drops(r, PS_DROP_TRUNCATED), len);
    }
    r->c = good;
    r->c.data[8] ^= 1;
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    assert_int_equal(r->sent_len, 0);
    assert_int_equal(r->events_len, 0);
    r->c = good;
    (void)rig_deliver(r);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    rig_accept(r, 0);
    rig_free(r);
}

static void what_a_later_version_adds_is_skipped(void **state)
{
    (void)state;
    for (int id = 0; id < 2; id++) {
        rig *r = begun(true);
        const rig_initiate *i = &r->initiates[0];
        rig_craft_respond(r, r->server_secret); /* Keeps keys that are not used. */
        uint8_t prologue[PS_PROLOGUE_BYTES], ephemeral[PS_KEY_BYTES] = {9};
        uint8_t payload[20] = {0}, message[PS_NOISE_SECOND_BYTES + sizeof payload];
        ps_noise noise;
        ps_span offer;
        rig_channel *channel = &r->channels[0];
        ps_store64(payload, id == 0 ? 0 : channel->id);
        memset(payload + 8, 0xaa, sizeof payload - 8);
        ps_prologue_encode(prologue, i->client_id);
        ps_noise_begin(r->cfg.crypto, &noise, (ps_span){prologue, sizeof prologue});
        const ps_span first = {i->bytes + PS_INITIATE_MESSAGE, 230};
        assert_true(ps_noise_read_first(r->cfg.crypto, &noise, first, &offer));
        assert_true(ps_noise_write_second(r->cfg.crypto, &noise, ephemeral, r->server_secret,
                                          r->server_key, (ps_span){payload, sizeof payload},
                                          message));
        ps_noise_split(r->cfg.crypto, &noise, channel->from_peer, channel->to_peer);
        craft_respond(&r->c, i->client_id, message, sizeof message);
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_MALFORMED), id == 0 ? 1 : 0);
        assert_int_equal(rig_count(r, PS_MSG_LOGIN), id == 0 ? 0 : 1);
        rig_free(r);
    }
}

static void another_key_ends_a_first_login(void **state)
{
    (void)state;
    rig *r = begun(true);
    const uint8_t secret[PS_KEY_BYTES] = {66};
    rig_craft_respond(r, secret);
    (void)rig_deliver(r);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_SERVER_KEY);
    assert_int_equal(rig_stats(r).state, PS_PEER_IDLE);
    assert_int_equal(r->sent_len, 0);
    rig_wiped(r);
    (void)rig_login(r);
    (void)rig_respond(r);
    rig_accept(r, 0);
    rig_free(r);
}

/* After a loss, and beside a session: told once, while the true server may still answer. */
static void another_key_later_is_waited_out(void **state)
{
    (void)state;
    const uint8_t secret[PS_KEY_BYTES] = {66};
    for (int how = 0; how < 2; how++) {
        rig *r = rig_new_online();
        r->silent = true;
        if (how == 0) {
            rig_run(r, RIG_START + 3 * SECOND);
        } else {
            craft_reset_packet(&r->c, RIG_SESSION, 1);
            (void)rig_deliver(r);
        }
        const ps_peer_state stays = how == 0 ? PS_PEER_LOST : PS_PEER_ONLINE;
        for (uint64_t k = 1; k <= 3; k++) {
            rig_craft_respond(r, secret);
            (void)rig_deliver(r);
            assert_int_equal(rig_drops(r, PS_DROP_KEY), k);
            assert_int_equal(rig_stats(r).state, stays);
        }
        assert_int_equal(rig_events_of(r, PS_EVENT_PUT_OFF), 1);
        assert_int_equal(rig_event_nth(r, PS_EVENT_PUT_OFF, 0)->account.error, PS_E_SERVER_KEY);
        assert_int_equal(rig_count(r, PS_MSG_LOGIN), 0);
        (void)rig_respond(r); /* To the same INITIATE. */
        assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
        rig_accept(r, 0);
        assert_true(rig_event_nth(r, PS_EVENT_LOGGED_IN, 0)->account.again);
        rig_free(r);
    }
}

static void first_contact_asks_and_says_nothing(void **state)
{
    (void)state;
    rig *r = begun(false);
    r->now_us += 4 * SECOND;
    (void)rig_respond(r);
    assert_int_equal(r->events_len, 1);
    assert_memory_equal(rig_event_nth(r, PS_EVENT_SERVER_KEY, 0)->server_key, r->server_key,
                        PS_KEY_BYTES);
    assert_true(ps_peer_deadline_us(r->p) == PS_TIME_NEVER);
    const size_t initiates = r->initiates_len;
    const uint64_t id = r->initiates[0].client_id;
    rig_packet_of(r, id, 1); /* Whoever answered is not heard before that. */
    craft_login_ok(&r->c, 0, 0);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_MISPLACED), 1);
    (void)rig_respond(r); /* A repetition. */
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    r->channels_len = 1;
    rig_run(r, r->now_us + 3600 * SECOND); /* A person looks at it. */
    uint8_t other[PS_KEY_BYTES];
    memcpy(other, r->server_key, sizeof other);
    other[31] ^= 1;
    assert_int_equal(trust(r, other), PS_INVALID);
    assert_int_equal(r->sent_len, 0);
    assert_int_equal(r->initiates_len, initiates);
    const uint64_t trusted_us = r->now_us;
    assert_int_equal(trust(r, r->server_key), PS_OK);
    assert_int_equal(rig_count(r, PS_MSG_LOGIN), 1);
    assert_int_equal(trust(r, r->server_key), PS_INVALID); /* Nothing is asked any more. */
    rig_run(r, trusted_us + 6 * SECOND - 1);               /* The time goes on where it stopped. */
    assert_int_equal(r->events_len, 1);
    rig_run(r, trusted_us + 6 * SECOND);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_TIMEOUT);
    rig_wiped(r);
    rig_free(r);
}

/* The server has forgotten the handshake meanwhile: RESET begins another, whose key is known. */
static void trust_outlives_the_handshake(void **state)
{
    (void)state;
    rig *r = begun(false);
    (void)rig_respond(r);
    rig_run(r, r->now_us + 60 * SECOND);
    (void)trust(r, r->server_key);
    const rig_sent login = *rig_last(r, PS_MSG_LOGIN);
    craft_reset_packet(&r->c, login.receiver_id, login.counter);
    (void)rig_deliver(r);
    assert_int_equal(r->initiates_len, 2);
    assert_true(r->initiates[1].client_id != r->initiates[0].client_id);
    assert_memory_not_equal(r->initiates[0].bytes + PS_INITIATE_MESSAGE,
                            r->initiates[1].bytes + PS_INITIATE_MESSAGE, PS_KEY_BYTES);
    (void)rig_respond(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_SERVER_KEY), 1);
    assert_int_equal(rig_last(r, PS_MSG_LOGIN)->receiver_id, RIG_SESSION + 1);
    craft_reset_packet(&r->c, RIG_SESSION + 1, 1); /* Once a second. */
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_STALE), 1);
    craft_reset_packet(&r->c, RIG_SESSION + 1, 2); /* Not sent yet. */
    (void)rig_deliver(r);
    craft_reset_packet(&r->c, RIG_SESSION, 1);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 2);
    rig_accept(r, 0);
    r->silent = false;
    rig_run(r, r->now_us + 3 * SECOND); /* A return asks nobody. */
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    rig_accept(r, 0);
    assert_int_equal(rig_events_of(r, PS_EVENT_SERVER_KEY), 1);
    rig_free(r);
}

/* RESETs of a login's own channel: each is believed, but after longer and longer. */
static void forged_resets_wear_off(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    rig_run(r, r->now_us + 3 * SECOND); /* Lost: from now on it tries without end. */
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    const uint64_t began_us = r->now_us;
    uint64_t last = 0;
    size_t believed = 0;
    for (unsigned k = 0; k < 300; k++) { /* Ten a second, for half a minute. */
        rig_run(r, r->now_us + SECOND / 10);
        if (rig_count(r, PS_MSG_LOGIN) == 0) {
            continue;
        }
        const rig_sent login = *rig_last(r, PS_MSG_LOGIN);
        const uint64_t before = rig_stats(r).resets;
        craft_reset_packet(&r->c, login.receiver_id, login.counter);
        (void)rig_deliver(r);
        if (rig_stats(r).resets > before) {
            assert_true(believed == 0 || r->now_us - last >= SECOND << (believed - 1));
            believed++;
            last = r->now_us;
        }
    }
    assert_true(r->now_us - began_us >= 30 * SECOND);
    assert_in_range(believed, 4, 5);
    rig_accept(r, 0);
    rig_free(r);
}

/* LOGIN_OK was lost and our address is another one now: the server asks under the new keys. */
static void a_challenge_before_login_ok_is_answered(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    (void)rig_login(r);
    const uint64_t server_id = rig_last(r, PS_MSG_LOGIN)->receiver_id;
    rig_packet_of(r, r->client_id, 1);
    craft_challenge(&r->c, 0, 77);
    (void)rig_deliver(r);
    assert_int_equal(rig_count(r, PS_MSG_CHALLENGE_OK), 1);
    assert_true(rig_last(r, PS_MSG_CHALLENGE_OK)->receiver_id == server_id);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOGIN);
    rig_free(r);
}

static void a_person_says_no(void **state)
{
    (void)state;
    rig *r = begun(false);
    (void)rig_respond(r);
    (void)rig_logout(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_LOGGED_OUT), 1);
    assert_int_equal(r->sent_len, 0);
    rig_wiped(r);
    assert_int_equal(trust(r, r->server_key), PS_INVALID);
    rig_free(r);
}

static void no_version_in_common_ends_a_first_login(void **state)
{
    (void)state;
    const uint8_t others[] = {2, 3}, ours[] = {9, PS_VERSION};
    rig *r = begun(true);
    craft_versions(&r->c, r->initiates[0].client_id, ours, sizeof ours);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_VERSION), 1);
    craft_versions(&r->c, r->initiates[0].client_id ^ 1, others, sizeof others);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_NO_SESSION), 1);
    assert_int_equal(r->events_len, 0);
    craft_versions(&r->c, r->initiates[0].client_id, others, sizeof others);
    (void)rig_deliver(r);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_UNSUPPORTED);
    rig_wiped(r);
    rig_free(r);
    r = rig_new_online(); /* Who was spoken with before is not believed to have gone back. */
    r->silent = true;
    rig_run(r, RIG_START + 3 * SECOND);
    craft_versions(&r->c, r->initiates[0].client_id, others, sizeof others);
    (void)rig_deliver(r);
    assert_int_equal(rig_drops(r, PS_DROP_VERSION), 1);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    rig_free(r);
}

static void after_a_loss_keys_are_not_kept_for_ever(void **state)
{
    (void)state;
    rig *r = rig_new_online();
    r->silent = true;
    rig_run(r, RIG_START + 3 * SECOND);
    retry(r, 7);
    (void)rig_deliver(r);
    rig_run(r, RIG_START + 63 * SECOND);
    assert_int_equal(rig_stats(r).state, PS_PEER_LOST);
    size_t ids = 1;
    uint64_t since_us = r->initiates[0].time_us;
    for (size_t k = 1; k < r->initiates_len; k++) {
        const rig_initiate *a = &r->initiates[k - 1];
        const rig_initiate *b = &r->initiates[k];
        const bool same = memcmp(a->bytes + PS_INITIATE_MESSAGE, b->bytes + PS_INITIATE_MESSAGE,
                                 PS_KEY_BYTES) == 0;
        assert_true(b->time_us - a->time_us <= SECOND + SECOND / 8);
        assert_int_equal(same, a->client_id == b->client_id);
        /* A cookie goes with the key that it was given to. */
        assert_int_equal(b->bytes[PS_INITIATE_COOKIE], ids == 1 && same ? 7 : 0);
        if (!same) {
            assert_in_range(b->time_us - since_us, 5 * SECOND, 6200 * MS);
            since_us = b->time_us;
            ids++;
        }
    }
    assert_in_range(ids, 10, 12);
    rig_free(r);
}

/* An id that another channel of ours has is drawn anew. */
static void ids_in_use_are_drawn_anew(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        rig *r = rig_new_default();
        ps_prng next = r->p->prng;
        const uint64_t first = ps_prng_u64(&next);
        const uint64_t second = ps_prng_u64(&next);
        *(which == 0 ? &r->p->session.client_id : &r->p->old.client_id) = first;
        ps_peer_handshake_begin(r->p);
        assert_true(r->p->attempt.channel.client_id == second);
        rig_free(r);
    }
}

/* Time was up when the key was shown, but no tick had said so: who trusts it then is too late. */
static void a_key_at_the_last_moment(void **state)
{
    (void)state;
    rig *r = begun(false);
    r->now_us = r->p->attempt.deadline_us;
    r->silent = true;
    (void)rig_respond(r);
    assert_int_equal(rig_events_of(r, PS_EVENT_SERVER_KEY), 1);
    assert_int_equal(r->p->attempt.left_us, 0);
    ps_input in = {.type = PS_INPUT_TRUST};
    memcpy(in.u.trust, r->server_key, sizeof in.u.trust);
    (void)rig_step(r, &in);
    (void)rig_tick(r);
    assert_int_equal(rig_event_nth(r, PS_EVENT_REFUSED, 0)->account.error, PS_E_TIMEOUT);
    rig_free(r);
}

/* Ours is among the versions that a server offers, wherever in the line: that is no refusal. */
static void our_version_is_found_anywhere(void **state)
{
    (void)state;
    static const uint8_t orders[][3] = {{PS_VERSION, 8, 9}, {8, PS_VERSION, 9}, {8, 9, PS_VERSION}};
    for (size_t i = 0; i < 3; i++) {
        rig *r = begun(true);
        craft_versions(&r->c, r->initiates[0].client_id, orders[i], 3);
        (void)rig_deliver(r);
        assert_int_equal(rig_drops(r, PS_DROP_VERSION), 1);
        assert_int_equal(r->events_len, 0);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_person_is_said_before_the_answer),
        cmocka_unit_test(the_same_is_sent_again_until_the_time_is_up),
        cmocka_unit_test(the_answer_to_a_later_sending_serves_and_is_no_sample),
        cmocka_unit_test(cookies_are_sent_back_at_once_but_once_a_sending),
        cmocka_unit_test(a_retry_must_echo_what_was_sent),
        cmocka_unit_test(a_forged_answer_changes_nothing),
        cmocka_unit_test(what_a_later_version_adds_is_skipped),
        cmocka_unit_test(another_key_ends_a_first_login),
        cmocka_unit_test(another_key_later_is_waited_out),
        cmocka_unit_test(first_contact_asks_and_says_nothing),
        cmocka_unit_test(trust_outlives_the_handshake),
        cmocka_unit_test(forged_resets_wear_off),
        cmocka_unit_test(a_challenge_before_login_ok_is_answered),
        cmocka_unit_test(a_person_says_no),
        cmocka_unit_test(no_version_in_common_ends_a_first_login),
        cmocka_unit_test(after_a_loss_keys_are_not_kept_for_ever),
        cmocka_unit_test(ids_in_use_are_drawn_anew),
        cmocka_unit_test(a_key_at_the_last_moment),
        cmocka_unit_test(our_version_is_found_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

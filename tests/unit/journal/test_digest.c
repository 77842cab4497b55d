#include "rig.h"

static uint64_t value_of(const ps_output *out)
{
    ps_journal_digest d;
    ps_journal_digest_init(&d);
    ps_journal_digest_add(&d, out, 0, 0);
    return ps_journal_digest_value(&d);
}

static uint64_t of_event(const ps_event *event)
{
    ps_output *out = fresh_output();
    out->events[0] = *event;
    out->events_len = 1;
    return value_of(out);
}

static uint64_t of_datagram(const ps_datagram *dg)
{
    ps_output *out = fresh_output();
    memset(out->bytes, 0, 8);
    memcpy(out->bytes + dg->offset, "abc", 3);
    out->bytes_len = 8;
    out->datagrams[0] = *dg;
    out->datagrams_len = 1;
    return value_of(out);
}

/* Changes one field, and with it the value. */
#define differs_by(of, base, field, with)                                                          \
    do {                                                                                           \
        const uint64_t before = of(&(base));                                                       \
        __typeof__(base) changed = (base);                                                         \
        changed.field = with;                                                                      \
        assert_true(of(&changed) != before);                                                       \
    } while (0)

static void every_field_of_a_datagram_counts(void **state)
{
    (void)state;
    ps_datagram dg = {.to = {.family = PS_ADDR_V4, .port = 5}, .len = 3};
    differs_by(of_datagram, dg, to.port, 6);
    differs_by(of_datagram, dg, to.ip[3], 1);
    differs_by(of_datagram, dg, to.scope, 1);
    differs_by(of_datagram, dg, to.family, PS_ADDR_V6);
    differs_by(of_datagram, dg, endpoint, 1);
    differs_by(of_datagram, dg, commit_seq, 1);
    differs_by(of_datagram, dg, len, 2);
    ps_datagram moved = dg;
    moved.offset = 4; /* The same bytes elsewhere. */
    assert_true(of_datagram(&moved) == of_datagram(&dg));
}

static void every_field_of_the_servers_events_counts(void **state)
{
    (void)state;
    ps_event e = {.type = PS_EVENT_LOGIN_REQUEST};
    e.u.login.user = span_of("alice");
    e.u.login.password = span_of(PASSWORD);
    differs_by(of_event, e, u.login.pending, 1);
    differs_by(of_event, e, u.login.from.port, 1);
    differs_by(of_event, e, u.login.user.len, 4);
    differs_by(of_event, e, u.login.password.len, 4);
    differs_by(of_event, e, u.login.known, true);
    differs_by(of_event, e, u.login.by_ticket, true);
    e.u.login.by_ticket = true;
    differs_by(of_event, e, u.login.credential[15], 1);
    e = (ps_event){.type = PS_EVENT_SESSION_CLOSED};
    differs_by(of_event, e, u.session.addr.port, 1);
    differs_by(of_event, e, u.session.user.len, 1);
    differs_by(of_event, e, u.session.reason, 1);
    differs_by(of_event, e, type, PS_EVENT_SESSION_OPENED);
    e = (ps_event){.type = PS_EVENT_RECORD};
    differs_by(of_event, e, u.record.commit_seq, 1);
    differs_by(of_event, e, u.record.generation, 1);
    differs_by(of_event, e, u.record.user.len, 1);
    differs_by(of_event, e, u.record.device[15], 1);
    differs_by(of_event, e, u.record.name, span_of("x"));
    differs_by(of_event, e, u.record.content.length, 1);
    differs_by(of_event, e, u.record.content.root[31], 1);
    differs_by(of_event, e, u.record.published, true);
}

static void every_field_of_the_peers_events_counts(void **state)
{
    (void)state;
    ps_event e = {.type = PS_EVENT_SERVER_KEY};
    differs_by(of_event, e, u.server_key[31], 1);
    e = (ps_event){.type = PS_EVENT_TICKET};
    differs_by(of_event, e, u.ticket.ticket, span_of("x"));
    differs_by(of_event, e, u.ticket.expires_s, 1);
    e = (ps_event){.type = PS_EVENT_FILE_KEYS, .u.file_keys.count = 2};
    differs_by(of_event, e, u.file_keys.first_epoch, 1);
    differs_by(of_event, e, u.file_keys.count, 1);
    differs_by(of_event, e, u.file_keys.keys[1][31], 1);
    e = (ps_event){.type = PS_EVENT_LOGGED_IN};
    differs_by(of_event, e, u.account.observed.port, 1);
    differs_by(of_event, e, u.account.wall_s, 1);
    differs_by(of_event, e, u.account.again, true);
    e.type = PS_EVENT_REFUSED;
    differs_by(of_event, e, u.account.error, 1);
    differs_by(of_event, e, u.account.retry_ms, 1);
    differs_by(of_event, e, u.account.text, span_of("x"));
    e.type = PS_EVENT_PUT_OFF;
    differs_by(of_event, e, u.account.error, 1);
    differs_by(of_event, e, u.account.retry_ms, 1);
    for (int type = PS_EVENT_PEER; type <= PS_EVENT_SOURCE; type++) {
        e = (ps_event){.type = (ps_event_type)type};
        differs_by(of_event, e, u.entry.tag, 1);
        differs_by(of_event, e, u.entry.user, span_of("x"));
        if (type == PS_EVENT_FILE) {
            differs_by(of_event, e, u.entry.name, span_of("x"));
        }
        if (type == PS_EVENT_SOURCE) {
            differs_by(of_event, e, u.entry.addr.port, 1);
            differs_by(of_event, e, u.entry.ticket, span_of("x"));
            differs_by(of_event, e, u.entry.key, span_of("x"));
        }
        if (type != PS_EVENT_PEER) {
            differs_by(of_event, e, u.entry.content.length, 1);
            differs_by(of_event, e, u.entry.active, true);
            differs_by(of_event, e, u.entry.own, true);
        }
    }
    e = (ps_event){.type = PS_EVENT_DONE};
    differs_by(of_event, e, u.done.tag, 1);
    differs_by(of_event, e, u.done.error, 1);
    differs_by(of_event, e, u.done.retry_ms, 1);
    e.type = PS_EVENT_AGAIN;
    differs_by(of_event, e, u.done.tag, 1);
    e = (ps_event){.type = PS_EVENT_UNLISTED};
    e.u.unlisted.len = 2;
    differs_by(of_event, e, u.unlisted.error, 1);
    differs_by(of_event, e, u.unlisted.len, 1);
    differs_by(of_event, e, u.unlisted.name[1], 1);
    e.type = PS_EVENT_LOST;
    differs_by(of_event, e, type, PS_EVENT_LOGGED_OUT);
}

/* What has no meaning for a type is not looked at: a machine need not fill it in. */
static void what_means_nothing_does_not_count(void **state)
{
    (void)state;
    ps_event a;
    ps_event b;
    memset(&a, 0x11, sizeof a);
    memset(&b, 0x22, sizeof b);
    a.type = b.type = PS_EVENT_LOST;
    assert_true(of_event(&a) == of_event(&b));
    a.type = b.type = PS_EVENT_AGAIN;
    a.u.done.tag = b.u.done.tag = 5;
    assert_true(of_event(&a) == of_event(&b));
    a.type = b.type = PS_EVENT_PEER;
    a.u.entry.tag = b.u.entry.tag = 5;
    a.u.entry.user = b.u.entry.user = span_of("x");
    assert_true(of_event(&a) == of_event(&b));
    a.type = b.type = PS_EVENT_FILE_KEYS; /* Keys that are not set. */
    a.u.file_keys.first_epoch = b.u.file_keys.first_epoch = 5;
    a.u.file_keys.count = b.u.file_keys.count = 0;
    assert_true(of_event(&a) == of_event(&b));
}

static void grouping_does_not_count_and_order_does(void **state)
{
    (void)state;
    ps_output *out = fresh_output();
    for (unsigned i = 0; i < 3; i++) {
        out->datagrams[i] = (ps_datagram){.to = {.port = (uint16_t)i}, .len = 1};
        out->events[i] = (ps_event){.type = PS_EVENT_DONE, .u.done.tag = i};
    }
    out->bytes[0] = 'x';
    out->bytes_len = 1;
    out->datagrams_len = out->events_len = 3;
    const uint64_t at_once = value_of(out);
    ps_journal_digest d;
    ps_journal_digest_init(&d);
    for (unsigned i = 0; i < 3; i++) {
        out->datagrams_len = out->events_len = i + 1;
        ps_journal_digest_add(&d, out, i, i);
    }
    assert_true(ps_journal_digest_value(&d) == at_once);
    const ps_event first = out->events[0];
    out->events[0] = out->events[1];
    out->events[1] = first;
    assert_true(value_of(out) != at_once);
    assert_true(value_of(fresh_output()) != at_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_datagram_counts),
        cmocka_unit_test(every_field_of_the_servers_events_counts),
        cmocka_unit_test(every_field_of_the_peers_events_counts),
        cmocka_unit_test(what_means_nothing_does_not_count),
        cmocka_unit_test(grouping_does_not_count_and_order_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

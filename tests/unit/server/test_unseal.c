/* What tools may read of what a server has sent. */
#include "fixture.h"

static void opens_what_was_sent_and_nothing_else(void **state)
{
    (void)state;
    ps_server_config cfg;
    fixture_config(&cfg);
    fixture *f = fixture_new(&cfg);
    client a = client_make(f, "alice", 4001);
    uint8_t copy[PS_DATAGRAM_MAX];
    client_login_send(&a);
    fixture_verdict(f, PS_E_CREDENTIALS); /* In a handshake's channel, */
    size_t len = f->out.datagrams[0].len;
    memcpy(copy, f->out.bytes, len);
    assert_int_equal(ps_server_unseal(f->s, copy, len), len - PS_PACKET_HEADER - PS_TAG_BYTES);
    a.client_id++;
    client_login(&a);
    client_heartbeat(&a); /* and in a session's. */
    len = f->out.datagrams[0].len;
    memcpy(copy, f->out.bytes, len);
    assert_int_equal(ps_server_unseal(f->s, copy, len), len - PS_PACKET_HEADER - PS_TAG_BYTES);
    assert_int_equal(copy[PS_PACKET_HEADER], PS_MSG_HEARTBEAT_OK);
    copy[20] ^= 1;
    assert_int_equal(ps_server_unseal(f->s, copy, len), 0);
    copy[0] = PS_PACKET_RESET;
    assert_int_equal(ps_server_unseal(f->s, copy, PS_PACKET_HEADER), 0);
    assert_int_equal(ps_server_unseal(f->s, copy, 0), 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opens_what_was_sent_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

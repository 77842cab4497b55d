#include "rig.h"

#include "peersync/sim.h"

static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
static uint8_t written[HEAD_MAX];

static size_t put(const ps_journal_head *head)
{
    sheet s = {.base = written, .cap = sizeof written};
    ps_journal_head_put(&s, head);
    assert_false(s.full);
    return s.len;
}

static ps_journal_result get(const uint8_t *bytes, size_t len, ps_journal_head *out)
{
    ps_journal_reader r;
    ps_journal_memory memory = {.data = bytes, .len = len};
    return ps_journal_reader_init(&r, ps_journal_read_memory, &memory, buffer, out);
}

static void a_servers_configuration_comes_back(void **state)
{
    (void)state;
    ps_journal_head out;
    ps_journal_head head = {.kind = PS_JOURNAL_SERVER,
                            .server = {.size = sizeof head.server,
                                       .max_sessions = 1,
                                       .max_users = 2,
                                       .max_devices = 3,
                                       .max_publications = 4,
                                       .max_user_publications = 5,
                                       .max_handshakes = 17,
                                       .max_pending_logins = 6,
                                       .max_networks = 18,
                                       .name_bytes = UINT64_C(0x0700000000000007),
                                       .heartbeat_ms = 8,
                                       .dead_ms = 9,
                                       .resend_ms = 10,
                                       .pending_ms = 11,
                                       .takeover_ms = 12,
                                       .search_names = 13,
                                       .resets_per_s = 0xfedcba98,
                                       .handshake_ms = 19,
                                       .handshakes_per_s = 20,
                                       .open_per_s = 21,
                                       .retries_per_s = 22,
                                       .network_per_s = 23,
                                       .ticket_s = 24,
                                       .file_ticket_s = 25,
                                       .records = true,
                                       .crypto = ps_sim_crypto(),
                                       .seed = {15, 16},
                                       .static_secret = {25, 26},
                                       .realm_secret = {27, 28}}};
    assert_int_equal(get(written, put(&head), &out), PS_JOURNAL_OK);
    assert_int_equal(out.kind, PS_JOURNAL_SERVER);
    assert_false(out.scrubbed);
    const ps_server_config *c = &out.server;
    assert_int_equal(c->size, sizeof *c);
    assert_int_equal(c->max_sessions, 1);
    assert_int_equal(c->max_users, 2);
    assert_int_equal(c->max_devices, 3);
    assert_int_equal(c->max_publications, 4);
    assert_int_equal(c->max_user_publications, 5);
    assert_int_equal(c->max_pending_logins, 6);
    assert_true(c->name_bytes == UINT64_C(0x0700000000000007));
    assert_int_equal(c->heartbeat_ms, 8);
    assert_int_equal(c->dead_ms, 9);
    assert_int_equal(c->resend_ms, 10);
    assert_int_equal(c->pending_ms, 11);
    assert_int_equal(c->takeover_ms, 12);
    assert_int_equal(c->search_names, 13);
    assert_int_equal(c->resets_per_s, 0xfedcba98);
    assert_true(c->records);
    assert_false(c->mem_is_zero);
    assert_int_equal(c->max_handshakes, 17);
    assert_int_equal(c->max_networks, 18);
    assert_int_equal(c->handshake_ms, 19);
    assert_int_equal(c->handshakes_per_s, 20);
    assert_int_equal(c->open_per_s, 21);
    assert_int_equal(c->retries_per_s, 22);
    assert_int_equal(c->network_per_s, 23);
    assert_int_equal(c->ticket_s, 24);
    assert_int_equal(c->file_ticket_s, 25);
    assert_memory_equal(c->seed, head.server.seed, 32);
    assert_memory_equal(c->static_secret, head.server.static_secret, 32);
    assert_memory_equal(c->realm_secret, head.server.realm_secret, 32);
    assert_null(c->crypto);                                /* The reader's caller chooses, */
    assert_int_equal(out.crypto_kind, PS_CRYPTO_STAND_IN); /* by this. */
}

static void a_peers_configuration_comes_back(void **state)
{
    (void)state;
    ps_journal_head out;
    ps_journal_head head = {.kind = PS_JOURNAL_PEER,
                            .scrubbed = true,
                            .crypto_kind = PS_CRYPTO_REAL,
                            .peer = {.size = sizeof head.peer,
                                     .max_requests = 1,
                                     .max_publications = 2,
                                     .name_bytes = 3,
                                     .request_ms = 4,
                                     .datagram_max = 0x0405,
                                     .mem_is_zero = true,
                                     .rekey_ms = 8,
                                     .rekey_packets = UINT64_C(0x0900000000000009),
                                     .seed = {6, 7}}};
    assert_int_equal(get(written, put(&head), &out), PS_JOURNAL_OK);
    assert_int_equal(out.kind, PS_JOURNAL_PEER);
    assert_true(out.scrubbed);
    assert_int_equal(out.peer.size, sizeof out.peer);
    assert_int_equal(out.peer.max_requests, 1);
    assert_int_equal(out.peer.max_publications, 2);
    assert_true(out.peer.name_bytes == 3);
    assert_int_equal(out.peer.request_ms, 4);
    assert_int_equal(out.peer.datagram_max, 0x0405);
    assert_true(out.peer.mem_is_zero);
    assert_int_equal(out.peer.rekey_ms, 8);
    assert_true(out.peer.rekey_packets == UINT64_C(0x0900000000000009));
    assert_null(out.peer.crypto);
    assert_int_equal(out.crypto_kind, PS_CRYPTO_REAL);
    assert_memory_equal(out.peer.seed, head.peer.seed, 32);
}

static void the_first_lines_say_what_it_holds(void **state)
{
    (void)state;
    ps_journal_head head = server_head();
    put(&head);
    written[PREAMBLE] = '\0';
    assert_true(strncmp((char *)written, PS_JOURNAL_MAGIC "THIS FILE HOLDS SECRETS: ",
                        sizeof PS_JOURNAL_MAGIC - 1 + 25) == 0);
    assert_non_null(strstr((char *)written, "the server's lasting keys"));
    assert_non_null(strstr((char *)written, "passwords"));
    put(&(ps_journal_head){.kind = PS_JOURNAL_PEER});
    assert_int_equal(written[PREAMBLE - 1], '\n');
    written[PREAMBLE] = '\0';
    assert_null(strstr((char *)written, "lasting"));
    assert_non_null(strstr((char *)written, "HOLDS SECRETS: passwords, tickets"));
    head.scrubbed = true;
    put(&head);
    written[PREAMBLE] = '\0';
    assert_null(strstr((char *)written, "SECRETS"));
    assert_non_null(strstr((char *)written, "Passwords, tickets and keys are scrubbed"));
    assert_non_null(strstr((char *)written, "session ids can be derived"));
}

static void a_head_that_is_cut_off_is_said_to_be(void **state)
{
    (void)state;
    ps_journal_head out;
    const ps_journal_head head = server_head();
    const size_t len = put(&head);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = exact_copy(written, cut);
        assert_int_equal(get(exact, cut, &out), PS_JOURNAL_CUT);
        free(exact);
    }
}

static void a_flipped_byte_is_found(void **state)
{
    (void)state;
    ps_journal_head out;
    const ps_journal_head head = server_head();
    const size_t len = put(&head);
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            written[at] = (uint8_t)(written[at] ^ 1u << bit);
            assert_int_not_equal(get(written, len, &out), PS_JOURNAL_OK);
            written[at] = (uint8_t)(written[at] ^ 1u << bit);
        }
    }
}

/* Checksums that are right do not make a field right. */
static void other_versions_and_kinds_are_refused(void **state)
{
    (void)state;
    ps_journal_head out;
    const ps_journal_head head = server_head();
    const size_t len = put(&head);
    written[PREAMBLE + 1]++;
    mend(written, 0, len);
    assert_int_equal(get(written, len, &out), PS_JOURNAL_FOREIGN);
    put(&head);
    written[PREAMBLE + 2] = 3;
    mend(written, 0, len);
    assert_int_equal(get(written, len, &out), PS_JOURNAL_DAMAGED);
    put(&head);
    written[PREAMBLE + 2] = PS_JOURNAL_PEER; /* Of another length. */
    mend(written, 0, len);
    assert_int_equal(get(written, len, &out), PS_JOURNAL_DAMAGED);
    put(&head);
    written[len - CHECKSUM - 3 * 32 - 1] = 2; /* A truth. */
    mend(written, 0, len);
    assert_int_equal(get(written, len, &out), PS_JOURNAL_DAMAGED);
    assert_int_equal(get((const uint8_t *)"alice password123\n", 18, &out), PS_JOURNAL_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_configuration_comes_back),
        cmocka_unit_test(a_peers_configuration_comes_back),
        cmocka_unit_test(the_first_lines_say_what_it_holds),
        cmocka_unit_test(a_head_that_is_cut_off_is_said_to_be),
        cmocka_unit_test(a_flipped_byte_is_found),
        cmocka_unit_test(other_versions_and_kinds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

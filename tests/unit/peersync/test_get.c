/* get: what it asks the server and the data plane for, what it makes of the answers, and what a
 * person is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commands/fetch.h"
#include "fake_planes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET(...) fake_run((const char *const[]){"get", __VA_ARGS__, NULL})
#define PORT     7

static ps_addr peer(uint16_t port)
{
    return (ps_addr){.ip = {127, 0, 0, 1}, .port = port, .family = PS_ADDR_V4};
}

static void want_said(const char *text)
{
    const char *all = fake_said();
    if (strstr(all, text) == NULL) {
        print_message("was said: %s\nwanted: %s\n", all, text);
    }
    assert_non_null(strstr(all, text));
}

static void locate(const char *user, uint16_t port)
{
    fake_source(user, 1000, 0xaa, port);
    fake_done(PS_E_NONE);
}

static void fail_job(uint32_t error, uint64_t kept)
{
    fake_event((struct data_event){.type = DATA_GET_FAILED, .error = error, .done = kept});
}

static void finish_job(void)
{
    struct data_event e = {.type = DATA_GET_DONE, .peer = peer(PORT), .elapsed_us = 1000000};
    e.content = fake_jobs->content;
    fake_event(e);
}

static void one_file_is_located_and_fetched(void **state)
{
    (void)state;
    fake_open();
    GET("song.ogg");
    assert_int_equal(fake_requests->type, PS_INPUT_LOCATE);
    assert_string_equal(fake_requests->text, "song.ogg");
    locate("alice", PORT);
    assert_int_equal(fake_job_count, 1);
    assert_string_equal(fake_jobs->name, "song.ogg");
    assert_int_equal(fake_jobs->content.length, 1000);
    assert_int_equal(fake_jobs->sources, 1);
    assert_int_equal(fake_jobs->sink, -1);
    assert_true(fake_jobs->wait);
    finish_job();
    assert_int_equal(fake_code, PS_EXIT_DONE);
    assert_string_equal(fake_close(), "fetched song.ogg (1000 B in 1.0 s from alice)\n");
}

static void thousands_are_under_way_some_at_a_time(void **state)
{
    (void)state;
    enum { FILES = 10000 };
    static char names[FILES][8];
    static const char *words[FILES + 2] = {"get"};
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(names[i], sizeof names[i], "f%zu", i);
        words[i + 1] = names[i];
    }
    fake_open();
    fake_run(words);
    size_t most_requests = 0;
    size_t most_jobs = 0;
    for (unsigned turn = 0; fake_code < 0; turn++) {
        most_requests = fake_request_count > most_requests ? fake_request_count : most_requests;
        most_jobs = fake_job_count > most_jobs ? fake_job_count : most_jobs;
        /* Files end half as fast as they are found. */
        if (fake_request_count > 0 && (turn % 3 != 0 || fake_job_count == 0)) {
            locate("alice", PORT);
        } else if (fake_jobs->content.length == 1000 && strcmp(fake_jobs->name, "f77") == 0) {
            fail_job(PS_E_MISMATCH, 0);
        } else {
            finish_job();
        }
    }
    assert_true(most_requests > 8 && most_requests <= 24);
    assert_true(most_jobs > 32 && most_jobs <= 64);
    assert_int_equal(fake_code, PS_EXIT_TRANSFER);
    const char *said = fake_close();
    assert_non_null(strstr(said, "f77 was not fetched: the received bytes are not the file's\n"));
    assert_non_null(strstr(said, "fetched 9,999 files (9.5 MiB) in "));
    assert_non_null(strstr(said, "; 1 failed\n"));
    assert_null(strstr(said, "fetched f"));
}

static void the_first_failure_gives_the_code(void **state)
{
    (void)state;
    fake_open();
    GET("a", "b", "c");
    locate("alice", 0); /* a: away. */
    locate("alice", PORT);
    fake_done(PS_E_NOT_FOUND); /* c: nobody has it; what is called alike? */
    fail_job(PS_E_MISMATCH, 0);
    assert_int_equal(fake_requests->type, PS_INPUT_LIST_FILES);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_code, PS_EXIT_NO_ACTIVE_PEER);
    const char *said = fake_close();
    assert_non_null(strstr(said, "no active peer has this file: a (try again when alice is back)"));
    assert_non_null(strstr(said, "b was not fetched: the received bytes"));
    assert_non_null(strstr(said, "nobody publishes c"));
    assert_non_null(strstr(said, "fetched 0 files (0 B) in "));
    assert_non_null(strstr(said, "; 3 failed\n"));
}

static void a_server_without_tickets_is_too_old(void **state)
{
    (void)state;
    fake_open();
    GET("a");
    ps_event e = {.type = PS_EVENT_SOURCE};
    e.u.entry = (ps_event_entry){.user = {(const uint8_t *)"alice", 5},
                                 .addr = {.port = PORT, .family = PS_ADDR_V4},
                                 .active = true};
    fake_requests->answer(fake_requests->ctx, &e);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_code, PS_EXIT_PROTOCOL);
    assert_non_null(strstr(fake_close(), "the server is too old to give tickets"));
}

static void several_contents_are_listed(void **state)
{
    (void)state;
    fake_open();
    GET("a");
    fake_source("alice", 1000, 0xaa, PORT);
    fake_source("bob", 2000, 0xbb, 0);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_code, PS_EXIT_AMBIGUOUS);
    const char *said = fake_close();
    assert_non_null(strstr(said, "a stands for several contents; choose one:\n"
                                 "  --root aaaaaaaaaaaa  1000 B, of alice\n"
                                 "  --root bbbbbbbbbbbb  2.0 KiB, of bob (away)\n"));
}

static void a_prefix_chooses_one(void **state)
{
    (void)state;
    fake_open();
    GET("a", "--root", "B");
    fake_source("alice", 1000, 0xaa, PORT);
    fake_source("bob", 2000, 0xbb, PORT);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_jobs->content.length, 2000);
    finish_job();
    assert_int_equal(fake_code, PS_EXIT_DONE);
    (void)fake_close();
}

/* Up to the moment when the only source, alice, has gone. */
static void lose_the_source(uint32_t error)
{
    fake_open();
    GET("a");
    locate("alice", PORT);
    fake_event((struct data_event){
        .type = DATA_GET_PROGRESS, .done = 400, .total = 1000, .peer = peer(PORT)});
    fake_event(
        (struct data_event){.type = DATA_GET_SOURCE_FAILED, .error = error, .peer = peer(PORT)});
    fake_event((struct data_event){
        .type = DATA_GET_WAITING, .error = error, .done = 400, .total = 1000, .peer = peer(PORT)});
}

static void look_again(void)
{
    const struct get *g = fake_app.runs->state;
    fetch_wait_look(g->first, UINT64_MAX);
    assert_int_equal(fake_request_count, 1);
}

static void another_source_is_waited_for(void **state)
{
    (void)state;
    lose_the_source(PS_E_CLOSED);
    assert_string_equal(fake_said(), "alice is gone; waiting for a source of a (Ctrl-C stops; what "
                                     "was fetched is kept)\n");
    look_again();
    locate("alice", 0); /* Published, but away. */
    look_again();
    fake_source("mallory", 1000, 0xcc, 5); /* Another file. */
    fake_source("bob", 1000, 0xaa, 8);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_jobs->sources, 1);
    assert_int_equal(fake_jobs->source.port, 8);
    /* That one does not answer: nobody is told again. */
    fake_event(
        (struct data_event){.type = DATA_GET_SOURCE_FAILED, .error = PS_E_CLOSED, .peer = peer(8)});
    fake_event((struct data_event){.type = DATA_GET_WAITING,
                                   .error = PS_E_CLOSED,
                                   .done = 400,
                                   .total = 1000,
                                   .peer = peer(8)});
    assert_string_equal(fake_said(), "");
    look_again();
    locate("bob", 8);
    fake_event((struct data_event){
        .type = DATA_GET_PROGRESS, .done = 500, .total = 1000, .peer = peer(8)});
    assert_string_equal(fake_said(), "going on from bob with a\n");
    finish_job();
    assert_int_equal(fake_code, PS_EXIT_DONE);
    (void)fake_close();
}

static void a_content_that_is_gone_for_good_ends_it(void **state)
{
    (void)state;
    lose_the_source(PS_E_CLOSED);
    for (unsigned i = 0; i < 2; i++) {
        look_again();
        fake_done(PS_E_NOT_FOUND);
        assert_int_equal(fake_jobs->ended, PS_E_NONE);
    }
    look_again();
    fake_done(PS_E_NOT_FOUND);
    assert_int_equal(fake_jobs->ended, PS_E_NOT_FOUND);
    fake_event((struct data_event){
        .type = DATA_GET_FAILED, .error = PS_E_NOT_FOUND, .text = "nobody publishes it any more"});
    assert_int_equal(fake_code, PS_EXIT_NOT_FOUND);
    assert_non_null(strstr(fake_close(), "a was not fetched: nobody publishes it any more\n"));
}

static void another_file_of_the_name_ends_it(void **state)
{
    (void)state;
    lose_the_source(PS_E_CLOSED);
    for (unsigned i = 0; i < 3; i++) {
        look_again();
        fake_source("alice", 1000, 0xcc, PORT);
        fake_done(PS_E_NONE);
    }
    assert_int_equal(fake_jobs->ended, PS_E_CHANGED);
    (void)fake_said();
    fake_event((struct data_event){
        .type = DATA_GET_FAILED, .error = PS_E_CHANGED, .text = "it is another"});
    assert_string_equal(fake_said(),
                        "a was not fetched: it is another\n"
                        "what was fetched of it is of no use any more: it is removed\n");
    (void)fake_close();
}

/* A server that has restarted is told again by its peers first. */
static void the_servers_return_begins_the_looks_anew(void **state)
{
    (void)state;
    lose_the_source(PS_E_CLOSED);
    for (unsigned i = 0; i < 10; i++) {
        run_returned(&fake_app);
        assert_int_equal(fake_request_count, 1);
        fake_done(PS_E_NOT_FOUND);
    }
    assert_int_equal(fake_jobs->ended, PS_E_NONE);
    (void)fake_close();
}

static void an_expired_ticket_bothers_nobody(void **state)
{
    (void)state;
    lose_the_source(PS_E_FILE_TICKET);
    assert_int_equal(fake_request_count, 1); /* At once. */
    locate("alice", PORT);
    fake_event((struct data_event){
        .type = DATA_GET_PROGRESS, .done = 500, .total = 1000, .peer = peer(PORT)});
    assert_string_equal(fake_said(), "");
    finish_job();
    assert_int_equal(fake_code, PS_EXIT_DONE);
    (void)fake_close();
}

static void without_waiting_a_fresh_ticket_is_asked_for_once(void **state)
{
    (void)state;
    for (unsigned there = 0; there < 2; there++) {
        fake_open();
        GET("a", "--no-wait");
        locate("alice", PORT);
        assert_false(fake_jobs->wait);
        assert_true(fake_jobs->renew);
        fake_event((struct data_event){
            .type = DATA_GET_WAITING, .error = PS_E_FILE_TICKET, .peer = peer(PORT)});
        assert_int_equal(fake_request_count, 1);
        if (there == 0) {
            fake_done(PS_E_TIMEOUT);
            assert_int_equal(fake_jobs->ended, PS_E_FILE_TICKET);
        } else {
            locate("alice", 8);
            assert_int_equal(fake_jobs->ended, PS_E_NONE);
            assert_int_equal(fake_jobs->source.port, 8);
            finish_job();
            assert_int_equal(fake_code, PS_EXIT_DONE);
        }
        (void)fake_close();
    }
}

/* Its source has it hashed again: it is soon the same content, or else another. */
static void a_touched_file_is_asked_for_again(void **state)
{
    (void)state;
    lose_the_source(PS_E_CHANGED);
    look_again();
    locate("alice", PORT);
    assert_string_equal(fake_said(), "");
    fake_event((struct data_event){
        .type = DATA_GET_PROGRESS, .done = 500, .total = 1000, .peer = peer(PORT)});
    finish_job();
    assert_int_equal(fake_code, PS_EXIT_DONE);
    (void)fake_close();
    lose_the_source(PS_E_CHANGED);
    look_again();
    fake_source("alice", 1000, 0xcc, PORT);
    fake_done(PS_E_NONE);
    assert_int_equal(fake_jobs->ended, PS_E_CHANGED);
    (void)fake_close();
}

static void a_server_that_is_lost_says_nothing_about_the_file(void **state)
{
    (void)state;
    lose_the_source(PS_E_STALLED);
    for (unsigned i = 0; i < 10; i++) {
        look_again();
        fake_done(PS_E_TIMEOUT);
    }
    assert_int_equal(fake_jobs->ended, PS_E_NONE);
    (void)fake_close();
}

static void what_is_kept_is_said(void **state)
{
    (void)state;
    fake_open();
    GET("my file", "--no-wait");
    locate("alice", PORT);
    assert_false(fake_jobs->wait);
    fake_event((struct data_event){.type = DATA_GET_RESUMED, .done = 2048, .total = 4096});
    fail_job(PS_E_CLOSED, 3072);
    assert_int_equal(fake_code, PS_EXIT_TRANSFER);
    assert_string_equal(fake_close(),
                        "going on with my file at 2.0 KiB of 4.0 KiB\n"
                        "my file was not fetched: the other peer closed the connection\n"
                        "3.0 KiB are kept: get 'my file' goes on from there\n");
}

static void a_signal_lets_downloads_save(void **state)
{
    (void)state;
    fake_open();
    GET("a", "b", "c");
    locate("alice", PORT);
    locate("alice", PORT);
    assert_true(run_stop_all(&fake_app));
    want_said("stopping; what was fetched is kept (Ctrl-C again ends at once)");
    assert_true(fake_jobs->cancelled);
    assert_true(fake_jobs->next->cancelled);
    fail_job(PS_E_CANCELLED, 5000);
    fail_job(PS_E_CANCELLED, 0);
    assert_int_equal(fake_code, -1); /* The server's answer is still to come. */
    locate("alice", PORT);
    assert_int_equal(fake_job_count, 0);
    assert_int_equal(fake_code, PS_EXIT_INTERRUPTED);
    assert_non_null(strstr(fake_close(), "4.9 KiB are kept: get a goes on from there\n"));
}

static void standard_output_takes_one_file(void **state)
{
    (void)state;
    fake_open();
    GET("a", "-o", "-");
    locate("alice", PORT);
    assert_int_equal(fake_jobs->sink, 1);
    finish_job();
    assert_int_equal(fake_code, PS_EXIT_DONE);
    GET("a", "b", "-o", "-");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    fake_app.options.json = true;
    GET("a", "-o", "-");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    fake_app.options.json = false;
    fake_app.options.word_count = 0;
    GET("a", "-o", "-");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    assert_int_equal(fake_request_count, 0);
    const char *said = fake_close();
    assert_non_null(strstr(said, "-o - gives the bytes of one file: name one\n"));
    assert_non_null(strstr(said, "-o - gives the bytes themselves: leave out --json\n"));
    assert_non_null(strstr(said, "-o - is for the command line"));
}

static void several_files_need_a_directory(void **state)
{
    (void)state;
    fake_open();
    GET("a", "b", "-o", "nowhere");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    GET("a", "../b");
    assert_int_equal(fake_code, PS_EXIT_USAGE);
    assert_int_equal(fake_request_count, 0);
    GET("a", "b", "-o", ".");
    assert_int_equal(fake_request_count, 2);
    fake_done(PS_E_BUSY);
    fake_done(PS_E_TIMEOUT);
    assert_int_equal(fake_code, PS_EXIT_BUSY);
    (void)fake_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_is_located_and_fetched),
        cmocka_unit_test(thousands_are_under_way_some_at_a_time),
        cmocka_unit_test(the_first_failure_gives_the_code),
        cmocka_unit_test(a_server_without_tickets_is_too_old),
        cmocka_unit_test(several_contents_are_listed),
        cmocka_unit_test(a_prefix_chooses_one),
        cmocka_unit_test(another_source_is_waited_for),
        cmocka_unit_test(a_content_that_is_gone_for_good_ends_it),
        cmocka_unit_test(another_file_of_the_name_ends_it),
        cmocka_unit_test(the_servers_return_begins_the_looks_anew),
        cmocka_unit_test(an_expired_ticket_bothers_nobody),
        cmocka_unit_test(without_waiting_a_fresh_ticket_is_asked_for_once),
        cmocka_unit_test(a_touched_file_is_asked_for_again),
        cmocka_unit_test(a_server_that_is_lost_says_nothing_about_the_file),
        cmocka_unit_test(what_is_kept_is_said),
        cmocka_unit_test(a_signal_lets_downloads_save),
        cmocka_unit_test(standard_output_takes_one_file),
        cmocka_unit_test(several_files_need_a_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

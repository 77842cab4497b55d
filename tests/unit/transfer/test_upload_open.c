/* Whom the uploader serves: tickets, proofs, the order of files. */
#include "upload_rig.h"

static const uint8_t told[] = {2, 0, 0, 0, 0, 0, 0, 4, 0, PS_E_FILE_TICKET, 0, 0};

/* OPENED with FILE_TICKET, no question to the host, and WANTs that go by. */
static void opens_nothing(rig *r, const crafted *c)
{
    const uint32_t refused = ps_upload_refused(r->u);
    assert_int_equal(tell(r, c->bytes, c->len), c->len);
    assert_int_equal(ps_upload_refused(r->u), refused + 1);
    assert_int_equal(r->o->out.events_len, 0);
    assert_int_equal(r->o->out.bytes_len, sizeof told);
    assert_memory_equal(r->o->out.bytes, told, sizeof told);
    for (int i = 0; i < 16; i++) {
        want(r, 2, 0, 1);
        assert_int_equal(r->o->out.events_len + r->o->out.segments_len, 0);
    }
    assert_int_equal(plain(r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(ps_upload_sent_bytes(r->u), 0);
}

/* And the stream goes on with what is good. */
static void opens(rig *r)
{
    open_file(r);
    assert_int_equal(answer(r, PS_E_NONE, r->tree), PS_OK);
    want(r, 2, 3, 1);
    assert_int_equal(ps_upload_sent_bytes(r->u), PS_PIECE_BYTES);
}

static void every_changed_bit(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 1048576);
    hello(&r);
    crafted good;
    good.len = 0;
    craft_ticket(&good, &r.ticket, BINDING);
    for (size_t bit = 0; bit < (good.len - 8) * 8; bit += bit < 64 ? 1 : 5) {
        c = good;
        c.bytes[8 + bit / 8] ^= (uint8_t)(1u << (bit % 8));
        opens_nothing(&r, &c);
    }
    opens(&r);
    rig_end(&r);
}

static void every_shortened_ticket(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 1048576);
    hello(&r);
    for (size_t len = 1; len < r.ticket.len; len++) {
        test_ticket t = r.ticket;
        t.len = len;
        c.len = 0;
        craft_ticket(&c, &t, BINDING);
        opens_nothing(&r, &c);
    }
    opens(&r);
    rig_end(&r);
}

/* Each with a proof that is right in itself. */
static void tickets_of_another_kind(void **unused)
{
    (void)unused;
    static crafted c;
    const ps_crypto *crypto = ps_crypto_sodium();
    for (int i = 0; i < 6; i++) {
        rig r = rig_of(16, 1048576);
        test_ticket t = r.ticket;
        uint8_t binding = BINDING;
        ps_content content = r.content;
        hello(&r);
        switch (i) {
        case 0: /* another uploader's */
            t = ticket_for(crypto, UPLOADER + 9, &content, 1);
            break;
        case 1: /* it ends now */
            t = ticket_for_until(crypto, UPLOADER, &content, 1, TICKET_WALL_S);
            break;
        case 2: /* shown on another stream, and here once more */
            binding++;
            break;
        case 3:
            content.length = PS_FILE_MAX + 1;
            t = ticket_for(crypto, UPLOADER, &content, 1);
            break;
        case 4:
            content.length = 0;
            t = ticket_for(crypto, UPLOADER, &content, 1);
            break;
        default: /* the time is not known */
            r.wall_s = 0;
            break;
        }
        c.len = 0;
        craft_ticket(&c, &t, binding);
        opens_nothing(&r, &c);
        r.wall_s = TICKET_WALL_S;
        opens(&r);
        rig_end(&r);
    }
}

/* It ends while the stream lives: what it opened is served on, and it opens nothing more. */
static void expiry_on_a_kept_stream(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = serving(16, 1048576);
    r.wall_s += 59;
    want(&r, 2, 0, 1);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    r.wall_s++;
    want(&r, 2, 1, 1);
    assert_int_equal(ps_upload_sent_bytes(r.u), 2 * PS_PIECE_BYTES);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    c.len = 0;
    craft_ticket(&c, &r.ticket, BINDING);
    say(&r, &c);
    assert_int_equal(r.o->out.events_len, 1);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_FILE_END);
    assert_memory_equal(r.o->out.bytes, told, sizeof told);
    rig_end(&r);
}

/* On a plain stream the binding is both nonces: what one stream has shown opens no other. */
static void plain_streams(void **unused)
{
    (void)unused;
    static crafted c;
    uint8_t bytes[14 + 64] = "peersync plain";
    uint8_t binding[32], mac[32];
    const ps_crypto *crypto = ps_crypto_sodium();
    ps_sha256 sha;
    memset(bytes + 14, 0x77, 32);
    memset(bytes + 46, BINDING, 32);
    crypto->sha256_init(&sha);
    crypto->sha256_update(&sha, bytes, sizeof bytes);
    crypto->sha256_final(&sha, binding);
    for (uint8_t nonce = 0x76; nonce <= 0x77; nonce++) {
        rig r = rig_bound(16, 1048576, true);
        c.len = 0;
        craft_number(&c, 1, 1);
        craft_hello(&c, nonce);
        say(&r, &c);
        assert_int_equal(r.o->out.bytes_len, 48);
        assert_memory_equal(r.o->out.bytes + 16, bytes + 46, 32);
        ps_open_mac(crypto, r.ticket.key, binding, (ps_span){r.ticket.bytes, r.ticket.len}, mac);
        c.len = 0;
        craft_open(&c, mac, r.ticket.bytes, r.ticket.len);
        if (nonce == 0x77) {
            say(&r, &c);
            assert_int_equal(r.o->out.events_len, 1);
            assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_OPEN);
        } else {
            opens_nothing(&r, &c);
        }
        rig_end(&r);
    }
}

/* What the ticket does not cover does not exist. */
static void one_file_and_no_other(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 1048576);
    r.content.length = 3 * PS_PIECE_BYTES;
    r.ticket = ticket_for(ps_crypto_sodium(), UPLOADER, &r.content, 4);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    c.len = 0;
    craft_want(&c, 2, 3, 1);
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
}

static void refused_by_the_host(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 1048576);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_CHANGED, NULL), PS_OK);
    assert_int_equal(r.o->out.bytes[9], PS_E_CHANGED);
    for (int i = 0; i < 16; i++) {
        want(&r, 2, 5000, 1); /* of a file that is not looked at any more */
        assert_int_equal(r.o->out.events_len + r.o->out.segments_len, 0);
    }
    c.len = 0;
    craft_want(&c, 2, 0, 1);
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
    r = rig_of(16, 1048576);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_CHANGED, NULL), PS_OK);
    c.len = 0;
    craft_want(&c, 3, 0, 1); /* no kind of WANT */
    say(&r, &c);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_PROTOCOL);
    rig_end(&r);
    r = rig_of(16, 1048576);
    hello(&r);
    open_file(&r);
    assert_int_equal(answer(&r, PS_E_SLOTS, NULL), PS_OK);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    opens(&r);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    c.len = 0;
    craft_header(&c, 10, 0);
    say(&r, &c);
    assert_int_equal(r.o->out.events_len, 2);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_FILE_END);
    assert_int_equal(r.o->out.events[0].file, 2);
    rig_end(&r);
}

/* The next OPEN waits for the host's answer, for all that is wanted, and until that is sent. */
static void files_keep_their_order(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 524288);
    hello(&r);
    open_file(&r);
    c.len = 0;
    craft_want(&c, 2, 0, 1);
    craft_ticket(&c, &r.ticket, BINDING);
    craft_want(&c, 2, 0, 1);
    assert_int_equal(tell(&r, c.bytes, c.len), 0);
    assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
    const size_t taken = tell(&r, c.bytes, c.len);
    assert_int_equal(taken, 20 + 8);
    assert_int_equal(ps_upload_sent_bytes(r.u), 524288);
    assert_int_equal(tell(&r, c.bytes + taken, c.len - taken), 0);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(ps_upload_sent_bytes(r.u), 1048576);
    assert_int_equal(tell(&r, c.bytes + taken, c.len - taken), 0);
    assert_int_equal(r.o->out.events_len, 0);
    assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
    assert_int_equal(tell(&r, c.bytes + taken, c.len - taken), r.ticket.len + 32);
    assert_int_equal(r.o->out.events_len, 2);
    assert_int_equal(r.o->out.events[0].type, PS_STREAM_EVENT_FILE_END);
    assert_int_equal(r.o->out.events[0].file, 1);
    assert_int_equal(r.o->out.events[1].type, PS_STREAM_EVENT_OPEN);
    assert_int_equal(r.o->out.events[1].file, 2);
    rig_end(&r);
}

/* Refusals are no progress, however many come, and whether or not they are read. */
static void refusals_are_no_progress(void **unused)
{
    (void)unused;
    static crafted c;
    rig r = rig_of(16, 1048576);
    hello(&r);
    const uint64_t end_us = r.now_us + IDLE_US;
    uint32_t times = 0;
    for (; !crafted_failure(r.o); times++) {
        r.now_us += 1000000;
        c.len = 0;
        if (times % 2 == 0) {
            craft_ticket(&c, &r.ticket, BINDING + 1);
            say(&r, &c);
        } else {
            open_file(&r);
            assert_true(ps_upload_deadline_us(r.u) == PS_TIME_NEVER);
            assert_int_equal(answer(&r, PS_E_NOT_PUBLISHED, NULL), PS_OK);
        }
        if (!crafted_failure(r.o)) {
            assert_int_equal(ps_upload_deadline_us(r.u), end_us);
            assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
        }
    }
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_int_equal(times, 30);
    rig_end(&r);
}

static void small_file(rig *r, uint64_t length)
{
    r->content.length = length;
    r->ticket = ticket_for(ps_crypto_sodium(), UPLOADER, &r->content, 4);
}

/* OPEN, its bytes after a while, and the end that comes with the last of them. */
static void serve_small(rig *r, uint64_t late_us)
{
    open_file(r);
    assert_int_equal(answer(r, PS_E_NONE, NULL), PS_OK);
    r->now_us += late_us;
    want(r, 2, 0, 1);
    if (!crafted_failure(r->o)) {
        assert_int_equal(plain(r, PS_STREAM_SENT), PS_OK);
        assert_int_equal(r->o->out.events_len, 1);
        assert_int_equal(r->o->out.events[0].type, PS_STREAM_EVENT_FILE_END);
    }
}

/* Ten thousand small files over one kept stream, each asked for when the last one is there. */
static void many_small_files(void **unused)
{
    (void)unused;
    static const uint64_t lengths[] = {1, 4096};
    for (size_t i = 0; i < 2; i++) {
        rig r = rig_of(16, 1048576);
        hello(&r);
        small_file(&r, lengths[i]);
        for (int k = 0; k < 10000; k++) {
            serve_small(&r, 50000);
            assert_null(crafted_failure(r.o));
            r.now_us += 100000;
        }
        assert_int_equal(ps_upload_sent_bytes(r.u), 10000 * lengths[i]);
        rig_end(&r);
    }
}

/* A slot is not held by one tiny file after the other: together they have the time of one. */
static void tiny_files_hold_no_slot(void **unused)
{
    (void)unused;
    rig r = rig_of(16, 1048576);
    uint64_t open_us = 0;
    hello(&r);
    small_file(&r, 1);
    while (!crafted_failure(r.o)) {
        const uint64_t since = r.now_us;
        serve_small(&r, 3000000);
        open_us += r.now_us - since;
    }
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    assert_int_equal(open_us, IDLE_US);
    rig_end(&r);
    /* Nor by files that nothing is asked of. */
    r = rig_of(16, 1048576);
    hello(&r);
    for (int k = 0; k < 4; k++) {
        open_file(&r);
        assert_int_equal(answer(&r, PS_E_NONE, r.tree), PS_OK);
        assert_int_equal(ps_upload_deadline_us(r.u), START_US + IDLE_US); /* whichever file it is */
        assert_int_equal(plain(&r, PS_STREAM_SENT), PS_OK);
        r.now_us += 7000000;
    }
    rig_end(&r);
}

/* Between its files a kept stream holds no slot, and its time is its own. */
static void the_time_between_files(void **unused)
{
    (void)unused;
    rig r = rig_of(16, 1048576);
    hello(&r);
    small_file(&r, 1);
    for (int k = 0; k < 3; k++) {
        serve_small(&r, 1000000);
        assert_int_equal(ps_upload_deadline_us(r.u), r.now_us + IDLE_US);
        r.now_us += IDLE_US - 1;
    }
    r.now_us++;
    assert_int_equal(plain(&r, PS_STREAM_TICK), PS_OK);
    assert_int_equal(crafted_failure(r.o)->error, PS_E_STALLED);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_bit),
        cmocka_unit_test(every_shortened_ticket),
        cmocka_unit_test(tickets_of_another_kind),
        cmocka_unit_test(expiry_on_a_kept_stream),
        cmocka_unit_test(plain_streams),
        cmocka_unit_test(one_file_and_no_other),
        cmocka_unit_test(refused_by_the_host),
        cmocka_unit_test(files_keep_their_order),
        cmocka_unit_test(refusals_are_no_progress),
        cmocka_unit_test(many_small_files),
        cmocka_unit_test(tiny_files_hold_no_slot),
        cmocka_unit_test(the_time_between_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

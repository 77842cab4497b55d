/* The frames' codec: bytes as core/PROTOCOL.md says, every truncation refused. */
#include "crafted.h"
#include "transfer/frames.h"

static void hello_at_every_length(void **unused)
{
    (void)unused;
    static crafted c;
    c.len = 0;
    craft_hello(&c, 9);
    craft_number(&c, 0, 1);
    const uint8_t *body = c.bytes + 8;
    ps_hello hello;
    for (size_t n = 0; n <= 37; n++) {
        uint8_t *copy = exact_copy(body, n);
        assert_int_equal(ps_hello_read((ps_span){copy, n}, &hello), n == 36);
        free(copy);
    }
    assert_true(ps_hello_read((ps_span){body, 36}, &hello));
    assert_memory_equal(hello.nonce, body + 4, 32);
    c.bytes[9] = 2; /* another version: its length is its own affair */
    for (size_t n = 0; n <= 37; n++) {
        assert_int_equal(ps_hello_read((ps_span){body, n}, &hello), n >= 2);
    }
    assert_int_equal(hello.version, 2);
}

static void welcome_at_every_length(void **unused)
{
    (void)unused;
    static crafted c;
    c.len = 0;
    craft_welcome(&c, 64, 7);
    craft_number(&c, 0, 1);
    const uint8_t *body = c.bytes + 8;
    ps_welcome welcome;
    for (size_t n = 0; n <= 41; n++) {
        uint8_t *copy = exact_copy(body, n);
        assert_int_equal(ps_welcome_read((ps_span){copy, n}, &welcome), n == 40);
        free(copy);
    }
    assert_true(ps_welcome_read((ps_span){body, 40}, &welcome));
    assert_int_equal(welcome.max_wants, 64);
    assert_memory_equal(welcome.nonce, body + 8, 32);
    c.bytes[9] = 2;
    for (size_t n = 0; n <= 41; n++) {
        assert_int_equal(ps_welcome_read((ps_span){body, n}, &welcome), n >= 2);
    }
    assert_int_equal(welcome.version, 2);
}

static void short_bodies(void **unused)
{
    (void)unused;
    static crafted c;
    c.len = 0;
    craft_want(&c, 2, 7, 3);
    ps_want want;
    assert_true(ps_want_read((ps_span){c.bytes + 8, 12}, &want));
    assert_int_equal(want.kind, PS_WANT_DATA);
    assert_int_equal(want.first, 7);
    assert_int_equal(want.count, 3);
    for (size_t n = 0; n < 12; n++) {
        assert_false(ps_want_read((ps_span){c.bytes + 8, n}, &want));
    }
    assert_false(ps_want_read((ps_span){c.bytes + 8, 13}, &want));
    c.len = 0;
    craft_opened(&c, 38);
    uint32_t code;
    for (size_t n = 0; n <= 5; n++) {
        assert_int_equal(ps_opened_read((ps_span){c.bytes + 8, n}, &code), n == 4);
    }
    assert_int_equal(code, 38);
    c.bytes[11] = 1;
    assert_false(ps_opened_read((ps_span){c.bytes + 8, 4}, &code));
    c.len = 0;
    craft_error(&c, 36);
    assert_int_equal(ps_stream_error_read((ps_span){c.bytes + 8, 4}), 36);
    for (size_t n = 0; n < 4; n++) {
        assert_int_equal(ps_stream_error_read((ps_span){c.bytes + 8, n}), 0);
    }
    c.bytes[11] = 1;
    assert_int_equal(ps_stream_error_read((ps_span){c.bytes + 8, 4}), 0);
}

static void headers(void **unused)
{
    (void)unused;
    const uint8_t good[8] = {5, 0, 0, 0, 1, 2, 3, 4};
    ps_frame frame;
    assert_true(ps_frame_read(good, &frame));
    assert_int_equal(frame.type, 5);
    assert_int_equal(frame.length, 0x01020304);
    for (size_t i = 1; i < 4; i++) {
        uint8_t bad[8];
        memcpy(bad, good, 8);
        bad[i] = 0x80;
        assert_false(ps_frame_read(bad, &frame));
    }
}

/* What is written is what a hand writes. */
static void writers(void **unused)
{
    (void)unused;
    static crafted c;
    uint8_t bytes[512];
    ps_writer w = {.base = bytes, .cap = sizeof bytes};
    uint8_t nonce[32];
    const uint8_t ticket[3] = {4, 5, 6};
    memset(nonce, 0x21, sizeof nonce);
    c.len = 0;
    craft_hello(&c, 0x21);
    ps_hello_write(&w, nonce);
    craft_welcome(&c, 50, 0x21);
    ps_welcome_write(&w, 50, nonce);
    craft_open(&c, nonce, ticket, sizeof ticket);
    ps_open_write(&w, nonce, (ps_span){ticket, sizeof ticket});
    craft_opened(&c, 41);
    ps_opened_write(&w, 41);
    craft_want(&c, 1, 512, 256);
    ps_want_write(&w, &(ps_want){PS_WANT_HASHES, 512, 256});
    craft_data(&c, UINT64_C(0x123456789), 77);
    ps_data_head_write(&w, UINT64_C(0x123456789), 77);
    craft_header(&c, 4, 8 + (1 + 2) * 32);
    craft_number(&c, 1024, 4);
    craft_number(&c, 512, 4);
    ps_hashes_head_write(&w, &(ps_subtree){1025, 1024, 512});
    craft_header(&c, 10, 0);
    ps_bye_write(&w);
    assert_false(w.full);
    assert_int_equal(w.len, c.len);
    assert_memory_equal(bytes, c.bytes, c.len);
}

/* Every known error fits its frame, with words. */
static void errors(void **unused)
{
    (void)unused;
    for (uint32_t code = 1; code < 100; code++) {
        uint8_t bytes[PS_FRAME_HEADER_BYTES + PS_ERROR_BYTES_MAX];
        ps_writer w = {.base = bytes, .cap = sizeof bytes};
        ps_stream_error_write(&w, code);
        assert_false(w.full);
        assert_int_equal(bytes[0], 9);
        assert_int_equal(bytes[7] + 8u, w.len);
        assert_true(w.len > 12 && w.len <= 12 + PS_TEXT_MAX);
        assert_int_equal(ps_stream_error_read((ps_span){bytes + 8, w.len - 8}), code);
    }
}

static void gathering(void **unused)
{
    (void)unused;
    ps_gather g;
    uint8_t bytes[20] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (size_t part = 1; part <= 20; part++) {
        ps_gather_begin(&g, 9);
        size_t at = 0;
        while (!ps_gather_full(&g)) {
            size_t n = sizeof bytes - at < part ? sizeof bytes - at : part;
            at += ps_gather_take(&g, bytes + at, n);
        }
        assert_int_equal(at, 9);
        assert_memory_equal(g.bytes, bytes, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_at_every_length),
        cmocka_unit_test(welcome_at_every_length),
        cmocka_unit_test(short_bodies),
        cmocka_unit_test(headers),
        cmocka_unit_test(writers),
        cmocka_unit_test(errors),
        cmocka_unit_test(gathering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

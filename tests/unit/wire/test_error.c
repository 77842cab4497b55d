#include "unit.h"

#include "craft.h"
#include "exact.h"
#include "sweep.h"
#include "wire/messages.h"

#include <string.h>

static craft c;

static bool decode(ps_span bytes)
{
    ps_error_message m;
    return ps_error_decode(bytes, &m);
}

static bool encode(ps_writer *w, const void *m)
{
    return ps_error_encode(w, 42, m);
}

static void errors_are_what_the_tables_say(void **state)
{
    (void)state;
    char text[PS_TEXT_MAX + 2];
    memset(text, 't', sizeof text);
    text[PS_TEXT_MAX] = '\0';
    const char *const texts[] = {"", "busy", text};
    for (unsigned i = 0; i < 3; i++) {
        craft_reset(&c);
        craft_error(&c, 42, 60000 + i, UINT32_C(0xf0000001), texts[i]);
        ps_error_message m;
        assert_true(ps_error_decode((ps_span){c.data + 8, c.len - 8}, &m));
        assert_int_equal(m.code, 60000 + i);
        assert_true(m.retry_ms == UINT32_C(0xf0000001));
        assert_true(span_equal(m.text, span_of(texts[i])));
        assert_int_equal(sweep_cuts(decode, c.data + 8, c.len - 8), 0);
        uint8_t room[200];
        ps_writer w = {.base = room, .cap = sizeof room};
        assert_true(ps_error_encode(&w, 42, &m));
        assert_int_equal(w.len, c.len);
        assert_memory_equal(room, c.data, c.len);
        assert_true(sweep_capacities(encode, &m, c.len));
    }
}

static void no_error_is_no_error_message(void **state)
{
    (void)state;
    craft_reset(&c);
    craft_error(&c, 1, 0, 0, "fine");
    assert_false(decode((ps_span){c.data + 8, c.len - 8}));
}

static void a_text_has_its_limit(void **state)
{
    (void)state;
    char text[256];
    memset(text, 't', sizeof text);
    for (size_t len = PS_TEXT_MAX; len <= 255; len++) {
        text[len] = '\0';
        craft_reset(&c);
        craft_error(&c, 1, 5, 0, text);
        text[len] = 't';
        assert_int_equal(decode((ps_span){c.data + 8, c.len - 8}), len == PS_TEXT_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_what_the_tables_say),
        cmocka_unit_test(no_error_is_no_error_message),
        cmocka_unit_test(a_text_has_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

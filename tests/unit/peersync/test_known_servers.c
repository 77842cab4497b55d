#include "unit.h"

#include "exact.h"
#include "known_servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The public key of all 0x01 bytes and of all 0x02 bytes, and their fingerprints. */
#define KEY_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define KEY_2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
#define FP_1  "SHA256:cs1uhCLEB/ttCYaQ8RMLfe1+wvf14dML2dUh8BU2N5M"
#define FP_2  "SHA256:dYd7tB05O1+4RVzmDs2N2gAdBjFklrFN+n+JVlbuyko"

/* Parses a copy of exactly its size. free() it after the table. */
static uint8_t *parse(const char *text, bool well, struct known_servers *k,
                      struct known_servers_fault *fault)
{
    const size_t len = strlen(text);
    uint8_t *exact = exact_copy(text, len);
    assert_int_equal(known_servers_parse((ps_span){exact, len}, k, fault), well);
    return exact;
}

static void lines_are_found_by_their_server(void **state)
{
    (void)state;
    struct known_servers k;
    struct known_servers_fault fault;
    uint8_t *bytes = parse("# mine\n\n127.0.0.1:5000 " KEY_1 " " FP_1 "\r\n \t# theirs\n"
                           "  [::1]:80\t" KEY_2 "  \nhost.example:1 " KEY_1,
                           true, &k, &fault);
    assert_int_equal(k.count, 3);
    const struct known_server *s = known_servers_find(&k, "127.0.0.1:5000");
    assert_non_null(s);
    assert_int_equal(s->line, 3);
    assert_int_equal(s->key[0], 1);
    assert_int_equal(s->key[31], 1);
    s = known_servers_find(&k, "[::1]:80");
    assert_non_null(s);
    assert_int_equal(s->line, 5);
    assert_int_equal(s->key[31], 2);
    assert_non_null(known_servers_find(&k, "host.example:1"));
    assert_null(known_servers_find(&k, "host.example:11"));
    assert_null(known_servers_find(&k, "host.example:"));
    assert_null(known_servers_find(&k, ""));
    known_servers_free(&k);
    free(bytes);
    bytes = parse("", true, &k, &fault);
    assert_int_equal(k.count, 0);
    known_servers_free(&k);
    free(bytes);
}

static void a_fault_names_its_line_and_the_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
        const char *says;
    } bad[] = {
        {"x", 1, "HOST:PORT"},
        {"\n\nhost " KEY_1 "\n", 3, "HOST:PORT"},
        {"a\033b:1 " KEY_1, 1, "a\\x1bb:1"},
        {"a:1", 1, "32 bytes in base64"},
        {"a:1 " KEY_1 "=", 1, "32 bytes in base64"},
        {"a:1 AQEB", 1, "32 bytes in base64"},
        /* Bits that stand for nothing must not make two texts of one key. */
        {"a:1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF", 1, "32 bytes in base64"},
        {"a:1 " KEY_1 " " FP_2, 1, "peersyncd key show"},
        {"a:1 " KEY_1 " SHA256:", 1, "is not the one of its key"},
        {"a:1 " KEY_1 " " FP_1 " more", 1, "something follows"},
        {"a:1 " KEY_1 "\n#\na:1 " KEY_2, 3, "stands on line 1 already"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct known_servers k;
        struct known_servers_fault fault;
        uint8_t *bytes = parse(bad[i].text, false, &k, &fault);
        assert_null(k.items);
        assert_int_equal(fault.line, bad[i].line);
        assert_non_null(strstr(fault.text, bad[i].says));
        free(bytes);
    }
}

static void a_file_is_bounded(void **state)
{
    (void)state;
    struct known_servers k;
    struct known_servers_fault fault;
    const size_t len = KNOWN_SERVERS_BYTES_MAX + 1;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, '\n', len);
    assert_false(known_servers_parse((ps_span){bytes, len}, &k, &fault));
    assert_int_equal(fault.line, 0);
    assert_true(known_servers_parse((ps_span){bytes, len - 1}, &k, &fault));
    known_servers_free(&k);
    size_t at = 0;
    for (unsigned i = 0; i <= KNOWN_SERVERS_MAX; i++) {
        at += (size_t)snprintf((char *)bytes + at, len - at, "h:%u " KEY_1 "\n", i);
    }
    assert_false(known_servers_parse((ps_span){bytes, at}, &k, &fault));
    assert_int_equal(fault.line, KNOWN_SERVERS_MAX + 1);
    free(bytes);
}

/* Edits a file and reads it again. */
static void check_edit(const char *before, const char *server, uint8_t byte, const char *after)
{
    struct known_servers k;
    struct known_servers_fault fault;
    uint8_t key[PS_KEY_BYTES];
    size_t len = 0;
    memset(key, byte, sizeof key);
    uint8_t *bytes = parse(before, true, &k, &fault);
    uint8_t *edited = known_servers_edit((ps_span){bytes, strlen(before)}, &k, server, key, &len);
    assert_non_null(edited);
    assert_int_equal(len, strlen(after));
    assert_memory_equal(edited, after, len);
    known_servers_free(&k);
    free(bytes);
    assert_true(known_servers_parse((ps_span){edited, len}, &k, &fault));
    const struct known_server *s = known_servers_find(&k, server);
    assert_non_null(s);
    assert_memory_equal(s->key, key, sizeof key);
    known_servers_free(&k);
    free(edited);
}

static void an_edit_leaves_all_else_as_it_is(void **state)
{
    (void)state;
    check_edit("", "a:1", 1, "a:1 " KEY_1 " " FP_1 "\n");
    check_edit("# kept", "a:1", 1, "# kept\na:1 " KEY_1 " " FP_1 "\n");
    check_edit("b:1 " KEY_2 "\r\n\n", "a:1", 1, "b:1 " KEY_2 "\r\n\na:1 " KEY_1 " " FP_1 "\n");
    check_edit("#\n a:1\t" KEY_1 "\n#\n", "a:1", 2, "#\na:1 " KEY_2 " " FP_2 "\n#\n");
    check_edit("#\na:1 " KEY_1, "a:1", 2, "#\na:1 " KEY_2 " " FP_2 "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_found_by_their_server),
        cmocka_unit_test(a_fault_names_its_line_and_the_remedy),
        cmocka_unit_test(a_file_is_bounded),
        cmocka_unit_test(an_edit_leaves_all_else_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

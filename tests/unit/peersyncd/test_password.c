#include "unit.h"

#include "peersyncd/password.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system has no large pieces of memory; libsodium maps argon2id's. */
static bool scarce;

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (scarce && len > 1u << 20) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}

static ps_span span(const char *text)
{
    return (ps_span){(const uint8_t *)text, strlen(text)};
}

static void passwords_have_rules(void **state)
{
    (void)state;
    assert_null(ps_password_fault(span("a")));
    assert_null(ps_password_fault(span("p\xc3\xa4ss!")));
    assert_non_null(ps_password_fault(span("")));
    assert_non_null(ps_password_fault(span("a b")));
    assert_non_null(ps_password_fault(span("a\tb")));
    assert_non_null(ps_password_fault(span("a\x7f")));
}

static void a_made_string_is_of_the_strength_that_was_chosen(void **state)
{
    (void)state;
    char made[PS_PASSWORD_STORED];
    char again[PS_PASSWORD_STORED];
    assert_true(ps_password_hash(span("password123"), PS_INTERACTIVE, made));
    assert_memory_equal(made, "$argon2id$v=19$m=65536,t=2,p=1$", 31);
    assert_int_equal(ps_stored_kind_of(span(made)), PS_STORED_HASHED);
    assert_true(strlen(made) <= PS_PASSWORD_MAX);
    assert_int_equal(ps_password_check(made, span("password123")), PS_CHECK_RIGHT);
    assert_int_equal(ps_password_check(made, span("password124")), PS_CHECK_WRONG);
    assert_true(ps_password_hash(span("password123"), PS_INTERACTIVE, again));
    assert_string_not_equal(made, again); /* Salted. */
}

static void without_memory_no_password_is_wrong(void **state)
{
    (void)state;
    char made[PS_PASSWORD_STORED];
    assert_true(ps_password_hash(span("password123"), PS_INTERACTIVE, made));
    scarce = true;
    const ps_check right = ps_password_check(made, span("password123"));
    const ps_check wrong = ps_password_check(made, span("password124"));
    scarce = false;
    assert_int_equal(right, PS_CHECK_FAILED);
    assert_int_equal(wrong, PS_CHECK_FAILED);
    assert_int_equal(ps_password_check(made, span("password123")), PS_CHECK_RIGHT);
}

/* Also where there is no memory it is told from nobody's else. */
static void nobodys_string_is_as_anybodys(void **state)
{
    (void)state;
    assert_int_equal(ps_stored_kind_of(span(ps_password_of_nobody)), PS_STORED_HASHED);
    assert_int_equal(ps_password_check(ps_password_of_nobody, span("pw")), PS_CHECK_WRONG);
    scarce = true;
    const ps_check check = ps_password_check(ps_password_of_nobody, span("pw"));
    scarce = false;
    assert_int_equal(check, PS_CHECK_FAILED);
}

#define REST "$Tm9ib2R5IGlzIGF0IGhvbWU$q0cXlkH0W3mB4oUuG8Jf5nS2vYtRzKe7iDp1xNaLrQE"

static void kinds_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ps_stored_kind kind;
    } cases[] = {
        {"password123", PS_STORED_PLAIN},
        {"$", PS_STORED_PLAIN},
        {"$$", PS_STORED_PLAIN},
        {"$$$", PS_STORED_PLAIN},
        {"$100", PS_STORED_PLAIN},
        {"pa$s$word", PS_STORED_PLAIN},
        {"$a.b$c", PS_STORED_PLAIN},
        {"$argon2", PS_STORED_UNUSABLE},
        {"$2b$12$abcdefghijklmnopqrstuv", PS_STORED_UNUSABLE},
        {"$6$rounds=5000$salt$hash", PS_STORED_UNUSABLE},
        {"$y$j9T$salt$hash", PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=65536,t=2,p=1$c2hvcnQ$q0cXlkH0W3mB4oUuG8Jf5nS2vYtRzKe7iDp1xNaLrQE",
         PS_STORED_UNUSABLE},
        {"$argon2id$", PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=65536,t=2,p=1", PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=65536,t=2,p=1" REST, PS_STORED_HASHED},
        {"$argon2id$v=19$m=65536,t=2,p=1" REST "x$", PS_STORED_UNUSABLE},
        {"$argon2id$v=16$m=65536,t=2,p=1" REST, PS_STORED_UNUSABLE},
        {"$argon2i$v=19$m=65536,t=3,p=1" REST, PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=65536,t=1,p=1" REST, PS_STORED_WEAK},
        {"$argon2id$v=19$m=65535,t=2,p=1" REST, PS_STORED_WEAK},
        {"$argon2id$v=19$m=0,t=2,p=1" REST, PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=65536,t=0,p=1" REST, PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=99999999999999999999,t=2,p=1" REST, PS_STORED_UNUSABLE},
        {"$argon2id$v=19$m=1048576,t=4,p=1" REST, PS_STORED_HASHED},
        {"$argon2id$v=19$m=1048577,t=1,p=1" REST, PS_STORED_EXCESSIVE},
        {"$argon2id$v=19$m=65536,t=1000000,p=1" REST, PS_STORED_EXCESSIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(ps_stored_kind_of(span(cases[i].text)), cases[i].kind);
    }
    assert_int_equal(ps_stored_kind_of((ps_span){NULL, 0}), PS_STORED_PLAIN);
    char longest[256];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "$argon2id$v=19$m=65536,t=2,p=1" REST,
           strlen("$argon2id$v=19$m=65536,t=2,p=1" REST));
    assert_int_equal(ps_stored_kind_of((ps_span){(uint8_t *)longest, sizeof longest}),
                     PS_STORED_UNUSABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_have_rules),
        cmocka_unit_test(a_made_string_is_of_the_strength_that_was_chosen),
        cmocka_unit_test(without_memory_no_password_is_wrong),
        cmocka_unit_test(nobodys_string_is_as_anybodys),
        cmocka_unit_test(kinds_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Parses a credentials file, and holds the table to what the bytes say by another way of reading:
 * a plain walk over the accounts, without the index. */
#include "peersyncd/credentials.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) ((condition) ? (void)0 : __builtin_trap())

/* The pairwise check is quadratic: no more than this many. */
#define PAIRS_MAX 64u

static void check_account(const ps_credentials *c, const ps_account *a, ps_span file)
{
    const ps_span user = ps_account_user(c, a);
    const ps_span password = {c->text + a->password_at, a->password_len};
    const size_t end = (size_t)a->line_at + a->line_len;
    REQUIRE(end <= file.len && a->user_at >= a->line_at);
    REQUIRE((size_t)a->user_at + a->user_len < a->password_at);
    REQUIRE((size_t)a->password_at + a->password_len <= end);
    REQUIRE(ps_user_check(user) == PS_NAME_OK);
    REQUIRE(ps_password_fault(password) == NULL);
    REQUIRE(memcmp(user.data, file.data + a->user_at, user.len) == 0);
    REQUIRE(memchr(file.data + a->line_at, '\n', a->line_len - 1u) == NULL);
    REQUIRE(ps_credentials_find(c, user) == a);
    const ps_stored_kind kind = ps_stored_kind_of(password);
    REQUIRE(kind != PS_STORED_EXCESSIVE && kind != PS_STORED_UNUSABLE);
    REQUIRE(a->hashed == (kind != PS_STORED_PLAIN));
}

/* Those with argon2id strings are listed, in order. */
static void check_hashed(const ps_credentials *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->accounts[i].hashed) {
            REQUIRE(n < c->hashed_count && c->hashed[n] == i);
            n++;
        }
    }
    REQUIRE(n == c->hashed_count && c->weak_count <= n);
}

static void check_distinct(const ps_credentials *c)
{
    const uint32_t count = c->count < PAIRS_MAX ? c->count : PAIRS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            const ps_span a = ps_account_user(c, &c->accounts[i]);
            const ps_span b = ps_account_user(c, &c->accounts[j]);
            REQUIRE(a.len != b.len || memcmp(a.data, b.data, a.len) != 0);
        }
    }
}

static void check_fault(const ps_credentials_fault *fault, ps_span file)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < file.len; i++) {
        lines += file.data[i] == '\n' ? 1u : 0u;
    }
    REQUIRE(fault->line >= 1 && fault->line <= lines);
    const size_t len = strnlen(fault->text, sizeof fault->text);
    REQUIRE(len > 0 && len < sizeof fault->text);
    for (size_t i = 0; i < len; i++) {
        REQUIRE((uint8_t)fault->text[i] >= 0x20 && fault->text[i] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    ps_credentials table;
    ps_credentials_fault fault;
    if (exact == NULL) {
        return 0;
    }
    if (len > 0) {
        memcpy(exact, data, len);
    }
    const ps_span file = {exact, len};
    if (ps_credentials_parse(file, &table, &fault)) {
        for (uint32_t i = 0; i < table.count; i++) {
            check_account(&table, &table.accounts[i], file);
        }
        check_distinct(&table);
        check_hashed(&table);
        ps_credentials_free(&table);
    } else {
        check_fault(&fault, file);
    }
    free(exact);
    return 0;
}

#include "peersyncd/credentials.h"

#include "common/text.h"
#include "peersyncd/password.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static bool fail(ps_credentials_fault *fault, uint32_t line,
                                                       const char *format, ...)
{
    va_list args;
    fault->line = line;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return false;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* FNV-1a: the file is the operator's own, so nobody else chooses what collides. */
static uint32_t hash(ps_span user)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < user.len; i++) {
        h = (h ^ user.data[i]) * 16777619u;
    }
    return h;
}

static bool same(ps_span a, ps_span b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

ps_span ps_account_user(const ps_credentials *c, const ps_account *account)
{
    return (ps_span){c->text + account->user_at, account->user_len};
}

ps_span ps_account_stored(const ps_credentials *c, const ps_account *account)
{
    return (ps_span){c->text + account->password_at, account->password_len};
}

/* Where the user's entry is, or where it belongs. */
static uint32_t probe(const ps_credentials *c, ps_span user)
{
    uint32_t at = hash(user) & c->index_mask;
    while (c->index[at] != 0 && !same(user, ps_account_user(c, &c->accounts[c->index[at] - 1]))) {
        at = (at + 1) & c->index_mask;
    }
    return at;
}

const ps_account *ps_credentials_find(const ps_credentials *c, ps_span user)
{
    if (c->index == NULL) {
        return NULL;
    }
    const uint32_t entry = c->index[probe(c, user)];
    return entry != 0 ? &c->accounts[entry - 1] : NULL;
}

/* The next word of a line: [at, at + len) of the text. */
static size_t word(const ps_credentials *c, size_t *at, size_t end)
{
    while (*at < end && is_space(c->text[*at])) {
        ++*at;
    }
    size_t len = 0;
    while (*at + len < end && !is_space(c->text[*at + len])) {
        len++;
    }
    return len;
}

/* Checks the two words of a line and adds the account. [begin, end) is without the newline. */
static bool add_line(ps_credentials *c, size_t begin, size_t end, uint32_t line,
                     ps_credentials_fault *fault)
{
    char shown[PS_TEXT_SAFE_BYTES(PS_USER_MAX)];
    ps_account a = {.line = line};
    size_t at = begin;
    const size_t user_len = word(c, &at, end);
    const ps_span user = {c->text + at, user_len};
    const ps_name_fault name_fault = ps_user_check(user);
    if (name_fault != PS_NAME_OK) {
        return fail(fault, line, "the user name cannot be used: %s",
                    user_len > PS_USER_MAX ? "it is longer than 64 bytes"
                                           : ps_name_fault_text(name_fault));
    }
    a.user_at = (uint32_t)at;
    a.user_len = (uint8_t)user_len;
    ps_text_safe(shown, sizeof shown, user);
    at += user_len;
    const size_t password_len = word(c, &at, end);
    if (password_len == 0) {
        return fail(fault, line, "the password of %s is missing: a line is 'username password'",
                    shown);
    }
    const char *password_fault = ps_password_fault((ps_span){c->text + at, password_len});
    if (password_fault != NULL) {
        return fail(fault, line, "the password of %s cannot be used: %s", shown, password_fault);
    }
    const ps_stored_kind kind = ps_stored_kind_of((ps_span){c->text + at, password_len});
    if (kind == PS_STORED_EXCESSIVE) {
        return fail(fault, line,
                    "the argon2id string of %s asks for more than 1 GiB of memory, or takes too "
                    "long: make another with 'user passwd'",
                    shown);
    }
    if (kind == PS_STORED_UNUSABLE) {
        return fail(
            fault, line,
            "what stands for the password of %s is a hash that cannot be verified (damaged, "
            "or not argon2id v=19): put your copy of it back, or remove the line and use "
            "'user add'",
            shown);
    }
    a.password_at = (uint32_t)at;
    a.password_len = (uint8_t)password_len;
    a.hashed = kind != PS_STORED_PLAIN;
    at += password_len;
    if (word(c, &at, end) != 0) {
        return fail(fault, line,
                    "something follows the password of %s: a line is 'username password', and a "
                    "password has no spaces",
                    shown);
    }
    const uint32_t entry = probe(c, user);
    if (c->index[entry] != 0) {
        return fail(fault, line, "the user %s stands on line %u already", shown,
                    (unsigned)c->accounts[c->index[entry] - 1].line);
    }
    if (a.hashed) {
        c->hashed[c->hashed_count++] = c->count;
    }
    c->weak_count += kind == PS_STORED_WEAK ? 1u : 0u;
    c->accounts[c->count++] = a;
    c->index[entry] = c->count;
    return true;
}

static size_t line_end(const ps_credentials *c, size_t at)
{
    const uint8_t *newline = memchr(c->text + at, '\n', c->text_len - at);
    return newline != NULL ? (size_t)(newline - c->text) : c->text_len;
}

/* Lines that may hold an account: room for each is made before they are read. */
static uint32_t count_lines(const ps_credentials *c)
{
    uint32_t n = 1;
    for (size_t at = 0; at < c->text_len; at++) {
        n += c->text[at] == '\n' ? 1u : 0u;
    }
    return n;
}

static bool make_room(ps_credentials *c, ps_span file, ps_credentials_fault *fault)
{
    if (file.len > PS_CREDENTIALS_BYTES_MAX) {
        return fail(fault, 0, "the file is larger than 64 MiB");
    }
    c->text = malloc(file.len + 1);
    if (c->text == NULL) {
        return fail(fault, 0, "there is not enough memory");
    }
    if (file.len > 0) {
        memcpy(c->text, file.data, file.len);
    }
    c->text_len = file.len;
    const uint32_t lines = count_lines(c);
    if (lines > PS_ACCOUNTS_MAX) {
        return fail(fault, 0, "the file has more than 4194304 lines");
    }
    uint32_t size = 4;
    while (size < 2 * lines) {
        size *= 2;
    }
    c->index_mask = size - 1;
    c->index = calloc(size, sizeof *c->index);
    c->accounts = malloc(lines * sizeof *c->accounts);
    c->hashed = malloc(lines * sizeof *c->hashed);
    if (c->index == NULL || c->accounts == NULL || c->hashed == NULL) {
        return fail(fault, 0, "there is not enough memory");
    }
    return true;
}

static bool parse_lines(ps_credentials *c, ps_credentials_fault *fault)
{
    size_t begin = 0;
    /* Editors of other systems put a byte order mark in front. */
    if (c->text_len >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0) {
        begin = 3;
    }
    for (uint32_t line = 1; begin < c->text_len; line++) {
        const size_t newline = line_end(c, begin);
        size_t end = newline;
        if (end > begin && c->text[end - 1] == '\r') {
            end--;
        }
        size_t at = begin;
        const size_t first = word(c, &at, end);
        const uint32_t count = c->count;
        if (first > 0 && c->text[at] != '#' && !add_line(c, begin, end, line, fault)) {
            return false;
        }
        const size_t next = newline < c->text_len ? newline + 1 : newline;
        if (c->count > count) {
            c->accounts[count].line_at = (uint32_t)begin;
            c->accounts[count].line_len = (uint32_t)(next - begin);
        }
        begin = next;
    }
    return true;
}

bool ps_credentials_parse(ps_span file, ps_credentials *out, ps_credentials_fault *fault)
{
    ps_credentials c = {0};
    fault->line = 0;
    fault->text[0] = '\0';
    if (!make_room(&c, file, fault) || !parse_lines(&c, fault)) {
        ps_credentials_free(&c);
        return false;
    }
    *out = c;
    return true;
}

void ps_credentials_free(ps_credentials *c)
{
    if (c->text != NULL) {
        explicit_bzero(c->text, c->text_len);
    }
    explicit_bzero(&c->keys, sizeof c->keys);
    free(c->text);
    free(c->accounts);
    free(c->hashed);
    free(c->index);
    *c = (ps_credentials){0};
}

#include "peersyncd/password.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define FORM "$argon2id$v=19$m="
/* The longest name of a hash between two `$`. */
#define ID_MAX 24u

/* Of random bytes: nobody knows a password for it, and whoever finds one is not admitted. Its salt
 * is as long as those that are made here, so that nothing that happens to it tells it from one. */
const char ps_password_of_nobody[PS_PASSWORD_STORED] =
    FORM "65536,t=2,p=1$Tm9ib2R5IGlzIGF0IGhvbQ$q0cXlkH0W3mB4oUuG8Jf5nS2vYtRzKe7iDp1xNaLrQE";

_Static_assert(crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE == 65536 * 1024 &&
                   crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE == 2,
               "the numbers of the string above");

const char *const ps_strengths[] = {"interactive", "moderate", "sensitive", NULL};

static const struct {
    unsigned long long passes;
    size_t memory;
} strengths[] = {
    {crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE, crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE},
    {crypto_pwhash_argon2id_OPSLIMIT_MODERATE, crypto_pwhash_argon2id_MEMLIMIT_MODERATE},
    {crypto_pwhash_argon2id_OPSLIMIT_SENSITIVE, crypto_pwhash_argon2id_MEMLIMIT_SENSITIVE}};

const char *ps_password_fault(ps_span password)
{
    if (password.len == 0) {
        return "it is empty";
    }
    if (password.len > PS_PASSWORD_MAX) {
        return "it is longer than 128 bytes";
    }
    for (size_t i = 0; i < password.len; i++) {
        if (password.data[i] == ' ' || password.data[i] == '\t') {
            return "it holds a space";
        }
        if (password.data[i] < 0x20 || password.data[i] == 0x7f) {
            return "it holds a control character";
        }
    }
    return NULL;
}

/* A decimal number that fits 32 bits, and the character behind it. */
static const char *number(const char *at, char behind, uint64_t *out)
{
    *out = 0;
    while (*at >= '0' && *at <= '9' && *out <= UINT32_MAX) {
        *out = *out * 10u + (uint64_t)(*at++ - '0');
    }
    return *at == behind ? at + 1 : NULL;
}

/* `$id$...`, as crypt(3) and its relatives write a hashed password. */
static bool looks_hashed(ps_span stored)
{
    static const char argon2[] = "$argon2";
    size_t len = 1;
    if (stored.len < 3 || stored.data[0] != '$') {
        return false;
    }
    if (stored.len >= sizeof argon2 - 1 && memcmp(stored.data, argon2, sizeof argon2 - 1) == 0) {
        return true;
    }
    while (len < stored.len && len <= ID_MAX && stored.data[len] < 0x80 &&
           (isalnum(stored.data[len]) || strchr("-_,=", stored.data[len]) != NULL)) {
        len++;
    }
    return len > 1 && len < stored.len && stored.data[len] == '$';
}

/* A string that libsodium verifies, ended by NUL, and what it asks for. */
static bool parse(const char *text, uint64_t *kib, uint64_t *passes)
{
    if (strncmp(text, FORM, sizeof FORM - 1) != 0) {
        return false;
    }
    const char *at = number(text + sizeof FORM - 1, ',', kib);
    return at != NULL && *kib >= 8 && strncmp(at, "t=", 2) == 0 &&
           number(at + 2, ',', passes) != NULL &&
           crypto_pwhash_argon2id_str_needs_rehash(
               text, crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
               crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) >= 0;
}

ps_stored_kind ps_stored_kind_of(ps_span stored)
{
    char text[PS_PASSWORD_STORED];
    uint64_t kib = 0;
    uint64_t passes = 0;
    if (!looks_hashed(stored)) {
        return PS_STORED_PLAIN;
    }
    if (stored.len >= sizeof text) {
        return PS_STORED_UNUSABLE;
    }
    memcpy(text, stored.data, stored.len);
    text[stored.len] = '\0';
    if (!parse(text, &kib, &passes)) {
        return PS_STORED_UNUSABLE;
    }
    /* Both fit 32 bits: libsodium has read them too. */
    const uint64_t memory = kib * 1024u;
    if (memory > PS_PASSWORD_MEMORY_MAX || passes > PS_PASSWORD_WORK_MAX / memory) {
        return PS_STORED_EXCESSIVE;
    }
    return memory < crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE ||
                   passes < crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE
               ? PS_STORED_WEAK
               : PS_STORED_HASHED;
}

bool ps_password_hash(ps_span password, ps_strength strength, char out[PS_PASSWORD_STORED])
{
    return crypto_pwhash_argon2id_str(out, (const char *)password.data, password.len,
                                      strengths[strength].passes, strengths[strength].memory) == 0;
}

/* A stored string in its parts, of which libsodium takes the salt in one length only. */
typedef struct parts {
    uint64_t kib, passes;
    uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];
    uint8_t tag[32];
} parts;

/* Exactly `len` bytes of base64, and where they end; NULL: they are not there. */
static const char *bytes(const char *at, uint8_t *out, size_t len)
{
    size_t got = 0;
    const char *end = NULL;
    return sodium_base642bin(out, len, at, strlen(at), NULL, &got, &end,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
                   got == len
               ? end
               : NULL;
}

/* @return false: another salt, tag or number of lanes than ps_password_hash() makes. */
static bool take_apart(const char *stored, parts *out)
{
    if (!parse(stored, &out->kib, &out->passes)) {
        return false;
    }
    const char *at = strstr(stored, ",p=1$");
    at = at != NULL ? bytes(at + 5, out->salt, sizeof out->salt) : NULL;
    at = at != NULL && *at == '$' ? bytes(at + 1, out->tag, sizeof out->tag) : NULL;
    return at != NULL && *at == '\0';
}

ps_check ps_password_check(const char stored[PS_PASSWORD_STORED], ps_span password)
{
    parts p;
    uint8_t made[sizeof p.tag];
    if (take_apart(stored, &p)) {
        /* Not by str_verify, which calls it a mismatch when it gets no memory. */
        const bool done =
            crypto_pwhash_argon2id(made, sizeof made, (const char *)password.data, password.len,
                                   p.salt, p.passes, (size_t)p.kib * 1024u,
                                   crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
        const bool right = done && sodium_memcmp(made, p.tag, sizeof made) == 0;
        explicit_bzero(made, sizeof made);
        return !done ? PS_CHECK_FAILED : right ? PS_CHECK_RIGHT : PS_CHECK_WRONG;
    }
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(stored, (const char *)password.data, password.len) == 0) {
        return PS_CHECK_RIGHT;
    }
    /* EINVAL stands for a mismatch. */
    return errno == ENOMEM ? PS_CHECK_FAILED : PS_CHECK_WRONG;
}

#include "peersyncd/credentials.h"

#include <string.h>

/* What a digest is made of: the length does not depend on the words. */
#define DIGEST_BYTES (1u + PS_USER_MAX + 2u + PS_PASSWORD_MAX)

static void derive(uint8_t *out, size_t len, const char *label, const uint8_t secret[32])
{
    uint8_t key[32];
    (void)crypto_generichash(key, sizeof key, (const uint8_t *)label, strlen(label), secret, 32);
    memcpy(out, key, len);
    explicit_bzero(key, sizeof key);
}

/* Words that are too long cannot be in the file: they are cut here, and their true length, which is
 * part of the digest, tells them apart. */
static void digest_of(const ps_credentials *c, ps_span user, ps_span password, uint8_t out[32])
{
    uint8_t block[DIGEST_BYTES] = {0};
    const size_t user_len = user.len < PS_USER_MAX ? user.len : PS_USER_MAX;
    const size_t password_len = password.len < PS_PASSWORD_MAX ? password.len : PS_PASSWORD_MAX;
    const size_t told = password.len < UINT16_MAX ? password.len : UINT16_MAX;
    block[0] = (uint8_t)user_len;
    if (user_len > 0) {
        memcpy(block + 1, user.data, user_len);
    }
    block[1 + PS_USER_MAX] = (uint8_t)(told >> 8);
    block[2 + PS_USER_MAX] = (uint8_t)told;
    if (password_len > 0) {
        memcpy(block + 3 + PS_USER_MAX, password.data, password_len);
    }
    (void)crypto_generichash(out, 32, block, sizeof block, c->keys.digest, sizeof c->keys.digest);
    explicit_bzero(block, sizeof block);
}

static void name_stored(const ps_credentials *c, ps_account *a)
{
    crypto_generichash_state state;
    const ps_span user = ps_account_user(c, a);
    const ps_span stored = ps_account_stored(c, a);
    (void)crypto_generichash_init(&state, c->keys.credential, sizeof c->keys.credential,
                                  sizeof a->credential);
    (void)crypto_generichash_update(&state, &a->user_len, 1);
    (void)crypto_generichash_update(&state, user.data, user.len);
    (void)crypto_generichash_update(&state, stored.data, stored.len);
    (void)crypto_generichash_final(&state, a->credential, sizeof a->credential);
    explicit_bzero(&state, sizeof state);
}

void ps_credentials_seal(ps_credentials *c, const uint8_t realm_secret[32])
{
    derive(c->keys.credential, sizeof c->keys.credential, "peersyncd credential", realm_secret);
    derive(c->keys.digest, sizeof c->keys.digest, "peersyncd password", realm_secret);
    derive(c->keys.choice, sizeof c->keys.choice, "peersyncd choice", realm_secret);
    for (uint32_t i = 0; i < c->count; i++) {
        ps_account *a = &c->accounts[i];
        name_stored(c, a);
        if (!a->hashed) {
            digest_of(c, ps_account_user(c, a), ps_account_stored(c, a), a->digest);
            explicit_bzero(c->text + a->password_at, a->password_len);
        }
    }
}

static void take_string(ps_trial *out, const ps_credentials *c, const ps_account *a)
{
    const ps_span stored = ps_account_stored(c, a);
    memcpy(out->stored, stored.data, stored.len);
    out->stored[stored.len] = '\0';
}

void ps_credentials_trial(const ps_credentials *c, ps_span user, ps_span password, ps_trial *out)
{
    uint8_t given[32];
    uint8_t choice[crypto_shorthash_BYTES];
    uint64_t chosen = 0;
    const ps_account *a = ps_credentials_find(c, user);
    *out = (ps_trial){.counts = a != NULL && a->hashed};
    digest_of(c, user, password, given);
    crypto_shorthash(choice, user.data, user.len, c->keys.choice);
    memcpy(&chosen, choice, sizeof chosen);
    if (out->counts) {
        take_string(out, c, a);
    } else if (c->hashed_count > 0) {
        take_string(out, c, &c->accounts[c->hashed[chosen % c->hashed_count]]);
    } else {
        memcpy(out->stored, ps_password_of_nobody, sizeof out->stored);
    }
    out->good = sodium_memcmp(given, a != NULL ? a->digest : c->keys.digest, sizeof given) == 0 &&
                a != NULL && !a->hashed;
    if (a != NULL) {
        memcpy(out->credential, a->credential, sizeof out->credential);
    }
    explicit_bzero(given, sizeof given);
}

ps_check ps_trial_verdict(const ps_trial *trial, ps_check argon2id)
{
    if (trial->counts || argon2id == PS_CHECK_FAILED) {
        return argon2id;
    }
    return trial->good ? PS_CHECK_RIGHT : PS_CHECK_WRONG;
}

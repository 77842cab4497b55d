/* Passwords are compared by digests of a fixed length: what the comparison costs tells nothing. */
#include "peersyncd/credentials.h"

#include <string.h>

/* Both words in full width, each behind its length; longer ones are cut, and their true length
 * makes them differ from everything that the file can hold. */
#define WORD_HEAD  8u
#define BLOCK_SIZE (PS_CREDENTIALS_SALT + 2u * WORD_HEAD + PS_USER_MAX + PS_PASSWORD_MAX)

static uint8_t *put_word(uint8_t *to, ps_span text, size_t width)
{
    for (size_t i = 0; i < WORD_HEAD; i++) {
        to[i] = (uint8_t)((uint64_t)text.len >> (8u * (WORD_HEAD - 1u - i)));
    }
    to += WORD_HEAD;
    if (text.len > 0) {
        memcpy(to, text.data, text.len < width ? text.len : width);
    }
    return to + width;
}

static void digest_of(const ps_credentials *c, ps_span user, ps_span password, uint8_t digest[32])
{
    uint8_t block[BLOCK_SIZE] = {0};
    ps_sha256 state;
    memcpy(block, c->salt, PS_CREDENTIALS_SALT);
    put_word(put_word(block + PS_CREDENTIALS_SALT, user, PS_USER_MAX), password, PS_PASSWORD_MAX);
    c->crypto->sha256_init(&state);
    c->crypto->sha256_update(&state, block, sizeof block);
    c->crypto->sha256_final(&state, digest);
    explicit_bzero(block, sizeof block);
    explicit_bzero(&state, sizeof state);
}

void ps_credentials_seal(ps_credentials *c, const ps_crypto *crypto,
                         const uint8_t salt[PS_CREDENTIALS_SALT])
{
    c->crypto = crypto;
    memcpy(c->salt, salt, PS_CREDENTIALS_SALT);
    for (uint32_t i = 0; i < c->count; i++) {
        ps_account *a = &c->accounts[i];
        uint8_t *password = c->text + a->password_at;
        digest_of(c, ps_account_user(c, a), (ps_span){password, a->password_len}, a->digest);
        explicit_bzero(password, a->password_len);
    }
    digest_of(c, (ps_span){NULL, 0}, (ps_span){NULL, 0}, c->nobody);
}

/* No branch on the bytes. */
static uint8_t differ(const uint8_t a[32], const uint8_t b[32])
{
    volatile uint8_t bits = 0;
    for (size_t i = 0; i < 32; i++) {
        bits = (uint8_t)(bits | (a[i] ^ b[i]));
    }
    return bits;
}

bool ps_credentials_verify(const ps_credentials *c, ps_span user, ps_span password)
{
    uint8_t given[32];
    const ps_account *a = ps_credentials_find(c, user);
    const uint8_t *known = a != NULL ? a->digest : c->nobody;
    digest_of(c, user, password, given);
    const uint8_t bits = differ(given, known);
    explicit_bzero(given, sizeof given);
    return (a != NULL) & (bits == 0);
}

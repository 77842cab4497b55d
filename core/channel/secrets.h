/* Key material from a seed and from the host's entropy: HMAC-SHA256 with its key replaced after
 * each use, so that who reads the memory learns nothing of what was drawn before. */
#ifndef PS_CHANNEL_SECRETS_H
#define PS_CHANNEL_SECRETS_H

#include "channel/hkdf.h"

typedef struct ps_secrets {
    uint8_t key[PS_HASH_BYTES];
} ps_secrets;

void ps_secrets_init(const ps_crypto *c, ps_secrets *s, const uint8_t seed[32]);
/* Folds fresh entropy in; never weakens it. */
void ps_secrets_mix(const ps_crypto *c, ps_secrets *s, ps_span entropy);
/* 32 bytes that nobody can tell from random ones. */
void ps_secrets_draw(const ps_crypto *c, ps_secrets *s, uint8_t out[32]);

#endif

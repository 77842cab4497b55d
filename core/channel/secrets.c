#include "channel/secrets.h"

#include "channel/wipe.h"

void ps_secrets_init(const ps_crypto *c, ps_secrets *s, const uint8_t seed[32])
{
    ps_derive(c, seed, "secrets", (ps_span){NULL, 0}, s->key);
}

void ps_secrets_mix(const ps_crypto *c, ps_secrets *s, ps_span entropy)
{
    uint8_t unused[PS_HASH_BYTES];
    ps_hkdf(c, s->key, entropy, s->key, unused);
    ps_wipe(unused, sizeof unused);
}

void ps_secrets_draw(const ps_crypto *c, ps_secrets *s, uint8_t out[32])
{
    ps_hkdf(c, s->key, (ps_span){NULL, 0}, s->key, out);
}

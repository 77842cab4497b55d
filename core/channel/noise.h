/* The handshake Noise_NX_25519_ChaChaPoly_SHA256 (Noise Protocol Framework, revision 34):
 *
 *     -> e                      the client's ephemeral key and a payload in the clear
 *     <- e, ee, s, es           the server's, its lasting key and a payload, sealed
 *
 * The client learns the server's lasting key and judges by it; the server knows nobody yet. */
#ifndef PS_CHANNEL_NOISE_H
#define PS_CHANNEL_NOISE_H

#include "channel/hkdf.h"

/* Bytes that each message has beside its payload. */
#define PS_NOISE_FIRST_BYTES  PS_KEY_BYTES
#define PS_NOISE_SECOND_BYTES (PS_KEY_BYTES + PS_KEY_BYTES + PS_TAG_BYTES + PS_TAG_BYTES)

/* A handshake under way; secret. */
typedef struct ps_noise {
    uint8_t chaining[PS_HASH_BYTES]; /* ck */
    uint8_t hash[PS_HASH_BYTES];     /* h; after the second message: the handshake hash. */
    uint8_t key[32];                 /* k; used only once it is there. */
    uint8_t ephemeral[PS_KEY_BYTES]; /* The own secret, e. */
    uint8_t remote[PS_KEY_BYTES];    /* The other's public ephemeral key, re. */
    uint64_t nonce;                  /* n */
    bool keyed;
} ps_noise;

/* Begins a handshake, at either end. */
void ps_noise_begin(const ps_crypto *c, ps_noise *n, ps_span prologue);

/* The client's first message, PS_NOISE_FIRST_BYTES + payload.len bytes at `out`. `ephemeral`: 32
 * random bytes, never used before. */
void ps_noise_write_first(const ps_crypto *c, ps_noise *n, const uint8_t ephemeral[PS_KEY_BYTES],
                          ps_span payload, uint8_t *out);
/* At the server. False: too short. The payload points into the message. */
bool ps_noise_read_first(const ps_crypto *c, ps_noise *n, ps_span message, ps_span *payload);

/* The server's message, PS_NOISE_SECOND_BYTES + payload.len bytes at `out`. False: the client's key
 * gives an all-zero shared secret; `n` is wiped and `out` of no use. */
bool ps_noise_write_second(const ps_crypto *c, ps_noise *n, const uint8_t ephemeral[PS_KEY_BYTES],
                           const uint8_t secret[PS_KEY_BYTES],
                           const uint8_t public_key[PS_KEY_BYTES], ps_span payload, uint8_t *out);
/* At the client; opened in place. False: not genuine, too short, or an all-zero shared secret: `n`
 * is as it was before, so that the true answer can still come; the message may be spoilt. */
bool ps_noise_read_second(const ps_crypto *c, ps_noise *n, uint8_t *message, size_t len,
                          uint8_t server_key[PS_KEY_BYTES], ps_span *payload);

/* After the second message: the keys for what the client sends and for what the server sends. The
 * handshake's own secrets are wiped; `hash` stays. */
void ps_noise_split(const ps_crypto *c, ps_noise *n, uint8_t from_client[32],
                    uint8_t from_server[32]);

#endif

/* A server's key as people read and compare it: `SHA256:` and the base64 of the SHA-256 of its 32
 * bytes, without padding, as OpenSSH shows keys. */
#ifndef PS_COMMON_FINGERPRINT_H
#define PS_COMMON_FINGERPRINT_H

#include "peersync/base.h"

/* "SHA256:", 43 characters, NUL. */
#define PS_FINGERPRINT_BYTES (7u + 43u + 1u)

/* Writes the fingerprint of a public key, NUL-ended. */
void ps_fingerprint_format(char out[PS_FINGERPRINT_BYTES], const uint8_t key[PS_KEY_BYTES]);

/* Whether a text that a person gave is the fingerprint of this key: exactly, upper and lower case
 * differ. Spaces around it and a missing `SHA256:` are forgiven. */
bool ps_fingerprint_matches(const char *text, const uint8_t key[PS_KEY_BYTES]);

/* Whether a text has the form of a fingerprint, of whatever key; the same is forgiven. */
bool ps_fingerprint_well_formed(const char *text);

#endif

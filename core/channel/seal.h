/* A DATA packet's seal: Noise's transport messages (revision 34, section 11.4) with the counter of
 * the header as nonce and no associated data. */
#ifndef PS_CHANNEL_SEAL_H
#define PS_CHANNEL_SEAL_H

#include "peersync/crypto.h"

/* Seals the messages behind the header of a packet of `len` bytes in place and puts the tag behind
 * them, for which there is room. @return the new length. */
size_t ps_packet_seal(const ps_crypto *c, const uint8_t key[32], uint8_t *packet, size_t len);
/* Opens it in place. False: not sealed with this key. The messages lie behind the header, and are
 * PS_TAG_BYTES shorter than what does. */
bool ps_packet_open(const ps_crypto *c, const uint8_t key[32], uint8_t *packet, size_t len,
                    ps_span *messages);

#endif

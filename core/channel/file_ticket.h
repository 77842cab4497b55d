/* File tickets: what a downloader may fetch from one uploader, sealed by the server under a key
 * that only it and that uploader have. Each has a key of its own, from its random salt.
 *
 *     epoch u64 | salt 16 | sealed: format 1, expires u64, length u64, root 32, key 32,
 *     downloader text8 | tag 16 */
#ifndef PS_CHANNEL_FILE_TICKET_H
#define PS_CHANNEL_FILE_TICKET_H

#include "channel/hkdf.h"
#include "peersync/transfer.h"

#define PS_FILE_TICKET_SALT 16u

/* The uploader's key of an epoch: the server derives it at every login and LOCATE, and keeps none.
 * It is of the device and of its user (at most PS_USER_MAX bytes): who logs in under another name
 * with somebody's device id is told nothing of theirs. */
void ps_file_key_derive(const ps_crypto *c, const uint8_t realm_secret[32],
                        const uint8_t device[PS_DEVICE_BYTES], ps_span user, uint64_t epoch,
                        uint8_t key[PS_KEY_BYTES]);
/* @return the ticket's length, at most PS_FILE_TICKET_MAX. `salt` is random, `uploader` the key of
 * `epoch`. The ticket's own key is random, too, and the caller's to fill in. */
size_t ps_file_ticket_seal(const ps_crypto *c, const uint8_t uploader[PS_KEY_BYTES], uint64_t epoch,
                           const uint8_t salt[PS_FILE_TICKET_SALT], const ps_file_ticket *t,
                           uint8_t out[PS_FILE_TICKET_MAX]);

/* What OPEN proves: HMAC-SHA256 under the ticket's key over "peersync open", what binds it to the
 * stream, and the ticket. */
#define PS_OPEN_MAC_BYTES 32u
void ps_open_mac(const ps_crypto *c, const uint8_t key[PS_KEY_BYTES], const uint8_t binding[32],
                 ps_span ticket, uint8_t mac[PS_OPEN_MAC_BYTES]);

#endif

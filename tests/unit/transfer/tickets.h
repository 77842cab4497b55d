/* Tickets for the tests of this folder, sealed as a server does for one uploader. */
#ifndef PS_TESTS_TRANSFER_TICKETS_H
#define PS_TESTS_TRANSFER_TICKETS_H

#include "channel/file_ticket.h"
#include "peersync/crypto_sodium.h"

#include <string.h>

#define TICKET_WALL_S UINT64_C(1700000000)

typedef struct test_ticket {
    uint8_t bytes[PS_FILE_TICKET_MAX];
    size_t len;
    uint8_t key[PS_KEY_BYTES];
} test_ticket;

/* The keys of an uploader. */
static inline ps_file_keys ticket_keys(uint8_t uploader)
{
    ps_file_keys keys = {.first_epoch = TICKET_WALL_S / PS_FILE_EPOCH_S - 1,
                         .count = PS_FILE_EPOCHS};
    for (uint32_t i = 0; i < PS_FILE_EPOCHS; i++) {
        memset(keys.keys[i], (int)(uploader + i), sizeof keys.keys[i]);
    }
    return keys;
}

/* For `content` at that uploader; the salt and the key are made of `number`. */
static inline test_ticket ticket_for_until(const ps_crypto *crypto, uint8_t uploader,
                                           const ps_content *content, uint32_t number,
                                           uint64_t expires_s)
{
    const ps_file_keys keys = ticket_keys(uploader);
    ps_file_ticket t = {.content = *content, .expires_s = expires_s, .downloader = {.len = 3}};
    uint8_t salt[PS_FILE_TICKET_SALT];
    test_ticket out;
    memset(&out, 0, sizeof out);
    memset(t.key, (int)(number % 251), sizeof t.key);
    memset(salt, (int)(number % 241), sizeof salt);
    memcpy(t.downloader.bytes, "ann", 3);
    memcpy(out.key, t.key, sizeof out.key);
    out.len = ps_file_ticket_seal(crypto, keys.keys[1], keys.first_epoch + 1, salt, &t, out.bytes);
    return out;
}

static inline test_ticket ticket_for(const ps_crypto *crypto, uint8_t uploader,
                                     const ps_content *content, uint32_t number)
{
    return ticket_for_until(crypto, uploader, content, number, TICKET_WALL_S + 60);
}

#endif

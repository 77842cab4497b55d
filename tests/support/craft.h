/* Packets and messages made by hand from the tables of core/PROTOCOL.md: an encoder of its own, so
 * that a mistake of the product's does not hide behind itself. It checks nothing, for tests want
 * what the product would never send: every field takes any value, every text up to 255 bytes.
 *
 *     craft c;
 *     craft_packet(&c, session_id, 7);
 *     craft_heartbeat(&c, 1, 0, 0);
 *     ... c.data, c.len ...
 *
 * A message of any shape: craft_message(), fields, craft_end(). What does not fit ends the test. */
#ifndef PS_TESTS_CRAFT_H
#define PS_TESTS_CRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than a datagram may hold: oversized ones are crafted too. */
#define CRAFT_BYTES 65536u

typedef struct craft {
    size_t len;
    size_t message_at; /* Where the message under way begins. */
    size_t count_at;   /* Where the count of its entries stands. */
    uint8_t data[CRAFT_BYTES];
} craft;

/* ---- raw fields, big-endian ---- */

void craft_reset(craft *c);
void craft_u8(craft *c, unsigned v);
void craft_u16(craft *c, unsigned v);
void craft_u32(craft *c, uint32_t v);
void craft_u64(craft *c, uint64_t v);
void craft_bytes(craft *c, const void *bytes, size_t len);
/* One length byte and the text. */
void craft_text(craft *c, const char *text);
void craft_text_of(craft *c, const void *bytes, size_t len);
/* `count` times the same byte. */
void craft_fill(craft *c, unsigned byte, size_t count);

/* ---- packets ---- */

/* Empties c and writes the header of a DATA packet. Its messages are crafted as they are before
 * they are sealed. */
void craft_packet(craft *c, uint64_t receiver_id, uint64_t counter);
/* The same with another type. */
void craft_packet_of(craft *c, unsigned type, uint64_t receiver_id, uint64_t counter);
/* A RESET, which is a header alone. */
void craft_reset_packet(craft *c, uint64_t receiver_id, uint64_t counter);

/* Whole packets of a handshake, with `len` bytes of Noise's message each. `cookie` has 16 bytes;
 * NULL: zeros. */
void craft_initiate(craft *c, unsigned version, uint64_t client_id, const uint8_t *cookie,
                    const uint8_t *message, size_t len);
void craft_respond(craft *c, uint64_t client_id, const uint8_t *message, size_t len);
/* `key`: 32 bytes, the client's public one. */
void craft_retry(craft *c, uint64_t client_id, const uint8_t *cookie, const uint8_t *key);
void craft_versions(craft *c, uint64_t client_id, const uint8_t *versions, size_t count);

/* ---- messages ---- */

/* Begins a message; craft_end() puts its length right. */
void craft_message(craft *c, unsigned type, uint32_t request);
void craft_end(craft *c);
/* Overwrites the length of the message that began last. */
void craft_length(craft *c, unsigned length);

typedef struct craft_login_fields {
    uint8_t device[16];
    uint32_t capabilities;
    uint16_t stream_port;
    uint16_t datagram_max;
    uint8_t method;
    const char *user;
    const char *secret;
    const char *ticket; /* Beside a password; NULL: none. */
} craft_login_fields;

/* A LOGIN that a server takes: stream port 7001, 1200 bytes, by password. */
craft_login_fields craft_login_default(const char *user, const char *password);
void craft_login(craft *c, uint32_t request, const craft_login_fields *m);

/* `family` 4 or 6 with `ip` in network order; 0 writes the family alone. */
void craft_address(craft *c, unsigned family, const uint8_t *ip, unsigned port);

typedef struct craft_login_ok_fields {
    uint64_t wall_s;
    uint64_t generation;
    uint64_t digest;
    uint64_t life;
    const char *ticket; /* NULL: none. */
    uint64_t expires_s;
    uint64_t first_epoch;
    const uint8_t *file_keys;
    size_t file_keys_len; /* In bytes; 0: none. */
} craft_login_ok_fields;

/* Heartbeats of 2 s, 3 s and 80 ms; the observed address is 127.0.0.1:7001. */
void craft_login_ok_of(craft *c, uint32_t request, const craft_login_ok_fields *m);
/* No clock, digest 0, life 1, no ticket, no keys. */
void craft_login_ok(craft *c, uint32_t request, uint64_t generation);
/* A typed field at the end of LOGIN or LOGIN_OK: before craft_end() of a message begun by hand. */
void craft_field(craft *c, unsigned type, const void *bytes, size_t len);

void craft_heartbeat(craft *c, uint32_t request, uint64_t generation, uint64_t digest);
void craft_heartbeat_ok(craft *c, uint32_t request, uint64_t generation, uint64_t digest,
                        uint64_t wall_s);

/* PUBLISH and UNPUBLISH: begin, entries (each counts), craft_end(). */
void craft_publish(craft *c, uint32_t request, uint64_t generation);
void craft_publish_entry(craft *c, uint64_t length, const uint8_t root[32], const char *name);
void craft_unpublish(craft *c, uint32_t request, uint64_t generation);
void craft_unpublish_entry(craft *c, const char *name);
/* PUBLISHED: begin, refusals, craft_end(). */
void craft_published(craft *c, uint32_t request, uint64_t generation);
void craft_refusal(craft *c, unsigned index, unsigned error);

void craft_digests(craft *c, uint32_t request, unsigned first);
/* `digests` begins with that of bucket `first`. */
void craft_digests_ok(craft *c, uint32_t request, uint64_t generation, unsigned first,
                      unsigned count, const uint64_t digests[]);
void craft_list_names(craft *c, uint32_t request, uint64_t cursor, const uint8_t buckets[32]);

void craft_list_peers(craft *c, uint32_t request, uint64_t cursor);
void craft_list_files(craft *c, uint32_t request, uint64_t cursor);
void craft_search(craft *c, uint32_t request, uint64_t cursor, const char *text);
void craft_locate(craft *c, uint32_t request, uint64_t cursor, const char *name);

/* Pages: begin with PEERS (9), FILES (12), SOURCES (14) or NAMES (25), entries, craft_end(). */
void craft_page(craft *c, unsigned type, uint32_t request, uint64_t next);
void craft_peer_entry(craft *c, const char *user);
void craft_name_entry(craft *c, const char *name);
void craft_file_entry(craft *c, unsigned flags, uint64_t length, const uint8_t root[32],
                      const char *user, const char *name);
/* Followed by `addresses` times craft_candidate(), then by craft_source_ticket(). */
void craft_source_entry(craft *c, unsigned flags, uint64_t length, const uint8_t root[32],
                        const char *user, unsigned addresses);
/* An address in a source; `family` as in craft_address(). */
void craft_candidate(craft *c, unsigned kind, unsigned family, const uint8_t *ip, unsigned port);
/* `key` has 32 bytes. len 0: no ticket, and no key. */
void craft_source_ticket(craft *c, const uint8_t *key, const void *ticket, size_t len);

void craft_logout(craft *c, uint32_t request);
void craft_logout_ok(craft *c, uint32_t request);
void craft_challenge(craft *c, uint32_t request, uint64_t nonce);
void craft_challenge_ok(craft *c, uint32_t request, uint64_t nonce);
void craft_push(craft *c, uint32_t request, unsigned kind, const char *data);
void craft_push_ok(craft *c, uint32_t request);
void craft_error(craft *c, uint32_t request, unsigned code, uint32_t retry_ms, const char *text);

#endif

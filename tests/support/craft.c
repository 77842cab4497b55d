#include "craft.h"

#include <stdlib.h>
#include <string.h>

/* Numbers as in the tables of core/PROTOCOL.md, written out a second time on purpose. */
enum {
    LOGIN = 1,
    LOGIN_OK = 2,
    HEARTBEAT = 3,
    HEARTBEAT_OK = 4,
    PUBLISH = 5,
    UNPUBLISH = 6,
    PUBLISHED = 7,
    LIST_PEERS = 8,
    LIST_FILES = 10,
    SEARCH = 11,
    LOCATE = 13,
    LOGOUT = 15,
    LOGOUT_OK = 16,
    CHALLENGE = 17,
    CHALLENGE_OK = 18,
    PUSH = 19,
    PUSH_OK = 20,
    ERROR_MESSAGE = 21,
    DIGESTS = 22,
    DIGESTS_OK = 23,
    LIST_NAMES = 24
};

/* ---- raw fields ---- */

void craft_reset(craft *c)
{
    c->len = 0;
    c->message_at = 0;
    c->count_at = 0;
}

void craft_bytes(craft *c, const void *bytes, size_t len)
{
    if (len > CRAFT_BYTES - c->len) {
        abort();
    }
    if (len > 0) {
        memcpy(c->data + c->len, bytes, len);
        c->len += len;
    }
}

static void craft_number(craft *c, uint64_t v, unsigned bytes)
{
    while (bytes-- > 0) {
        craft_fill(c, (unsigned)(v >> (8 * bytes)) & 0xff, 1);
    }
}

void craft_fill(craft *c, unsigned byte, size_t count)
{
    const uint8_t b = (uint8_t)byte;
    while (count-- > 0) {
        craft_bytes(c, &b, 1);
    }
}

void craft_u8(craft *c, unsigned v)
{
    craft_number(c, v, 1);
}

void craft_u16(craft *c, unsigned v)
{
    craft_number(c, v, 2);
}

void craft_u32(craft *c, uint32_t v)
{
    craft_number(c, v, 4);
}

void craft_u64(craft *c, uint64_t v)
{
    craft_number(c, v, 8);
}

void craft_text_of(craft *c, const void *bytes, size_t len)
{
    if (len > 255) {
        abort();
    }
    craft_u8(c, (unsigned)len);
    craft_bytes(c, bytes, len);
}

void craft_text(craft *c, const char *text)
{
    craft_text_of(c, text, strlen(text));
}

/* ---- packets and messages ---- */

void craft_packet_of(craft *c, unsigned type, uint64_t receiver_id, uint64_t counter)
{
    craft_reset(c);
    craft_u8(c, type);
    craft_u64(c, receiver_id);
    craft_u64(c, counter);
}

void craft_packet(craft *c, uint64_t receiver_id, uint64_t counter)
{
    craft_packet_of(c, 4, receiver_id, counter);
}

void craft_reset_packet(craft *c, uint64_t receiver_id, uint64_t counter)
{
    craft_packet_of(c, 5, receiver_id, counter);
}

static void craft_cookie(craft *c, const uint8_t *cookie)
{
    if (cookie != NULL) {
        craft_bytes(c, cookie, 16);
    } else {
        craft_fill(c, 0, 16);
    }
}

void craft_initiate(craft *c, unsigned version, uint64_t client_id, const uint8_t *cookie,
                    const uint8_t *message, size_t len)
{
    craft_reset(c);
    craft_u8(c, 1);
    craft_u8(c, version);
    craft_u64(c, client_id);
    craft_cookie(c, cookie);
    craft_bytes(c, message, len);
}

void craft_respond(craft *c, uint64_t client_id, const uint8_t *message, size_t len)
{
    craft_reset(c);
    craft_u8(c, 2);
    craft_u64(c, client_id);
    craft_bytes(c, message, len);
}

void craft_retry(craft *c, uint64_t client_id, const uint8_t *cookie, const uint8_t *key)
{
    craft_reset(c);
    craft_u8(c, 3);
    craft_u64(c, client_id);
    craft_cookie(c, cookie);
    craft_bytes(c, key, 32);
}

void craft_versions(craft *c, uint64_t client_id, const uint8_t *versions, size_t count)
{
    craft_reset(c);
    craft_u8(c, 6);
    craft_u64(c, client_id);
    craft_text_of(c, versions, count);
}

void craft_message(craft *c, unsigned type, uint32_t request)
{
    c->message_at = c->len;
    craft_u8(c, type);
    craft_u8(c, 0);
    craft_u16(c, 0);
    craft_u32(c, request);
}

void craft_length(craft *c, unsigned length)
{
    c->data[c->message_at + 2] = (uint8_t)(length / 256);
    c->data[c->message_at + 3] = (uint8_t)(length % 256);
}

void craft_end(craft *c)
{
    craft_length(c, (unsigned)(c->len - c->message_at - 8));
}

static void empty_message(craft *c, unsigned type, uint32_t request)
{
    craft_message(c, type, request);
    craft_end(c);
}

static void number_message(craft *c, unsigned type, uint32_t request, uint64_t v)
{
    craft_message(c, type, request);
    craft_u64(c, v);
    craft_end(c);
}

/* A message with a number, then a count of entries that follow. */
static void counted_message(craft *c, unsigned type, uint32_t request, uint64_t v)
{
    craft_message(c, type, request);
    craft_u64(c, v);
    c->count_at = c->len;
    craft_u8(c, 0);
}

/* ---- login ---- */

craft_login_fields craft_login_default(const char *user, const char *password)
{
    craft_login_fields m = {
        .stream_port = 7001, .datagram_max = 1200, .method = 1, .user = user, .secret = password};
    memset(m.device, 0xd1, sizeof m.device);
    return m;
}

void craft_login(craft *c, uint32_t request, const craft_login_fields *m)
{
    craft_message(c, LOGIN, request);
    craft_bytes(c, m->device, sizeof m->device);
    craft_u32(c, m->capabilities);
    craft_u16(c, m->stream_port);
    craft_u16(c, m->datagram_max);
    craft_u8(c, m->method);
    craft_text(c, m->user);
    craft_text(c, m->secret);
    if (m->ticket != NULL) {
        craft_field(c, 1, m->ticket, strlen(m->ticket));
    }
    craft_end(c);
}

void craft_address(craft *c, unsigned family, const uint8_t *ip, unsigned port)
{
    craft_u8(c, family);
    if (family != 0) {
        craft_u16(c, port);
        craft_bytes(c, ip, family == 6 ? 16 : 4);
    }
}

void craft_login_ok(craft *c, uint32_t request, uint64_t generation)
{
    const craft_login_ok_fields m = {.generation = generation, .life = 1};
    craft_login_ok_of(c, request, &m);
}

void craft_login_ok_of(craft *c, uint32_t request, const craft_login_ok_fields *m)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    craft_message(c, LOGIN_OK, request);
    craft_u32(c, 2000);
    craft_u32(c, 3000);
    craft_u32(c, 80);
    craft_u64(c, m->wall_s);
    craft_u64(c, m->generation);
    craft_u64(c, m->digest);
    craft_u64(c, m->life);
    craft_address(c, 4, loopback, 7001);
    if (m->ticket != NULL) {
        craft_u8(c, 1);
        craft_u16(c, (unsigned)(8 + strlen(m->ticket)));
        craft_u64(c, m->expires_s);
        craft_bytes(c, m->ticket, strlen(m->ticket));
    }
    if (m->file_keys_len > 0) {
        craft_u8(c, 2);
        craft_u16(c, (unsigned)(8 + m->file_keys_len));
        craft_u64(c, m->first_epoch);
        craft_bytes(c, m->file_keys, m->file_keys_len);
    }
    craft_end(c);
}

void craft_field(craft *c, unsigned type, const void *bytes, size_t len)
{
    craft_u8(c, type);
    craft_u16(c, (unsigned)len);
    craft_bytes(c, bytes, len);
}

/* ---- heartbeat ---- */

void craft_heartbeat(craft *c, uint32_t request, uint64_t generation, uint64_t digest)
{
    craft_message(c, HEARTBEAT, request);
    craft_u64(c, generation);
    craft_u64(c, digest);
    craft_end(c);
}

void craft_heartbeat_ok(craft *c, uint32_t request, uint64_t generation, uint64_t digest,
                        uint64_t wall_s)
{
    craft_message(c, HEARTBEAT_OK, request);
    craft_u64(c, generation);
    craft_u64(c, digest);
    craft_u64(c, wall_s);
    craft_end(c);
}

/* ---- publications ---- */

void craft_publish(craft *c, uint32_t request, uint64_t generation)
{
    counted_message(c, PUBLISH, request, generation);
}

void craft_publish_entry(craft *c, uint64_t length, const uint8_t root[32], const char *name)
{
    craft_u64(c, length);
    craft_bytes(c, root, 32);
    craft_text(c, name);
    c->data[c->count_at]++;
}

void craft_unpublish(craft *c, uint32_t request, uint64_t generation)
{
    counted_message(c, UNPUBLISH, request, generation);
}

void craft_unpublish_entry(craft *c, const char *name)
{
    craft_text(c, name);
    c->data[c->count_at]++;
}

void craft_published(craft *c, uint32_t request, uint64_t generation)
{
    counted_message(c, PUBLISHED, request, generation);
}

void craft_refusal(craft *c, unsigned index, unsigned error)
{
    craft_u8(c, index);
    craft_u16(c, error);
    c->data[c->count_at]++;
}

/* ---- repair ---- */

void craft_digests(craft *c, uint32_t request, unsigned first)
{
    craft_message(c, DIGESTS, request);
    craft_u8(c, first);
    craft_end(c);
}

void craft_digests_ok(craft *c, uint32_t request, uint64_t generation, unsigned first,
                      unsigned count, const uint64_t digests[])
{
    craft_message(c, DIGESTS_OK, request);
    craft_u64(c, generation);
    craft_u8(c, first);
    craft_u16(c, count);
    for (unsigned i = 0; i < count; i++) {
        craft_u64(c, digests[i]);
    }
    craft_end(c);
}

void craft_list_names(craft *c, uint32_t request, uint64_t cursor, const uint8_t buckets[32])
{
    craft_message(c, LIST_NAMES, request);
    craft_u64(c, cursor);
    craft_bytes(c, buckets, 32);
    craft_end(c);
}

/* ---- lists ---- */

void craft_list_peers(craft *c, uint32_t request, uint64_t cursor)
{
    number_message(c, LIST_PEERS, request, cursor);
}

void craft_list_files(craft *c, uint32_t request, uint64_t cursor)
{
    number_message(c, LIST_FILES, request, cursor);
}

static void text_message(craft *c, unsigned type, uint32_t request, uint64_t cursor,
                         const char *text)
{
    craft_message(c, type, request);
    craft_u64(c, cursor);
    craft_text(c, text);
    craft_end(c);
}

void craft_search(craft *c, uint32_t request, uint64_t cursor, const char *text)
{
    text_message(c, SEARCH, request, cursor, text);
}

void craft_locate(craft *c, uint32_t request, uint64_t cursor, const char *name)
{
    text_message(c, LOCATE, request, cursor, name);
}

void craft_page(craft *c, unsigned type, uint32_t request, uint64_t next)
{
    counted_message(c, type, request, next);
}

void craft_peer_entry(craft *c, const char *user)
{
    craft_text(c, user);
    c->data[c->count_at]++;
}

void craft_name_entry(craft *c, const char *name)
{
    craft_text(c, name);
    c->data[c->count_at]++;
}

void craft_file_entry(craft *c, unsigned flags, uint64_t length, const uint8_t root[32],
                      const char *user, const char *name)
{
    craft_u8(c, flags);
    craft_u64(c, length);
    craft_bytes(c, root, 32);
    craft_text(c, user);
    craft_text(c, name);
    c->data[c->count_at]++;
}

void craft_source_entry(craft *c, unsigned flags, uint64_t length, const uint8_t root[32],
                        const char *user, unsigned addresses)
{
    craft_u8(c, flags);
    craft_u64(c, length);
    craft_bytes(c, root, 32);
    craft_text(c, user);
    craft_u8(c, addresses);
    c->data[c->count_at]++;
}

void craft_candidate(craft *c, unsigned kind, unsigned family, const uint8_t *ip, unsigned port)
{
    craft_u8(c, kind);
    craft_u8(c, family == 6 ? 19 : family == 4 ? 7 : 1);
    craft_address(c, family, ip, port);
}

void craft_source_ticket(craft *c, const uint8_t *key, const void *ticket, size_t len)
{
    craft_u8(c, (unsigned)len);
    if (len > 0) {
        craft_bytes(c, key, 32);
        craft_bytes(c, ticket, len);
    }
}

/* ---- the rest ---- */

void craft_logout(craft *c, uint32_t request)
{
    empty_message(c, LOGOUT, request);
}

void craft_logout_ok(craft *c, uint32_t request)
{
    empty_message(c, LOGOUT_OK, request);
}

void craft_challenge(craft *c, uint32_t request, uint64_t nonce)
{
    number_message(c, CHALLENGE, request, nonce);
}

void craft_challenge_ok(craft *c, uint32_t request, uint64_t nonce)
{
    number_message(c, CHALLENGE_OK, request, nonce);
}

void craft_push(craft *c, uint32_t request, unsigned kind, const char *data)
{
    craft_message(c, PUSH, request);
    craft_u8(c, kind);
    craft_text(c, data);
    craft_end(c);
}

void craft_push_ok(craft *c, uint32_t request)
{
    empty_message(c, PUSH_OK, request);
}

void craft_error(craft *c, uint32_t request, unsigned code, uint32_t retry_ms, const char *text)
{
    craft_message(c, ERROR_MESSAGE, request);
    craft_u16(c, code);
    craft_u32(c, retry_ms);
    craft_text(c, text);
    craft_end(c);
}

/* Packets and the messages inside them. core/PROTOCOL.md has every byte. */
#ifndef PS_WIRE_PACKET_H
#define PS_WIRE_PACKET_H

#include "util/bytes.h"

#include "peersync/crypto.h"

/* Packet types 0x01..0x08 are PeerSync's; from 0x09 up a port may be shared with text protocols. */
typedef enum ps_packet_type {
    PS_PACKET_INITIATE = 1,
    PS_PACKET_RESPOND,
    PS_PACKET_RETRY,
    PS_PACKET_DATA,
    PS_PACKET_RESET,
    PS_PACKET_VERSIONS
} ps_packet_type;

/* The version of the protocol that this code speaks. */
#define PS_VERSION 1u
/* Versions that a packet can name. */
#define PS_VERSIONS_MAX 16u

/* INITIATE, from a client without keys. What comes before the cookie is the same in all versions.
 *   0        1         2             10              26                          256
 *   +--------+---------+-------------+---------------+----------------------------+
 *   | type 1 | version | client id   | cookie, or 0s | Noise's first message, 230 |
 *   +--------+---------+-------------+---------------+----------------------------+
 * That message's payload: count u8, versions offered; zeros. Version and client id are bound by the
 * handshake's prologue: "PeerSync", version u8, client id u64. */
#define PS_INITIATE_BYTES   256u
#define PS_INITIATE_COOKIE  10u
#define PS_INITIATE_MESSAGE 26u
#define PS_PROLOGUE_BYTES   17u

/* RESPOND, to the client id.
 *   0        1             9
 *   +--------+-------------+-----------------------------------+
 *   | type 2 | client id   | Noise's second message, 104 up    |
 *   +--------+-------------+-----------------------------------+
 * Its payload: receiver id u64 of what the client sends from now on; typed fields. */
#define PS_RESPOND_MESSAGE 9u
#define PS_RESPOND_PAYLOAD 8u
#define PS_RESPOND_BYTES   (PS_RESPOND_MESSAGE + 96u + PS_RESPOND_PAYLOAD)

/* RETRY: the same INITIATE again, with this cookie. Echoes the client's ephemeral key.
 *   0        1             9                25                57
 *   +--------+-------------+----------------+-----------------+
 *   | type 3 | client id   | cookie         | key             |
 *   +--------+-------------+----------------+-----------------+ */
#define PS_RETRY_BYTES 57u

/* DATA                                              RESET: a header alone
 *   0        1                 9                17                          -16
 *   +--------+-----------------+----------------+----------------------------+-----+
 *   | type 4 | receiver id     | counter        | sealed messages ...        | tag |
 *   +--------+-----------------+----------------+----------------------------+-----+
 * RESET (type 5): the server has no keys for this receiver id, which a packet with this counter was
 * for. */
#define PS_PACKET_HEADER 17u

/* VERSIONS: those that the server speaks.
 *   0        1             9       10
 *   +--------+-------------+-------+--------------+
 *   | type 6 | client id   | count | versions ... |
 *   +--------+-------------+-------+--------------+ */
#define PS_VERSIONS_HEADER 10u

/* Messages that one packet may hold; bounds the answers to it. */
#define PS_PACKET_MESSAGES 8u

typedef struct ps_packet {
    uint8_t type;
    uint8_t version;      /* INITIATE only. */
    uint64_t receiver_id; /* The client id, or (DATA to a server, RESET) the server's id. */
    uint64_t counter;     /* DATA, RESET. */
    ps_span body;         /* INITIATE: from the cookie on. RESPOND: the Noise message. RETRY: cookie
                             and key. DATA: sealed messages and tag. VERSIONS: the versions. */
} ps_packet;

/* Tells packets apart and checks their lengths; an INITIATE of another version only has to have the
 * length of ours. False: drop it for the reason in *why. */
bool ps_packet_decode(const uint8_t *data, size_t len, ps_packet *out, ps_drop *why);
/* Writes the header of a DATA packet. */
void ps_packet_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter);
/* A whole RESET. */
void ps_reset_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter);
/* An INITIATE up to its Noise message, which the caller puts into the room behind (returned; NULL:
 * no room). `cookie` of 16 bytes, or NULL. */
uint8_t *ps_initiate_encode(ps_writer *w, uint64_t client_id, const uint8_t *cookie);
/* A RESPOND up to its Noise message. */
uint8_t *ps_respond_encode(ps_writer *w, uint64_t client_id);
void ps_retry_encode(ps_writer *w, uint64_t client_id, const uint8_t cookie[16],
                     const uint8_t key[PS_KEY_BYTES]);
/* The versions that this code speaks. */
void ps_versions_encode(ps_writer *w, uint64_t client_id);

/* What both ends bind the handshake to. */
void ps_prologue_encode(uint8_t out[PS_PROLOGUE_BYTES], uint64_t client_id);
/* The payload of INITIATE's Noise message: `out` has PS_INITIATE_BYTES - PS_INITIATE_MESSAGE -
 * PS_KEY_BYTES bytes. */
void ps_offer_encode(uint8_t *out);
/* True when the versions offered are well-formed and none is better than `version` and known here.
 */
bool ps_offer_fits(ps_span payload, uint8_t version);

/*   0      1       2        4            8
 *   +------+-------+--------+------------+---------
 *   | type | flags | length | request id | body ...     flags: sent as 0, ignored when received
 *   +------+-------+--------+------------+---------     length: of the body */
#define PS_MESSAGE_HEADER 8u

typedef enum ps_message_type {
    PS_MSG_LOGIN = 1,
    PS_MSG_LOGIN_OK,
    PS_MSG_HEARTBEAT,
    PS_MSG_HEARTBEAT_OK,
    PS_MSG_PUBLISH,
    PS_MSG_UNPUBLISH,
    PS_MSG_PUBLISHED, /* Answers PUBLISH and UNPUBLISH. */
    PS_MSG_LIST_PEERS,
    PS_MSG_PEERS,
    PS_MSG_LIST_FILES,
    PS_MSG_SEARCH,
    PS_MSG_FILES, /* Answers LIST_FILES and SEARCH. */
    PS_MSG_LOCATE,
    PS_MSG_SOURCES,
    PS_MSG_LOGOUT,
    PS_MSG_LOGOUT_OK,
    PS_MSG_CHALLENGE,
    PS_MSG_CHALLENGE_OK,
    PS_MSG_PUSH,
    PS_MSG_PUSH_OK,
    PS_MSG_ERROR,
    PS_MSG_DIGESTS,
    PS_MSG_DIGESTS_OK,
    PS_MSG_LIST_NAMES,
    PS_MSG_NAMES /* Answers LIST_NAMES. */
} ps_message_type;

typedef struct ps_message {
    uint8_t type; /* ps_message_type, or unknown. */
    uint32_t request;
    ps_span body;
} ps_message;

/* The next message of a packet. False at the end, or with r->bad set where it is truncated. */
bool ps_message_decode(ps_reader *r, ps_message *out);

/* Begins a message; ps_message_end() patches the length. An encoder that runs out of room rolls the
 * writer back to `mark` (ps_message_end returns false) and leaves it usable. */
typedef struct ps_message_mark {
    size_t at;
} ps_message_mark;

ps_message_mark ps_message_begin(ps_writer *w, ps_message_type type, uint32_t request);
bool ps_message_end(ps_writer *w, ps_message_mark mark);

#endif

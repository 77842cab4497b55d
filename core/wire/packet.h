/* Packets and the messages inside them. core/PROTOCOL.md has every byte. */
#ifndef PS_WIRE_PACKET_H
#define PS_WIRE_PACKET_H

#include "util/bytes.h"

/* Packet types 0x01..0x08 are PeerSync's; from 0x09 up a port may be shared with text protocols. */
enum { PS_PACKET_RESET = 0x05, PS_PACKET_PLAIN = 0x07 };

/*   0        1                 9                17
 *   +--------+-----------------+----------------+----------------
 *   | type 7 | receiver id     | counter        | messages ...
 *   +--------+-----------------+----------------+----------------
 * Receiver id 0: no session yet (a LOGIN).
 *
 * RESET (type 5) is such a header alone: the server knows no session of this receiver id, which a
 * packet with this counter was for. */
#define PS_PACKET_HEADER 17u

/* Messages that one packet may hold; bounds the answers to it. */
#define PS_PACKET_MESSAGES 8u

typedef struct ps_packet {
    uint8_t type;
    uint64_t receiver_id;
    uint64_t counter;
    ps_span messages;
} ps_packet;

/* Opens a packet. False: drop it for the reason in *why. */
bool ps_packet_decode(const uint8_t *data, size_t len, ps_packet *out, ps_drop *why);
/* Writes a packet's header. */
void ps_packet_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter);
/* A whole RESET. */
void ps_reset_encode(ps_writer *w, uint64_t receiver_id, uint64_t counter);

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

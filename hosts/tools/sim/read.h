/* Reads packets from the tables of core/PROTOCOL.md: a reader of its own, so that a mistake of the
 * product's does not hide behind itself. What it cannot read it refuses. */
#ifndef PS_SIM_READ_H
#define PS_SIM_READ_H

#include "peersync/base.h"

/* Packet types. */
enum {
    READ_INITIATE = 1,
    READ_RESPOND = 2,
    READ_RETRY = 3,
    READ_DATA = 4,
    READ_RESET = 5,
    READ_VERSIONS = 6
};

/* Message types. */
enum {
    READ_LOGIN = 1,
    READ_LOGIN_OK = 2,
    READ_HEARTBEAT = 3,
    READ_HEARTBEAT_OK = 4,
    READ_PUBLISH = 5,
    READ_UNPUBLISH = 6,
    READ_PUBLISHED = 7,
    READ_PEERS = 9,
    READ_SEARCH = 11,
    READ_FILES = 12,
    READ_LOCATE = 13,
    READ_SOURCES = 14,
    READ_LOGOUT = 15,
    READ_CHALLENGE = 17,
    READ_CHALLENGE_OK = 18,
    READ_ERROR = 21,
    READ_NAMES = 25
};

typedef struct read_message {
    unsigned type;
    uint32_t request;
    const uint8_t *body;
    size_t len;
} read_message;

typedef struct read_packet {
    unsigned type;
    uint64_t receiver; /* DATA, RESET; else the client id. */
    uint64_t counter;  /* DATA, RESET. */
    uint64_t given;    /* RESPOND: the receiver id that the client is given. */
    read_message messages[8];
    size_t count;
} read_packet;

/* The simulator's seals leave what they seal readable, and this reads it; whether it is genuine
 * others must know (ledger.h). False: not a whole packet, or (DATA) not of one to eight whole
 * messages. */
bool read_packet_of(const uint8_t *data, size_t len, read_packet *out);

/* Walks a body. A read past its end gives zeros and sets `bad`. */
typedef struct read_cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
} read_cursor;

read_cursor read_body(const read_message *m);
uint64_t read_number(read_cursor *c, size_t bytes);
ps_span read_bytes(read_cursor *c, size_t len);
/* A length byte and as many bytes. */
ps_span read_text(read_cursor *c);
ps_content read_content(read_cursor *c);

#endif

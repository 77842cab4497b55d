/* The frames of a stream, as bytes. An eight-byte header, then a body:
 *
 *      0       1       2       3       4       5       6       7
 *  +-------+-------+-------+-------+-------+-------+-------+-------+
 *  | type  | flags | reserved = 0  |   length of the body, bytes   |
 *  +-------+-------+-------+-------+-------+-------+-------+-------+
 */
#ifndef PS_TRANSFER_FRAMES_H
#define PS_TRANSFER_FRAMES_H

#include "channel/file_ticket.h"
#include "transfer/tree.h"
#include "util/bytes.h"

#define PS_STREAM_VERSION     1u
#define PS_STREAM_NONCE_BYTES 32u

typedef enum ps_frame_type {
    PS_FRAME_HELLO = 1,
    PS_FRAME_OPEN = 2, /* From the uploader: its answer, OPENED. */
    PS_FRAME_WANT = 3,
    PS_FRAME_HASHES = 4,
    PS_FRAME_DATA = 5,
    PS_FRAME_ERROR = 9,
    PS_FRAME_BYE = 10
} ps_frame_type;

/* Lengths of bodies, in bytes. */
#define PS_FRAME_HEADER_BYTES 8u
#define PS_HELLO_BYTES        36u  /* Version 1's, from the downloader. */
#define PS_WELCOME_BYTES      40u  /* From the uploader. */
#define PS_HELLO_BYTES_MIN    2u   /* Another version's, refused by its first two bytes. */
#define PS_HELLO_BYTES_MAX    256u /* So, too. */
#define PS_OPEN_BYTES_MIN     (PS_OPEN_MAC_BYTES + 1u)
#define PS_OPEN_BYTES_MAX     (PS_OPEN_MAC_BYTES + PS_FILE_TICKET_MAX)
#define PS_OPENED_BYTES       4u
#define PS_WANT_BYTES         12u
#define PS_HASHES_HEAD_BYTES  8u
#define PS_DATA_HEAD_BYTES    8u
#define PS_ERROR_HEAD_BYTES   4u
#define PS_ERROR_BYTES_MAX    (PS_ERROR_HEAD_BYTES + PS_TEXT_MAX)
#define PS_HASHES_BYTES_MAX                                                                        \
    (PS_HASHES_HEAD_BYTES + (PS_HASHES_MAX + PS_LAYERS_MAX - 9u) * PS_ROOT_BYTES)

typedef struct ps_frame {
    uint8_t type;
    uint32_t length;
} ps_frame;

/* The downloader's HELLO. */
typedef struct ps_hello {
    uint16_t version;
    uint8_t nonce[PS_STREAM_NONCE_BYTES];
} ps_hello;

/* The uploader's HELLO. */
typedef struct ps_welcome {
    uint16_t version;
    uint16_t max_wants;
    uint8_t nonce[PS_STREAM_NONCE_BYTES];
} ps_welcome;

typedef enum ps_want_kind { PS_WANT_HASHES = 1, PS_WANT_DATA = 2 } ps_want_kind;

/* Pieces [first, first + count): their hashes or their bytes. */
typedef struct ps_want {
    uint8_t kind;
    uint32_t first;
    uint32_t count;
} ps_want;

/* Collects a header or a short body from bytes that arrive in any split. */
typedef struct ps_gather {
    uint32_t fill, want;
    uint8_t bytes[PS_HELLO_BYTES_MAX];
} ps_gather;

static inline void ps_gather_begin(ps_gather *g, uint32_t want)
{
    g->fill = 0;
    g->want = want;
}

static inline bool ps_gather_full(const ps_gather *g)
{
    return g->fill == g->want;
}

/* Takes what it lacks from the front; @return how much that was. */
size_t ps_gather_take(ps_gather *g, const uint8_t *data, size_t len);

/* False: flags or the reserved field are not zero. */
bool ps_frame_read(const uint8_t header[PS_FRAME_HEADER_BYTES], ps_frame *frame);
/* The bodies' first bytes; false: malformed. Lengths were checked by the caller. A HELLO of
 * another version reads as its version alone, a WANT is checked against no file. */
bool ps_hello_read(ps_span body, ps_hello *hello);
bool ps_welcome_read(ps_span body, ps_welcome *welcome);
bool ps_want_read(ps_span body, ps_want *want);
/* False: malformed. */
bool ps_opened_read(ps_span body, uint32_t *error);
/* An ERROR's code; 0 where it is malformed. */
uint32_t ps_stream_error_read(ps_span body);

void ps_hello_write(ps_writer *w, const uint8_t nonce[PS_STREAM_NONCE_BYTES]);
void ps_welcome_write(ps_writer *w, uint16_t max_wants, const uint8_t nonce[PS_STREAM_NONCE_BYTES]);
void ps_open_write(ps_writer *w, const uint8_t mac[PS_OPEN_MAC_BYTES], ps_span ticket);
void ps_opened_write(ps_writer *w, uint32_t error);
void ps_want_write(ps_writer *w, const ps_want *want);
/* Header and head of HASHES; nodes follow. */
void ps_hashes_head_write(ps_writer *w, const ps_subtree *s);
/* Header and head of DATA; payload follows. */
void ps_data_head_write(ps_writer *w, uint64_t offset, uint32_t payload);
/* With the code's own words. */
void ps_stream_error_write(ps_writer *w, uint32_t error);
void ps_bye_write(ps_writer *w);

/* What binds an OPEN to a plain stream, which has nothing secret of its own: SHA-256 over "peersync
 * plain" and what each side has drawn for it. */
void ps_plain_binding(const ps_crypto *crypto, const uint8_t downloader[PS_STREAM_NONCE_BYTES],
                      const uint8_t uploader[PS_STREAM_NONCE_BYTES], uint8_t out[32]);

#endif

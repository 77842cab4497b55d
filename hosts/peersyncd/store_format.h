/* The bytes of publications.log. Numbers are big-endian.
 *
 * The file begins with a header:
 *
 *      0                 8         12        16
 *     +-----------------+---------+---------+
 *     | "PEERSYNC"      | version | kind    |      kind: "PUBS"
 *     +-----------------+---------+---------+
 *
 * Then records follow, back to back. A record is one change of one device's log:
 *
 *      0        4               12
 *     +--------+---------------+-------------------+
 *     | length | check         | body: `length`    |
 *     +--------+---------------+-------------------+
 *
 *     body: generation u64, device 16 bytes, flags u8 (1: published), file length u64, root 32
 *     bytes, user length u8, name length u8, user, name
 *
 * `check` is the SHA-256 of length and body, cut to 8 bytes: the programs have it already, and 64
 * bits leave no chance to the torn, stale or zeroed blocks of a crash; a record costs less than the
 * datagram that brought it. */
#ifndef PS_PEERSYNCD_STORE_FORMAT_H
#define PS_PEERSYNCD_STORE_FORMAT_H

#include "peersync/crypto.h"
#include "peersync/server.h"

#define PS_STORE_VERSION    1u
#define PS_STORE_HEADER     16u
#define PS_STORE_PREFIX     12u
#define PS_STORE_BODY_FIXED 67u
#define PS_STORE_RECORD_MAX (PS_STORE_PREFIX + PS_STORE_BODY_FIXED + PS_USER_MAX + PS_NAME_MAX)

typedef enum ps_store_kind {
    PS_STORE_OURS,
    PS_STORE_CUT,     /* The beginning of a header and nothing else: made by a crash. */
    PS_STORE_FOREIGN, /* Not such a file. */
    PS_STORE_NEWER    /* Of a later version of this program. */
} ps_store_kind;

void ps_store_header_write(uint8_t out[PS_STORE_HEADER]);
/* What a file that begins with these bytes (fewer than a header: those are all) is. */
ps_store_kind ps_store_header_read(ps_span head);

/* A record as bytes; @return their number. User and name have at least one byte. */
size_t ps_store_record_write(const ps_crypto *crypto, const ps_input_restore *record,
                             uint8_t out[PS_STORE_RECORD_MAX]);
/* The record at the beginning of `bytes`, whose spans point into them. @return its bytes; 0: there
 * is no whole record, or its check fails. */
size_t ps_store_record_read(const ps_crypto *crypto, ps_span bytes, ps_input_restore *out);

#endif

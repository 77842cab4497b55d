/**
 * @file explain.h
 * Packets in words: for journals, logs and people who look at a network. No machine needs this;
 * what does not call it does not link it.
 */
#ifndef PEERSYNC_EXPLAIN_H
#define PEERSYNC_EXPLAIN_H

#include "peersync/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Room in which nearly every packet fits, in bytes. */
#define PS_EXPLAIN_BYTES 1024u

/**
 * Describes a control packet in one line: "to 1f3a... counter 7: HEARTBEAT request 3 generation 12
 * digest 0". Whatever the bytes are, the line is printable ASCII: names stand in quotes, all but
 * plain characters as \\xNN. Passwords and tickets are never shown, only how long they are. Of long
 * lists the first entries are shown.
 * @param data `len` bytes of any kind; may be NULL when `len` is 0.
 * @param opened the length of the messages that were opened in place behind the header of a DATA
 *        packet (a machine does it with what it takes, ps_server_unseal() and ps_peer_unseal() with
 *        what it has sent); 0: it is still sealed, and only its header is told.
 * @param text room of `cap` bytes; ends with a NUL. What does not fit is cut, and "..." shows it.
 * @return the length without the NUL; 0 when `cap` is 0.
 */
size_t ps_explain_packet(const uint8_t *data, size_t len, size_t opened, char *text, size_t cap);

/**
 * Overwrites the secrets of all LOGINs by password among opened messages with '*', in place and of
 * the same length. Goes by the layout alone: what is cut off, too long or not well-formed otherwise
 * loses what it has of a secret, too.
 * @return how many bytes were overwritten.
 */
size_t ps_explain_blank_secrets(uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif

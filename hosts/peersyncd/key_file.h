/* A file that holds one secret: comment lines, which begin with '#', then the secret in base64, and
 * nothing behind it but ends of lines. */
#ifndef PS_PEERSYNCD_KEY_FILE_H
#define PS_PEERSYNCD_KEY_FILE_H

#include "peersync/base.h"

#define PS_KEY_FILE_SECRET 32u
/* Longer than any file that is made here. */
#define PS_KEY_FILE_BYTES 512u

/* @return false: it is not such a file, or its secret is all zeros, as a crash leaves it on some
 * disks. `secret` then holds nothing of use. */
bool ps_key_file_read(ps_span file, uint8_t secret[PS_KEY_FILE_SECRET]);

/* The file's bytes, NUL-ended. @param comment a line that begins with '#', of 400 bytes at most.
 * @return their number without the NUL. */
size_t ps_key_file_write(const char *comment, const uint8_t secret[PS_KEY_FILE_SECRET],
                         char out[PS_KEY_FILE_BYTES]);

#endif

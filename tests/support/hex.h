/* Bytes of test vectors, as their sources print them. */
#ifndef PS_TESTS_HEX_H
#define PS_TESTS_HEX_H

#include "peersync/base.h"

/* @return how many bytes the text is. Ends the program when it is not hex or `cap` is too small. */
size_t hex_bytes(const char *hex, uint8_t *out, size_t cap);
/* True when the bytes are those of the text. */
bool hex_equal(const char *hex, const uint8_t *bytes, size_t len);

#endif

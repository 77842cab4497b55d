/* Bytes in heap blocks of exactly their size, so that a sanitizer sees a read of one byte more. */
#ifndef PS_TESTS_EXACT_H
#define PS_TESTS_EXACT_H

#include "peersync/base.h"

/* A copy of `len` bytes; free() it. Never NULL: ends the program when memory is out. */
uint8_t *exact_copy(const void *bytes, size_t len);
/* memcmp for memory with padding in it, which was copied but never set: MSan looks away. */
bool exact_same(const uint8_t *a, const uint8_t *b, size_t len);
/* The bytes of a C string, without its terminator; lives as long as the string. */
ps_span span_of(const char *text);
/* True when both spans hold the same bytes. */
bool span_equal(ps_span a, ps_span b);

#endif

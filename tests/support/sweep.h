/* Sweeps that every decoder and encoder of the wire goes through. */
#ifndef PS_TESTS_SWEEP_H
#define PS_TESTS_SWEEP_H

#include "util/bytes.h"

/* Decodes a body, walks all its entries, and says whether it was good. */
typedef bool (*sweep_decode)(ps_span body);
/* Appends the message to the writer; true when it did. */
typedef bool (*sweep_encode)(ps_writer *w, const void *message);

/* Offers every proper prefix of the body, and the body with one byte more, each in a block of its
 * size. @return how many were taken; 0 for a decoder that is strict. */
size_t sweep_cuts(sweep_decode decode, const uint8_t *body, size_t len);

/* Encodes behind three bytes of something else into blocks of every size up to what is needed.
 * @return whether each that was too small was refused with nothing changed, and the last taken. */
bool sweep_capacities(sweep_encode encode, const void *message, size_t needed);

#endif

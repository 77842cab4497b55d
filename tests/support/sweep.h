/* Sweeps that every decoder and encoder of the wire goes through, and every step of a machine. */
#ifndef PS_TESTS_SWEEP_H
#define PS_TESTS_SWEEP_H

#include "peersync/base.h"
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

/* A machine and what it promises. */
typedef struct sweep_machine {
    ps_status (*step)(void *self, ps_input in[], size_t n, size_t *consumed, ps_output *out);
    void *self;
    size_t len;                      /* Of its slab, which is 64-byte aligned. */
    size_t bytes, datagrams, events; /* Room of one step. */
} sweep_machine;

/* Offers the input with every capacity of the three below a step's room: AGAIN, and neither the
 * machine nor the output nor the datagram changed. Then a copy of the machine steps it in blocks of
 * exactly that room, and in a wide output behind something else, with the same result.
 * @return whether all of that held. The machine itself has not moved. */
bool sweep_rooms(const sweep_machine *m, const ps_input *in);

#endif

/* Changes of a few devices' logs, and what a server knows after them. */
#ifndef PS_TESTS_RECORDS_H
#define PS_TESTS_RECORDS_H

#include "unit.h"

#include "peersync/server.h"

#include "random.h"

#define DEVICES 3u
#define NAMES   5u

/* A change by value. */
typedef struct change {
    uint8_t device;
    uint8_t name;
    bool published;
    uint64_t generation;
    uint64_t length;
} change;

/* The directory: the length of each published name, else 0; and where the logs stand. */
typedef struct known {
    uint64_t length[DEVICES][NAMES];
    uint64_t generation[DEVICES];
} known;

/* Names of all lengths; two devices share a user. The spans stay. */
ps_input_restore change_record(const change *c);
ps_event_record change_event(const change *c, uint64_t seq);
/* The next change that can follow, as a server would record it; it is applied to `k`. */
change change_next(known *k, test_random *random);

/* A server without publications of a device forgets it. */
void known_apply(known *k, const change *c);
/* A ps_store_restore into a `known`: takes what a load gives back the way a server does, in order,
 * each generation above the one before. */
void known_restore(void *ctx, const ps_input_restore *r);
void known_assert_equal(const known *a, const known *b);

#endif

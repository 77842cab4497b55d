/* Replays a journal and compares: what peersync-replay does, without its command line. */
#ifndef PS_REPLAY_H
#define PS_REPLAY_H

#include "machine.h"

#include <stdio.h>

/* What to print of the journal on the way, and where. */
typedef struct replay_lines {
    FILE *to;          /* NULL: nothing. */
    uint64_t from, up; /* Numbers of the first and the last input to print. */
} replay_lines;

/* What came of it. */
typedef struct replay_result {
    ps_journal_head head;
    ps_journal_result end; /* END, or how the journal ends else. */
    const char *fault;     /* Not NULL: there is no machine, a clause. Nothing was replayed. */
    uint64_t inputs, records;
    uint64_t first_us, last_us; /* Clock of the first input, and the latest one seen. */
    /* The first record whose outcome was another; nothing behind it was replayed. */
    bool differs;
    ps_journal_record record;
    uint64_t differs_us; /* Clock and kind of its first input. */
    ps_input_type differs_type;
    ps_status status; /* What the last input answered. */
    uint64_t digest;
} replay_result;

/* Steps every input one at a time. `buffer` has PS_JOURNAL_RECORD_MAX bytes.
 * @return true: all that there is replayed equal. */
bool replay_run(ps_journal_source source, void *ctx, uint8_t *buffer, const replay_lines *lines,
                replay_result *result);

/* The kind of an input: "DATAGRAM". Static storage. */
const char *replay_input_name(ps_input_type type);

/* explain.c: an input as it is after the step, which opens datagrams in place (`opened`: how many
 * bytes of messages), then all that it caused: datagrams, events, the reasons of drops. */
void replay_print_input(FILE *to, uint64_t number, uint64_t first_us, const ps_input *in,
                        size_t opened);
void replay_print_outcome(FILE *to, uint64_t number, uint64_t at_us, uint64_t first_us,
                          const replay_machine *m, const uint64_t drops_before[PS_DROP_COUNT]);

/* scrub.c: reads a journal that replays equal, and writes that of another machine, one input a
 * record: it has other secrets, is given the same inputs but for passwords, tickets and what only
 * the first one's keys open, and so does the same (a server's) or what it then can (a peer's).
 * NULL; or what went wrong, a clause in static storage or of strerror(). */
const char *replay_scrub(ps_journal_source source, void *ctx, uint8_t *buffer, const char *path,
                         char *why, size_t why_cap);

#endif

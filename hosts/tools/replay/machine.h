/* The machine that a journal's head describes, for a replay. */
#ifndef PS_REPLAY_MACHINE_H
#define PS_REPLAY_MACHINE_H

#include "peersync/journal.h"

/* One machine in memory of its own, and room for what a step puts out. */
typedef struct replay_machine {
    ps_machine face;
    ps_journal_kind kind;
    ps_server *server;
    ps_peer *peer;
    void *slab;
    size_t slab_len;
    ps_output out; /* Emptied before each step. */
} replay_machine;

/* NULL; or why there is no such machine, a clause in static storage or of strerror(). The
 * configuration's cryptography is set to what the head says. */
const char *replay_machine_open(replay_machine *m, ps_journal_head *head);
void replay_machine_close(replay_machine *m);

/* Steps one input into an empty output. @return OK or MORE; all else: it was not taken. */
ps_status replay_machine_step(replay_machine *m, ps_input *in);

/* Opens a copy of a datagram that it has put out. @return the messages' length; 0: not opened. */
size_t replay_machine_unseal(const replay_machine *m, uint8_t *packet, size_t len);

/* Copies the counters of dropped datagrams. */
void replay_machine_drops(const replay_machine *m, uint64_t drops[PS_DROP_COUNT]);

#endif

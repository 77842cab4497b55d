/* The state file of a partial download: its bytes (see partial.h for their order). */
#ifndef PEERSYNC_DATA_PARTIAL_STATE_H
#define PEERSYNC_DATA_PARTIAL_STATE_H

#include "partial.h"

#define PARTIAL_RECORD_BYTES 40u

/* Sets the names of both files and the seed of the checks. */
void partial_state_names(struct partial *p);
/* Fills `have`, `layer` and `trusted`. A file that is not this state is begun anew. */
ps_status partial_state_read(struct partial *p, ps_posix_error *error);
/* Sets room aside for the records to come, where the system can. */
void partial_state_reserve(struct partial *p);
/* Any thread: a record goes in one piece to the end. */
ps_status partial_state_append(struct partial *p, uint32_t piece, const ps_node *hash,
                               ps_posix_error *error);
/* Takes all records back. */
ps_status partial_state_clear(struct partial *p, ps_posix_error *error);
/* Makes the part last and says what it is, so that it is believed next time. */
void partial_state_close(struct partial *p);

#endif

/* The histories of a world's machines, a file for each life of each process, as peersync-replay
 * reads them: server.journal, peer-3.journal, and of later lives server.2.journal,
 * peer-3.2.journal. However the program ends, they are whole up to the last step that ended. */
#ifndef PS_SIM_JOURNALS_H
#define PS_SIM_JOURNALS_H

#include "peersync/peer.h"
#include "peersync/pump.h"

typedef struct journals journals;

/* For the directory, which is made where it is missing, and so many peers. One at a time.
 * @return NULL: a clause for people in `why`. */
journals *journals_open(const char *dir, uint32_t peers, char *why, size_t why_cap);
/* @return false: a file could not be written, which was said on stderr. */
bool journals_close(journals *j);

/* world_config.born and .failing, with the journals as their `host`. A file that cannot be made
 * ends the program with PS_EXIT_LOCAL_FILE. */
ps_machine journals_born(void *ctx, uint32_t peer, ps_machine inner, const ps_server_config *server,
                         const ps_peer_config *peer_cfg);
void journals_failing(void *ctx);

#endif

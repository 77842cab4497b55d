/* The server at work: libuv's loop drives the pump. */
#ifndef PS_PEERSYNCD_LOOP_H
#define PS_PEERSYNCD_LOOP_H

#include "peersyncd/config.h"
#include "peersyncd/credentials.h"
#include "peersyncd/identity.h"

/* Holds SIGHUP back until the loop handles it, so that it does not end a server that starts: what
 * came by then is one reload. */
void ps_daemon_hold_reload(void);

/* Binds, says where, and serves until SIGTERM or SIGINT. Takes the keys and the credentials over,
 * and reads the latter again on SIGHUP. What is published lasts in `state`, which the caller has
 * locked; NULL: in memory only. @return a ps_exit. */
int ps_daemon_run(const ps_daemon_config *config, const ps_state_dir *state, ps_identity *identity,
                  ps_credentials *credentials);

#endif

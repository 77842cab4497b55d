/* The server at work: libuv's loop drives the pump. */
#ifndef PS_PEERSYNCD_LOOP_H
#define PS_PEERSYNCD_LOOP_H

#include "peersyncd/config.h"
#include "peersyncd/credentials.h"

/* Binds, says where, and serves until SIGTERM or SIGINT. Takes the credentials over, and reads them
 * again on SIGHUP. @return a ps_exit. */
int ps_daemon_run(const ps_daemon_config *config, ps_credentials *credentials);

#endif

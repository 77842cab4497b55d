/* peersyncd --check-config: what would be used, and the memory as a sum. */
#ifndef PS_PEERSYNCD_CHECK_CONFIG_H
#define PS_PEERSYNCD_CHECK_CONFIG_H

#include "peersyncd/config.h"

#include <stdio.h>

/* Binds nothing and changes nothing. @return a ps_exit: CREDENTIALS when the file has a bad line
 * (said on stderr); a file that is missing is said and is no fault. */
int ps_check_config(const ps_daemon_config *config, FILE *out);

/* What one more session (with its user and device) and one more publication (without what its name
 * has beyond 28 bytes) cost, in bytes: from the difference that twice as many make. */
uint64_t ps_bytes_per_session(const ps_server_config *config);
uint64_t ps_bytes_per_publication(const ps_server_config *config);

#endif

/* The file of known servers on the disk. Several names may lead to one file (links), so each change
 * reads it anew under a lock: two programs at once lose nothing of each other's. */
#ifndef PEERSYNC_KNOWN_SERVERS_FILE_H
#define PEERSYNC_KNOWN_SERVERS_FILE_H

#include "common/exit_codes.h"
#include "known_servers.h"

/* Looks a server up. *line is where it stands, from 1; 0: it is not known, or there is no file.
 * @return PS_EXIT_DONE; else the file cannot be used, with a sentence in `why`. */
ps_exit known_servers_look_up(const char *path, const char *server, uint8_t key[PS_KEY_BYTES],
                              uint32_t *line, char *why, size_t why_cap);
/* Another key that the server was known by. */
struct known_servers_before {
    bool found;
    uint8_t key[PS_KEY_BYTES];
};

/* Puts the server's key in; the file (0600) is made where there is none. Waits for others that
 * change it, so that another key may be there by now: with `before` it is replaced, and put there;
 * where that is NULL, it stays.
 * @return as above, or PS_EXIT_SERVER_KEY: another key is there. */
ps_exit known_servers_remember(const char *path, const char *server,
                               const uint8_t key[PS_KEY_BYTES], struct known_servers_before *before,
                               char *why, size_t why_cap);

#endif

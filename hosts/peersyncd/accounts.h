/* The credentials file on disk: read with words for people, or edited under a lock. */
#ifndef PS_PEERSYNCD_ACCOUNTS_H
#define PS_PEERSYNCD_ACCOUNTS_H

#include "peersyncd/config.h"
#include "peersyncd/credentials.h"

/* Room for a message with two paths in it. */
#define PS_ACCOUNTS_MESSAGE 12288u

/* Reads and seals the file. On failure `message` is for people, one or more lines without a final
 * newline. @return a ps_exit. */
int ps_accounts_load(const ps_daemon_config *config, ps_credentials *out, char *message,
                     size_t cap);

/* Reads the file without sealing it, for editing and checking. A missing file is an empty table
 * with *missing set. */
int ps_accounts_read(const ps_daemon_config *config, ps_credentials *out, bool *missing,
                     char *message, size_t cap);

/* The exact command that makes the first user, quoted for a shell. */
void ps_accounts_first_command(const ps_daemon_config *config, char *out, size_t cap);

/* `peersyncd user WORD...`: the words behind "user". @return a ps_exit; it has printed everything.
 */
int ps_accounts_command(const ps_daemon_config *config, const ps_words *words);

#endif

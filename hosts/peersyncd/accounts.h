/* The credentials file on disk: read with words for people, or edited under a lock. */
#ifndef PS_PEERSYNCD_ACCOUNTS_H
#define PS_PEERSYNCD_ACCOUNTS_H

#include "peersyncd/config.h"
#include "peersyncd/credentials.h"

/* Room for a message with two paths in it. */
#define PS_ACCOUNTS_MESSAGE 12288u

/* A server does not start without users; a running one may lose all of them. */
typedef enum ps_accounts_when { PS_ACCOUNTS_START, PS_ACCOUNTS_RELOAD } ps_accounts_when;

/* Reads and seals the file. On failure `message` is for people, one or more lines without a final
 * newline. @return a ps_exit. */
int ps_accounts_load(const ps_daemon_config *config, const uint8_t realm_secret[32],
                     ps_accounts_when when, ps_credentials *out, char *message, size_t cap);

/* Reads a file without sealing it, for editing and checking. A missing file is an empty table
 * with *missing set. */
int ps_accounts_read(const char *file, ps_credentials *out, bool *missing, char *message,
                     size_t cap);

/* The exact command, quoted for a shell, that makes the first user ("add NAME") or converts
 * passwords in clear ("import"). */
void ps_accounts_command_line(const ps_daemon_config *config, const char *what, char *out,
                              size_t cap);

/* Logs what the operator should change: passwords in clear, weak strings, readers of the file,
 * no users. */
void ps_accounts_warn(const ps_daemon_config *config, const ps_credentials *credentials);

/* `peersyncd user WORD...`: the words behind "user". @return a ps_exit; it has printed everything.
 */
int ps_accounts_command(const ps_daemon_config *config, const ps_words *words);

#endif

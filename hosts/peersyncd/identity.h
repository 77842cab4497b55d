/* Who the server is: an X25519 secret that its clients know it by, and a secret of the realm that
 * seals tickets and cookies. Both are made at the first start and last in a directory:
 *
 *     server.key, realm.key    a comment that says what it is, and 32 bytes in base64; mode 0600 */
#ifndef PS_PEERSYNCD_IDENTITY_H
#define PS_PEERSYNCD_IDENTITY_H

#include "common/fingerprint.h"
#include "common/state_dir.h"

#define PS_IDENTITY_SERVER_FILE "server.key"
#define PS_IDENTITY_REALM_FILE  "realm.key"

/* Room for a message with a path in it. */
#define PS_IDENTITY_MESSAGE (PS_STATE_PATH_MAX * 2u + 512u)

/* Secret but for the public key: ps_identity_wipe() it. */
typedef struct ps_identity {
    uint8_t static_secret[PS_KEY_BYTES];
    uint8_t realm_secret[32];
    uint8_t public_key[PS_KEY_BYTES];
    char path[PS_STATE_PATH_MAX + 16]; /* Of the server's key; empty: these keys end with the
                                          process. */
    bool made;                         /* There was no server key: it is new. */
} ps_identity;

/* Reads the keys from an open directory, and makes those that are missing. Nothing that is there is
 * ever changed: a file that others may read, or that is damaged, is refused. Several processes may
 * do this at once: all get the same keys.
 * @return a ps_exit; when it is not DONE, `message` says for people what to do. */
int ps_identity_load(const ps_state_dir *dir, ps_identity *out, char *message, size_t cap);

/* The same where no directory was named: in the user's own place for it, without a lock. What lasts
 * there is used: when only the realm secret cannot be made, one is that ends with the process.
 * @param may_end when there is no server key there for certain, and none can be made, make keys
 * that end with the process. `message` then says what ends (else it is empty). */
int ps_identity_load_default(bool may_end, ps_identity *out, char *message, size_t cap);

void ps_identity_wipe(ps_identity *identity);

/* identity_show.c: `peersyncd key show`: the fingerprint on stdout, the file's path on stderr.
 * @param state the state directory, or NULL. @return a ps_exit. */
int ps_identity_show(const char *state);

#endif

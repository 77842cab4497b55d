/* The credentials file: `username password`, one a line; `#` begins a comment line.
 *
 * Passwords stand in it in clear, as in the original system: the file must be nobody else's to
 * read. The parser is pure: bytes in, a table or one fault out. */
#ifndef PS_PEERSYNCD_CREDENTIALS_H
#define PS_PEERSYNCD_CREDENTIALS_H

#include "peersync/base.h"
#include "peersync/crypto.h"

/* Largest file that is read, in bytes, and most accounts in it. */
#define PS_CREDENTIALS_BYTES_MAX ((size_t)64 << 20)
#define PS_ACCOUNTS_MAX          (UINT32_C(1) << 22)
/* Bytes of the secret that keys the digests. */
#define PS_CREDENTIALS_SALT 32u

/* One account. Offsets count bytes of the file. */
typedef struct ps_account {
    uint32_t line_at, line_len; /* The whole line, its newline included. */
    uint32_t user_at, password_at;
    uint32_t line; /* From 1. */
    uint8_t user_len, password_len;
    uint8_t digest[32]; /* Set by ps_credentials_seal(). */
} ps_account;

typedef struct ps_credentials {
    uint8_t *text; /* A copy of the file; after sealing without passwords. */
    size_t text_len;
    ps_account *accounts; /* In the file's order. */
    uint32_t count;
    uint32_t *index; /* Open addressing by user name: account + 1, or 0. */
    uint32_t index_mask;
    const ps_crypto *crypto; /* NULL: not sealed. */
    uint8_t salt[PS_CREDENTIALS_SALT];
    uint8_t nobody[32]; /* What an unknown user's password is compared with. */
} ps_credentials;

/* Why a file cannot be used. */
typedef struct ps_credentials_fault {
    uint32_t line;  /* From 1; 0: not of a line (out of memory, too large). */
    char text[512]; /* For people; safe for a terminal. */
} ps_credentials_fault;

/* Reads a file's bytes. @return true and a table (ps_credentials_free() it), or false and why. */
bool ps_credentials_parse(ps_span file, ps_credentials *out, ps_credentials_fault *fault);

/* Wipes the passwords and frees the table; all zero is allowed. */
void ps_credentials_free(ps_credentials *c);

/* The account of this user, or NULL. Not in constant time: for editing. */
const ps_account *ps_credentials_find(const ps_credentials *c, ps_span user);
ps_span ps_account_user(const ps_credentials *c, const ps_account *account);

/* Replaces the passwords by digests: SHA-256 of the salt and both words at a fixed length. From now
 * on ps_credentials_verify() works. */
void ps_credentials_seal(ps_credentials *c, const ps_crypto *crypto,
                         const uint8_t salt[PS_CREDENTIALS_SALT]);

/* True when the user exists and this is the password. An unknown user, a known one and passwords of
 * any length take the same path: one digest of a fixed length, one comparison in constant time. */
bool ps_credentials_verify(const ps_credentials *c, ps_span user, ps_span password);

/* A clause that says why a password cannot stand in the file, or NULL. Static storage. */
const char *ps_password_fault(ps_span password);

#endif

/* The credentials file: `username argon2id-string`, one a line; `#` begins a comment line.
 *
 * A line of the original system's form, `username password`, works too: what does not look like a
 * hash is a password in clear. The parser is pure: bytes in, a table or one fault out. */
#ifndef PS_PEERSYNCD_CREDENTIALS_H
#define PS_PEERSYNCD_CREDENTIALS_H

#include "peersync/base.h"
#include "peersyncd/password.h"

/* Largest file that is read, in bytes, and most accounts in it. */
#define PS_CREDENTIALS_BYTES_MAX ((size_t)64 << 20)
#define PS_ACCOUNTS_MAX          (UINT32_C(1) << 22)

/* One account. Offsets count bytes of the file. */
typedef struct ps_account {
    uint32_t line_at, line_len; /* The whole line, its newline included. */
    uint32_t user_at, password_at;
    uint32_t line; /* From 1. */
    uint8_t user_len, password_len;
    bool hashed; /* The password stands as an argon2id string. */
    /* Set by ps_credentials_seal(). */
    uint8_t digest[32]; /* Of a password in clear. */
    uint8_t credential[PS_CREDENTIAL_BYTES];
} ps_account;

typedef struct ps_credentials {
    uint8_t *text; /* A copy of the file; after sealing without passwords in clear. */
    size_t text_len;
    ps_account *accounts; /* In the file's order. */
    uint32_t count;
    uint32_t *hashed; /* Those with an argon2id string, hashed_count of them. */
    uint32_t hashed_count;
    uint32_t weak_count; /* Of those, weaker than interactive. */
    uint32_t *index;     /* Open addressing by user name: account + 1, or 0. */
    uint32_t index_mask;
    struct {
        uint8_t credential[32], digest[32], choice[crypto_shorthash_KEYBYTES];
    } keys; /* Set by ps_credentials_seal(). */
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

/* The account of this user, or NULL. Not in constant time. */
const ps_account *ps_credentials_find(const ps_credentials *c, ps_span user);
ps_span ps_account_user(const ps_credentials *c, const ps_account *account);
/* What stands for the password; gone after sealing where it was in clear. */
ps_span ps_account_stored(const ps_credentials *c, const ps_account *account);

/* Names what is stored (ps_account.credential: a keyed hash of the user and the stored text exactly
 * as in the file), and replaces passwords in clear by keyed digests. From now on
 * ps_credentials_trial() works.
 * @param realm_secret keys both, so that a ticket's credential means the same after a restart. */
void ps_credentials_seal(ps_credentials *c, const uint8_t realm_secret[32]);

/* What it takes to verify one login, copied out of the table, which may change meanwhile. */
typedef struct ps_trial {
    char stored[PS_PASSWORD_STORED];         /* Run argon2id against this in any case, */
    bool counts;                             /* and if this is set, its result is the answer; */
    bool good;                               /* else this is. */
    uint8_t credential[PS_CREDENTIAL_BYTES]; /* The account's; of an unknown user, zero. */
} ps_trial;

/* An unknown user, and one whose password stands in clear, gets the string of another account that
 * his name chooses, so that all take as long as the accounts of this file take. */
void ps_credentials_trial(const ps_credentials *c, ps_span user, ps_span password, ps_trial *out);

/* The verdict, given what argon2id said. */
ps_check ps_trial_verdict(const ps_trial *trial, ps_check argon2id);

#endif

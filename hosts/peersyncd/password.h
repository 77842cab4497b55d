/* Stored passwords: argon2id strings as libsodium makes them (crypto_pwhash_str). */
#ifndef PS_PEERSYNCD_PASSWORD_H
#define PS_PEERSYNCD_PASSWORD_H

#include "peersync/base.h"

#include <sodium.h>

#define PS_PASSWORD_STORED crypto_pwhash_STRBYTES /* Room for a string, with its NUL. */

/* A login may not ask for more than these, whatever stands in the file. */
#define PS_PASSWORD_MEMORY_MAX (UINT64_C(1) << 30)                    /* Bytes. */
#define PS_PASSWORD_WORK_MAX   (UINT64_C(8) * PS_PASSWORD_MEMORY_MAX) /* Bytes, times passes. */

_Static_assert(crypto_pwhash_argon2id_MEMLIMIT_SENSITIVE <= PS_PASSWORD_MEMORY_MAX,
               "the strongest choice is allowed");

/* libsodium's three strengths. */
typedef enum ps_strength { PS_INTERACTIVE, PS_MODERATE, PS_SENSITIVE } ps_strength;

/* Their words in the order of the enum, for PS_OPTION_CHOICE. */
extern const char *const ps_strengths[];

typedef enum ps_stored_kind {
    PS_STORED_PLAIN,     /* The password itself. */
    PS_STORED_HASHED,    /* Well-formed, of interactive strength or above. */
    PS_STORED_WEAK,      /* Well-formed, below that. */
    PS_STORED_EXCESSIVE, /* Well-formed, and more than a login may cost. */
    PS_STORED_UNUSABLE,  /* A hash of another kind, or a damaged one (`$id$...`): never a password,
                            or whoever reads it could log in with it. */
} ps_stored_kind;

/* What stands in a line for the password. */
ps_stored_kind ps_stored_kind_of(ps_span stored);

/* Makes a string of a password. Takes a while. @return false: there is not enough memory. */
bool ps_password_hash(ps_span password, ps_strength strength, char out[PS_PASSWORD_STORED]);

typedef enum ps_check {
    PS_CHECK_WRONG,
    PS_CHECK_RIGHT,
    PS_CHECK_FAILED, /* Not enough memory: it cannot be told. */
    PS_CHECK_LATE    /* It was not looked at: its peer has given up. */
} ps_check;

/* Is this the password of the string? Takes a while. */
ps_check ps_password_check(const char stored[PS_PASSWORD_STORED], ps_span password);

/* A string that no password fits, of interactive strength. */
extern const char ps_password_of_nobody[PS_PASSWORD_STORED];

/* A clause that says why a password cannot stand in the file or be chosen, or NULL. Static storage.
 */
const char *ps_password_fault(ps_span password);

#endif

/* The store at the program's start: what an earlier life has made durable. */
#ifndef PS_PEERSYNCD_STORE_LOAD_H
#define PS_PEERSYNCD_STORE_LOAD_H

#include "peersyncd/store_files.h"
#include "peersyncd/store_format.h"
#include "peersyncd/store_index.h"

typedef enum ps_store_result {
    PS_STORE_OK,
    PS_STORE_REFUSED, /* Not a log, or of a newer version: see `kind`. */
    PS_STORE_FAILED,  /* The system refused `what` with `error`. */
    PS_STORE_NO_MEMORY
} ps_store_result;

/* What was found, and done. */
typedef struct ps_store_summary {
    ps_store_kind kind;
    uint64_t good;     /* Bytes that count on: header and whole records. */
    uint64_t cut;      /* Bytes behind them: of a record that was not written to its end. */
    uint64_t records;  /* Whole ones. */
    uint64_t counting; /* Of these, those that are not superseded. */
    uint64_t counting_bytes;
    int renew_error; /* ENOSPC, EDQUOT: no room to write it anew, the old log goes on; else 0. */
    int error;
    const char *what; /* "read": the call that failed. */
} ps_store_summary;

/* Takes a record over; its spans live for the call. */
typedef void (*ps_store_restore)(void *ctx, const ps_input_restore *record);

/* Reads the log and changes nothing. */
ps_store_result ps_store_examine(const ps_store_files *files, const ps_crypto *crypto,
                                 const uint8_t salt[PS_STORE_SALT], ps_store_summary *out);

/* Reads the log, gives the records that count to `restore` in order and writes it anew with these
 * alone; where there is no room for that, cuts off what is torn. After PS_STORE_OK the log ends at
 * `good` and all of it is durable (with a `renew_error`: as far as the system knows). */
ps_store_result ps_store_load(const ps_store_files *files, const ps_crypto *crypto,
                              const uint8_t salt[PS_STORE_SALT], ps_store_restore restore,
                              void *ctx, ps_store_summary *out);

/* Why a log was not loaded and what to do, as it follows the file's path in a message. Kept in
 * `room` or static storage. */
typedef char ps_store_words[256];
const char *ps_store_refusal(ps_store_result result, const ps_store_summary *s,
                             ps_store_words room);
/* What to do about an errno of the disk. */
const char *ps_store_advice(int error);

#endif

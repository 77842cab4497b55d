/* Passwords are verified off the loop: a few threads and a queue of fixed size. Slots that held a
 * password are wiped as soon as it has been looked at. */
#ifndef PS_PEERSYNCD_VERIFIER_H
#define PS_PEERSYNCD_VERIFIER_H

#include "peersyncd/credentials.h"
#include "peersyncd/throttle.h"

/* What a verification is thought to take before one has been measured. */
#define PS_VERIFIER_FIRST_US 60000u
/* A login that has waited for longer is not looked at: its peer has given up. */
#define PS_VERIFIER_LATE_US      10000000u
#define PS_VERIFIER_RETRY_MIN_MS 100u
#define PS_VERIFIER_RETRY_MAX_MS 60000u

/* A login under verification, by value. */
typedef struct ps_login_job {
    uint64_t pending; /* The machine's handle. */
    ps_addr from;
    ps_label user;
    uint8_t device[PS_DEVICE_BYTES];
    bool known;
    ps_throttle_marks marks;
    uint8_t password_len;
    uint8_t password[PS_PASSWORD_MAX]; /* Wiped when it comes back. */
    ps_trial trial;
    uint64_t begun_us; /* Set by ps_verifier_begin(). */
    ps_check verdict;  /* Set when it comes back. */
} ps_login_job;

typedef struct ps_verifier_config {
    unsigned threads; /* 1 or more. */
    uint32_t slots;   /* Logins in the queue, under verification and not yet taken back. */
    /* Called by a thread when logins are there to take back. */
    void (*ready)(void *ctx);
    void *ctx;
    /* ps_password_check() and a monotonic clock; a test brings its own. */
    ps_check (*check)(const char stored[PS_PASSWORD_STORED], ps_span password);
    uint64_t (*now_us)(void);
} ps_verifier_config;

typedef struct ps_verifier ps_verifier;

/* Starts the threads, or fewer when the system gives fewer. NULL: none, or no memory. */
ps_verifier *ps_verifier_open(const ps_verifier_config *config);

/* Takes a copy of the login. @return false: the queue is full. */
bool ps_verifier_begin(ps_verifier *v, const ps_login_job *login);

/* Takes back the login that was done first. @return false: none is done. */
bool ps_verifier_end(ps_verifier *v, ps_login_job *out);

/* When the queue of now will have been worked off, as far as one can tell. */
uint32_t ps_verifier_retry_ms(ps_verifier *v);

/* Waits for what is under verification, drops and wipes the rest; NULL is allowed. `ready` is not
 * called afterwards. */
void ps_verifier_close(ps_verifier *v);

#endif

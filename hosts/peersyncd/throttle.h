/* Failed logins slow down: by user, and by the network they come from (IPv4 /32, IPv6 /64). After
 * five failures the next attempt waits for a second, and then twice as long after each, up to a
 * minute; a failure is forgotten every five minutes. A device that has been in as this user before
 * is judged by its own bucket alone, (user, device), so that no stranger can lock a user out of it.
 *
 * Nor shall a stranger keep the user from a new device elsewhere: past the user's wait, one attempt
 * in five seconds comes from a region (IPv4 /24, IPv6 /48) that has not failed as this user. Who
 * asks again before he was told to lengthens the wait of his own network, and of nobody else.
 *
 * An attempt counts from the moment it is admitted, until it turns out to be right: many at once
 * get no further than one after another. The tables are of fixed size and keyed by SipHash; in a
 * full set the bucket with the fewest failures makes room. Pure: the clock comes in. */
#ifndef PS_PEERSYNCD_THROTTLE_H
#define PS_PEERSYNCD_THROTTLE_H

#include "peersync/base.h"

#define PS_THROTTLE_KEY 16u /* Bytes. */

#define PS_THROTTLE_FREE     5u     /* Failures that cost nothing. */
#define PS_THROTTLE_FIRST_MS 1000u  /* The wait after them, */
#define PS_THROTTLE_MOST_MS  60000u /* and the longest. */
#define PS_THROTTLE_DECAY_MS 300000u
#define PS_THROTTLE_TURN_MS  5000u /* Between two turns of regions without failures, for a user. */

#define PS_THROTTLE_SETS 1024u /* A power of two. */
#define PS_THROTTLE_WAYS 8u

typedef struct ps_throttle_bucket {
    uint64_t tag;       /* 0: free. */
    uint64_t since_ms;  /* When the last failure was, or was forgotten. */
    uint64_t until_ms;  /* No attempt before. */
    uint64_t before_ms; /* What until_ms was before the last count. */
    uint64_t next_ms;   /* A user's: the next turn of a region without failures. A region's: when it
                           was told to come again. */
    uint32_t last;      /* The number of the last count. */
    uint8_t failures;
} ps_throttle_bucket;

typedef ps_throttle_bucket ps_throttle_table[PS_THROTTLE_SETS][PS_THROTTLE_WAYS];

typedef struct ps_throttle {
    uint8_t key[PS_THROTTLE_KEY];
    uint32_t counts;
    ps_throttle_table users, networks, devices;
    ps_throttle_table regions; /* By user and region. */
} ps_throttle;

/* What an attempt has added to a bucket, to take it back. */
typedef struct ps_throttle_mark {
    uint32_t number; /* 0: nothing. */
    bool added;      /* Not when there were as many failures as count. */
} ps_throttle_mark;

typedef struct ps_throttle_marks {
    ps_throttle_mark own, network, region;
} ps_throttle_marks;

/* Who tries. */
typedef struct ps_throttle_who {
    ps_span user;
    const ps_addr *from;
    const uint8_t *device;   /* PS_DEVICE_BYTES; used when it is known. */
    bool known;              /* The device has shown that it has been in as this user. */
    ps_throttle_marks marks; /* Set by admission: hand them back with the outcome. */
} ps_throttle_who;

/* @param key random and secret. */
void ps_throttle_init(ps_throttle *t, const uint8_t key[PS_THROTTLE_KEY]);

/* May this attempt be looked at? @return 0: yes, and one of the calls below tells how it ended;
 * else the time to wait, in milliseconds. */
uint32_t ps_throttle_admit(ps_throttle *t, ps_throttle_who *who, uint64_t now_ms);

/* A wrong password needs no call: it counts since it was admitted. */

/* It was right: what is counted against the user (or his known device) is forgotten. Of the
 * network, only this attempt is: who has an account could else wash it clean. */
void ps_throttle_succeeded(ps_throttle *t, const ps_throttle_who *who);
/* It was not looked at after all. A wait that another attempt has earned stays. */
void ps_throttle_dropped(ps_throttle *t, const ps_throttle_who *who);

#endif

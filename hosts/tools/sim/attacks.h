/* Attacks on the control channel, each in a world of its own, with what must hold and the figures
 * that people want to see: for the story `attacks` and for tests. An attacker sees every datagram
 * and can send any datagram from any address; what peers and server know he does not. Work costs:
 * a packet 1.5 us, a handshake 100 us, a password 63 ms on one of four threads; the server's
 * receive queue holds 256. */
#ifndef PS_SIM_ATTACKS_H
#define PS_SIM_ATTACKS_H

#include "show.h"

typedef struct attacks {
    uint64_t seed;
    uint32_t batch;
    const char *repeat; /* As in world_config. */
    show *show;         /* NULL: nobody watches. */
    FILE *out;          /* Gets the figures; NULL: nobody reads them. */
    uint32_t crowd;     /* Peers that return at once by tickets, */
    uint32_t crowd_by_password;
    uint32_t flood; /* Spoofed INITIATEs in ten seconds. */
    proof sum;      /* What answers what before an address is proven, of all worlds. */
    uint64_t hash;  /* Of all their traces. */
} attacks;

/* Ten thousand in a crowd, a million in the flood. */
void attacks_init(attacks *a);

/* attack_packets.c: what was captured comes again; bits turned over; lies about addresses; RESETs
 * from anybody. */
void attack_replay(attacks *a);
void attack_flips(attacks *a);
void attack_spoofs(attacks *a);
void attack_resets(attacks *a);
/* attack_flood.c: spoofed INITIATEs, ten seconds long. */
void attack_flood(attacks *a);
/* attack_move.c: roaming, and a victim's address claimed. */
void attack_roam(attacks *a);
void attack_claim(attacks *a);
/* attack_return.c: a server restarts under a crowd. */
void attack_return(attacks *a);
void attack_return_by_password(attacks *a);
/* attack_accounts.c: clocks across expiry; passwords changed, users removed. */
void attack_clocks(attacks *a);
void attack_accounts(attacks *a);

/* ---- for attack_*.c ---- */

#define ATTACK_MS UINT64_C(1000)
#define ATTACK_S  UINT64_C(1000000)

/* Times of waits, for people: "1.23". */
#define ATTACK_SECONDS(us) (us) / ATTACK_S, (us) % ATTACK_S / 10000

void attack_config(const attacks *a, world_config *cfg, uint32_t peers);
/* Time passes, shown where somebody watches. */
void attack_run(const attacks *a, world *w, uint64_t us);
/* Ends the world; its table and hash are added to the sum. */
void attack_end(attacks *a, world *w);
/* A line of figures: a title and a text. */
void attack_say(const attacks *a, const char *title, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A generator that no world shares. */
uint64_t attack_random(uint64_t *state);
/* An address of 198.18.0.0/15, where nobody is. */
ps_addr attack_nobody(uint64_t number);
ps_addr attack_server(const world *w);
uint64_t attack_drops(const world *w, ps_drop why);

#endif

/* Six peers with five names each, short and long: what stories of exhaustion play with. */
#ifndef PS_TESTS_EXHAUSTION_H
#define PS_TESTS_EXHAUSTION_H

#include "story.h"

#define PEERS 6u
#define NAMES 5u
/* Blocks of 28 bytes for the rest of one peer's long names. */
#define PEER_BLOCKS 12u

/* A roomy server whose tables may be full. */
void exhaustion_config(world_config *cfg);
/* Blocks that the k-th name of any peer needs beyond its record. */
uint32_t exhaustion_blocks(uint32_t k);
/* Which of the peer's names it is; fails the test when it is none. */
uint32_t exhaustion_number(uint32_t peer, ps_span name);
world_command *exhaustion_publish(world *w, uint32_t peer, uint32_t k);
/* Unpublishes, waits for the end; @return its error. */
uint32_t exhaustion_unpublish(world *w, uint32_t peer, uint32_t k);
/* The server lists these, and nothing else; peer 0, who is online, sees them once each. */
void exhaustion_require_listed(world *w, bool listed[PEERS][NAMES]);

#endif

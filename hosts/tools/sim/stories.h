/* Stories that people watch: a short life of a server and its peers, told in stages. The world
 * checks everything that it always checks, and a story checks its own end. */
#ifndef PS_SIM_STORIES_H
#define PS_SIM_STORIES_H

#include "show.h"

#include <stdio.h>

/* X(name, function, what happens). To add one: a line here, and story_<function>.c. */
#define STORY_LIST(X)                                                                              \
    X("attacks", attacks,                                                                          \
      "Replays, flipped bits, lies about addresses, a flood of a million\n"                        \
      "               handshakes, ten thousand peers that return at once.")                        \
    X("flash-crowd", flash_crowd,                                                                  \
      "280 people log in at once and want the same file; then a cable is cut,\n"                   \
      "               and then the server starts again without its memory.")                       \
    X("million", million,                                                                          \
      "A million peers log in to one server and stay: what a heartbeat costs.\n"                   \
      "               Takes 8 GiB of memory and minutes.")

typedef struct story_config {
    uint64_t seed;
    uint32_t batch;
    const char *repeat; /* As in world_config. */
    show *show;         /* Lets time pass; never NULL. */
    FILE *summary;      /* Gets the last word; NULL: nobody reads it. */
} story_config;

typedef struct story {
    const char *name;
    const char *about;
    /* Ends the program where something does not hold. */
    void (*tell)(const story_config *cfg);
} story;

/* All of them; a NULL name ends the table. */
extern const story stories[];

#define STORY_DECLARE(name, function, about) void story_##function(const story_config *cfg);
STORY_LIST(STORY_DECLARE)
#undef STORY_DECLARE

#endif

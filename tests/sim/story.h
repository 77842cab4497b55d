/* How stories begin: cmocka, and the world. */
#ifndef PS_TESTS_STORY_H
#define PS_TESTS_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

#define MS UINT64_C(1000)
#define S  UINT64_C(1000000)

static inline world *story_world(uint32_t peers)
{
    world_config cfg;
    world_config_default(&cfg, peers);
    return world_new(&cfg);
}

#endif

/* Canaries of the programs: known bugs, listed with the core's (core/util/canary.h), that only
 * builds for the nets carry. */
#ifndef PEERSYNC_COMMON_CANARY_H
#define PEERSYNC_COMMON_CANARY_H

#if defined(PEERSYNC_CANARIES)
#include "util/canary.h"
#else
#define PS_CANARY(name) 0
#endif

#endif

/* Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
 * 2002): of some things, few that still make an experiment fail. */
#ifndef PS_SIM_SHORTEN_H
#define PS_SIM_SHORTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does it still fail with only these things? */
typedef bool (*shorten_test)(void *ctx, const uint32_t things[], size_t len);

/* Shortens things[0 .. len), with which the experiment fails, in place; the order stays.
 * @return how many are left: without any one of them the experiment does not fail. */
size_t shorten(uint32_t things[], size_t len, shorten_test fails, void *ctx);

#endif

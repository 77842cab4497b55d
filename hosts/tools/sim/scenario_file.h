/* A scenario in a file. */
#ifndef PS_SIM_SCENARIO_FILE_H
#define PS_SIM_SCENARIO_FILE_H

#include "scenario.h"

/* Reads it. @return NULL, and *code is what to end with: why was printed. Else scenario_drop() ends
 * it. */
scenario *scenario_load(const char *path, int *code);
/* NULL is fine. */
void scenario_drop(scenario *s);

#endif

/* The nets that canaries (core/util/canary.h) are driven into. Each trial is a process of its own,
 * which a bug may end in any way. */
#ifndef PS_TESTS_CANARY_NETS_H
#define PS_TESTS_CANARY_NETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a net has to say of a bug. */
typedef struct canary_catch {
    bool caught;
    char by[48];   /* Which test, scene, or invariant; */
    char soon[32]; /* and how soon. */
} canary_catch;

/* Bug 0 is none. */

/* Programs of unit tests whose names begin with test_FOLDER_, one after the other, with the canary
 * of this name awake, until one fails. */
void canary_units(const char *folder, const char *name, char *const programs[], size_t len,
                  canary_catch *c);
/* The exhaustive search of every scene, a little deeper each time. */
void canary_exhaustive(int bug, canary_catch *c);
/* Sources that lie, and tickets that are none. */
void canary_liars(int bug, canary_catch *c);
/* Swarms of growing seeds. False: such a seed fails without a bug, too, and `said` tells how. */
bool canary_swarms(int bug, canary_catch *c, const char **said);

double canary_seconds(void);

#endif

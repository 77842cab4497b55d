/* Wakes the canary that the environment names, so that a test can be asked whether it catches it.
 */
#include "util/canary.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"",
#define NAME(name, area, folder, what) #name,
                                    PS_CANARY_LIST(NAME)
#undef NAME
};

__attribute__((constructor)) static void wake(void)
{
    const char *wanted = getenv("PEERSYNC_CANARY");
    for (size_t i = 1; wanted != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], wanted) == 0) {
            ps_canary = (ps_canary_name)i;
        }
    }
}

#include "secrecy.h"

#include <stdlib.h>
#include <sys/resource.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

void ps_secrecy_begin(void)
{
    const char *off = getenv(PS_SECRECY_OFF);
    if (off != NULL && off[0] != '\0') {
        return;
    }
    /* Neither can fail where it matters: to lower a limit is always allowed. */
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    (void)setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__)
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

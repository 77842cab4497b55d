#include "util/canary.h"

#if defined(PEERSYNC_CANARIES)
ps_canary_name ps_canary;
#else
/* ISO C wants a translation unit to hold something. */
typedef int ps_canary_none;
#endif

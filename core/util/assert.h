/* PS_ASSERT states what only a bug of ours can break: never the wire, the disk or the clock. It
 * traps; release builds compile it out, and the build says which (PEERSYNC_ASSERTIONS). */
#ifndef PS_UTIL_ASSERT_H
#define PS_UTIL_ASSERT_H

#if defined(PEERSYNC_ASSERTIONS)
#define PS_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#else
#define PS_ASSERT(condition) ((void)sizeof(!(condition)))
#endif

#endif

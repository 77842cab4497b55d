/* When there is no memory. A program that cannot get a few kilobytes cannot do anything sensible:
 * it says so and ends. */
#ifndef PS_COMMON_MEMORY_H
#define PS_COMMON_MEMORY_H

/* Ends the program with PS_EXIT_SYSTEM, at once: other threads may hold locks. */
_Noreturn void ps_memory_missing(const char *program);

#endif

/* libuv's memory. Where it cannot get any, it aborts the program in some places: here the program
 * says what is missing and ends in all of them. */
#ifndef PS_COMMON_LOOP_MEMORY_H
#define PS_COMMON_LOOP_MEMORY_H

/* Before anything else of libuv. `program` is kept. */
void ps_loop_memory_setup(const char *program);

#endif

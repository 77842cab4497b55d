/* The terminal that a table is drawn on: its size, its cursor, and what it can show. */
#ifndef PS_SIM_TERMINAL_H
#define PS_SIM_TERMINAL_H

#include "watch.h"

/* Hides the cursor and makes room, from the top, without losing what stands there. Signals that
 * end the program, and abort(), show the cursor again. */
void terminal_open(void);
/* Size and abilities as they are now. */
watch_screen terminal_screen(void);
/* Puts lines over the ones before, in a single write. */
void terminal_draw(const char *lines, size_t len);
void terminal_close(void);

#endif

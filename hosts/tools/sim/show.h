/* Lets a world's time pass, and shows people how it is doing: as a table on a terminal, in step
 * with real time; as a line now and then; or not at all, at full speed. What is simulated does not
 * depend on it. */
#ifndef PS_SIM_SHOW_H
#define PS_SIM_SHOW_H

#include "world.h"

typedef struct show show;

typedef enum show_mode { SHOW_NOTHING, SHOW_LINES, SHOW_TABLE } show_mode;

/* What can be seen of stdout: a table where it is a terminal, else lines. */
show_mode show_mode_of_stdout(void);

/* @param line_us virtual time from line to line, in SHOW_LINES.
 * @return never NULL. SHOW_TABLE changes the terminal until show_free(); a signal or an abort in
 *         between puts it back, too. */
show *show_new(show_mode mode, const char *title, uint64_t line_us);
/* Shows the end, and lets it stand. */
void show_free(show *s);

/* What happens from now on, in plain words; kept by the caller. */
void show_caption(show *s, const char *caption);
/* Virtual seconds in a real one; 1 / 1 at first. */
void show_speed(show *s, uint32_t num, uint32_t den);
/* A peer's command has ended: lists, searches and locates are counted. */
void show_ended(show *s, const world_command *c);

/* world_run(). */
void show_run(show *s, world *w, uint64_t us);

#endif

/* Progress as lines of text: from what is known of each work and the terminal's size, nothing
 * else. */
#ifndef PEERSYNC_BARS_H
#define PEERSYNC_BARS_H

#include <stddef.h>
#include <stdint.h>

enum bar_state {
    BAR_STARTING, /* Nothing has come yet. */
    BAR_RUNNING,
    BAR_WAITING,  /* For a source. */
    BAR_FINISHING /* All is here; it is being put in its place. */
};

/* One piece of work. */
struct bar {
    const char *name; /* Safe text. */
    enum bar_state state;
    uint64_t done, total; /* Bytes. */
    double rate;          /* Bytes a second; less than 0: not known. */
};

/* Bytes that a line may take. */
#define BAR_LINE_BYTES 2048u

/* Columns that the names of these want. */
size_t bars_names(const struct bar bars[], size_t count);
/*
 * "NAME  [====>   ]   45 %  412.0 MiB / 1.0 GiB  85.0 MiB/s  0:07". No wider than `columns`, of
 * which the name has `names` where there is room; where they are few, the bar is left out first,
 * then the amount, the speed, and the time that is left.
 */
void bar_line(char out[BAR_LINE_BYTES], const struct bar *b, size_t names, size_t columns);
/*
 * A block of at most `rows` lines: as many of `count` works as fit, "and N more", and `sum` (safe
 * text; NULL: none). Lines are divided by '\n', none at the end. free() it.
 */
char *bars_block(const struct bar bars[], size_t count, const char *sum, size_t rows,
                 size_t columns);

#endif

/* How wide text is on a terminal: in columns, not in bytes. Text must be safe (see safe.h). */
#ifndef PEERSYNC_WIDTH_H
#define PEERSYNC_WIDTH_H

#include <stddef.h>

/* Columns that a text takes. */
size_t width_of(const char *text);
/* Copies the text; one that is wider than `columns` loses its middle, which dots show, or where
 * there is no room for both ends, its end. Characters stay whole, with the marks that combine with
 * them. Cut at `cap`, too. @return the columns of what was written. */
size_t width_fit(char *out, size_t cap, const char *text, size_t columns);
/* Cuts the text in place, so that it is no wider. */
void width_cut(char *text, size_t columns);

#endif

/* Rows of data: an aligned table for people, fields divided by tabs for programs. */
#ifndef PEERSYNC_TABLE_H
#define PEERSYNC_TABLE_H

#include "out.h"

#define TABLE_COLUMNS_MAX 8u

/* A column. `people` and `programs` of a cell may differ (sizes, roots); see table_row(). */
struct column {
    const char *head;
    bool right; /* Aligned to the right. */
};

struct table;

/* `columns` must outlive the table. */
struct table *table_open(struct out *out, const struct column *columns, size_t count);
/* One row of `count` cells, safe to print. */
void table_row(struct table *t, const char *const cells[]);
/* Forgets the rows so far. */
void table_clear(struct table *t);
/* Prints the rows (nothing when there was none) and forgets the table. */
void table_close(struct table *t);
/* Forgets it without printing. */
void table_drop(struct table *t);

#endif

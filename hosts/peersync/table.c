#include "table.h"

#include "data/alloc.h"
#include "width.h"

#include <stdlib.h>
#include <string.h>

struct table {
    struct out *out;
    const struct column *columns;
    size_t count;
    bool people;
    char **cells; /* Row by row. */
    size_t rows, rows_cap;
};

struct table *table_open(struct out *out, const struct column *columns, size_t count)
{
    struct table *t = data_alloc(1, sizeof *t);
    *t =
        (struct table){.out = out, .columns = columns, .count = count, .people = out_is_table(out)};
    return t;
}

void table_row(struct table *t, const char *const cells[])
{
    if (t->rows == t->rows_cap) {
        t->rows_cap = t->rows_cap == 0 ? 64 : t->rows_cap * 2;
        t->cells = data_grow(t->cells, t->rows_cap * t->count, sizeof *t->cells);
    }
    for (size_t i = 0; i < t->count; i++) {
        t->cells[t->rows * t->count + i] = data_strdup(cells[i]);
    }
    t->rows++;
}

static void print_row(struct table *t, const char *const cells[], const size_t widths[])
{
    for (size_t i = 0; i < t->count; i++) {
        const int pad = (int)(widths[i] - width_of(cells[i]));
        const bool last = i + 1 == t->count;
        if (t->columns[i].right) {
            out_dataf(t->out, "%*s%s", pad, "", cells[i]);
        } else {
            out_dataf(t->out, "%s%*s", cells[i], last ? 0 : pad, "");
        }
        out_data(t->out, last ? "\n" : "  ", last ? 1 : 2);
    }
}

/* For programs: a tab between the cells, no heads. */
static void print_bare(const struct table *t)
{
    for (size_t i = 0; i < t->rows * t->count; i++) {
        out_data(t->out, t->cells[i], strlen(t->cells[i]));
        out_data(t->out, (i + 1) % t->count != 0 ? "\t" : "\n", 1);
    }
}

static void print_aligned(struct table *t)
{
    size_t widths[TABLE_COLUMNS_MAX];
    const char *heads[TABLE_COLUMNS_MAX];
    for (size_t i = 0; i < t->count; i++) {
        heads[i] = t->columns[i].head;
        widths[i] = width_of(heads[i]);
        for (size_t row = 0; row < t->rows; row++) {
            const size_t w = width_of(t->cells[row * t->count + i]);
            widths[i] = w > widths[i] ? w : widths[i];
        }
    }
    if (t->rows > 0) {
        print_row(t, heads, widths);
    }
    for (size_t row = 0; row < t->rows; row++) {
        print_row(t, (const char *const *)t->cells + row * t->count, widths);
    }
}

void table_close(struct table *t)
{
    if (t->people) {
        print_aligned(t);
    } else {
        print_bare(t);
    }
    table_drop(t);
}

void table_clear(struct table *t)
{
    for (size_t i = 0; i < t->rows * t->count; i++) {
        free(t->cells[i]);
    }
    t->rows = 0;
}

void table_drop(struct table *t)
{
    table_clear(t);
    free(t->cells);
    free(t);
}

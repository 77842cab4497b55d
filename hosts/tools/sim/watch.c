#include "watch.h"

#include "common/format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COUNT(n) ps_format_count((char[PS_FORMAT_COUNT_BYTES]){0}, (n))
/* Where bars and curves begin, and what stands behind a bar. */
#define LABEL_COLUMNS 14u
#define VALUE_COLUMNS 9u
/* Below so many, what does not fit side by side gets a line more. */
#define WIDE_COLUMNS 60u

typedef enum colour { PLAIN, TITLE, DIM, GREEN, YELLOW, RED, BLUE } colour;

static const char *const escapes[] = {
    [PLAIN] = "\033[0m",   [TITLE] = "\033[1m",  [DIM] = "\033[2m",   [GREEN] = "\033[32m",
    [YELLOW] = "\033[33m", [RED] = "\033[1;31m", [BLUE] = "\033[36m",
};

static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
static const char *const levels[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const plain_levels[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};

/* A table that grows line by line. */
typedef struct page {
    char *out;
    size_t len;
    unsigned column, columns, row, rows;
    const watch_screen *screen;
} page;

/* ---- characters ---- */

/* Bytes that do not move the cursor. */
static void put_bytes(page *p, const char *text)
{
    const size_t len = strlen(text);
    if (p->row < p->rows && p->len + len < WATCH_BYTES) {
        memcpy(p->out + p->len, text, len);
        p->len += len;
    }
}

static void put_colour(page *p, colour c)
{
    if (p->screen->colour) {
        put_bytes(p, escapes[c]);
    }
}

/* One character: a cell. What would stand beyond the terminal's edge is left out. */
static void put_cell(page *p, const char *cell)
{
    if (p->column < p->columns) {
        put_bytes(p, cell);
        p->column++;
    }
}

/* ASCII only. */
__attribute__((format(printf, 2, 3))) static void put(page *p, const char *format, ...)
{
    char text[2 * WATCH_COLUMNS_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *at = text; *at; at++) {
        put_cell(p, (const char[]){*at, 0});
    }
}

static void put_spaces_to(page *p, unsigned column)
{
    while (p->column < column && p->column < p->columns) {
        put_cell(p, " ");
    }
}

/* A text that ends at the column. */
static void put_right(page *p, unsigned column, const char *text)
{
    const unsigned len = (unsigned)strlen(text);
    put_spaces_to(p, column > len ? column - len : 0);
    put(p, "%s", text);
}

static void end_line(page *p)
{
    put_bytes(p, "\n");
    p->row++;
    p->column = 0;
}

/* ---- bars and curves ---- */

/* `value` of `most`, in so many cells; what is not nothing shows. */
static void put_bar(page *p, unsigned cells, uint64_t value, uint64_t most, colour c)
{
    const unsigned full = 8 * cells;
    uint64_t parts = most > 0 ? value * full / most : 0;
    parts = parts > full ? full : (parts == 0 && value > 0 ? 1 : parts);
    put_colour(p, c);
    for (unsigned i = 0; i < cells; i++) {
        const uint64_t part = parts > 8ull * i ? parts - 8ull * i : 0;
        if (part == 0) {
            put_cell(p, " ");
        } else if (p->screen->blocks) {
            put_cell(p, eighths[part < 8 ? part : 8]);
        } else {
            put_cell(p, "#");
        }
    }
    put_colour(p, PLAIN);
}

/* The newest values, the last at the right edge. */
static void put_curve(page *p, unsigned cells, const uint32_t values[], size_t len, uint32_t most,
                      colour c)
{
    const size_t shown = len < cells ? len : cells;
    put_colour(p, c);
    put_spaces_to(p, p->column + cells - (unsigned)shown);
    for (size_t i = len - shown; i < len; i++) {
        const uint64_t level = most > 0 ? ((uint64_t)values[i] * 8 + most - 1) / most : 0;
        put_cell(p, (p->screen->blocks ? levels : plain_levels)[level < 8 ? level : 8]);
    }
    put_colour(p, PLAIN);
}

static unsigned bar_cells(const page *p)
{
    const unsigned beside = LABEL_COLUMNS + VALUE_COLUMNS + 1;
    return p->columns > beside ? p->columns - beside : 0;
}

static void bar_line(page *p, const char *label, uint64_t value, uint64_t most, colour c,
                     const char *text)
{
    put(p, "  %s", label);
    put_spaces_to(p, LABEL_COLUMNS);
    put_bar(p, bar_cells(p), value, most, c);
    put_right(p, p->columns - 1, text);
    end_line(p);
}

static void curve_line(page *p, const uint32_t values[], size_t len, uint32_t most, colour c)
{
    put_spaces_to(p, LABEL_COLUMNS);
    put_curve(p, bar_cells(p), values, len, most, c);
    end_line(p);
}

/* ---- the parts of the table ---- */

static colour by_load(uint64_t value, uint64_t most)
{
    return value * 100 >= most * 95 ? RED : (value * 100 >= most * 60 ? YELLOW : GREEN);
}

static const char *speed_text(char out[32], const watch_numbers *n)
{
    if (n->speed_num == n->speed_den) {
        return "";
    }
    if (n->speed_num > n->speed_den) {
        (void)snprintf(out, 32, "%" PRIu32 " x faster", n->speed_num / n->speed_den);
    } else {
        (void)snprintf(out, 32, "slow motion 1/%" PRIu32, n->speed_den / n->speed_num);
    }
    return out;
}

static void draw_title(page *p, const watch_numbers *n)
{
    char clock[32];
    char speed[32];
    const char *fast = speed_text(speed, n);
    (void)snprintf(clock, sizeof clock, "%" PRIu64 ".%02" PRIu64 " s", n->now_us / 1000000,
                   n->now_us % 1000000 / 10000);
    put_colour(p, TITLE);
    put(p, "PeerSync  %s", n->title);
    put_colour(p, PLAIN);
    put_colour(p, DIM);
    if (p->columns >= WIDE_COLUMNS) {
        put(p, "  %s", fast);
    }
    put_colour(p, PLAIN);
    put_colour(p, TITLE);
    put_right(p, p->columns - 1, clock);
    put_colour(p, PLAIN);
    end_line(p);
}

/* Breaks the caption between words; always into as many lines, so that nothing below it jumps. */
static void draw_caption(page *p, const char *text)
{
    const size_t room = p->columns - 1;
    const unsigned lines = p->columns >= WIDE_COLUMNS ? 2 : 3;
    for (unsigned line = 0; line < lines; line++) {
        size_t len = strlen(text);
        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ') {
                len--;
            }
            len = len > 0 ? len : room;
        }
        put_colour(p, BLUE);
        put(p, "%.*s", (int)len, text);
        put_colour(p, PLAIN);
        end_line(p);
        text += len + (text[len] == ' ' ? 1u : 0u);
    }
}

static void draw_peers(page *p, const watch_numbers *n)
{
    static const char *const labels[] = {"online", "logging in", "lost", "offline"};
    static const colour colours[] = {GREEN, YELLOW, RED, DIM};
    uint64_t all = 0;
    for (int i = 0; i < WATCH_PEERS; i++) {
        all += n->peers[i];
    }
    put_colour(p, TITLE);
    put(p, "%" PRIu64 " peers", all);
    put_colour(p, PLAIN);
    end_line(p);
    for (int i = 0; i < WATCH_PEERS; i++) {
        bar_line(p, labels[i], n->peers[i], all, colours[i], COUNT(n->peers[i]));
    }
}

static void draw_server(page *p, const watch_numbers *n)
{
    char text[32];
    put_colour(p, n->down ? RED : TITLE);
    put(p, n->down ? "server: its process does not run" : "server");
    put_colour(p, PLAIN);
    end_line(p);
    (void)snprintf(text, sizeof text, "%" PRIu32 " %%", n->busy_percent);
    bar_line(p, "busy", n->busy_percent, 100, by_load(n->busy_percent, 100), text);
    (void)snprintf(text, sizeof text, "%" PRIu32 "/%" PRIu32, n->waiting, n->queue);
    bar_line(p, "queue", n->waiting, n->queue, by_load(n->waiting, n->queue), text);
    curve_line(p, n->waitings, n->history, n->queue, BLUE);
    put(p, "  holds");
    put_spaces_to(p, LABEL_COLUMNS);
    put(p, "%s sessions, %s files", COUNT(n->sessions), COUNT(n->publications));
    end_line(p);
}

/* A number with its name; red or yellow when it is not nothing. */
static void put_number(page *p, uint64_t value, const char *name, colour c)
{
    put_colour(p, value > 0 ? c : DIM);
    put(p, "%s", COUNT(value));
    put_colour(p, PLAIN);
    put(p, " %s", name);
}

/* Numbers side by side, each at its own place so that nothing jumps; on a narrow terminal the
 * third has a line of its own. */
static void number_line(page *p, const char *label, const uint64_t values[3],
                        const char *const names[3], const colour colours[3])
{
    const bool wide = p->columns >= WIDE_COLUMNS;
    const unsigned step = wide ? (p->columns - LABEL_COLUMNS) / 3 : 13;
    put(p, "  %s", label);
    for (unsigned i = 0; i < 3 && names[i]; i++) {
        if (i == 2 && !wide) {
            end_line(p);
        }
        if (i == 1) {
            put_cell(p, " "); /* Between long numbers, too. */
        }
        put_spaces_to(p, LABEL_COLUMNS + (i == 2 && !wide ? 0 : i * step));
        put_number(p, values[i], names[i], colours[i]);
    }
    end_line(p);
}

static void draw_network(page *p, const watch_numbers *n)
{
    uint32_t most = 1000; /* So that a quiet network's curve is low. */
    for (size_t i = 0; i < n->history; i++) {
        most = n->flows[i] > most ? n->flows[i] : most;
    }
    put_colour(p, TITLE);
    put(p, "each second");
    put_colour(p, PLAIN);
    end_line(p);
    number_line(p, "datagrams", (const uint64_t[]){n->delivered, n->lost, n->dropped},
                (const char *const[]){"arrive", "lost", "met a full queue"},
                (const colour[]){GREEN, YELLOW, RED});
    curve_line(p, n->flows, n->history, most, BLUE);
    number_line(p, "peers", (const uint64_t[]){n->logins, n->answers, 0},
                (const char *const[]){"logins", "answers", NULL},
                (const colour[]){GREEN, GREEN, DIM});
    put(p, "  locate");
    put_spaces_to(p, LABEL_COLUMNS);
    if (n->locates > 0) {
        put_colour(p, by_load(n->locate_most_us, 2000000));
        put(p, "%s ms", COUNT(n->locate_median_us / 1000));
        put_colour(p, PLAIN);
        put(p, " half, %s ms %s", COUNT(n->locate_most_us / 1000),
            p->columns >= WIDE_COLUMNS ? "all answers of the last second" : "all");
    } else {
        put_colour(p, DIM);
        put(p, "none in the last second");
        put_colour(p, PLAIN);
    }
    end_line(p);
}

size_t watch_draw(char out[WATCH_BYTES], const watch_numbers *n, const watch_screen *screen)
{
    page p = {.out = out,
              .columns = screen->columns < WATCH_COLUMNS_MAX ? screen->columns : WATCH_COLUMNS_MAX,
              .rows = screen->rows,
              .screen = screen};
    if (p.columns < 2) {
        p.columns = 2;
    }
    draw_title(&p, n);
    draw_caption(&p, n->caption);
    end_line(&p);
    draw_peers(&p, n);
    end_line(&p);
    draw_server(&p, n);
    end_line(&p);
    draw_network(&p, n);
    out[p.len] = 0;
    return p.len;
}

size_t watch_line(char *out, size_t cap, const watch_numbers *n)
{
    const int len = snprintf(
        out, cap,
        "%6" PRIu64 ".%" PRIu64 " s  online %" PRIu32 "  logging in %" PRIu32 "  lost %" PRIu32
        "  offline %" PRIu32 "  busy %" PRIu32 " %%  queue %" PRIu32 "/%" PRIu32
        "  dropped/s %" PRIu64 "  answers/s %" PRIu64 "  files %" PRIu32 "  %s%s",
        n->now_us / 1000000, n->now_us % 1000000 / 100000, n->peers[WATCH_ONLINE],
        n->peers[WATCH_LOGIN], n->peers[WATCH_LOST], n->peers[WATCH_OFFLINE], n->busy_percent,
        n->waiting, n->queue, n->dropped, n->answers, n->publications,
        n->down ? "(server down) " : "", n->caption);
    return len < 0 ? 0 : ((size_t)len < cap ? (size_t)len : cap - 1);
}

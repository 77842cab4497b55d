#include "bars.h"

#include "common/format.h"
#include "data/alloc.h"
#include "width.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of the parts, which stand below each other in a block, and of the gap before each. */
#define GAP             2u
#define PERCENT_COLUMNS 5u
#define AMOUNT_COLUMNS  23u
#define SPEED_COLUMNS   12u
#define LEFT_COLUMNS    8u
/* A line this wide has room for a word behind the time. */
#define LEFT_WORD_FROM 100u
#define LEFT_WORD      " left"
/* With its brackets. */
#define BAR_MIN 10u
#define BAR_MAX 32u
/* Below this a name says nothing. */
#define NAME_MIN 11u
/* Slower than this the time that is left is nobody's guess: four days. */
#define LEFT_MAX_S 360000.0

/* What a line shows beside the name. */
struct parts {
    bool bar, amount, speed, left;
};

static size_t columns_of(const struct parts *p, bool word)
{
    size_t sum = GAP + PERCENT_COLUMNS;
    sum += p->bar ? GAP + BAR_MIN : 0;
    sum += p->amount ? GAP + AMOUNT_COLUMNS : 0;
    sum += p->speed ? GAP + SPEED_COLUMNS : 0;
    sum += p->left ? GAP + LEFT_COLUMNS : 0;
    sum += p->left && word ? sizeof LEFT_WORD - 1 : 0;
    return sum;
}

/* As much as fits, the dearest first. */
static struct parts choose(size_t columns, bool word)
{
    static const struct parts levels[] = {
        {true, true, true, true},
        {false, true, true, true},
        {false, false, true, true},
        {false, false, false, true},
    };
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (NAME_MIN + columns_of(&levels[i], word) <= columns) {
            return levels[i];
        }
    }
    return (struct parts){.bar = false};
}

static unsigned percent_of(const struct bar *b)
{
    /* Not 100 before all is there. */
    return b->done >= b->total ? 100u : (unsigned)((double)b->done * 100.0 / (double)b->total);
}

static void draw_bar(char *out, const struct bar *b, size_t columns)
{
    const size_t inside = columns - 2;
    size_t full = b->done >= b->total
                      ? inside
                      : (size_t)((double)b->done * (double)inside / (double)b->total);
    full = full > inside ? inside : full;
    memset(out, ' ', columns);
    out[0] = '[';
    memset(out + 1, '=', full);
    if (full > 0 && full < inside) {
        out[full] = '>';
    }
    out[columns - 1] = ']';
    out[columns] = '\0';
}

static const char *state_text(const struct bar *b)
{
    switch (b->state) {
    case BAR_STARTING:
        return "starting";
    case BAR_WAITING:
        return "waiting";
    case BAR_FINISHING:
        return "finishing";
    case BAR_RUNNING:
    default:
        return NULL;
    }
}

/* "0:07", "12:34", "3:04:05"; nothing where it is not known. */
static void left_text(char out[32], const struct bar *b)
{
    out[0] = '\0';
    if (b->state != BAR_RUNNING || b->rate <= 0 || b->done >= b->total) {
        return;
    }
    const double seconds = (double)(b->total - b->done) / b->rate;
    if (seconds < LEFT_MAX_S) {
        const unsigned s = (unsigned)seconds;
        if (s >= 3600) {
            snprintf(out, 32, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
        } else {
            snprintf(out, 32, "%u:%02u", s / 60, s % 60);
        }
    }
}

static void speed_text(char out[32], const struct bar *b)
{
    char size[PS_FORMAT_SIZE_BYTES];
    const char *state = state_text(b);
    if (state != NULL) {
        snprintf(out, 32, "%s", state);
    } else if (b->rate < 0) {
        out[0] = '\0';
    } else {
        snprintf(out, 32, "%s/s", ps_format_size(size, (uint64_t)b->rate));
    }
}

/* Appends, cut at the end. */
__attribute__((format(printf, 2, 3))) static void add(char out[BAR_LINE_BYTES], const char *format,
                                                      ...);
static void add(char out[BAR_LINE_BYTES], const char *format, ...)
{
    const size_t len = strlen(out);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out + len, BAR_LINE_BYTES - len, format, args);
    va_end(args);
}

/* The numbers behind the name and the bar. */
static void add_numbers(char out[BAR_LINE_BYTES], const struct bar *b, const struct parts *p,
                        bool word)
{
    char part[PS_FORMAT_SIZE_BYTES];
    char whole[PS_FORMAT_SIZE_BYTES];
    char amount[2 * PS_FORMAT_SIZE_BYTES + 4];
    char text[32];
    add(out, "  %3u %%", percent_of(b));
    if (p->amount) {
        snprintf(amount, sizeof amount, "%s / %s", ps_format_size(part, b->done),
                 ps_format_size(whole, b->total));
        add(out, "  %*s", (int)AMOUNT_COLUMNS, amount);
    }
    if (p->speed) {
        speed_text(text, b);
        add(out, "  %*s", (int)SPEED_COLUMNS, text);
    }
    if (p->left) {
        left_text(text, b);
        if (!p->speed && b->state != BAR_RUNNING) {
            speed_text(text, b);
        }
        add(out, "  %*s", (int)LEFT_COLUMNS, text);
        if (word && text[0] != '\0') {
            add(out, LEFT_WORD);
        }
    }
}

size_t bars_names(const struct bar bars[], size_t count)
{
    size_t most = NAME_MIN;
    for (size_t i = 0; i < count; i++) {
        const size_t width = width_of(bars[i].name);
        most = width > most ? width : most;
    }
    return most;
}

void bar_line(char out[BAR_LINE_BYTES], const struct bar *b, size_t names, size_t columns)
{
    char bar[BAR_MAX + 1];
    const bool word = columns >= LEFT_WORD_FROM;
    const struct parts p = choose(columns, word);
    const size_t fixed = columns_of(&p, word);
    size_t name = columns > fixed ? columns - fixed : 0;
    size_t more = 0; /* Of the bar: what names do not want, else half of what they do not need. */
    if (p.bar) {
        const size_t left = name > names ? name - names : 0;
        const size_t half = name > 2u * NAME_MIN ? (name - 2u * NAME_MIN) / 2u : 0;
        more = left > half ? left : half;
        more = more > BAR_MAX - BAR_MIN ? BAR_MAX - BAR_MIN : more;
        name -= more;
    }
    name = name > names ? names : name;
    /* An 'x' of a name takes a byte, but a combined one may take many. */
    const size_t used = width_fit(out, BAR_LINE_BYTES / 2, b->name, name);
    if (p.bar) {
        draw_bar(bar, b, BAR_MIN + more);
        add(out, "%*s  %s", (int)(name - used), "", bar);
    } else {
        add(out, "%*s", (int)(name - used), "");
    }
    add_numbers(out, b, &p, word);
    /* Blanks at the end, of a time that is not known. */
    for (size_t len = strlen(out); len > 0 && out[len - 1] == ' '; len--) {
        out[len - 1] = '\0';
    }
    width_cut(out, columns);
}

static char *append(char *block, const char *line)
{
    char *longer = block == NULL ? data_strdup(line) : data_format("%s\n%s", block, line);
    free(block);
    return longer;
}

char *bars_block(const struct bar bars[], size_t count, const char *sum, size_t rows,
                 size_t columns)
{
    char line[BAR_LINE_BYTES];
    char number[PS_FORMAT_COUNT_BYTES];
    char *block = NULL;
    size_t room = rows > 0 ? rows : 1;
    const bool sums = sum != NULL && (room > 1 || count == 0);
    room -= sums ? 1u : 0u;
    size_t shown = count;
    if (count > room) {
        shown = room > 1 ? room - 1 : room; /* One line says how many more there are. */
    }
    const size_t names = bars_names(bars, shown);
    for (size_t i = 0; i < shown; i++) {
        bar_line(line, &bars[i], names, columns);
        block = append(block, line);
    }
    if (shown < count && room > 1) {
        snprintf(line, sizeof line, "and %s more", ps_format_count(number, count - shown));
        width_cut(line, columns);
        block = append(block, line);
    }
    if (sums) {
        snprintf(line, sizeof line, "%s", sum);
        width_cut(line, columns);
        block = append(block, line);
    }
    return block != NULL ? block : data_strdup("");
}

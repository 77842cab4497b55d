#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHOW_CURSOR "\033[0m\033[?25h"

static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT};
static struct sigaction before[sizeof endings / sizeof endings[0]];
static unsigned drawn_columns, drawn_rows;

/* The terminal may be gone: then nobody misses the rest. */
static void put(const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(STDOUT_FILENO, bytes, len);
        if (n < 0) {
            return;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

/* The signal's own effect follows: it was reset, and abort() goes on by itself. */
static void on_ending(int signal)
{
    put(SHOW_CURSOR, sizeof SHOW_CURSOR - 1);
    if (signal != SIGABRT) {
        (void)raise(signal);
    }
}

static void size(unsigned *columns, unsigned *rows)
{
    struct winsize w;
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0;
    *columns = known && w.ws_col > 0 ? w.ws_col : 80;
    *rows = known && w.ws_row > 0 ? w.ws_row : 24;
}

void terminal_open(void)
{
    const struct sigaction action = {.sa_handler = on_ending, .sa_flags = (int)SA_RESETHAND};
    (void)setlocale(LC_CTYPE, "");
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        (void)sigaction(endings[i], &action, &before[i]);
    }
    fflush(stdout);
    put("\033[?25l", 6);
    size(&drawn_columns, &drawn_rows);
    for (unsigned i = 0; i < drawn_rows; i++) {
        put("\n", 1);
    }
}

watch_screen terminal_screen(void)
{
    const char *no_colour = getenv("NO_COLOR");
    watch_screen s = {.colour = !no_colour || no_colour[0] == 0,
                      .blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
    size(&s.columns, &s.rows);
    s.rows -= s.rows > 1 ? 1 : 0; /* The cursor waits below: a failure's text does, too. */
    return s;
}

void terminal_draw(const char *lines, size_t len)
{
    static char frame[WATCH_BYTES + 1024];
    unsigned columns;
    unsigned rows;
    size_t at = 0;
    size(&columns, &rows);
    if (columns != drawn_columns || rows != drawn_rows) {
        at += (size_t)snprintf(frame, sizeof frame, "\033[2J");
        drawn_columns = columns;
        drawn_rows = rows;
    }
    at += (size_t)snprintf(frame + at, sizeof frame - at, "\033[H");
    for (size_t i = 0; i < len && at + 16 < sizeof frame; i++) {
        if (lines[i] == '\n') { /* What a longer line has left there. */
            memcpy(frame + at, "\033[K", 3);
            at += 3;
        }
        frame[at++] = lines[i];
    }
    memcpy(frame + at, "\033[J", 3);
    put(frame, at + 3);
}

void terminal_close(void)
{
    put(SHOW_CURSOR, sizeof SHOW_CURSOR - 1);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        (void)sigaction(endings[i], &before[i], NULL);
    }
}

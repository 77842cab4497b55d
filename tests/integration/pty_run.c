/* Runs a program on a pseudo-terminal and plays a script against it, as a person would type.
 *
 *   pty_run [-t SECONDS] SCRIPT PROGRAM [ARG...]       (SCRIPT "-": standard input)
 *
 * A line of the script is one of
 *   expect TEXT    wait until TEXT appears in the output behind the last match
 *   send TEXT      type TEXT and Return
 *   type TEXT      type TEXT without Return
 *   key C          type Control-C (any letter)
 *   absent TEXT    TEXT has not appeared in the output so far, at all
 *   exit CODE      wait until the program ends, with this exit code (128 + n: by signal n)
 * Empty lines and lines from '#' are left out. Whatever the program prints is copied to stdout.
 * Each step has SECONDS (20) at most. When the script ends without `exit`, the terminal is hung up
 * and the program's end awaited.
 *
 * Exit codes: 0 the script went through; 1 it did not (stderr says which line and why); 2 usage. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (1u << 20)
#define LINE_BYTES 1024

typedef struct player {
    int pty;
    pid_t pid;
    unsigned line;
    int64_t step_ms;
    char *output; /* All that was printed so far, NUL-ended. */
    size_t len;
    size_t matched; /* Where the search for the next `expect` begins. */
    bool ended;     /* The terminal gives no more. */
    int status;     /* Of the program, once reaped. */
    bool reaped;
} player;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3), noreturn)) static void fail(player *p, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "\npty_run: script line %u: ", p->line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (!p->reaped) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    exit(1);
}

/* Takes what the program prints; false when nothing came before the deadline. */
static bool read_some(player *p, int64_t deadline_ms)
{
    struct pollfd fd = {.fd = p->pty, .events = POLLIN};
    const int64_t left = deadline_ms - now_ms();
    if (left <= 0 || poll(&fd, 1, (int)left) == 0) {
        return false;
    }
    if (p->len + 1 >= OUTPUT_MAX) {
        fail(p, "the program prints too much");
    }
    const ssize_t n = read(p->pty, p->output + p->len, OUTPUT_MAX - 1 - p->len);
    if (n <= 0) {
        /* Linux reports EIO when the last holder of the other end has gone. */
        p->ended = n == 0 || (errno != EINTR && errno != EAGAIN);
        return true;
    }
    fwrite(p->output + p->len, 1, (size_t)n, stdout);
    fflush(stdout);
    for (ssize_t i = 0; i < n; i++) {
        char *c = &p->output[p->len + (size_t)i];
        *c = *c == '\0' ? ' ' : *c; /* Keeps strstr() going. */
    }
    p->len += (size_t)n;
    p->output[p->len] = '\0';
    return true;
}

static void expect(player *p, const char *text)
{
    const int64_t deadline = now_ms() + p->step_ms;
    for (;;) {
        const char *found = strstr(p->output + p->matched, text);
        if (found != NULL) {
            p->matched = (size_t)(found - p->output) + strlen(text);
            return;
        }
        if (p->ended) {
            fail(p, "the program ended before it printed '%s'", text);
        }
        if (!read_some(p, deadline)) {
            fail(p, "'%s' was not printed in time", text);
        }
    }
}

static void type(player *p, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(p->pty, text, len);
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            fail(p, "cannot type: %s", strerror(errno));
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

/* Drains the terminal and reaps the program; returns its exit code as a shell does. */
static int await_end(player *p)
{
    const int64_t deadline = now_ms() + p->step_ms;
    while (!p->ended) {
        if (!read_some(p, deadline)) {
            fail(p, "the program did not end in time");
        }
    }
    if (!p->reaped) {
        while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR) {
        }
        p->reaped = true;
    }
    return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}

static void play(player *p, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
        return;
    }
    char *text = strchr(line, ' ');
    if (text == NULL) {
        text = line + strlen(line);
    } else {
        *text++ = '\0';
    }
    if (strcmp(line, "expect") == 0) {
        expect(p, text);
    } else if (strcmp(line, "send") == 0) {
        type(p, text, strlen(text));
        type(p, "\r", 1);
    } else if (strcmp(line, "type") == 0) {
        type(p, text, strlen(text));
    } else if (strcmp(line, "key") == 0) {
        const char c = (char)(text[0] & 0x1f);
        type(p, &c, 1);
    } else if (strcmp(line, "absent") == 0) {
        if (strstr(p->output, text) != NULL) {
            fail(p, "'%s' was printed", text);
        }
    } else if (strcmp(line, "exit") == 0) {
        const int code = await_end(p);
        if (code != atoi(text)) {
            fail(p, "the program ended with %d, not with %s", code, text);
        }
    } else {
        fail(p, "unknown word '%s'", line);
    }
}

int main(int argc, char **argv)
{
    player p = {.step_ms = 20000};
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-t") == 0) {
        p.step_ms = (int64_t)atoi(argv[2]) * 1000;
        first = 3;
    }
    if (argc < first + 2 || p.step_ms <= 0) {
        fprintf(stderr, "usage: pty_run [-t SECONDS] SCRIPT PROGRAM [ARG...]\n");
        return 2;
    }
    FILE *script = strcmp(argv[first], "-") == 0 ? stdin : fopen(argv[first], "re");
    static char output[OUTPUT_MAX];
    p.output = output;
    if (script == NULL) {
        fprintf(stderr, "pty_run: %s: %s\n", argv[first], strerror(errno));
        return 2;
    }
    const struct winsize size = {.ws_row = 24, .ws_col = 80};
    p.pid = forkpty(&p.pty, NULL, NULL, &size);
    if (p.pid < 0) {
        fprintf(stderr, "pty_run: no pseudo-terminal: %s\n", strerror(errno));
        return 2;
    }
    if (p.pid == 0) {
        execvp(argv[first + 1], argv + first + 1);
        fprintf(stderr, "%s: %s\n", argv[first + 1], strerror(errno));
        _exit(127);
    }
    fcntl(p.pty, F_SETFD, FD_CLOEXEC);
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, script) != NULL) {
        p.line++;
        play(&p, line);
    }
    if (!p.reaped) {
        p.line++;
        kill(p.pid, SIGHUP);
        await_end(&p);
    }
    return 0;
}

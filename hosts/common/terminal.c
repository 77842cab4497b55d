#include "common/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
    caught = number;
}

/* Waits for input with the signal mask `during`; false: a signal was caught instead. */
static bool wait_for_input(int fd, const sigset_t *during)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (ppoll(&poll_fd, 1, NULL, during) < 0) {
        if (errno != EINTR || caught != 0) {
            return false;
        }
    }
    return true;
}

/* Reads until a newline. With `during` (may be NULL) a caught signal ends the reading. */
static ssize_t read_line(int fd, char *out, size_t cap, const sigset_t *during)
{
    size_t len = 0;
    bool any = false;
    bool long_line = false;
    for (;;) {
        char c = 0;
        if (during != NULL && !wait_for_input(fd, during)) {
            explicit_bzero(out, cap);
            return -1;
        }
        const ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || (n == 0 && !any)) {
            return -1;
        }
        any = true;
        if (n == 0 || c == '\n') {
            break;
        }
        if (len + 1 < cap) {
            out[len++] = c;
        } else {
            long_line = true;
        }
    }
    if (long_line) {
        explicit_bzero(out, cap);
        return -2;
    }
    if (len > 0 && out[len - 1] == '\r') {
        len--;
    }
    out[len] = '\0';
    return (ssize_t)len;
}

ssize_t ps_line_read(int fd, char *out, size_t cap)
{
    return read_line(fd, out, cap, NULL);
}

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define WATCHED (sizeof watched / sizeof watched[0])

ssize_t ps_password_read(int fd, const char *prompt, char *out, size_t cap)
{
    struct termios before;
    struct sigaction old[WATCHED];
    if (tcgetattr(fd, &before) != 0) {
        return -1;
    }
    /* The signals wait outside of ppoll(), so that none slips in between a look at it and the read.
     * The terminal is restored before one acts. */
    sigset_t block;
    sigset_t mask;
    sigemptyset(&block);
    const struct sigaction action = {.sa_handler = catch_signal};
    caught = 0;
    for (size_t i = 0; i < WATCHED; i++) {
        sigaddset(&block, watched[i]);
    }
    pthread_sigmask(SIG_BLOCK, &block, &mask);
    for (size_t i = 0; i < WATCHED; i++) {
        sigaction(watched[i], &action, &old[i]);
    }
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ECHONL;
    ssize_t result = -1;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
        fputs(prompt, stderr);
        fflush(stderr);
        result = read_line(fd, out, cap, &mask);
        tcsetattr(fd, TCSANOW, &before);
    }
    for (size_t i = 0; i < WATCHED; i++) {
        sigaction(watched[i], &old[i], NULL);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (caught != 0) {
        explicit_bzero(out, cap);
        fputc('\n', stderr);
        raise((int)caught);
        return -1;
    }
    return result;
}

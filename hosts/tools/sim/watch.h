/* Draws how a world is doing: a table for a terminal, or a line. Knows numbers only, and writes
 * into a buffer; show.c takes the numbers from a world and puts the table on the terminal. */
#ifndef PS_SIM_WATCH_H
#define PS_SIM_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames that the curves remember. */
#define WATCH_HISTORY 100u
/* Columns that are used at most: longer bars say no more. */
#define WATCH_COLUMNS_MAX 100u
/* Room for any table. */
#define WATCH_BYTES 32768u

/* Where peers can be, for people. */
typedef enum watch_peers {
    WATCH_ONLINE,
    WATCH_LOGIN,
    WATCH_LOST,
    WATCH_OFFLINE, /* Idle, leaving, or the process does not run. */
    WATCH_PEERS
} watch_peers;

typedef struct watch_numbers {
    const char *title;
    const char *caption;           /* What happens now. */
    uint64_t now_us;               /* Virtual. */
    uint32_t speed_num, speed_den; /* Virtual seconds in a real one. */
    uint32_t peers[WATCH_PEERS];
    bool down;             /* The server's process does not run. */
    uint32_t busy_percent; /* Of the last moment, like all that is "a second". */
    uint32_t waiting;      /* In the server's receive queue: the most in the last moment. */
    uint32_t queue;        /* It holds so many. */
    uint64_t delivered, lost, dropped; /* Datagrams a second; dropped: by full receive queues. */
    uint64_t logins, answers;          /* A second. */
    uint32_t locates;                  /* Answered in the last second, and after how long. */
    uint64_t locate_median_us, locate_most_us;
    uint32_t sessions, publications;
    size_t history; /* Frames that are remembered; the newest is last. */
    uint32_t waitings[WATCH_HISTORY];
    uint32_t flows[WATCH_HISTORY]; /* Datagrams a second. */
} watch_numbers;

typedef struct watch_screen {
    unsigned columns, rows;
    bool colour; /* Else no escape is written at all. */
    bool blocks; /* The terminal knows Unicode's blocks; else ASCII. */
} watch_screen;

/* Writes at most `rows` lines, each ended by '\n' and none wider than `columns`. NUL-ended.
 * @return the length. */
size_t watch_draw(char out[WATCH_BYTES], const watch_numbers *n, const watch_screen *screen);

/* Writes the same numbers as one plain line, without '\n'. NUL-ended. @return the length. */
size_t watch_line(char *out, size_t cap, const watch_numbers *n);

#endif

/* Data planes in one process, files for them, and a relay that damages what passes. */
#ifndef TESTS_UNIT_DATA_FIXTURE_H
#define TESTS_UNIT_DATA_FIXTURE_H

#include "data.h"

#include <pthread.h>

/* What the server's clock says at node_start(). */
#define NODE_WALL_S 1800000000u
/* How long node_source()'s tickets are good. */
#define NODE_TICKET_S 3600u

/* A data plane with folders of its own below a fresh one. */
struct node {
    char base[64]; /* Everything of this node. */
    char state[96];
    char files[96];
    char downloads[96];
    struct data *data;
    struct data_config cfg;
    ps_addr addr;      /* Where it serves. */
    ps_file_keys keys; /* What it opens tickets with: those of NODE_WALL_S's epoch and its
                          neighbours, and no other node's. */
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool awake;
};

/* Makes the folders; node_start() may follow after changes to `cfg`. */
void node_make(struct node *n);
/* Starts and listens on a free port of 127.0.0.1. */
void node_start(struct node *n);
void node_stop(struct node *n);
/* Stops and removes the folders. */
void node_end(struct node *n);

/* The next event other than progress and uploads' comings; fails the test after a minute. */
struct data_event *node_event(struct node *n);
/* The next event of this type; others are thrown away. */
struct data_event *node_event_of(struct node *n, enum data_event_type type);

/* Writes `len` bytes that `seed` determines to `files`/`name`; returns the path (static storage).
 */
const char *node_write(const struct node *n, const char *name, size_t len, unsigned seed);
/* Publishes and waits for DATA_FILE_READY. */
ps_content node_publish(struct node *n, const char *path);
/* Where `up` serves this, with a ticket for "bob" as the server would seal it. */
struct data_source node_source(const struct node *up, const ps_content *content);
/* The same with a ticket of any epoch and expiry. */
struct data_source node_source_until(const struct node *up, const ps_content *content,
                                     uint64_t epoch, uint64_t expires_s);
/* Fetches from one source and waits for the outcome. */
struct data_event *node_fetch(struct node *n, const ps_content *content,
                              const struct data_source *from, const char *name);
/* True when downloads/name holds what node_write() would write. */
bool node_has(const struct node *n, const char *name, size_t len, unsigned seed);
/* True when these are the bytes that node_write() would write. */
bool node_wrote(const uint8_t *bytes, size_t len, unsigned seed);
/* Entries of a folder, without "." and "..". */
size_t folder_count(const char *path);

/* What a relay does to the bytes towards the downloader once `at` of them have passed. */
enum relay_mode {
    RELAY_FLIP, /* Changes one bit, goes on. */
    RELAY_CLOSE,
    RELAY_STALL,
    RELAY_GATE /* Waits for relay_release(), goes on. */
};

struct relay {
    enum relay_mode mode;
    uint64_t at;
    ps_addr to;   /* The honest uploader. */
    ps_addr addr; /* Where the relay listens. */
    int listener;
    unsigned connections; /* Served so far; read it after relay_stop(). */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool reached, released, stopping;
};

void relay_start(struct relay *r, enum relay_mode mode, uint64_t at, const ps_addr *to);
/* GATE: waits until `at` bytes have passed. */
void relay_await(struct relay *r);
void relay_release(struct relay *r);
void relay_stop(struct relay *r);

#endif

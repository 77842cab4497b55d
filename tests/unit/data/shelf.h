/* A library alone, with folders of its own and a crypto that counts and interferes. */
#ifndef TESTS_UNIT_DATA_SHELF_H
#define TESTS_UNIT_DATA_SHELF_H

#include "library.h"

/* A library with folders of its own below a fresh one. */
struct shelf {
    char base[64]; /* Everything of it. */
    char state[96];
    char files[96];
    struct data_config cfg;
    struct events events;
    struct library library;
    bool open;
    uint64_t tag; /* Of the last job. */
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool awake;
};

/* What the shelf's crypto does: counts the bytes hashed, and calls `meddle` (once) when so many
 * were hashed. One shelf at a time. */
extern atomic_ullong shelf_hashed;
void shelf_meddle_at(uint64_t bytes, void (*meddle)(void *ctx), void *ctx);

/* Makes the folders; shelf_start() may follow after changes to `cfg`. For cmocka. */
int shelf_make(void **state);
/* The same, and starts it. */
int shelf_open(void **state);
/* Stops and removes the folders. */
int shelf_end(void **state);
void shelf_start(struct shelf *s);
void shelf_stop(struct shelf *s);

/* The next event other than progress; fails the test after a minute. */
struct data_event *shelf_event(struct shelf *s);
/* The next event of this type; others are thrown away. */
struct data_event *shelf_event_of(struct shelf *s, enum data_event_type type);
/* No event but progress waits. */
void shelf_quiet(struct shelf *s);

/* A path below `files`; static storage, one of four. */
const char *shelf_path(const struct shelf *s, const char *name);
/* Writes `len` bytes that `seed` determines, as tests/vectors/bep52.h says; @return its path. */
const char *shelf_write(const struct shelf *s, const char *name, size_t len, uint32_t seed);
/* Publishes and waits for DATA_FILE_READY. */
ps_content shelf_publish(struct shelf *s, const char *path, const char *name);
/* Publishing the path (as `name`, or NULL) fails with this error, and words that hold `text`. */
void shelf_refused(struct shelf *s, const char *path, const char *name, unsigned error,
                   const char *text);
/* The names published are these, all ready; a space between them. */
void shelf_expect(struct shelf *s, const char *names);

#endif

/* An uploader and a downloader in one process, sealed or plain. */
#ifndef TESTS_UNIT_DATA_PAIR_H
#define TESTS_UNIT_DATA_PAIR_H

#include "fixture.h"

#define MIB 1048576u

struct pair {
    struct node up, down;
};

/* For cmocka: `state` becomes a struct pair. */
int pair_make_sealed(void **state);
int pair_make_plain(void **state);
int pair_end(void **state);

/* A test over TLS, or over each kind of stream. */
#define PAIR_SEALED(test)                                                                          \
    {                                                                                              \
#test, test, pair_make_sealed, pair_end, NULL                                              \
    }
#define PAIR_BOTH(test)                                                                            \
    PAIR_SEALED(test),                                                                             \
    {                                                                                              \
#test "_plain", test, pair_make_plain, pair_end, NULL                                      \
    }

/* Writes and publishes a file of `up`. */
ps_content pair_publish(struct pair *p, const char *name, size_t len, unsigned seed);
/* `up`'s ticket, at another address. */
struct data_source pair_source_at(struct pair *p, const ps_content *content, const ps_addr *addr);
/* A download from `n` sources to downloads/`name`; no waiting. */
struct data_get pair_get(struct pair *p, uint64_t tag, const ps_content *content,
                         const struct data_source *sources, size_t n, const char *name);
/* Starts it. */
void pair_start(struct pair *p, uint64_t tag, const ps_content *content,
                const struct data_source *sources, size_t n, const char *name);
/* The next event of `down` of this type must have these; the rest is the caller's to look at. */
void pair_assert_done(struct pair *p, uint64_t tag);
void pair_assert_failed(struct pair *p, uint64_t tag, unsigned error);
/* Ends `down` and starts it again, with what its `cfg` says now. */
void pair_restart_down(struct pair *p);

#endif

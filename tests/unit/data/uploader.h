/* An uploader that tests reach by hand, sealed or plain. */
#ifndef TESTS_UNIT_DATA_UPLOADER_H
#define TESTS_UNIT_DATA_UPLOADER_H

#include "caller.h"
#include "fixture.h"

#define MIB 1048576u

struct rig {
    struct node up; /* Two slots, one loop: what arrives is served in its order. */
    bool plain;     /* Callers are; else they are sealed. */
};

/* For cmocka: `state` becomes a struct rig. */
int rig_make_sealed(void **state);
int rig_make_plain(void **state);
int rig_end(void **state);

/* A test over TLS, over a plain stream, or over each. */
#define SEALED(test)                                                                               \
    {                                                                                              \
#test, test, rig_make_sealed, rig_end, NULL                                                \
    }
#define PLAIN(test)                                                                                \
    {                                                                                              \
#test "_plain", test, rig_make_plain, rig_end, NULL                                        \
    }
#define BOTH(test) SEALED(test), PLAIN(test)

struct data_stats rig_stats(struct rig *r);
/* Writes and publishes. */
ps_content rig_publish(struct rig *r, const char *name, size_t len, unsigned seed);
/* True when what has come of a file is what is in `name` now. */
bool rig_has(const struct rig *r, const struct caller_file *f, const char *name);
/* Starts it again with little patience. */
void rig_restart_impatient(struct rig *r);
/* Connects and gets as far as a machine. */
void rig_reach(struct rig *r, struct caller *c, const struct data_source *with);
/* Over a connection of its own: served; refused for its ticket. */
void rig_assert_served(struct rig *r, const ps_content *content, const struct data_source *source);
void rig_assert_refused(struct rig *r, const ps_content *content, const struct data_source *source);
/* The next end of an upload is this file's. */
void rig_assert_ended(struct rig *r, const char *name, unsigned error);

#endif

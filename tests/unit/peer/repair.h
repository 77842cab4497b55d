/* Peers with names to publish, and the logs that their servers have: what the tests of repairs
 * share. */
#ifndef PS_TEST_PEER_REPAIR_H
#define PS_TEST_PEER_REPAIR_H

#include "log.h"

enum { NAMES = 280 }; /* More than a tick walks, so that every phase is seen half done. */

static inline void name_of(unsigned k, char name[32])
{
    (void)snprintf(name, 32, "name-%u", k);
}

/* A peer that has published this many names before its login (tags are the numbers), which it has
 * sent. */
static inline rig *with_names(const ps_peer_config *cfg, unsigned count)
{
    rig *r = rig_new(cfg);
    char name[32];
    for (unsigned k = 0; k < count; k++) {
        name_of(k, name);
        (void)rig_publish(r, k, name, k + 1);
    }
    (void)rig_login(r);
    return r;
}

static inline rig *with_default_names(void)
{
    const ps_peer_config cfg = rig_config();
    return with_names(&cfg, NAMES);
}

/* The log that such a peer's server has. */
static inline log_model *whole_log(unsigned count)
{
    log_model *log = log_new(1000);
    char name[32];
    for (unsigned k = 0; k < count; k++) {
        name_of(k, name);
        log_put(log, name, k + 1);
    }
    return log;
}

static inline void require_whole(const rig *r, const log_model *log, unsigned count)
{
    char name[32];
    for (unsigned k = 0; k < count; k++) {
        name_of(k, name);
        assert_int_equal(log_length(log, name), k + 1);
        assert_int_equal(rig_done(r, k), PS_E_NONE);
    }
    assert_int_equal(log_count(log), count);
    assert_true(log_digest(log) == r->p->digest);
    assert_true(ps_peer_settled(r->p));
}

/* A log of a while ago: some names are missing, some have other contents, some are not ours. */
static inline void make_older(log_model *log)
{
    log_put(log, "name-3", 0);
    log_put(log, "name-250", 0);
    log_put(log, "name-77", 9999);
    log_put(log, "gone-1", 5);
    log_put(log, "gone-2", 6);
    log->generation = 990;
}

#endif

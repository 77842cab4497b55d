/* A server's log of the rig's device, as core/PROTOCOL.md says it: applies changes, sums up
 * digests, names names. It answers what the peer sent. */
#ifndef PS_TEST_PEER_LOG_H
#define PS_TEST_PEER_LOG_H

#include "rig.h"

#define LOG_NAMES 400u

typedef struct log_entry {
    char name[32]; /* Empty: unused. */
    uint64_t length;
} log_entry;

typedef struct log_model {
    uint64_t generation;
    uint64_t life;
    unsigned page; /* Names that a page holds; 0: as many as there is room for. */
    log_entry entries[LOG_NAMES];
} log_model;

/* A log that stands at `generation` and lists nothing. */
log_model *log_new(uint64_t generation);
/* Lists a name with the content that rig_publish() gives it, or (length 0) no more. */
void log_put(log_model *log, const char *name, uint64_t length);
uint64_t log_length(const log_model *log, const char *name); /* 0: not listed. */
size_t log_count(const log_model *log);
uint64_t log_digest(const log_model *log);
void log_digests(const log_model *log, uint64_t digests[PS_BUCKETS]);
uint8_t log_bucket(const char *name);

/* Applies a PUBLISH or UNPUBLISH. */
void log_apply(log_model *log, const rig_sent *s);
/* Answers a message of the session, or a LOGIN of the attempt under way. False: nothing does. */
bool log_answer(rig *r, log_model *log, const rig_sent *s);
/* Accepts the last LOGIN with this log's position and digest; nothing is ticked. */
void log_accept(rig *r, const log_model *log);
/* Answers all that was sent from number `from` on, and what follows from it, until nothing is due
 * now. */
void log_serve(rig *r, log_model *log, size_t from);

#endif

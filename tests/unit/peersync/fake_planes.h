/* The control plane and the data plane as commands see them, played by a test: what commands ask
 * for is noted, and the test answers when and how it likes. */
#ifndef TESTS_FAKE_PLANES_H
#define TESTS_FAKE_PLANES_H

#include "app.h"
#include "commands/command.h"

/* A request that waits for its answer. */
struct fake_request {
    struct fake_request *next;
    ps_input_type type;
    char text[PS_NAME_MAX + 1];
    session_answer answer;
    void *ctx;
};

/* A download or hashing that was handed over and has not ended. */
struct fake_job {
    struct fake_job *next;
    uint64_t tag;
    void (*event)(void *ctx, const struct data_event *event);
    void *ctx;
    char name[PS_NAME_MAX + 1]; /* Final name, or the path to hash. */
    ps_content content;
    size_t sources; /* Handed over last. */
    ps_addr source; /* The first of them. */
    int sink;
    bool wait, renew, cancelled;
    uint32_t ended; /* data_get_end()'s error. */
};

extern struct app fake_app;
extern struct fake_request *fake_requests; /* The oldest first. */
extern struct fake_job *fake_jobs;
extern size_t fake_request_count, fake_job_count;
/* Calls of data_unpublish(). */
extern unsigned fake_unpublished;
/* How the command ended; -1: not yet. */
extern int fake_code;

/* Opens the app, with stderr into a pipe. */
void fake_open(void);
/* Closes it. @return all that was said. Static storage. */
const char *fake_close(void);
/* What was said since it was last asked. Static storage. */
const char *fake_said(void);
/* Runs a command: words, NULL at the end. */
void fake_run(const char *const words[]);

/* A line of the oldest request: a source of `user`, with a content of this length whose root is all
 * `byte`, served at `port`; 0: away. */
void fake_source(const char *user, uint64_t length, uint8_t byte, uint16_t port);
/* The end of the oldest request. */
void fake_done(uint32_t error);
/* An event of the oldest job; `e` lacks its tag. The last ones end the job. */
void fake_event(struct data_event e);

#endif

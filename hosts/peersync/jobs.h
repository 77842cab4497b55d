/* Work of the data plane that somebody waits for, and what it tells of its own accord. */
#ifndef PEERSYNC_JOBS_H
#define PEERSYNC_JOBS_H

#include "app.h"

/* An event of the job. The last one is FILE_READY, PUBLISH_FAILED, HASHED, HASH_FAILED,
 * GET_DONE or GET_FAILED. */
typedef void (*job_event)(void *ctx, const struct data_event *event);

/* A tag for data_publish(), data_get() or data_hash() whose events go to `event`. */
uint64_t jobs_add(struct app *a, job_event event, void *ctx);

/* Opens the data plane on the state directory and listens, as the options say; announces what was
 * published before. `port` gets the port of the uploads, or 0. */
ps_exit jobs_open(struct app *a, uint16_t *port, char *why, size_t why_cap);
/* The same without a state, publications and uploads: for what needs no server. */
ps_exit jobs_open_alone(struct app *a, char *why, size_t why_cap);
/* Ends the data plane: transfers are cut. */
void jobs_close(struct app *a);

#endif

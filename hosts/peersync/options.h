/* The command line of peersync. */
#ifndef PEERSYNC_OPTIONS_H
#define PEERSYNC_OPTIONS_H

#include "common/options.h"
#include "peersync/base.h"

struct options {
    const char *server; /* "HOST:PORT", or the first word's port. */
    const char *user;
    const char *password_file;
    const char *listen;
    const char *download_dir;
    const char *state;
    const char *server_key; /* A fingerprint. */
    const char *journal;
    uint64_t max_uploads;
    bool json, quiet, no_progress, accept_new_key, plain_transfers;
    /* The command and its arguments; none: a prompt. They live in argv. */
    const char *const *words;
    size_t word_count;
    ps_words line; /* Owner of `words`. */
};

/* @return -1: go on; else the exit code to end with at once, everything said. */
int options_read(struct options *o, int argc, char *argv[]);

#endif

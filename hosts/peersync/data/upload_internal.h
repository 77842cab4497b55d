/* An upload, as its files see it: its connection (upload.c), who is let in (greet.c), and the files
 * that it is served (serve.c). */
#ifndef PEERSYNC_DATA_UPLOAD_INTERNAL_H
#define PEERSYNC_DATA_UPLOAD_INTERNAL_H

#include "conn.h"
#include "internal.h"

/* Requests are small: what is read at a time. */
#define UPLOAD_INPUT_BYTES 4096u

struct upload {
    struct conn conn; /* First: callbacks get a struct conn. */
    struct upload *next, **link;
    struct data *data;
    struct lobby_guest guest;
    void *memory;
    ps_upload *machine; /* NULL until the other side has been let in. */
    bool more;          /* The machine has more due. */
    bool ended;         /* The machine is done; what waits is sent, then it ends. */
    bool opened;        /* A good ticket was shown for a file: no hurry any more. */
    bool asked;         /* The machine waits for OPENED. */
    ps_content content; /* What was asked for, */
    ps_label user;      /* and by whom. */
    ps_error error;
    uint32_t refused;        /* OPENs without a good ticket, as counted. */
    uint64_t greet_until_us; /* When it must be `opened`. */
    uint64_t last_words_us;  /* When what still waits at the end is given up; 0: not waiting. */
    size_t input_at, input_len;

    /* The file under way. */
    struct entry *entry; /* NULL: none. */
    struct transfer transfer;
    uint64_t started_us;
    uint64_t file_start; /* conn.file_sent when it began, */
    uint64_t counted;    /* and as far as it is added to the totals. */

    uint8_t input[UPLOAD_INPUT_BYTES];
};

/* ---- upload.c ---- */

/* Cuts the connection now. */
void upload_cut(struct upload *u, ps_error error);
/* Ends it between two bursts; the other side is told why. */
void upload_end_with(struct upload *u, ps_error error);

/* ---- greet.c ---- */

/* Goes on with what comes before a machine. @return true when there is one. */
bool upload_greet(struct upload *u);

/* ---- serve.c ---- */

/* Begins to serve what was asked for, if it is published and there is a slot. */
ps_error serve_begin(struct upload *u);
/* Around a burst: is the file still what was published, and published? */
ps_error serve_fault(const struct upload *u);
/* The file was sent, and was in order then: what comes next may well be about another one. */
bool serve_all_sent(const struct upload *u);
/* Adds what has been sent to the totals. */
void serve_count(struct upload *u);
/* Gives back what the file under way takes, if there is one, and tells its end. */
void serve_end(struct upload *u, ps_error error);

#endif

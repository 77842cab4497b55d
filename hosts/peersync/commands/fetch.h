/* Inside of get: the command (get.c), one of its files (fetch.c, fetch_events.c), how that waits
 * for a source that has gone (fetch_wait.c), and which content of its name is meant (choice.c). */
#ifndef PEERSYNC_FETCH_H
#define PEERSYNC_FETCH_H

#include "app.h"
#include "commands/command.h"
#include "commands/located.h"
#include "commands/nearest.h"
#include "many.h"
#include "speed.h"

struct get;

enum fetch_state {
    FETCH_LOOKING, /* Who has it? Or, as nobody does, what is called alike? */
    FETCH_ASKING,  /* Which content is meant? */
    FETCH_READY,   /* To be handed to the data plane. */
    FETCH_RUNNING, /* There; ends with an event. */
    FETCH_ENDED    /* An answer of the server is still to come. */
};

/* One file of the command. */
struct fetch {
    struct fetch *next, *prev; /* In the order of the command. */
    struct get *all;
    const char *name; /* Of the publication. */
    enum fetch_state state;
    bool asked; /* A request is under way: its answer refers to this. */
    struct located sources;
    struct nearest nearest;
    ps_content content; /* Once it is known which. */

    /* RUNNING */
    uint64_t tag;
    uint64_t began_us;
    uint64_t done;
    struct speed speed;
    size_t failed_sources; /* Since there were sources last. */
    size_t source_count;

    /* RUNNING without a source; see fetch_wait.c. */
    bool waiting;
    bool told;            /* A person was told. */
    ps_error denied;      /* CHANGED or NOT_PUBLISHED: what the last source said; or NONE. */
    bool trying;          /* With new sources: no other is looked for. */
    unsigned looks;       /* Since something came last. */
    unsigned missing;     /* Looks in a row that did not find the content at all. */
    bool outdated;        /* The name stands for another content now. */
    uint64_t look_at_us;  /* The next one. */
    struct located found; /* Of the look under way. */
};

/* The command. */
struct get {
    struct run *run;
    struct many many;
    size_t begun; /* Names, from the front. */
    struct fetch *first, *last;
    size_t active;  /* Of the list, */
    size_t looking; /* and of those: in LOOKING, */
    size_t running; /* and in RUNNING. */
    char *dir;      /* Where the files go, */
    char *file;     /* and how the only one is called there; NULL: as it is published. */
    bool to_stdout;
    bool inside;            /* get_advance() is under way. */
    uv_timer_t *timer;      /* Draws, and looks for sources. */
    struct fetch *choosing; /* The file that a question is about. */
    size_t waiting_told;    /* Files that a person knows to wait. */
    size_t waiting_looks;   /* Those that are looking for sources just now. */

    uint64_t began_us;
    uint64_t bytes;     /* Of the files that were fetched. */
    size_t already;     /* Those that were here before. */
    uint64_t moved;     /* Bytes that came, of all. */
    struct speed speed; /* Of all. */
};

/* ---- get.c ---- */

/* Begins, hands over and asks what there is room for; ends the command after its last file, and
 * `g` is gone then: nothing may be done with it behind this. */
void get_advance(struct get *g);
/* True when lines about single files are wanted. */
bool get_tells(const struct get *g);
uint64_t get_now_us(void);

/* ---- fetch.c ---- */

/* Looks up the next name. */
void fetch_begin(struct get *g, const char *name);
/* Decides what to do, of what `sources` holds. */
void fetch_decide(struct fetch *f);
/* Gives it to the data plane. */
void fetch_hand_over(struct fetch *f);
/* It has ended; everything was said. get_advance() must follow. */
void fetch_end(struct fetch *f, ps_exit code);
/* Ends it soon; what was fetched is kept. */
void fetch_stop(struct fetch *f);
/* Takes it out of the list and frees it. */
void fetch_free(struct fetch *f);

/* ---- fetch_events.c ---- */

/* An event of its job; `ctx` is the fetch. */
void fetch_event(void *ctx, const struct data_event *e);
/* Why something failed, for people: a clause. */
const char *fetch_why(const struct data_event *e);
/* "alice", else her address, else "its source". Static storage. */
const char *fetch_who(const struct fetch *f, const ps_addr *addr);

/* ---- fetch_wait.c ---- */

/* The data plane has no source left. */
void fetch_wait(struct fetch *f, const struct data_event *e);
/* Something came, from `peer`. */
void fetch_wait_over(struct fetch *f, const ps_addr *peer);
/* Time has passed: looks for sources when that is due; with `now_us` of UINT64_MAX, at once. */
void fetch_wait_look(struct fetch *f, uint64_t now_us);

/* ---- choice.c ---- */

/* One name stands for several contents: asks, or says so where nobody can be asked. */
void choice_need(struct fetch *f);
/* Asks about the next file, unless a question stands. */
void choice_next(struct get *g);

#endif

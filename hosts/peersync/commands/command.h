/* The commands, at the prompt and on the command line, and one of them being carried out. */
#ifndef PEERSYNC_COMMAND_H
#define PEERSYNC_COMMAND_H

#include "common/exit_codes.h"
#include "common/options.h"
#include "peersync/base.h"

struct app;
struct run;

/* What a command was given; options of all commands. */
struct arguments {
    const char *output; /* get -o */
    const char *root;   /* get --root, verify --root */
    bool no_wait;       /* get --no-wait */
    ps_words line;      /* Words without the command's own; its owner frees them. */
};

struct command {
    const char *name;
    const char *synonym;
    const char *usage;   /* Behind the name: "NAME [-o PATH]"; "" for none. */
    const char *summary; /* A clause for `help`. */
    const ps_option *options;
    size_t words_min, words_max;
    /* False: the arguments cannot be meant, and that was said. NULL: all can. */
    bool (*fits)(struct app *a, const struct arguments *arguments);
    /* True: with these it needs no server. NULL: it always does. */
    bool (*alone)(const struct arguments *arguments);
    void (*start)(struct run *r); /* Ends, then or later, in run_end(). */
    void (*drop)(struct run *r);  /* Frees r->state; NULL: there is none. */
    /* Ends what is under way, soon, in run_end(), after it has said so. NULL: nothing that takes
     * long, or nothing that has to be saved. */
    void (*stop)(struct run *r);
    /* The server answers again. NULL: it does not matter. */
    void (*returned)(struct run *r);
};

extern const struct command command_peers, command_files, command_search, command_get,
    command_publish, command_unpublish, command_share, command_status, command_verify, command_help,
    command_quit;

/* All commands, NULL at the end. */
extern const struct command *const commands[];

/* The command of this name or synonym, or NULL. */
const struct command *command_find(const char *word);
/* Says that there is none, and which is the nearest. */
void command_say_unknown(struct app *a, const char *word);
/* Reads what follows the command's word; `into->line` needs ps_words_free(). @return -1: go on;
 * else the exit code, all being said. */
int command_read(struct app *a, const struct command *c, const char *const words[], size_t count,
                 struct arguments *into);
/* True when --root, if it is given, is one. Else that was said. */
bool command_fits_root(struct app *a, const struct arguments *arguments);
/* One command's help, as data. */
void command_print_help(struct app *a, const struct command *c);

/* ---- run.c ---- */

typedef void (*run_ended)(void *ctx, ps_exit code, bool background);

/* A command being carried out. */
struct run {
    struct run *next;
    struct app *app;
    const struct command *command;
    struct arguments arguments;
    char **words; /* Copies, which `arguments` point into. */
    size_t word_count;
    bool background;
    bool stopping; /* stop() was called. */
    void *state;   /* The command's own. */
    run_ended ended;
    void *ctx;
};

/* Starts `words[0]`. `ended` is called once, perhaps before this returns; with `background` when
 * run_background() was called before. */
void run_start(struct app *a, const char *const words[], size_t count, run_ended ended, void *ctx);
/* The command has ended; `r` is gone. */
void run_end(struct run *r, ps_exit code);
/* After an error of the server: says `what` failed and why. */
void run_say(const struct run *r, const char *what, uint32_t error);
/* Says so and ends it. */
void run_fail(struct run *r, const char *what, uint32_t error);
/* Other commands may be typed beside it, where a person is at a prompt. */
void run_beside(struct run *r);
/* Stops the command that is in the foreground of a prompt. @return false: there is none, or it is
 * being stopped. */
bool run_stop_front(struct app *a);
/* Stops all commands that can be stopped; the program is left when they have ended. @return false:
 * there is none. */
bool run_stop_all(struct app *a);
/* Tells the commands under way that the server answers again. */
void run_returned(struct app *a);
/* Forgets all commands under way; their `ended` is not called. */
void run_drop_all(struct app *a);

#endif

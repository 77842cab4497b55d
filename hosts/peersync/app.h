/* The program as a whole: its loop, its session, its data plane, and what is under way. */
#ifndef PEERSYNC_APP_H
#define PEERSYNC_APP_H

#include "common/exit_codes.h"
#include "data/data.h"
#include "data/ordered.h"
#include "many.h"
#include "options.h"
#include "out.h"
#include "server_key.h"
#include "session.h"
#include "state.h"

#define APP_SIGNALS 3

struct run;
struct announcement;
struct prompt;
struct question;

enum phase {
    PHASE_LOGIN,  /* Not logged in yet. */
    PHASE_ALONE,  /* A command that needs no server: there is no session. */
    PHASE_ONLINE, /* Logged in, also while the server is lost. */
    PHASE_LEAVING /* Logging out. */
};

struct app {
    struct options options;
    uv_loop_t loop;
    struct out *out;
    uv_signal_t signals[APP_SIGNALS];
    uv_timer_t timer; /* Login and logout that take too long, silence of the server. */
    bool interactive; /* A prompt at a terminal. */

    ps_addr server;
    struct server_key server_key;
    char user[PS_USER_MAX + 1];
    struct state state;
    struct session *session;
    struct data *data;
    uv_async_t data_wake;

    enum phase phase;
    bool connected;  /* The server answers. */
    bool lost_shown; /* The person was told that it does not. */
    bool interrupted;
    bool at_once;       /* By a second signal: what is under way is not waited for. */
    bool stopping;      /* A signal came: the commands under way are ending. */
    size_t away_told;   /* Published files that could not be read. */
    size_t unlisted;    /* Names that the server has given up since the last login. */
    ps_exit login_code; /* How the login under way ended. */
    ps_exit code;       /* The program's end. */

    struct ordered jobs; /* Files being hashed or fetched. */
    uint64_t last_tag;
    struct many announced;              /* Files that were published before, */
    struct announcement *announcements; /* and their names until all are through. */
    bool announced_shown;               /* A person at the prompt was told that this takes long. */
    struct run *runs;                   /* Commands under way. */
    struct prompt *prompt;
    struct question *question; /* One that waits for its answer. */
};

/* Ends the program: logs out, then stops the loop. The first call decides the exit code. */
void app_leave(struct app *a, ps_exit code);

/* Signals end the program cleanly while they are watched; else they kill it. */
void app_watch_signals(struct app *a, bool on);

/* The server's address as people type it: "127.0.0.1:5000". Static storage. */
const char *app_server_text(const struct app *a);

#endif

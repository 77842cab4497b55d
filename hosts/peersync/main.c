/* peersync: lists, publishes and fetches files, at a prompt or a command at a time. */
#include "app.h"
#include "commands/command.h"
#include "common/loop_memory.h"
#include "common/secrecy.h"
#include "jobs.h"
#include "login.h"
#include "prompt.h"
#include "question.h"
#include "safe.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Sees that descriptors 0 to 2 are open: else a socket would become standard output. */
static bool have_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd) {
            return false;
        }
    }
    return true;
}

static void on_stdout_closed(void *ctx)
{
    /* Whoever read has had enough (`| head`): that is no error. */
    app_leave(ctx, PS_EXIT_DONE);
}

static void on_drained(void *ctx)
{
    const struct app *a = ctx;
    prompt_on_drained(a->prompt);
}

static void on_command_ended(void *ctx, ps_exit code, bool background)
{
    (void)background;
    app_leave(ctx, code);
}

/* Does what needs no server. */
static ps_exit work_alone(struct app *a)
{
    char why[256];
    const ps_exit code = jobs_open_alone(a, why, sizeof why);
    if (code != PS_EXIT_DONE) {
        out_fail(a->out, "%s", SAFE(why));
        return code;
    }
    a->phase = PHASE_ALONE;
    app_watch_signals(a, true);
    run_start(a, a->options.words, a->options.word_count, on_command_ended, a);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    return a->code;
}

/* @return 0, or libuv's number of what the system refuses. */
static int start(struct app *a)
{
    const struct options *o = &a->options;
    /* Widths of characters; the program's texts are not translated. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void)setlocale(LC_CTYPE, "");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    ps_loop_memory_setup("peersync");
    int rc = uv_loop_init(&a->loop);
    if (rc != 0) {
        return rc;
    }
    const struct out_config cfg = {
        .loop = &a->loop,
        .prefix = o->word_count > 0 ? "peersync: " : "",
        .json = o->json,
        .quiet = o->quiet,
        .progress = !o->no_progress,
        .closed = on_stdout_closed,
        .drained = on_drained,
        .ctx = a,
    };
    a->out = out_open(&cfg);
    if (a->out == NULL) {
        return UV_EAGAIN; /* A thread. */
    }
    uv_timer_init(&a->loop, &a->timer);
    a->timer.data = a;
    for (size_t i = 0; i < APP_SIGNALS && rc == 0; i++) {
        rc = uv_signal_init(&a->loop, &a->signals[i]);
        a->signals[i].data = a;
    }
    a->code = PS_EXIT_INTERRUPTED; /* Until something better is known. */
    a->interactive = o->word_count == 0 && isatty(STDIN_FILENO) == 1;
    return rc;
}

/* Logs in and does what was asked for. */
static ps_exit work(struct app *a)
{
    const struct options *o = &a->options;
    if (o->word_count > 0) {
        /* What cannot be meant is said before anybody types a password. */
        struct arguments arguments;
        const struct command *c = command_find(o->words[0]);
        if (c == NULL) {
            command_say_unknown(a, o->words[0]);
            return PS_EXIT_USAGE;
        }
        const int code = command_read(a, c, o->words, o->word_count, &arguments);
        const bool alone = code < 0 && c->alone != NULL && c->alone(&arguments);
        ps_words_free(&arguments.line);
        if (code >= 0) {
            return (ps_exit)code;
        }
        if (alone) {
            return work_alone(a);
        }
    }
    ps_exit code = login_find_server(a);
    if (code == PS_EXIT_DONE) {
        code = login_run(a);
    }
    if (code != PS_EXIT_DONE) {
        return code;
    }
    if (o->word_count > 0) {
        run_start(a, o->words, o->word_count, on_command_ended, a);
    } else {
        prompt_open(a);
    }
    uv_run(&a->loop, UV_RUN_DEFAULT);
    return a->code;
}

/* Whoever reads must get all, or be told: a full disk, say. One who went away (`| head`) did so on
 * purpose. */
static ps_exit check_output(struct app *a, ps_exit code)
{
    if (!a->interrupted) {
        out_flush(a->out);
    }
    const int error = out_error(a->out);
    if (error == 0 || error == EPIPE) {
        return code;
    }
    out_fail(a->out, "the output could not be written: %s", strerror(error));
    return PS_EXIT_LOCAL_FILE;
}

/* Leaves what is under way as it is: a thread may wait for a disk for long. What was fetched
 * survives that, and so does what is published. */
static _Noreturn void end_at_once(struct app *a, ps_exit code)
{
    code = check_output(a, code);
    out_close(a->out, false);
    _exit((int)code);
}

/* Ends all, and then what is still to be written. @return the exit code. */
static ps_exit stop(struct app *a, ps_exit code)
{
    app_watch_signals(a, false);
    run_drop_all(a);
    question_drop(a);
    prompt_close(a->prompt);
    if (a->at_once) {
        end_at_once(a, code);
    }
    jobs_close(a);
    session_close(a->session);
    state_close(&a->state, false);
    uv_close((uv_handle_t *)&a->timer, NULL);
    for (size_t i = 0; i < APP_SIGNALS; i++) {
        uv_close((uv_handle_t *)&a->signals[i], NULL);
    }
    code = check_output(a, code);
    out_close(a->out, !a->interrupted);
    uv_run(&a->loop, UV_RUN_DEFAULT);
    uv_loop_close(&a->loop);
    return code;
}

int main(int argc, char *argv[])
{
    static struct app app;
    ps_secrecy_begin();
    if (!have_standard_descriptors()) {
        return PS_EXIT_SYSTEM;
    }
    const int code = options_read(&app.options, argc, argv);
    if (code >= 0) {
        return code;
    }
    const int rc = start(&app);
    if (rc != 0) {
        fprintf(stderr, "peersync: the program cannot start: %s\n", uv_strerror(rc));
        return PS_EXIT_SYSTEM;
    }
    return (int)stop(&app, work(&app));
}

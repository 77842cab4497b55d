#include "app.h"

#include "commands/command.h"
#include "common/format.h"
#include "jobs.h"
#include "peersync/posix.h"
#include "prompt.h"
#include "question.h"

#include <signal.h>

/* How long a logout may take. */
#define LOGOUT_MS 1000u

static const int watched[APP_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

static void on_logout_slow(uv_timer_t *timer)
{
    struct app *a = timer->data;
    uv_stop(&a->loop);
}

void app_leave(struct app *a, ps_exit code)
{
    if (a->phase == PHASE_LEAVING) {
        return;
    }
    if (a->phase == PHASE_LOGIN) {
        a->login_code = PS_EXIT_INTERRUPTED;
        uv_stop(&a->loop);
        return;
    }
    a->phase = PHASE_LEAVING;
    a->code = code;
    if (a->session == NULL) {
        uv_stop(&a->loop);
        return;
    }
    session_mute(a->session);
    question_drop(a);
    prompt_close(a->prompt);
    a->prompt = NULL;
    if (!a->connected) {
        uv_stop(&a->loop);
        return;
    }
    a->timer.data = a;
    uv_timer_start(&a->timer, on_logout_slow, LOGOUT_MS, 0);
    session_logout(a->session);
}

/* What a signal means for the exit code: nothing was cut short at an idle prompt. `share` is ended
 * by a signal as a rule; it says so itself. */
static ps_exit signal_code(struct app *a)
{
    return prompt_is_idle(a->prompt) ? PS_EXIT_DONE : a->code;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct app *a = handle->data;
    if (number == SIGINT && a->phase == PHASE_ONLINE && !a->stopping && run_stop_front(a)) {
        return; /* The prompt stays. */
    }
    a->interrupted = true;
    if (a->phase == PHASE_LEAVING || a->stopping) {
        a->code = a->stopping ? PS_EXIT_INTERRUPTED : a->code;
        a->phase = PHASE_LEAVING;
        a->at_once = true;
        uv_stop(&a->loop);
        return;
    }
    if (!run_stop_all(a)) {
        app_leave(a, signal_code(a));
    }
}

/* nohup(1) has the hang-up ignored, and it stays so. (Interrupts are ignored in what a script
 * starts in the background, too, but there a person who sends one means it.) */
static bool is_ignored(int number)
{
    struct sigaction action;
    return number == SIGHUP && sigaction(number, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

void app_watch_signals(struct app *a, bool on)
{
    for (size_t i = 0; i < APP_SIGNALS; i++) {
        if (on && !is_ignored(watched[i])) {
            uv_signal_start(&a->signals[i], on_signal, watched[i]);
        } else {
            uv_signal_stop(&a->signals[i]);
        }
    }
}

const char *app_server_text(const struct app *a)
{
    static char text[PS_ADDR_TEXT];
    return ps_addr_format(&a->server, text);
}

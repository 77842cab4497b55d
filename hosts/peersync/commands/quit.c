/* xit: leaves the prompt. */
#include "app.h"
#include "commands/command.h"
#include "prompt.h"

static void start(struct run *r)
{
    prompt_quit(r->app->prompt);
    run_end(r, PS_EXIT_DONE);
}

const struct command command_quit = {
    .name = "xit",
    .synonym = "quit",
    .usage = "",
    .summary = "Log out and leave. Downloads under way are waited for; Ctrl-C stops them.",
    .start = start,
};

/* help: the commands, or one of them. */
#include "app.h"
#include "commands/command.h"

#include <string.h>

/* One line a command: the first of its summary. */
static void print_all(struct app *a)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        const bool other = strcmp(c->name, c->synonym) != 0;
        out_dataf(a->out, "%s%s%s%s%s\n", c->name, other ? " | " : "", other ? c->synonym : "",
                  c->usage[0] != '\0' ? " " : "", c->usage);
        for (const char *line = c->summary; line != NULL;) {
            const char *end = strchr(line, '\n');
            const int len = end != NULL ? (int)(end - line) : (int)strlen(line);
            out_dataf(a->out, "    %.*s\n", len, line);
            line = end != NULL ? end + 1 : NULL;
        }
    }
    out_dataf(a->out, "Quote names with spaces: get 'my file.txt'. While get runs, Enter gives "
                      "the prompt\nback, and Ctrl-C stops it; status shows how far it is.\n");
}

static void start(struct run *r)
{
    struct app *a = r->app;
    ps_exit code = PS_EXIT_DONE;
    if (r->arguments.line.len == 0) {
        print_all(a);
    } else {
        const struct command *c = command_find(r->arguments.line.items[0]);
        if (c != NULL) {
            command_print_help(a, c);
        } else {
            command_say_unknown(a, r->arguments.line.items[0]);
            code = PS_EXIT_USAGE;
        }
    }
    run_end(r, code);
}

static bool alone(const struct arguments *arguments)
{
    (void)arguments;
    return true;
}

const struct command command_help = {
    .name = "help",
    .synonym = "help",
    .usage = "[COMMAND]",
    .summary = "Show the commands, or how one of them is used.",
    .words_max = 1,
    .alone = alone,
    .start = start,
};

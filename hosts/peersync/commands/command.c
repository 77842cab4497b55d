#include "commands/command.h"

#include "app.h"
#include "common/memory.h"
#include "common/suggest.h"
#include "safe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command *const commands[] = {
    &command_peers,   &command_files,     &command_search, &command_get,
    &command_publish, &command_unpublish, &command_share,  &command_status,
    &command_verify,  &command_help,      &command_quit,   NULL,
};

const struct command *command_find(const char *word)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(word, commands[i]->name) == 0 || strcmp(word, commands[i]->synonym) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

void command_say_unknown(struct app *a, const char *word)
{
    ps_suggest nearest = ps_suggest_begin(word);
    for (size_t i = 0; commands[i] != NULL; i++) {
        ps_suggest_offer(&nearest, commands[i]->name);
        ps_suggest_offer(&nearest, commands[i]->synonym);
    }
    if (nearest.best != NULL) {
        out_fail(a->out, "there is no command %s: did you mean %s?", SAFE(word), nearest.best);
    } else {
        out_fail(a->out, "there is no command %s: help lists them", SAFE(word));
    }
}

bool command_fits_root(struct app *a, const struct arguments *arguments)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *root = arguments->root;
    if (root == NULL || (root[0] != '\0' && strspn(root, digits) == strlen(root))) {
        return true;
    }
    out_fail(a->out, "--root needs hexadecimal digits, as lpf shows them");
    return false;
}

static ps_option_set set_of(const struct command *c, char usage[160])
{
    snprintf(usage, 160, "%s%s%s", c->name, c->usage[0] != '\0' ? " " : "", c->usage);
    return (ps_option_set){
        .program = c->name, .usage = usage, .summary = c->summary, .options = c->options};
}

void command_print_help(struct app *a, const struct command *c)
{
    char usage[160];
    const ps_option_set set = set_of(c, usage);
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (memory != NULL) {
        ps_options_help(&set, memory);
    }
    if (memory == NULL || fclose(memory) != 0) {
        ps_memory_missing("peersync");
    }
    out_data(a->out, text, len);
    if (strcmp(c->name, c->synonym) != 0) {
        out_dataf(a->out, "the same: %s\n", c->synonym);
    }
    free(text);
}

int command_read(struct app *a, const struct command *c, const char *const words[], size_t count,
                 struct arguments *into)
{
    char usage[160];
    const ps_option_set set = set_of(c, usage);
    *into = (struct arguments){.output = NULL};
    /* The parser does not change what argv points to. */
    const ps_options_result result =
        ps_options_parse(&set, (int)count, (char *const *)(uintptr_t)words, into, &into->line);
    if (result == PS_OPTIONS_HELP) {
        command_print_help(a, c);
        return PS_EXIT_DONE;
    }
    if (result != PS_OPTIONS_OK) {
        out_fail(a->out, "%s; usage: %s", into->line.error, usage);
        return PS_EXIT_USAGE;
    }
    if (into->line.len < c->words_min || into->line.len > c->words_max) {
        out_fail(a->out, "usage: %s", usage);
        return PS_EXIT_USAGE;
    }
    return c->fits == NULL || c->fits(a, into) ? -1 : (int)PS_EXIT_USAGE;
}

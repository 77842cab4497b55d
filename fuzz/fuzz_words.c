/* Lines as a person types them at the prompt: split into words, which quoted again must split
 * equal, and read as the command that they name. */
#include "argv_world.h"

#include "commands/command.h"
#include "words.h"

enum { LINE = 4096 };

static char *join_quoted(char *const *words, size_t count)
{
    size_t room = 1, len = 0;
    for (size_t i = 0; i < count; i++) {
        room += 4 * strlen(words[i]) + 4;
    }
    char *line = malloc(room);
    must(line != NULL);
    line[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char *quoted = words_quote(words[i]);
        len += (size_t)snprintf(line + len, room - len, "%s%s", i > 0 ? " \t" : "", quoted);
        must(len < room);
        free(quoted);
    }
    return line;
}

/* The same words come out of what words_quote() made of them. */
static void check_quoted(char *const *words, size_t count)
{
    const char *why = NULL;
    size_t again = 0;
    char *line = join_quoted(words, count);
    char **back = words_split(line, &again, &why);
    must(back != NULL && again == count && back[count] == NULL);
    for (size_t i = 0; i < count; i++) {
        must(strcmp(back[i], words[i]) == 0);
    }
    free(back);
    free(line);
}

/* Whether a quote is open at the end of a line, by a reader without words. */
static bool is_open(const char *line)
{
    char quote = '\0';
    for (; *line != '\0'; line++) {
        if (*line == '\\' && quote != '\'' && line[1] != '\0') {
            line++;
        } else if (quote != '\0') {
            quote = *line == quote ? '\0' : quote;
        } else if (*line == '\'' || *line == '"') {
            quote = *line;
        }
    }
    return quote != '\0';
}

static void check_once(char *const *words, size_t count)
{
    const char **kept = calloc(count + 1, sizeof *kept);
    must(kept != NULL);
    for (size_t i = 0; i < count; i++) {
        kept[i] = words[i];
    }
    const size_t left = words_once(kept, count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = strcmp(words[i], words[j]) == 0;
        }
        must(seen || (at < left && kept[at++] == words[i]));
    }
    must(at == left);
    free(kept);
}

static void check_command(char *const *words, size_t count)
{
    struct arguments arguments = {.output = NULL};
    const struct command *c = count > 0 ? command_find(words[0]) : NULL;
    if (c == NULL) {
        return;
    }
    must(strcmp(words[0], c->name) == 0 || strcmp(words[0], c->synonym) == 0);
    const ps_option_set set = {.program = c->name, .usage = c->usage, .options = c->options};
    const ps_options_result result =
        ps_options_parse(&set, (int)count, words, &arguments, &arguments.line);
    if (result == PS_OPTIONS_BAD) {
        must_be_words(arguments.line.error, sizeof arguments.line.error);
    }
    must(arguments.line.len < count || count == 0);
    ps_words_free(&arguments.line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    size_t count = 0;
    if (size > LINE || memchr(data, '\0', size) != NULL) {
        return 0;
    }
    char *line = copy_of((const char *)data, size);
    const bool open = is_open(line);
    char **words = words_split(line, &count, &why);
    must((words == NULL) == open && (words != NULL || why != NULL));
    if (words != NULL) {
        must(words[count] == NULL && count <= size / 2 + 1);
        check_quoted(words, count);
        check_once(words, count < 64 ? count : 64);
        check_command(words, count);
    }
    free(words);
    free(line);
    return 0;
}

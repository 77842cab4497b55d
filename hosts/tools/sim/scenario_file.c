/* A scenario in a file. */
#include "scenario_file.h"

#include "common/exit_codes.h"
#include "common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One byte more than a scenario may have shows that it is too long. */
static char *read_all(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    char *text = in != NULL ? malloc(SCENARIO_BYTES_MAX + 1) : NULL;
    if (text != NULL) {
        errno = 0;
        *len = fread(text, 1, SCENARIO_BYTES_MAX + 1, in);
        if (ferror(in)) {
            free(text);
            text = NULL;
        }
    }
    const int saved = errno;
    if (in != NULL) {
        (void)fclose(in);
    }
    errno = saved;
    return text;
}

scenario *scenario_load(const char *path, int *code)
{
    char safe[768];
    size_t len = 0;
    scenario_error wrong;
    ps_text_safe_string(safe, sizeof safe, path);
    char *text = read_all(path, &len);
    scenario *s = text != NULL ? malloc(sizeof *s) : NULL;
    if (s == NULL) {
        fprintf(stderr, "peersync-sim: --scenario %s: %s\n", safe, strerror(errno));
        free(text);
        *code = PS_EXIT_LOCAL_FILE;
        return NULL;
    }
    if (!scenario_parse(text, len, s, &wrong)) {
        if (wrong.line > 0) {
            fprintf(stderr, "%s:%u: %s\n", safe, (unsigned)wrong.line, wrong.text);
        } else {
            fprintf(stderr, "%s: %s\n", safe, wrong.text);
        }
        scenario_drop(s);
        s = NULL;
        *code = PS_EXIT_USAGE;
    }
    free(text);
    return s;
}

void scenario_drop(scenario *s)
{
    if (s != NULL) {
        scenario_free(s);
        free(s);
    }
}

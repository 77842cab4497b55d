#include "common/memory.h"

#include "common/exit_codes.h"

#include <string.h>
#include <unistd.h>

static void say(const char *text)
{
    /* Not by stdio, which may want memory itself. */
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; /* Nobody is left to be told. */
    }
}

_Noreturn void ps_memory_missing(const char *program)
{
    say(program);
    say(": out of memory\n");
    _exit(PS_EXIT_SYSTEM);
}

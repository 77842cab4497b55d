#include "alloc.h"

#include "common/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *memory)
{
    if (!memory) {
        ps_memory_missing("peersync");
    }
    return memory;
}

void *data_alloc(size_t count, size_t size)
{
    return need(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *data_grow(void *old, size_t count, size_t size)
{
    return need(reallocarray(old, count > 0 ? count : 1, size));
}

char *data_strdup(const char *text)
{
    return need(strdup(text));
}

char *data_vformat(const char *format, va_list args)
{
    char *text = NULL;
    return need(vasprintf(&text, format, args) < 0 ? NULL : text);
}

char *data_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = data_vformat(format, args);
    va_end(args);
    return text;
}

void data_free_wiped(void *array, size_t count, size_t size)
{
    if (array != NULL) {
        explicit_bzero(array, count * size);
    }
    free(array);
}

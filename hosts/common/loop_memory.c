#include "common/loop_memory.h"

#include "common/memory.h"

#include <stdlib.h>
#include <uv.h>

static const char *owner;

static void *need(void *memory, size_t size)
{
    if (memory == NULL && size > 0) {
        ps_memory_missing(owner);
    }
    return memory;
}

static void *get(size_t size)
{
    return need(malloc(size), size);
}

static void *get_zeroed(size_t count, size_t size)
{
    return need(calloc(count, size), count > 0 ? size : 0);
}

static void *get_larger(void *old, size_t size)
{
    return need(realloc(old, size), size);
}

void ps_loop_memory_setup(const char *program)
{
    owner = program;
    (void)uv_replace_allocator(get, get_larger, get_zeroed, free);
}

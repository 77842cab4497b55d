/* What can be wanting: memory. */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own names: dlsym() itself allocates. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define FAIL_MEMORY(what, failed)                                                                  \
    FAULT_HERE(fault_is_own(__builtin_return_address(0)) ? FAULT_ALLOC : FAULT_LIBS, what, failed)

FAULT_EXPORT void *malloc(size_t size)
{
    FAIL_MEMORY("malloc", NULL);
    return __libc_malloc(size);
}

FAULT_EXPORT void *calloc(size_t n, size_t size)
{
    FAIL_MEMORY("calloc", NULL);
    return __libc_calloc(n, size);
}

FAULT_EXPORT void *realloc(void *old, size_t size)
{
    FAIL_MEMORY("realloc", NULL);
    return __libc_realloc(old, size);
}

FAULT_EXPORT void *reallocarray(void *old, size_t n, size_t size)
{
    size_t bytes;
    FAIL_MEMORY("reallocarray", NULL);
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, bytes);
}

FAULT_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    FAIL_MEMORY("aligned_alloc", NULL);
    return __libc_memalign(alignment, size);
}

FAULT_EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    FAIL_MEMORY("posix_memalign", ENOMEM);
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

FAULT_EXPORT char *strdup(const char *text)
{
    FAIL_MEMORY("strdup", NULL);
    const size_t size = strlen(text) + 1;
    char *copy = __libc_malloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

FAULT_EXPORT int vasprintf(char **out, const char *format, va_list args)
{
    FAULT_NEXT(vasprintf);
    FAIL_MEMORY("vasprintf", -1);
    return next(out, format, args);
}

FAULT_EXPORT FILE *open_memstream(char **text, size_t *size)
{
    FAULT_NEXT(open_memstream);
    FAIL_MEMORY("open_memstream", NULL);
    return next(text, size);
}

FAULT_EXPORT void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    FAIL_MEMORY("mmap", MAP_FAILED);
    /* Not by dlsym(): the allocator may want it from within. */
    return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}

#include "common/slab.h"

#include <sys/mman.h>

void *ps_slab_map(size_t len)
{
    void *slab = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return slab == MAP_FAILED ? NULL : slab;
}

void ps_slab_unmap(void *slab, size_t len)
{
    if (slab != NULL) {
        munmap(slab, len);
    }
}

/* Zero pages for a machine's slab: page-aligned, touched only where used. */
#ifndef PS_COMMON_SLAB_H
#define PS_COMMON_SLAB_H

#include <stddef.h>

/* Maps len bytes of zeros, or NULL (errno says why). Set `mem_is_zero` for the machine. */
void *ps_slab_map(size_t len);
void ps_slab_unmap(void *slab, size_t len);

#endif

/* Memory of the host. A program that cannot get a few kilobytes cannot do anything sensible; it
 * says so and ends. Sizes that come from the network are bounded before they get here. */
#ifndef PEERSYNC_DATA_ALLOC_H
#define PEERSYNC_DATA_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

/* count * size zeroed bytes. */
void *data_alloc(size_t count, size_t size);
/* Grows an array; what is new is not zeroed. */
void *data_grow(void *old, size_t count, size_t size);
char *data_strdup(const char *text);
/* printf into a new string. */
__attribute__((format(printf, 1, 2))) char *data_format(const char *format, ...);
__attribute__((format(printf, 1, 0))) char *data_vformat(const char *format, va_list args);
/* Wipes an array of secrets, and frees it. NULL is allowed. */
void data_free_wiped(void *array, size_t count, size_t size);

#endif

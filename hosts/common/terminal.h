/* Questions to the person at the terminal. */
#ifndef PS_COMMON_TERMINAL_H
#define PS_COMMON_TERMINAL_H

#include "peersync/base.h"

#include <sys/types.h>

/* Reads a line of at most cap - 1 bytes from a descriptor, a byte at a time, so that nothing behind
 * the newline is taken. NUL-ended, without the newline (and a '\r' before it).
 * @return its length; -1 end of input before a byte, or an error; -2 it was too long (the rest of
 *         the line was read and dropped). */
ssize_t ps_line_read(int fd, char *out, size_t cap);

/* Prints `prompt` on stderr, reads a line from the terminal `fd` without echo, and restores the
 * terminal, also when a signal interrupts (which is then delivered). Results as ps_line_read(). */
ssize_t ps_password_read(int fd, const char *prompt, char *out, size_t cap);

#endif

/* A peer of a real server that is no program of ours but a machine of the core with a socket: for
 * what the program would never do. Ends the process where anything goes wrong. */
#ifndef PS_TESTS_GUEST_H
#define PS_TESTS_GUEST_H

#include "peersync/pump.h"

/* What comes to it; `data` is guest_login()'s. */
typedef void (*guest_event)(void *data, const ps_event *event);

/* Logs in at 127.0.0.1:PORT, whatever the server's key; returns when that is done. The password is
 * PEERSYNC_PASSWORD, `stream_port` where it serves files (0: nowhere). */
void guest_login(const char *port, const char *user, uint16_t stream_port, guest_event on_event,
                 void *data);
/* Gives a command of this text, and waits for its end. @return its ps_error. */
uint32_t guest_command(ps_input_type type, const char *text, const ps_content *content);
/* Leaves, so that the user may come again at once. */
void guest_logout(void);
/* Stays logged in: does what is due. */
void guest_turn(void);
/* The socket, for poll(). */
int guest_fd(void);
/* What uploads open tickets with, as it is now, and the server's clock, in seconds since 1970. */
const ps_file_keys *guest_keys(void);
uint64_t guest_wall_s(void);

/* Says what failed and ends the process with 1. */
_Noreturn void guest_die(const char *what);

#endif

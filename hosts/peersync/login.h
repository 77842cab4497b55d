/* Getting in: whom to log in, the attempts, and what the session says about itself later. */
#ifndef PEERSYNC_LOGIN_H
#define PEERSYNC_LOGIN_H

#include "app.h"

/* Finds the server's address. @return PS_EXIT_DONE; else everything was said. */
ps_exit login_find_server(struct app *a);
/* Asks for what is missing, and again where the server refuses what was typed, until logged in.
 * Runs the loop while an answer is awaited. @return PS_EXIT_DONE; else everything was said. */
ps_exit login_run(struct app *a);

#endif

/* Tells the server of files that were published before: those of an earlier session, and those that
 * changed since. All are counted together; nobody waits for them. */
#ifndef PEERSYNC_ANNOUNCE_H
#define PEERSYNC_ANNOUNCE_H

#include "app.h"

/* Announces one; also before the login, which it then follows. */
void announce(struct app *a, const char *name, const ps_content *content);
/* Forgets those under way: no answers come any more. */
void announce_forget(struct app *a);

#endif

/* Where the user name and the password come from. */
#ifndef PEERSYNC_CREDENTIALS_H
#define PEERSYNC_CREDENTIALS_H

#include "app.h"

struct credentials {
    char user[PS_USER_MAX + 1];
    char password[PS_PASSWORD_MAX + 1];
    bool asked; /* At least one of them was typed, so it makes sense to ask again. */
};

/* Takes the user from --user and the password from --password-file or PEERSYNC_PASSWORD, and asks
 * on standard input for what is not given. Blocks; nothing may be under way.
 * @return PS_EXIT_DONE; else everything was said (PS_EXIT_CREDENTIALS: the input ended). */
ps_exit credentials_get(struct app *a, struct credentials *c);

#endif

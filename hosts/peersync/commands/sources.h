/* Who has what under one name: the answer to a LOCATE, and which content of it is meant. */
#ifndef PEERSYNC_SOURCES_H
#define PEERSYNC_SOURCES_H

#include "app.h"

struct source {
    ps_content content;
    ps_addr addr;
    bool active;
    char user[PS_USER_MAX + 1];
};

struct sources {
    struct source *items;
    size_t count;
    bool own; /* The asker publishes this name too; that is left out of `items`. */
};

/* Keeps a line of LOCATE. */
void sources_add(struct sources *s, const char *self, const ps_event_entry *e);
void sources_free(struct sources *s);
/* Keeps those whose root begins with the hexadecimal digits. */
void sources_keep_root(struct sources *s, const char *prefix);
/* True when all that is left is one content. */
bool sources_agree(const struct sources *s);
/* Says that one name stands for several contents, each with the --root that chooses it. */
void sources_say_choice(const struct sources *s, struct out *out, const char *name);
/* The addresses that serve it now, from a random one on; free() it. @return how many. */
size_t sources_active(const struct sources *s, ps_addr **addrs);

#endif

/* Who has what under one name: the answer to a LOCATE, and which content of it is meant. */
#ifndef PEERSYNC_SOURCES_H
#define PEERSYNC_SOURCES_H

#include "app.h"

struct source {
    ps_content content;
    struct data_source at; /* Its address, and the ticket that opens the content there. */
    bool active;
    char user[PS_USER_MAX + 1];
};

struct sources {
    struct source *items;
    size_t count;
    bool own; /* The asker publishes this name too; that is left out of `items`. */
};

/* Keeps a line of LOCATE. `self` NULL: the asker's own, too. */
void sources_add(struct sources *s, const char *self, const ps_event_entry *e);
void sources_free(struct sources *s);
/* Keeps those whose root begins with the hexadecimal digits. */
void sources_keep_root(struct sources *s, const char *prefix);
/* Keeps those of this content. */
void sources_keep(struct sources *s, const ps_content *content);
/* How many contents there are. */
size_t sources_contents(const struct sources *s);
/* The content of this number, from 0, in the order in which they are first found. */
const ps_content *sources_content(const struct sources *s, size_t number);
/* "--root 012345678901  1.2 GiB, of alice and others (away)": what chooses the content of this
 * number, and what it is. free() it. */
char *sources_describe(const struct sources *s, size_t number);
/* Those that serve it now, from a random one on; free() it. At most DATA_SOURCES_MAX.
 * @return how many. */
size_t sources_active(const struct sources *s, struct data_source **active);
/* True when somebody serves it, but the server gave no ticket for that: it is too old. */
bool sources_lack_tickets(const struct sources *s);
/* Who serves at this address, or NULL. */
const char *sources_user(const struct sources *s, const ps_addr *addr);
/* "alice", "alice and bob", "alice, bob and 7 others": whose this content is. free() it. */
char *sources_owners(const struct sources *s, const ps_content *content);

#endif

/* Who has what under one name: the answer to a LOCATE, and which content of it is meant. */
#ifndef PEERSYNC_LOCATED_H
#define PEERSYNC_LOCATED_H

#include "app.h"

struct source {
    ps_content content;
    struct data_source at; /* Its address, and the ticket that opens the content there. */
    bool active;
    char user[PS_USER_MAX + 1];
};

struct located {
    struct source *items;
    size_t count;
    size_t room; /* Of the array, whose keys are wiped in the end. */
    bool own;    /* The asker publishes this name too; that is left out of `items`. */
};

/* Keeps a line of LOCATE. `self` NULL: the asker's own, too. */
void located_add(struct located *s, const char *self, const ps_event_entry *e);
void located_free(struct located *s);
/* Keeps those whose root begins with the hexadecimal digits. */
void located_keep_root(struct located *s, const char *prefix);
/* Keeps those of this content. */
void located_keep(struct located *s, const ps_content *content);
/* How many contents there are. */
size_t located_contents(const struct located *s);
/* The content of this number, from 0, in the order in which they are first found. */
const ps_content *located_content(const struct located *s, size_t number);
/* "--root 012345678901  1.2 GiB, of alice and others (away)": what chooses the content of this
 * number, and what it is. free() it. */
char *located_describe(const struct located *s, size_t number);
/* True when somebody serves it now, and can be asked. */
bool located_served(const struct located *s);
/* Those that serve it now, from a random one on; free() it. At most DATA_SOURCES_MAX.
 * @return how many. */
size_t located_active(const struct located *s, struct data_source **active);
/* True when somebody serves it, but the server gave no ticket for that: it is too old. */
bool located_lack_tickets(const struct located *s);
/* Who serves at this address, or NULL. */
const char *located_user(const struct located *s, const ps_addr *addr);
/* "alice", "alice and bob", "alice, bob and 7 others": whose this content is. free() it. */
char *located_owners(const struct located *s, const ps_content *content);

#endif

/* Tickets of servers, kept in the state directory from one run to the next: one of each server and
 * user, in `tickets/NAME` (0600). With the device beside it, a ticket is a login while it lasts (24
 * hours, unless the server says otherwise), and each login gives another one; after that it only
 * shows that this device has been in before. One that cannot be kept costs little: nobody is told.
 */
#ifndef PEERSYNC_TICKETS_H
#define PEERSYNC_TICKETS_H

#include "state.h"

/* For so long after its expiry a ticket is still shown, in seconds: 90 days. */
#define TICKETS_SHOWN_S (UINT64_C(90) * 86400u)

/* A file: format 1, expiry in seconds since 1970 as u64 little-endian, then 1 to PS_TICKET_MAX
 * bytes of ticket. */
#define TICKET_FILE_BYTES (9u + PS_TICKET_MAX)

/* @return the file's length; 0: the ticket has none that can be kept. */
size_t ticket_file_write(const ps_event_ticket *ticket, uint8_t out[TICKET_FILE_BYTES]);
/* The ticket in a file's bytes. @return its length; 0: there is none, or it is too old to show. */
size_t ticket_file_read(ps_span file, uint64_t now_s, uint8_t out[PS_TICKET_MAX]);

/* Whose ticket: `server` as ps_address_canonical() writes it. */
struct ticket_owner {
    const struct state *state; /* Open; its device counts, too. */
    const char *server;
    const char *user;
};

/* Keeps a ticket in the place of the last one. */
void tickets_keep(const struct ticket_owner *owner, const ps_event_ticket *ticket);
/* The ticket to show. One that is too old by `now_s` (seconds since 1970) is wiped.
 * @return its length; 0: there is none. */
size_t tickets_get(const struct ticket_owner *owner, uint64_t now_s, uint8_t out[PS_TICKET_MAX]);
/* Forgets it. */
void tickets_wipe(const struct ticket_owner *owner);

#endif

/* Asks a server who has a file, and prints what it answers: a line a source with its address, the
 * file's length and root, the ticket as TLS names it (base64url) and the ticket's key. Usage:
 * PEERSYNC_PASSWORD=... show_tickets PORT USER NAME */
#include "guest.h"

#include "peersync/posix.h"

#include <sodium.h>
#include <stdio.h>

static void on_event(void *data, const ps_event *event)
{
    char addr[PS_ADDR_TEXT], root[2 * PS_ROOT_BYTES + 1], key[2 * PS_KEY_BYTES + 1];
    char identity[sodium_base64_ENCODED_LEN(PS_FILE_TICKET_MAX,
                                            sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    const ps_event_entry *e = &event->u.entry;
    (void)data;
    if (event->type != PS_EVENT_SOURCE || !e->active || e->own) {
        return;
    }
    sodium_bin2hex(root, sizeof root, e->content.root, PS_ROOT_BYTES);
    sodium_bin2hex(key, sizeof key, e->key.data, e->key.len);
    sodium_bin2base64(identity, sizeof identity, e->ticket.data, e->ticket.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    printf("%s %llu %s %s %s\n", ps_addr_format(&e->addr, addr),
           (unsigned long long)e->content.length, root, identity, key);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    guest_login(argv[1], argv[2], 0, on_event, NULL);
    const uint32_t error = guest_command(PS_INPUT_LOCATE, argv[3], NULL);
    guest_logout();
    if (error != PS_E_NONE) {
        guest_die(ps_error_text(error));
    }
    return 0;
}

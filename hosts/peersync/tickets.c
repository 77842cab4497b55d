#include "tickets.h"

#include "common/safe_write.h"
#include "data/hex.h"
#include "peersync/crypto_sodium.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER     "tickets"
#define NAME_BYTES 16u
#define PATH_BYTES (PS_STATE_PATH_MAX + sizeof FOLDER + 2u * NAME_BYTES + 3u)

#define FORMAT     1u
#define HEAD_BYTES (TICKET_FILE_BYTES - PS_TICKET_MAX)

/* "DIR/tickets/NAME"; NAME stands for the server, the user and the device, and shows none. */
static void make_path(const struct ticket_owner *owner, char path[PATH_BYTES])
{
    const ps_crypto *crypto = ps_crypto_sodium();
    ps_sha256 state;
    uint8_t digest[32];
    char name[2 * NAME_BYTES + 1];
    crypto->sha256_init(&state);
    crypto->sha256_update(&state, owner->server, strlen(owner->server) + 1);
    crypto->sha256_update(&state, owner->user, strlen(owner->user) + 1);
    crypto->sha256_update(&state, owner->state->device, PS_DEVICE_BYTES);
    crypto->sha256_final(&state, digest);
    hex_write(name, digest, NAME_BYTES);
    snprintf(path, PATH_BYTES, "%s/" FOLDER "/%s", owner->state->dir.path, name);
}

size_t ticket_file_write(const ps_event_ticket *ticket, uint8_t out[TICKET_FILE_BYTES])
{
    if (ticket->ticket.len == 0 || ticket->ticket.len > PS_TICKET_MAX) {
        return 0;
    }
    out[0] = FORMAT;
    for (size_t i = 0; i < 8; i++) {
        out[1 + i] = (uint8_t)(ticket->expires_s >> (8 * i));
    }
    memcpy(out + HEAD_BYTES, ticket->ticket.data, ticket->ticket.len);
    return HEAD_BYTES + ticket->ticket.len;
}

size_t ticket_file_read(ps_span file, uint64_t now_s, uint8_t out[PS_TICKET_MAX])
{
    uint64_t expires_s = 0;
    if (file.len <= HEAD_BYTES || file.len > TICKET_FILE_BYTES || file.data[0] != FORMAT) {
        return 0;
    }
    for (size_t i = 0; i < 8; i++) {
        expires_s |= (uint64_t)file.data[1 + i] << (8 * i);
    }
    if (now_s > expires_s && now_s - expires_s > TICKETS_SHOWN_S) {
        return 0;
    }
    memcpy(out, file.data + HEAD_BYTES, file.len - HEAD_BYTES);
    return file.len - HEAD_BYTES;
}

void tickets_keep(const struct ticket_owner *owner, const ps_event_ticket *ticket)
{
    char path[PATH_BYTES];
    uint8_t file[TICKET_FILE_BYTES];
    const size_t len = ticket_file_write(ticket, file);
    if (len == 0) {
        return;
    }
    make_path(owner, path);
    if (mkdirat(owner->state->dir.dir_fd, FOLDER, 0700) == 0 || errno == EEXIST) {
        (void)ps_file_replace(path, (ps_span){file, len}, 0600);
    }
    explicit_bzero(file, sizeof file);
}

size_t tickets_get(const struct ticket_owner *owner, uint64_t now_s, uint8_t out[PS_TICKET_MAX])
{
    char path[PATH_BYTES];
    uint8_t *file = NULL;
    size_t len = 0;
    make_path(owner, path);
    if (ps_file_read(path, TICKET_FILE_BYTES, &file, &len) != 0) {
        return 0;
    }
    const size_t ticket_len = ticket_file_read((ps_span){file, len}, now_s, out);
    explicit_bzero(file, len);
    free(file);
    if (ticket_len == 0) {
        tickets_wipe(owner);
    }
    return ticket_len;
}

void tickets_wipe(const struct ticket_owner *owner)
{
    char path[PATH_BYTES];
    make_path(owner, path);
    (void)unlink(path);
}

/* The files on a connection of a downloader, one after the other. */
#include "upload_internal.h"

#include "files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void serve_count(struct upload *u)
{
    if (u->entry) {
        atomic_fetch_add(&u->data->uploaded_bytes, u->conn.file_sent - u->counted);
        u->counted = u->conn.file_sent;
        atomic_store(&u->transfer.done, u->counted - u->file_start);
    }
}

void serve_end(struct upload *u, ps_error error)
{
    struct data *d = u->data;
    if (!u->entry) {
        return;
    }
    serve_count(u);
    const uint64_t done = u->conn.file_sent - u->file_start;
    if ((error == PS_E_CLOSED || error == PS_E_STALLED) && done >= u->entry->content.length) {
        error = PS_E_NONE; /* It has all, and went without a word. */
    }
    (void)close(u->conn.file);
    u->conn.file = -1;
    transfers_remove(&d->transfers, &u->transfer);
    (void)atomic_fetch_sub(&d->uploads, 1);
    events_post(&d->events, &(struct data_event){.type = DATA_UPLOAD_ENDED,
                                                 .tag = u->transfer.shown.tag,
                                                 .name = u->entry->name,
                                                 .user = u->transfer.shown.user,
                                                 .peer = u->guest.from,
                                                 .error = error,
                                                 .text = error ? ps_error_text(error) : "",
                                                 .done = done,
                                                 .total = u->entry->content.length,
                                                 .elapsed_us = ps_posix_now_us() - u->started_us});
    entry_drop(u->entry);
    u->entry = NULL;
    if (!u->ended) {
        lobby_enter(&d->lobby, &u->guest);
    }
}

/* Takes the entry and the descriptor over. */
static void begin(struct upload *u, struct entry *entry, int fd)
{
    struct data *d = u->data;
    lobby_leave(&d->lobby, &u->guest);
    u->entry = entry;
    u->conn.file = fd;
    u->started_us = ps_posix_now_us();
    u->file_start = u->counted = u->conn.file_sent;
    struct data_transfer *shown = &u->transfer.shown;
    *shown = (struct data_transfer){.upload = true,
                                    .tag = atomic_fetch_add(&d->upload_serial, 1) + 1,
                                    .peer = u->guest.from,
                                    .total = entry->content.length};
    (void)snprintf(shown->name, sizeof shown->name, "%s", entry->name);
    memcpy(shown->user, u->user.bytes, u->user.len);
    transfers_add(&d->transfers, &u->transfer);
    events_post(&d->events, &(struct data_event){.type = DATA_UPLOAD_STARTED,
                                                 .tag = shown->tag,
                                                 .name = entry->name,
                                                 .user = shown->user,
                                                 .peer = u->guest.from,
                                                 .total = entry->content.length});
}

/* Opens the file of an entry if it is what was hashed; else has it looked at again. That there is
 * no room to open one now says nothing about the file, and one that is not there may come back:
 * CHANGED would make who fetches it give up what he has. */
static ps_error open_entry(struct data *d, struct entry *entry, int *fd)
{
    ps_posix_file now;
    ps_posix_error error = {0};
    if (entry_open(entry, fd, &now, &error) == PS_OK) {
        if (file_same(&now, &entry->file)) {
            return PS_E_NONE;
        }
        (void)close(*fd);
        error = (ps_posix_error){0};
    } else if (file_is_crowded(&error)) {
        *fd = -1;
        return PS_E_IO;
    }
    *fd = -1;
    library_recheck(&d->library, entry);
    return error.number == 0 ? PS_E_CHANGED : PS_E_IO;
}

ps_error serve_begin(struct upload *u)
{
    struct data *d = u->data;
    if (atomic_fetch_add(&d->uploads, 1) >= d->cfg.max_uploads) {
        (void)atomic_fetch_sub(&d->uploads, 1);
        (void)atomic_fetch_add(&d->slots_refused, 1);
        return PS_E_SLOTS;
    }
    struct entry *entry = NULL;
    int fd = -1;
    ps_error error = library_find(&d->library, &u->content, &entry);
    if (error == PS_E_NONE) {
        error = open_entry(d, entry, &fd);
    }
    if (error != PS_E_NONE) {
        (void)atomic_fetch_sub(&d->uploads, 1);
        entry_drop(entry);
        return error;
    }
    begin(u, entry, fd);
    return PS_E_NONE;
}

bool serve_all_sent(const struct upload *u)
{
    return u->entry && u->conn.file_sent - u->file_start >= u->entry->content.length;
}

/* Whoever deletes a file does not want it served any longer. */
static bool is_deleted(int fd)
{
    struct stat now;
    return fstat(fd, &now) != 0 || now.st_nlink == 0;
}

ps_error serve_fault(const struct upload *u)
{
    ps_posix_file now;
    ps_posix_error error;
    if (!u->entry) {
        return PS_E_NONE;
    }
    /* Another name that kept a withdrawn one alive may have gone since. */
    if (atomic_load(&u->entry->withdrawn) || !library_lists(&u->data->library, u->entry)) {
        return PS_E_NOT_PUBLISHED;
    }
    if (ps_posix_stat_file(u->conn.file, &now, &error) != PS_OK ||
        !file_unwritten(&now, &u->entry->file) || is_deleted(u->conn.file)) {
        library_recheck(&u->data->library, u->entry);
        return PS_E_CHANGED;
    }
    return PS_E_NONE;
}

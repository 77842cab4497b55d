/* Loads the library and keeps its database up to date, on a thread of its own. */
#include "library.h"

#include "alloc.h"
#include "files.h"
#include "thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Rest after a saving, as a multiple of what it took, while files are being hashed: what they
 * become is gathered, as each saving waits for the disk. */
#define SAVE_REST 3u
/* What could not be saved is tried again after this, or with the next change. */
#define SAVE_RETRY_US 10000000u

/* True when the file is what was hashed and all that serving it takes is here. */
static bool usable_at_once(struct entry *e)
{
    int fd = -1;
    ps_posix_file now;
    ps_posix_error error;
    if (!entry_hashed(e) || entry_open(e, &fd, &now, &error) != PS_OK) {
        return false;
    }
    (void)close(fd);
    e->folder = file_folder(e->path);
    return file_same(&e->file, &now);
}

static void take_entry(void *ctx, struct entry *e)
{
    struct library *l = ctx;
    const bool ready = usable_at_once(e);
    slots_put(&l->slots, e, ready);
    if (!ready) {
        struct hash_job *job = hash_job_new(0, e->name, e->path);
        job->exact = true;
        library_job_add(l, job);
    }
}

bool library_load(struct library *l, char *why, size_t why_cap)
{
    if (!library_db_open(&l->db, l->state_dir, l->crypto, l->events, why, why_cap)) {
        return false;
    }
    const enum db_status status = library_db_list(&l->db, take_entry, l);
    l->unsaved = l->db.unwritable;
    if (status == DB_DAMAGED) {
        l->unsaved = true; /* All that could be read. */
        (void)library_db_renew(&l->db, LIBRARY_DB_LOST, l->events);
    } else if (status != DB_OK) {
        (void)snprintf(why, why_cap, "cannot read %s: %s", l->db.path, library_db_fault(&l->db));
    }
    return status != DB_FAILED;
}

static void append(struct library *l, struct change *change)
{
    if (!l->changes || l->hashing == 0) {
        pthread_cond_signal(&l->saves);
    }
    *l->changes_end = change;
    l->changes_end = &change->next;
}

static struct change *change_new(struct library *l, const struct data_event *event)
{
    if (!l->state_dir) {
        if (event) {
            events_post(l->events, event);
        }
        return NULL;
    }
    struct change *change = data_alloc(1, sizeof *change);
    change->event = event ? event_copy(event) : NULL;
    return change;
}

void library_hashed(struct library *l, struct entry *entry, bool fresh,
                    const struct data_event *event)
{
    struct change *change = change_new(l, event);
    if (change) {
        change->entry = entry_hold(entry);
        change->listed = entry->name[0] != '\0';
        change->hashed = fresh;
        append(l, change);
    }
}

void library_taken_back(struct library *l, const char *name, const struct data_event *event)
{
    struct change *change = change_new(l, event);
    if (change) {
        change->name = data_strdup(name);
        append(l, change);
    }
}

/* All that is published, as changes. The lock is held. */
static struct change *all_of(struct library *l)
{
    struct change *all = NULL;
    const struct slot **slots = slots_list(&l->slots);
    for (size_t i = slots_count(&l->slots); i > 0; i--) {
        struct change *change = data_alloc(1, sizeof *change);
        *change = (struct change){
            .next = all, .entry = entry_hold(slots[i - 1]->entry), .listed = true, .hashed = true};
        all = change;
    }
    free(slots);
    return all;
}

static void free_changes(struct change *list)
{
    while (list) {
        struct change *next = list->next;
        change_free(list);
        list = next;
    }
}

/* Begins anew if the database cannot be used any more, and says whether that was done. */
static bool mend(struct library *l, enum db_status status)
{
    return (status == DB_DAMAGED || atomic_load(&l->db.damage_seen) || !l->db.writer.db ||
            l->db.unwritable) &&
           library_db_renew(&l->db, "", l->events); /* All of it is in memory. */
}

static enum db_status write_changes(struct library *l, const struct change *changes)
{
    bool anew = l->unsaved;
    enum db_status status = DB_OK;
    anew = mend(l, status) || anew;
    do {
        struct change *all = NULL;
        if (anew) {
            pthread_mutex_lock(&l->lock);
            all = all_of(l);
            pthread_mutex_unlock(&l->lock);
        }
        status = library_db_write(&l->db, anew, anew ? all : changes);
        free_changes(all);
    } while (status == DB_DAMAGED && !anew && (anew = mend(l, status)));
    return status;
}

void library_save(struct library *l)
{
    pthread_mutex_lock(&l->lock);
    struct change *changes = l->changes;
    l->changes = NULL;
    l->changes_end = &l->changes;
    pthread_mutex_unlock(&l->lock);
    const enum db_status status = write_changes(l, changes);
    if (status != DB_OK && !l->unsaved_told) {
        l->unsaved_told = true;
        events_note(l->events, true, "cannot save what is published to %s: %s; it is tried again",
                    l->db.path, library_db_fault(&l->db));
    } else if (status == DB_OK && l->unsaved_told) {
        l->unsaved_told = false;
        events_note(l->events, false, "what is published is saved to %s again", l->db.path);
    }
    l->unsaved = status != DB_OK;
    for (struct change *change = changes; change; change = change->next) {
        if (change->event) {
            events_put(l->events, change->event);
            change->event = NULL;
        }
    }
    free_changes(changes);
}

/* Waits for something to save. @return false: the end. The lock is held. */
static bool await_change(struct library *l)
{
    while (!atomic_load(&l->stopping)) {
        const uint64_t now_us = ps_posix_now_us();
        if (!l->changes && !l->unsaved) {
            pthread_cond_wait(&l->saves, &l->lock);
        } else if (!l->changes && now_us < l->retry_us) {
            thread_cond_wait_until(&l->saves, &l->lock, l->retry_us);
        } else if (l->changes && l->hashing > 0 && now_us < l->save_us) {
            thread_cond_wait_until(&l->saves, &l->lock, l->save_us);
        } else {
            return true;
        }
    }
    return false;
}

void *library_saver_main(void *arg)
{
    struct library *l = arg;
    pthread_mutex_lock(&l->lock);
    while (await_change(l)) {
        pthread_mutex_unlock(&l->lock);
        const uint64_t began_us = ps_posix_now_us();
        library_save(l);
        const uint64_t ended_us = ps_posix_now_us();
        pthread_mutex_lock(&l->lock);
        l->save_us = ended_us + SAVE_REST * (ended_us - began_us);
        l->retry_us = ended_us + SAVE_RETRY_US;
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

#include "library.h"

#include "alloc.h"
#include "thread.h"
#include "trees.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The index of the first slot whose name is not before `name`. */
static size_t lower_bound(const struct library *l, const char *name)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->slots[middle].entry->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

ptrdiff_t library_slot(const struct library *l, const char *name)
{
    size_t i = lower_bound(l, name);
    return i < l->count && strcmp(l->slots[i].entry->name, name) == 0 ? (ptrdiff_t)i : -1;
}

/* Lets go of an entry that has left its slot. Uploads of it end, unless somebody else here
 * publishes the same content. */
static void withdraw(struct library *l, struct entry *e)
{
    bool listed = false;
    for (size_t i = 0; i < l->count && !listed; i++) {
        listed = l->slots[i].ready && ps_content_equal(&l->slots[i].entry->content, &e->content);
    }
    atomic_store(&e->withdrawn, !listed);
    entry_drop(e);
}

void library_put(struct library *l, struct entry *entry, bool ready)
{
    size_t i = lower_bound(l, entry->name);
    if (i < l->count && strcmp(l->slots[i].entry->name, entry->name) == 0) {
        struct entry *old = l->slots[i].entry;
        l->slots[i] = (struct slot){entry, ready};
        withdraw(l, old);
        return;
    }
    if (l->count == l->cap) {
        l->cap = l->cap > 0 ? 2 * l->cap : 64;
        l->slots = data_grow(l->slots, l->cap, sizeof *l->slots);
    }
    memmove(&l->slots[i + 1], &l->slots[i], (l->count - i) * sizeof *l->slots);
    l->slots[i] = (struct slot){entry, ready};
    l->count++;
}

void library_take_out(struct library *l, size_t index)
{
    struct entry *old = l->slots[index].entry;
    l->count--;
    memmove(&l->slots[index], &l->slots[index + 1], (l->count - index) * sizeof *l->slots);
    withdraw(l, old);
}

struct hash_job *library_job_new(uint64_t tag, const char *name, const char *path)
{
    struct hash_job *job = data_alloc(1, sizeof *job);
    job->tag = tag;
    job->name = data_strdup(name);
    job->path = data_strdup(path);
    atomic_init(&job->cancel, PS_E_NONE);
    return job;
}

void library_job_free(struct hash_job *job)
{
    free(job->name);
    free(job->path);
    free(job);
}

void library_job_add(struct library *l, struct hash_job *job)
{
    struct hash_job **end = &l->jobs;
    while (*end) {
        end = &(*end)->next;
    }
    job->next = NULL;
    *end = job;
    l->hashing++;
    pthread_cond_signal(&l->work);
}

void library_look_again(struct library *l, const char *name)
{
    ptrdiff_t slot = library_slot(l, name);
    bool needed = slot >= 0 && !l->slots[slot].ready;
    for (const struct hash_job *job = l->jobs; job && needed; job = job->next) {
        needed = strcmp(job->name, name) != 0;
    }
    for (size_t i = 0; i < LIBRARY_HASHERS && needed; i++) {
        needed = !l->running[i] || strcmp(l->running[i]->name, name) != 0;
    }
    if (needed) {
        library_job_add(l, library_job_new(0, name, l->slots[slot].entry->path));
    }
}

static void tell_cancelled(struct library *l, const struct hash_job *job, ps_error error)
{
    if (job->tag != 0) {
        events_post(l->events, &(struct data_event){.type = DATA_PUBLISH_FAILED,
                                                    .tag = job->tag,
                                                    .name = job->name,
                                                    .path = job->path,
                                                    .error = error,
                                                    .text = ps_error_text(error)});
    }
}

static bool job_matches(const struct hash_job *job, const char *name, uint64_t tag)
{
    return name ? strcmp(job->name, name) == 0 : job->tag == tag;
}

/* Ends the jobs of a name, or (name NULL) of a tag. @return true when there was one. */
static bool cancel_jobs(struct library *l, const char *name, uint64_t tag, ps_error error)
{
    bool any = false;
    for (struct hash_job **at = &l->jobs; *at;) {
        struct hash_job *job = *at;
        if (!job_matches(job, name, tag)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        l->hashing--;
        any = true;
        tell_cancelled(l, job, error);
        if (!name) {
            library_look_again(l, job->name);
        }
        library_job_free(job);
    }
    for (size_t i = 0; i < LIBRARY_HASHERS; i++) {
        if (l->running[i] && job_matches(l->running[i], name, tag)) {
            unsigned none = PS_E_NONE;
            (void)atomic_compare_exchange_strong(&l->running[i]->cancel, &none, error);
            any = true;
        }
    }
    return any;
}

void library_changed(struct library *l, const struct data_event *event)
{
    if (!l->state_dir) {
        if (event) {
            events_post(l->events, event);
        }
        return;
    }
    if (event) {
        struct held_event *held = data_alloc(1, sizeof *held);
        held->event = event_copy(event);
        *l->held_end = held;
        l->held_end = &held->next;
    }
    l->dirty = true;
    pthread_cond_signal(&l->saves);
}

static char *absolute_path(const char *path)
{
    if (path[0] == '/') {
        return data_strdup(path);
    }
    char *here = getcwd(NULL, 0);
    if (!here) {
        return data_strdup(path);
    }
    char *whole = data_format("%s/%s", here, path);
    free(here);
    return whole;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void library_publish(struct library *l, uint64_t tag, const char *path, const char *name)
{
    char *whole = absolute_path(path);
    for (size_t len = strlen(whole); len > 1 && whole[len - 1] == '/'; len--) {
        whole[len - 1] = '\0'; /* "folder/" is a folder, not an empty name. */
    }
    const char *label = name ? name : base_name(whole);
    ps_name_fault fault = ps_name_check((ps_span){(const uint8_t *)label, strlen(label)});
    if (fault != PS_NAME_OK) {
        char text[160];
        (void)snprintf(text, sizeof text, "the name cannot be used: %s", ps_name_fault_text(fault));
        events_post(l->events, &(struct data_event){.type = DATA_PUBLISH_FAILED,
                                                    .tag = tag,
                                                    .name = label,
                                                    .path = whole,
                                                    .error = PS_E_BAD_NAME,
                                                    .text = text});
    } else {
        pthread_mutex_lock(&l->lock);
        (void)cancel_jobs(l, label, 0, PS_E_SUPERSEDED);
        library_job_add(l, library_job_new(tag, label, whole));
        pthread_mutex_unlock(&l->lock);
    }
    free(whole);
}

bool library_unpublish(struct library *l, const char *name)
{
    pthread_mutex_lock(&l->lock);
    bool any = cancel_jobs(l, name, 0, PS_E_CANCELLED);
    ptrdiff_t i = library_slot(l, name);
    if (i >= 0) {
        library_take_out(l, (size_t)i);
        library_changed(l, NULL);
        any = true;
    }
    pthread_mutex_unlock(&l->lock);
    return any;
}

bool library_cancel(struct library *l, uint64_t tag)
{
    pthread_mutex_lock(&l->lock);
    bool any = tag != 0 && cancel_jobs(l, NULL, tag, PS_E_CANCELLED);
    pthread_mutex_unlock(&l->lock);
    return any;
}

struct data_file *library_files(struct library *l, size_t *n)
{
    pthread_mutex_lock(&l->lock);
    struct data_file *files = l->count > 0 ? data_alloc(l->count, sizeof *files) : NULL;
    for (size_t i = 0; i < l->count; i++) {
        const struct entry *e = l->slots[i].entry;
        files[i] = (struct data_file){.name = data_strdup(e->name),
                                      .path = data_strdup(e->path),
                                      .content = e->content,
                                      .ready = l->slots[i].ready};
    }
    *n = l->count;
    pthread_mutex_unlock(&l->lock);
    return files;
}

unsigned library_hashing(struct library *l)
{
    pthread_mutex_lock(&l->lock);
    unsigned n = l->hashing;
    pthread_mutex_unlock(&l->lock);
    return n;
}

ps_error library_find(struct library *l, const ps_content *content, struct entry **out)
{
    ps_error result = PS_E_NOT_PUBLISHED;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count && result != PS_E_NONE; i++) {
        if (!ps_content_equal(&l->slots[i].entry->content, content)) {
            continue;
        }
        if (l->slots[i].ready) {
            *out = entry_hold(l->slots[i].entry);
            result = PS_E_NONE;
        } else {
            result = PS_E_CHANGED;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return result;
}

bool library_lists(struct library *l, const struct entry *entry)
{
    pthread_mutex_lock(&l->lock);
    ptrdiff_t slot = library_slot(l, entry->name);
    bool listed = slot >= 0 && l->slots[slot].entry == entry;
    for (size_t i = 0; i < l->count && !listed; i++) {
        listed = ps_content_equal(&l->slots[i].entry->content, &entry->content);
    }
    pthread_mutex_unlock(&l->lock);
    return listed;
}

void library_recheck(struct library *l, struct entry *entry)
{
    pthread_mutex_lock(&l->lock);
    ptrdiff_t i = library_slot(l, entry->name);
    if (i >= 0 && l->slots[i].entry == entry && l->slots[i].ready) {
        l->slots[i].ready = false;
        library_job_add(l, library_job_new(0, entry->name, entry->path));
    }
    pthread_mutex_unlock(&l->lock);
}

bool library_open(struct library *l, const struct data_config *cfg, struct events *events,
                  char *why, size_t why_cap)
{
    *l = (struct library){.crypto = cfg->crypto,
                          .state_dir = cfg->state_dir ? data_strdup(cfg->state_dir) : NULL,
                          .events = events,
                          .progress_ms = cfg->progress_ms};
    l->held_end = &l->held;
    pthread_mutex_init(&l->lock, NULL);
    thread_cond_init(&l->work);
    thread_cond_init(&l->saves);
    if (l->state_dir && !library_load(l, why, why_cap)) {
        return false;
    }
    for (; l->hashers_started < LIBRARY_HASHERS; l->hashers_started++) {
        if (!thread_start(&l->hashers[l->hashers_started], library_hasher_main, l, why, why_cap)) {
            return false;
        }
    }
    if (l->state_dir) {
        l->saver_started = thread_start(&l->saver, library_saver_main, l, why, why_cap);
        return l->saver_started;
    }
    return true;
}

void library_close(struct library *l)
{
    pthread_mutex_lock(&l->lock);
    atomic_store(&l->stopping, true);
    pthread_cond_broadcast(&l->work);
    pthread_cond_broadcast(&l->saves);
    pthread_mutex_unlock(&l->lock);
    for (unsigned i = 0; i < l->hashers_started; i++) {
        pthread_join(l->hashers[i], NULL);
    }
    if (l->saver_started) {
        pthread_join(l->saver, NULL);
    }
    if (l->dirty) {
        library_save(l);
    }
    for (struct hash_job *job; (job = l->jobs) != NULL;) {
        l->jobs = job->next;
        library_job_free(job);
    }
    for (struct held_event *held; (held = l->held) != NULL;) {
        l->held = held->next;
        data_event_free(held->event);
        free(held);
    }
    for (size_t i = 0; i < l->count; i++) {
        entry_drop(l->slots[i].entry);
    }
    free(l->slots);
    free(l->state_dir);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->saves);
    pthread_mutex_destroy(&l->lock);
}

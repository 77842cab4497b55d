#include "library.h"

#include "alloc.h"
#include "hash_run.h"
#include "thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

void library_job_add(struct library *l, struct hash_job *job)
{
    hash_jobs_add(&l->jobs, job);
    l->hashing++;
    l->away += job->away ? 1u : 0u;
    pthread_cond_signal(&l->work);
}

void library_job_take(struct library *l, struct hash_job *job)
{
    hash_jobs_remove(&l->jobs, job);
    l->away -= job->away ? 1u : 0u;
    job->away = false;
}

/* Has the file of an entry hashed in the background. */
static void look_again(struct library *l, const struct entry *entry)
{
    struct hash_job *job = hash_job_new(0, entry->name, entry->path);
    job->exact = true;
    library_job_add(l, job);
}

void library_look_again(struct library *l, const char *name)
{
    const struct slot *slot = slots_find(&l->slots, name);
    bool needed = slot && !slot->ready && !hash_jobs_of_name(&l->jobs, name);
    for (const struct hash_job *job = l->running; job && needed; job = job->next_running) {
        needed = strcmp(job->name, name) != 0;
    }
    if (needed) {
        look_again(l, slot->entry);
    }
}

static void tell_cancelled(struct library *l, const struct hash_job *job, ps_error error)
{
    if (job->tag != 0) {
        events_post(l->events,
                    &(struct data_event){.type = job_is_published(job) ? DATA_PUBLISH_FAILED
                                                                       : DATA_HASH_FAILED,
                                         .tag = job->tag,
                                         .name = job->name,
                                         .path = job->path,
                                         .error = error,
                                         .text = ps_error_text(error)});
    }
}

/* The next waiting job of a name, or (name NULL) of a tag. */
static struct hash_job *waiting_job(const struct library *l, const char *name, uint64_t tag)
{
    return name ? hash_jobs_of_name(&l->jobs, name) : hash_jobs_of_tag(&l->jobs, tag);
}

static bool job_matches(const struct hash_job *job, const char *name, uint64_t tag)
{
    return name ? strcmp(job->name, name) == 0 : job->tag == tag;
}

/* Ends the jobs of a name, or (name NULL) of a tag. @return true when there was one. */
static bool cancel_jobs(struct library *l, const char *name, uint64_t tag, ps_error error)
{
    bool any = false;
    for (struct hash_job *job; (job = waiting_job(l, name, tag)) != NULL;) {
        library_job_take(l, job);
        l->hashing--;
        any = true;
        tell_cancelled(l, job, error);
        if (!name) {
            library_look_again(l, job->name);
        }
        hash_job_free(job);
    }
    for (struct hash_job *job = l->running; job; job = job->next_running) {
        if (job_matches(job, name, tag)) {
            unsigned none = PS_E_NONE;
            (void)atomic_compare_exchange_strong(&job->cancel, &none, error);
            any = true;
        }
    }
    return any;
}

static char *absolute_path(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? data_format("%s/%s", here, path) : data_strdup(path);
    free(here);
    for (size_t len = strlen(whole); len > 1 && whole[len - 1] == '/'; len--) {
        whole[len - 1] = '\0'; /* "folder/" is a folder, not an empty name. */
    }
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
        library_job_add(l, hash_job_new(tag, label, whole));
        pthread_mutex_unlock(&l->lock);
    }
    free(whole);
}

void library_hash(struct library *l, uint64_t tag, const char *path)
{
    char *whole = absolute_path(path);
    pthread_mutex_lock(&l->lock);
    library_job_add(l, hash_job_new(tag, "", whole));
    pthread_mutex_unlock(&l->lock);
    free(whole);
}

bool library_unpublish(struct library *l, const char *name)
{
    pthread_mutex_lock(&l->lock);
    bool any = cancel_jobs(l, name, 0, PS_E_CANCELLED);
    struct slot *slot = slots_find(&l->slots, name);
    if (slot) {
        slots_take_out(&l->slots, slot);
        library_taken_back(l, name, NULL);
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
    const size_t count = slots_count(&l->slots);
    const struct slot **slots = slots_list(&l->slots);
    struct data_file *files = count > 0 ? data_alloc(count, sizeof *files) : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = slots[i]->entry;
        files[i] = (struct data_file){.name = data_strdup(e->name),
                                      .path = data_strdup(e->path),
                                      .content = e->content,
                                      .ready = slots[i]->ready};
    }
    pthread_mutex_unlock(&l->lock);
    free(slots);
    *n = count;
    return files;
}

void data_files_free(struct data_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(files[i].name);
        free(files[i].path);
    }
    free(files);
}

size_t library_count(struct library *l, unsigned *hashing, unsigned *away)
{
    pthread_mutex_lock(&l->lock);
    const size_t n = slots_count(&l->slots);
    *hashing = l->hashing - l->away;
    *away = l->away;
    pthread_mutex_unlock(&l->lock);
    return n;
}

ps_error library_find(struct library *l, const ps_content *content, struct entry **out)
{
    ps_error result = PS_E_NOT_PUBLISHED;
    pthread_mutex_lock(&l->lock);
    const struct slot *slot = slots_holding(&l->slots, content);
    if (slot && slot->ready) {
        *out = entry_hold(slot->entry);
        result = PS_E_NONE;
    } else if (slot) {
        result = PS_E_CHANGED;
    }
    pthread_mutex_unlock(&l->lock);
    return result;
}

bool library_lists(struct library *l, const struct entry *entry)
{
    pthread_mutex_lock(&l->lock);
    bool listed = slots_holding(&l->slots, &entry->content) != NULL;
    pthread_mutex_unlock(&l->lock);
    return listed;
}

void library_recheck(struct library *l, struct entry *entry)
{
    pthread_mutex_lock(&l->lock);
    struct slot *slot = slots_find(&l->slots, entry->name);
    if (slot && slot->entry == entry && slot->ready) {
        slots_doubt(&l->slots, slot);
        look_again(l, entry);
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
    l->changes_end = &l->changes;
    slots_init(&l->slots);
    hash_jobs_init(&l->jobs);
    pthread_mutex_init(&l->lock, NULL);
    thread_cond_init(&l->work);
    thread_cond_init(&l->saves);
    if (l->state_dir && !library_load(l, why, why_cap)) {
        return false;
    }
    unsigned hashers = cfg->hashers > 0 ? cfg->hashers : uv_available_parallelism();
    hashers = hashers < LIBRARY_HASHERS_MAX ? hashers : LIBRARY_HASHERS_MAX;
    for (; l->hashers_started < hashers; l->hashers_started++) {
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
    if (l->changes || l->unsaved) {
        library_save(l);
    }
    library_db_close(&l->db);
    if (l->large) { /* Between two turns. */
        hash_job_free(l->large->job);
        hash_run_free(l->large);
    }
    hash_jobs_free(&l->jobs);
    slots_free(&l->slots);
    free(l->state_dir);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->saves);
    pthread_mutex_destroy(&l->lock);
}

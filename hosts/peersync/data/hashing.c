/* The hashers: threads that turn paths into entries. */
#include "library.h"

#include "alloc.h"
#include "files.h"
#include "thread.h"
#include "trees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A file that changes while it is hashed is looked at again after this. */
#define UNSETTLED_RETRY_US 2000000u
/* File systems stamp times with the kernel's tick, 10 ms at most. A write within the tick of the
 * last one leaves no trace in the stamps, so hashing waits until the last one is older. */
#define STAMP_NS INT64_C(20000000)

/* How a hashing went. */
struct outcome {
    ps_error error;
    const char *why;
    ps_posix_error system; /* Where `why` may point to. */
    ps_posix_file file;
    ps_content content;
    ps_node *tree;
};

struct watch {
    struct library *l;
    struct hash_job *job;
    uint64_t total;
};

static bool keep_hashing(void *ctx, uint64_t done)
{
    struct watch *w = ctx;
    uint64_t now = ps_posix_now_us();
    if (done < w->total && now - w->job->progress_us >= (uint64_t)w->l->progress_ms * 1000) {
        w->job->progress_us = now;
        events_post(w->l->events, &(struct data_event){.type = DATA_HASH_PROGRESS,
                                                       .tag = w->job->tag,
                                                       .name = w->job->name,
                                                       .done = done,
                                                       .total = w->total});
    }
    return atomic_load(&w->job->cancel) == PS_E_NONE && !atomic_load(&w->l->stopping);
}

static void let_stamps_age(const ps_posix_file *file)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - file->ctime_ns;
    if (age >= 0 && age < STAMP_NS) {
        struct timespec wait = {.tv_nsec = (long)(STAMP_NS - age)};
        (void)nanosleep(&wait, NULL);
    }
}

static void hash_open_file(struct library *l, struct hash_job *job, int fd, struct outcome *o)
{
    if (o->file.size > PS_FILE_MAX) {
        o->error = PS_E_IO;
        o->why = "it is longer than a file may be";
        return;
    }
    struct watch watch = {l, job, o->file.size};
    ps_posix_file after;
    o->tree = tree_alloc(o->file.size);
    if (!o->tree && ps_tree_nodes(o->file.size) > 0) {
        o->error = PS_E_IO;
        o->why = "there is not enough memory for the hashes of so long a file";
        return;
    }
    job->progress_us = ps_posix_now_us();
    o->error = file_hash(fd, o->file.size, l->crypto, o->tree, &o->content, keep_hashing, &watch,
                         &o->system);
    if (o->error == PS_E_NONE && ps_posix_stat_file(fd, &after, &o->system) != PS_OK) {
        o->error = PS_E_IO;
    } else if (o->error == PS_E_NONE && !file_same(&o->file, &after)) {
        o->error = PS_E_CHANGED;
    }
    if (o->error == PS_E_CHANGED) {
        o->why = "it changed while it was being read";
    } else if (o->error == PS_E_IO) {
        o->why = file_fault(&o->system);
    } else if (o->error == PS_E_CANCELLED) {
        o->error = (ps_error)atomic_load(&job->cancel);
        o->error = o->error == PS_E_NONE ? PS_E_CANCELLED : o->error;
        o->why = ps_error_text(o->error);
    }
}

/* The entry that this job would make exists and nothing has changed since. */
static bool already_known(struct library *l, const struct hash_job *job, const ps_posix_file *file)
{
    pthread_mutex_lock(&l->lock);
    const struct slot *slot = slots_find(&l->slots, job->name);
    bool known = slot && slot->ready && strcmp(slot->entry->path, job->path) == 0 &&
                 file_same(&slot->entry->file, file);
    pthread_mutex_unlock(&l->lock);
    return known;
}

/* @return true when there is nothing to hash: the job is `known` already, or it failed. */
static void run_job(struct library *l, struct hash_job *job, struct outcome *o, bool *known)
{
    int fd = -1;
    *known = false;
    if (ps_posix_open_file(job->path, &fd, &o->file, &o->system) != PS_OK) {
        o->error = PS_E_IO;
        o->why = file_fault(&o->system);
        return;
    }
    if (already_known(l, job, &o->file)) {
        *known = true;
    } else {
        let_stamps_age(&o->file);
        if (ps_posix_stat_file(fd, &o->file, &o->system) == PS_OK) {
            hash_open_file(l, job, fd, o);
        } else {
            o->error = PS_E_IO;
            o->why = file_fault(&o->system);
        }
    }
    (void)close(fd);
    if (o->error == PS_E_NONE && o->tree && l->state_dir && !*known &&
        tree_save(l->state_dir, l->crypto, &o->content, o->tree) != 0) {
        events_note(l->events, true, "cannot keep the hash tree of %s: %s", job->name,
                    strerror(errno));
    }
}

static void tell_failed(struct library *l, const struct hash_job *job, const struct outcome *o)
{
    struct slot *slot = slots_find(&l->slots, job->name);
    struct data_event event = {.type = DATA_PUBLISH_FAILED,
                               .tag = job->tag,
                               .name = job->name,
                               .path = job->path,
                               .error = o->error,
                               .text = o->why};
    if (job->tag != 0) {
        events_post(l->events, &event);
    } else if (o->error == PS_E_IO && slot) {
        event.type = DATA_FILE_GONE;
        slots_take_out(&l->slots, slot);
        library_changed(l, &event);
    }
}

static void tell_ready(struct library *l, const struct hash_job *job, struct outcome *o, bool known)
{
    const struct slot *slot = slots_find(&l->slots, job->name);
    bool changed = !known && !(slot && ps_content_equal(&slot->entry->content, &o->content));
    if (!known) {
        slots_put(&l->slots, entry_new(job->name, job->path, &o->file, &o->content, o->tree), true);
        o->tree = NULL;
        slot = slots_find(&l->slots, job->name);
    }
    library_changed(l, &(struct data_event){.type = DATA_FILE_READY,
                                            .tag = job->tag,
                                            .name = job->name,
                                            .path = job->path,
                                            .content = slot->entry->content,
                                            .changed = changed});
}

/* Puts a background job back that met a file being written. @return false: it is no such job. */
static bool try_again_later(struct library *l, struct hash_job *job, const struct outcome *o)
{
    if (job->tag != 0 || o->error != PS_E_CHANGED) {
        return false;
    }
    if (!job->told_unsettled) {
        job->told_unsettled = true;
        events_note(l->events, true, "%s is being written to; it is served again when it is still",
                    job->name);
    }
    job->due_us = ps_posix_now_us() + UNSETTLED_RETRY_US;
    library_job_add(l, job);
    return true;
}

/* Ends a job; the lock is held. */
static void finish_job(struct library *l, struct hash_job *job, struct outcome *o, bool known)
{
    l->hashing--;
    if (l->hashing == 0) {
        pthread_cond_signal(&l->saves); /* The saver may be waiting for the last one. */
    }
    ps_error cancelled = (ps_error)atomic_load(&job->cancel);
    if (cancelled != PS_E_NONE) {
        o->error = cancelled;
        o->why = ps_error_text(cancelled);
    }
    /* Between already_known() and now the slot may have gone or begun to be looked at. */
    const struct slot *slot = slots_find(&l->slots, job->name);
    if (known && o->error == PS_E_NONE && (!slot || !slot->ready)) {
        library_job_add(l, job);
        return;
    }
    if (try_again_later(l, job, o)) {
        return;
    }
    if (o->error != PS_E_NONE) {
        tell_failed(l, job, o);
        library_look_again(l, job->name);
    } else if (job->tag != 0 || slot) {
        tell_ready(l, job, o, known);
    }
    hash_job_free(job);
}

/* The next job that is due, taken out; waits for one. NULL: the end. The lock is held. */
static struct hash_job *take_job(struct library *l)
{
    while (!atomic_load(&l->stopping)) {
        struct hash_job *job = hash_jobs_first(&l->jobs);
        if (!job) {
            pthread_cond_wait(&l->work, &l->lock);
        } else if (job->due_us <= ps_posix_now_us()) {
            hash_jobs_remove(&l->jobs, job);
            return job;
        } else {
            thread_cond_wait_until(&l->work, &l->lock, job->due_us);
        }
    }
    return NULL;
}

/* A free place among the running; there is one for each hasher. */
static struct hash_job **running_place(struct library *l)
{
    size_t i = 0;
    while (l->running[i]) {
        i++;
    }
    return &l->running[i];
}

void *library_hasher_main(void *arg)
{
    struct library *l = arg;
    pthread_mutex_lock(&l->lock);
    for (struct hash_job *job; (job = take_job(l)) != NULL;) {
        struct hash_job **place = running_place(l);
        *place = job;
        pthread_mutex_unlock(&l->lock);
        struct outcome outcome = {.error = PS_E_NONE, .why = ""};
        bool known;
        run_job(l, job, &outcome, &known);
        pthread_mutex_lock(&l->lock);
        *place = NULL;
        finish_job(l, job, &outcome, known);
        free(outcome.tree);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

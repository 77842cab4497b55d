/* The hashers: threads that turn paths into entries. */
#include "library.h"

#include "alloc.h"
#include "files.h"
#include "hash_run.h"
#include "thread.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file that changes while it is hashed is looked at again after this. */
#define UNSETTLED_RETRY_US 2000000u
/* One that cannot be read: after this, and then after twice as long each time, up to the last. */
#define AWAY_FIRST_US UINT64_C(5000000)
#define AWAY_LAST_US  UINT64_C(300000000)

/* One of the threads. */
struct hasher {
    struct library *l;
    struct hash_run *run; /* What it works on now. */
    uint8_t *buffer;      /* A piece. */
    bool large_first;     /* The last turn was a small file's: large and small ones take turns. */
};

static bool keep_hashing(void *ctx, uint32_t hashed)
{
    const struct hasher *h = ctx;
    struct hash_run *run = h->run;
    struct hash_job *job = run->job;
    const uint64_t done = atomic_fetch_add(&run->done, hashed) + hashed;
    const uint64_t now = ps_posix_now_us();
    unsigned long long told = atomic_load(&job->progress_us);
    if (done < run->file.size && now >= told + (uint64_t)h->l->progress_ms * 1000 &&
        atomic_compare_exchange_strong(&job->progress_us, &told, now)) {
        events_post(h->l->events, &(struct data_event){.type = DATA_HASH_PROGRESS,
                                                       .tag = job->tag,
                                                       .name = job->name,
                                                       .done = done,
                                                       .total = run->file.size});
    }
    return atomic_load(&job->cancel) == PS_E_NONE && !atomic_load(&run->failed) &&
           !atomic_load(&h->l->stopping);
}

/* The entry that this job would make exists and nothing has changed since. */
static bool already_known(struct library *l, const struct hash_run *run)
{
    pthread_mutex_lock(&l->lock);
    const struct slot *slot = slots_find(&l->slots, run->job->name);
    bool known = slot && slot->ready && strcmp(slot->entry->path, run->path) == 0 &&
                 file_same(&slot->entry->file, &run->file);
    pthread_mutex_unlock(&l->lock);
    return known;
}

/* @return true: the file is to be hashed. False: it failed, or what it holds is known. */
static bool examine(struct library *l, struct hash_run *run)
{
    if (!hash_run_open(run)) {
        return false;
    }
    run->known = already_known(l, run);
    run->kept = !run->known && l->state_dir &&
                library_db_find(&l->db, run->path, &run->file, &run->content, &run->tree);
    if (run->known || run->kept) {
        return false;
    }
    atomic_store(&run->job->progress_us, ps_posix_now_us());
    return hash_run_begin(run);
}

static void tell_failed(struct library *l, const struct hash_run *run)
{
    const struct hash_job *job = run->job;
    struct slot *slot = slots_find(&l->slots, job->name);
    struct data_event event = {.type =
                                   job_is_published(job) ? DATA_PUBLISH_FAILED : DATA_HASH_FAILED,
                               .tag = job->tag,
                               .name = job->name,
                               .path = job->path,
                               .error = run->error,
                               .text = run->why};
    if (job->tag != 0) {
        events_post(l->events, &event);
    } else if (run->error == PS_E_IO && slot && !slot->ready) {
        event.type = DATA_FILE_GONE;
        slots_take_out(&l->slots, slot);
        library_taken_back(l, job->name, &event);
    }
}

static void tell_ready(struct library *l, struct hash_run *run)
{
    const struct hash_job *job = run->job;
    const struct slot *slot = slots_find(&l->slots, job->name);
    const bool fresh = !slot;
    bool changed = !run->known && !(slot && entry_hashed(slot->entry) &&
                                    ps_content_equal(&slot->entry->content, &run->content));
    if (!run->known) {
        struct entry *e = entry_new(job->name, run->path, &run->file, &run->content, run->tree);
        e->folder = run->folder;
        run->tree = NULL;
        slots_put(&l->slots, e, true);
        slot = slots_find(&l->slots, job->name);
    }
    library_hashed(l, slot->entry, !run->known && !run->kept,
                   &(struct data_event){.type = DATA_FILE_READY,
                                        .tag = job->tag,
                                        .name = job->name,
                                        .path = slot->entry->path,
                                        .content = slot->entry->content,
                                        .changed = changed,
                                        .fresh = fresh});
}

/* What was only asked for is told at once; that it is kept is for the next time. */
static void tell_hashed(struct library *l, struct hash_run *run)
{
    events_post(l->events, &(struct data_event){.type = DATA_HASHED,
                                                .tag = run->job->tag,
                                                .path = run->path,
                                                .content = run->content});
    struct entry *e = entry_new("", run->path, &run->file, &run->content, run->tree);
    run->tree = NULL;
    library_hashed(l, e, !run->kept, NULL);
    entry_drop(e);
}

/* The file was removed from a folder that is where it was. Else it may come back, and who published
 * it wants it served then: its disk is not mounted, its folder was moved, a system is short of
 * something, a disk fails. */
static bool is_gone(const struct hash_run *run, const struct slot *slot)
{
    return run->absent && file_folder_same(&run->folder, &slot->entry->folder);
}

static void wait_for_its_file(struct library *l, const struct hash_run *run)
{
    struct hash_job *job = run->job;
    if (job->away_us == 0) {
        events_post(l->events, &(struct data_event){.type = DATA_FILE_AWAY,
                                                    .name = job->name,
                                                    .path = job->path,
                                                    .error = run->error,
                                                    .text = run->why});
    }
    job->away_us = job->away_us == 0 ? AWAY_FIRST_US : job->away_us * 2;
    job->away_us = job->away_us < AWAY_LAST_US ? job->away_us : AWAY_LAST_US;
    job->away = true;
    job->due_us = ps_posix_now_us() + job->away_us;
    library_job_add(l, job);
}

static void wait_for_rest(struct library *l, struct hash_job *job)
{
    if (!job->told_unsettled) {
        job->told_unsettled = true;
        events_note(l->events, true, "%s is being written to; it is served again when it is still",
                    job->name);
    }
    job->due_us = ps_posix_now_us() + UNSETTLED_RETRY_US;
    library_job_add(l, job);
}

/* Puts a background job back that met a file being written, or none that could be read. @return
 * false: it is no such job. */
static bool try_again_later(struct library *l, const struct hash_run *run, const struct slot *slot)
{
    if (run->job->tag != 0) {
        return false;
    }
    if (run->error == PS_E_CHANGED) {
        wait_for_rest(l, run->job);
        return true;
    }
    if (run->error == PS_E_IO && slot && !slot->ready && !is_gone(run, slot)) {
        wait_for_its_file(l, run);
        return true;
    }
    return false;
}

static void leave_running(struct library *l, const struct hash_job *job)
{
    struct hash_job **at = &l->running;
    while (*at != job) {
        at = &(*at)->next_running;
    }
    *at = job->next_running;
    l->hashing--;
    if (l->hashing == 0) {
        pthread_cond_signal(&l->saves); /* The saver may be waiting for the last one. */
    }
}

/* Ends a job, unless it goes back among those that wait; the lock is held. */
static void finish_job(struct library *l, struct hash_run *run)
{
    struct hash_job *job = run->job;
    const ps_error cancelled = (ps_error)atomic_load(&job->cancel);
    if (cancelled != PS_E_NONE) {
        run->error = cancelled;
        run->why = ps_error_text(cancelled);
    }
    /* Between already_known() and now the slot may have gone or begun to be looked at. */
    const struct slot *slot = slots_find(&l->slots, job->name);
    if (run->known && run->error == PS_E_NONE && (!slot || !slot->ready)) {
        library_job_add(l, job);
        return;
    }
    if (try_again_later(l, run, slot)) {
        return;
    }
    if (run->error != PS_E_NONE) {
        tell_failed(l, run);
        library_look_again(l, job->name);
    } else if (!job_is_published(job)) {
        tell_hashed(l, run);
    } else if (job->tag != 0 || slot) {
        tell_ready(l, run);
    }
    hash_job_free(job);
}

static void end_run(struct library *l, struct hash_run *run)
{
    leave_running(l, run->job);
    finish_job(l, run);
    hash_run_free(run);
}

/* A turn on the large file: its next pieces. The lock is held but while they are hashed. */
static void hash_part(struct hasher *h)
{
    struct library *l = h->l;
    struct hash_run *run = l->large;
    const uint32_t first = run->next;
    const uint32_t rest = run->pieces - first;
    const uint32_t count = rest < HASH_PART_PIECES ? rest : HASH_PART_PIECES;
    ps_posix_error system = {0};
    h->run = run;
    run->next += count;
    run->threads++;
    if (run->next == run->pieces) {
        l->large = NULL;
        pthread_cond_broadcast(&l->work); /* Another one may begin. */
    }
    pthread_mutex_unlock(&l->lock);
    ps_error error =
        hash_run_pieces(run, l->crypto, first, count, h->buffer, keep_hashing, h, &system);
    pthread_mutex_lock(&l->lock);
    if (error != PS_E_NONE) {
        hash_run_fail(run, error, &system);
        run->next = run->pieces;
        l->large = l->large == run ? NULL : l->large;
        pthread_cond_broadcast(&l->work);
    }
    if (--run->threads > 0 || run->next < run->pieces) {
        return;
    }
    if (run->error == PS_E_NONE) {
        pthread_mutex_unlock(&l->lock);
        hash_run_finish(run, l->crypto);
        pthread_mutex_lock(&l->lock);
    }
    end_run(l, run);
}

/* A large file becomes the one that all work on, or waits for its turn. */
static void add_large(struct library *l, struct hash_run *run)
{
    if (!l->large) {
        l->large = run;
        pthread_cond_broadcast(&l->work);
        return;
    }
    struct hash_job *job = run->job;
    leave_running(l, job);
    hash_run_free(run);
    job->large = true;
    library_job_add(l, job);
}

/* A turn on a file that waited. The lock is held but while it is worked on. */
static void start_job(struct hasher *h, struct hash_job *job)
{
    struct library *l = h->l;
    library_job_take(l, job);
    job->next_running = l->running;
    l->running = job;
    pthread_mutex_unlock(&l->lock);
    struct hash_run *run = hash_run_new(job);
    const bool to_hash = examine(l, run);
    const bool large = to_hash && hash_run_is_large(run);
    h->run = run;
    if (to_hash && !large) {
        ps_posix_error system = {0};
        ps_error error =
            hash_run_pieces(run, l->crypto, 0, run->pieces, h->buffer, keep_hashing, h, &system);
        if (error == PS_E_NONE) {
            hash_run_finish(run, l->crypto);
        } else {
            hash_run_fail(run, error, &system);
        }
    }
    pthread_mutex_lock(&l->lock);
    if (large && atomic_load(&job->cancel) == PS_E_NONE) {
        add_large(l, run);
    } else {
        end_run(l, run);
    }
}

/* The job if it is due; else *wait_us becomes no later than when it is. */
static struct hash_job *if_due(struct hash_job *job, uint64_t now_us, uint64_t *wait_us)
{
    if (!job || job->due_us <= now_us) {
        return job;
    }
    *wait_us = job->due_us < *wait_us ? job->due_us : *wait_us;
    return NULL;
}

/* One turn, or a wait for one. @return false: the end. The lock is held. */
static bool take_turn(struct hasher *h)
{
    struct library *l = h->l;
    if (atomic_load(&l->stopping)) {
        return false;
    }
    const uint64_t now_us = ps_posix_now_us();
    uint64_t wait_us = PS_TIME_NEVER;
    struct hash_job *job = if_due(hash_jobs_first(&l->jobs, false), now_us, &wait_us);
    struct hash_job *large =
        l->large ? NULL : if_due(hash_jobs_first(&l->jobs, true), now_us, &wait_us);
    const bool on_large = (l->large || large) && (h->large_first || !job);
    h->large_first = !on_large;
    if (on_large && l->large) {
        hash_part(h);
    } else if (on_large || job) {
        start_job(h, on_large ? large : job);
    } else if (wait_us == PS_TIME_NEVER) {
        pthread_cond_wait(&l->work, &l->lock);
    } else {
        thread_cond_wait_until(&l->work, &l->lock, wait_us);
    }
    return true;
}

void *library_hasher_main(void *arg)
{
    struct hasher h = {.l = arg, .buffer = data_alloc(1, PS_PIECE_BYTES)};
    pthread_mutex_lock(&h.l->lock);
    while (take_turn(&h)) {
    }
    pthread_mutex_unlock(&h.l->lock);
    free(h.buffer);
    return NULL;
}

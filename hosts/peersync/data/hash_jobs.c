#include "hash_jobs.h"

#include "alloc.h"
#include "peersync/base.h"
#include "peersync/posix.h"

#include <stdlib.h>
#include <string.h>

#define JOB(node, member) ((node) ? ORDERED_ITEM(node, struct hash_job, member) : NULL)

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Where a job stands among the names. */
struct place {
    const char *name;
    uint64_t serial;
};

/* The key is a job, */
static int compare_dues(const void *key, const struct ordered_node *node)
{
    const struct hash_job *a = key;
    const struct hash_job *b = ORDERED_ITEM(node, struct hash_job, by_due);
    const int dues = compare_numbers(a->due_us, b->due_us);
    return dues != 0 ? dues : compare_numbers(a->serial, b->serial);
}

/* a place, */
static int compare_names(const void *key, const struct ordered_node *node)
{
    const struct place *a = key;
    const struct hash_job *b = ORDERED_ITEM(node, struct hash_job, by_name);
    const int names = strcmp(a->name, b->name);
    return names != 0 ? names : compare_numbers(a->serial, b->serial);
}

/* a tag. */
static int compare_tags(const void *key, const struct ordered_node *node)
{
    return compare_numbers(*(const uint64_t *)key,
                           ORDERED_ITEM(node, struct hash_job, by_tag)->tag);
}

struct hash_job *hash_job_new(uint64_t tag, const char *name, const char *path)
{
    struct hash_job *job = data_alloc(1, sizeof *job);
    job->tag = tag;
    job->name = data_strdup(name);
    job->path = data_strdup(path);
    atomic_init(&job->progress_us, 0);
    atomic_init(&job->cancel, PS_E_NONE);
    return job;
}

bool job_is_published(const struct hash_job *job)
{
    return job->name[0] != '\0';
}

void hash_job_free(struct hash_job *job)
{
    free(job->name);
    free(job->path);
    free(job);
}

void hash_jobs_init(struct hash_jobs *jobs)
{
    *jobs = (struct hash_jobs){.last_serial = 0};
    ordered_init(&jobs->dues[0], compare_dues);
    ordered_init(&jobs->dues[1], compare_dues);
    ordered_init(&jobs->names, compare_names);
    ordered_init(&jobs->tags, compare_tags);
}

static void free_job(void *ctx, struct ordered_node *node)
{
    (void)ctx;
    hash_job_free(ORDERED_ITEM(node, struct hash_job, by_due));
}

void hash_jobs_free(struct hash_jobs *jobs)
{
    ordered_walk(&jobs->dues[0], free_job, NULL);
    ordered_walk(&jobs->dues[1], free_job, NULL);
    hash_jobs_init(jobs);
}

void hash_jobs_add(struct hash_jobs *jobs, struct hash_job *job)
{
    job->serial = ++jobs->last_serial;
    if (job->due_us == 0) {
        job->due_us = ps_posix_now_us();
    }
    ordered_add(&jobs->dues[job->large], job, &job->by_due);
    ordered_add(&jobs->names, &(struct place){job->name, job->serial}, &job->by_name);
    if (job->tag != 0) {
        ordered_add(&jobs->tags, &job->tag, &job->by_tag);
    }
}

void hash_jobs_remove(struct hash_jobs *jobs, struct hash_job *job)
{
    (void)ordered_remove(&jobs->dues[job->large], job);
    (void)ordered_remove(&jobs->names, &(struct place){job->name, job->serial});
    if (job->tag != 0) {
        (void)ordered_remove(&jobs->tags, &job->tag);
    }
}

struct hash_job *hash_jobs_first(const struct hash_jobs *jobs, bool large)
{
    struct ordered_node *node = ordered_first(&jobs->dues[large]);
    return JOB(node, by_due);
}

struct hash_job *hash_jobs_of_name(const struct hash_jobs *jobs, const char *name)
{
    /* Serials begin at 1. */
    struct ordered_node *node = ordered_at_least(&jobs->names, &(struct place){name, 0});
    struct hash_job *job = JOB(node, by_name);
    return job && strcmp(job->name, name) == 0 ? job : NULL;
}

struct hash_job *hash_jobs_of_tag(const struct hash_jobs *jobs, uint64_t tag)
{
    struct ordered_node *node = ordered_find(&jobs->tags, &tag);
    return JOB(node, by_tag);
}

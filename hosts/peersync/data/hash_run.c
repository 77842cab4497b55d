#include "hash_run.h"

#include "alloc.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* File systems stamp times with the kernel's tick, 10 ms at most. A write within the tick of the
 * last one leaves no trace in the stamps, so hashing waits until the last one is older. */
#define STAMP_NS INT64_C(20000000)
/* Some have whole seconds only, or two at a time. */
#define COARSE_NS INT64_C(2000000000)
#define SECOND_NS INT64_C(1000000000)

struct hash_run *hash_run_new(struct hash_job *job)
{
    struct hash_run *run = data_alloc(1, sizeof *run);
    run->job = job;
    run->fd = -1;
    run->why = "";
    atomic_init(&run->done, 0);
    atomic_init(&run->failed, false);
    return run;
}

void hash_run_free(struct hash_run *run)
{
    if (run->fd >= 0) {
        (void)close(run->fd);
    }
    free(run->path);
    free(run->tree);
    free(run);
}

static bool fail(struct hash_run *run, ps_error error, const char *why)
{
    run->error = error;
    run->why = why;
    atomic_store(&run->failed, true);
    return false;
}

void hash_run_fail(struct hash_run *run, ps_error error, const ps_posix_error *system)
{
    if (run->error != PS_E_NONE) {
        return;
    }
    run->system = *system;
    const char *why = error == PS_E_CHANGED ? "it changed while it was being read"
                      : error == PS_E_IO    ? file_fault(&run->system)
                                            : ps_error_text(error);
    (void)fail(run, error, why);
}

bool hash_run_open(struct hash_run *run)
{
    const struct hash_job *job = run->job;
    run->path = data_strdup(job->path);
    ps_status status = ps_posix_open_exact(run->path, &run->fd, &run->file, &run->system);
    if (status != PS_OK && !job->exact) {
        /* Most paths are what they resolve to; the others are looked at. */
        free(run->path);
        run->path = realpath(job->path, NULL);
        if (!run->path) {
            run->system.number = errno;
            (void)snprintf(run->system.text, sizeof run->system.text, "%s", strerror(errno));
            return fail(run, PS_E_IO, file_fault(&run->system));
        }
        status = ps_posix_open_exact(run->path, &run->fd, &run->file, &run->system);
    }
    run->folder = file_folder(run->path);
    if (status != PS_OK) {
        run->absent = file_is_absent(&run->system);
        return fail(run, PS_E_IO, file_fault(&run->system));
    }
    return true;
}

int64_t hash_run_unsettled_ns(const ps_posix_file *file, int64_t now_ns)
{
    const bool coarse = file->ctime_ns % SECOND_NS == 0 && file->mtime_ns % SECOND_NS == 0;
    const int64_t needed = coarse ? COARSE_NS : STAMP_NS;
    const int64_t age = now_ns - file->ctime_ns;
    return age >= 0 && age < needed ? needed - age : 0;
}

static void let_stamps_age(const ps_posix_file *file)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t ns = hash_run_unsettled_ns(file, (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec);
    if (ns > 0) {
        const struct timespec wait = {.tv_sec = (time_t)(ns / SECOND_NS),
                                      .tv_nsec = (long)(ns % SECOND_NS)};
        (void)nanosleep(&wait, NULL);
    }
}

bool hash_run_begin(struct hash_run *run)
{
    let_stamps_age(&run->file);
    if (ps_posix_stat_file(run->fd, &run->file, &run->system) != PS_OK) {
        return fail(run, PS_E_IO, file_fault(&run->system));
    }
    if (run->file.size > PS_FILE_MAX) {
        return fail(run, PS_E_IO, "it is longer than a file may be");
    }
    run->pieces = ps_piece_count(run->file.size);
    run->tree = tree_alloc(run->file.size);
    if (!run->tree && run->pieces > 1) {
        return fail(run, PS_E_IO, "there is not enough memory for the hashes of so long a file");
    }
#if defined(POSIX_FADV_SEQUENTIAL)
    if (run->pieces > 1) {
        (void)posix_fadvise(run->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
#endif
    return true;
}

bool hash_run_is_large(const struct hash_run *run)
{
    return run->pieces > HASH_SMALL_PIECES;
}

ps_error hash_run_pieces(struct hash_run *run, const ps_crypto *crypto, uint32_t first,
                         uint32_t count, uint8_t *buffer, bool (*go_on)(void *, uint32_t),
                         void *ctx, ps_posix_error *system)
{
#if defined(POSIX_FADV_WILLNEED)
    /* Threads that read here and there look like random access: what comes next is asked for. */
    if (first + count < run->pieces) {
        (void)posix_fadvise(run->fd, (off_t)(first + count) * PS_PIECE_BYTES,
                            (off_t)HASH_PART_PIECES * PS_PIECE_BYTES, POSIX_FADV_WILLNEED);
    }
#endif
    return file_hash_pieces(run->fd, run->file.size, crypto, first, count, buffer,
                            run->tree ? run->tree : &run->only, go_on, ctx, system);
}

void hash_run_finish(struct hash_run *run, const ps_crypto *crypto)
{
    ps_posix_file after;
    ps_posix_error system = {0};
    if (ps_posix_stat_file(run->fd, &after, &system) != PS_OK) {
        hash_run_fail(run, PS_E_IO, &system);
        return;
    }
    if (!file_same(&run->file, &after)) {
        hash_run_fail(run, PS_E_CHANGED, &system);
        return;
    }
    run->content = (ps_content){.length = run->file.size};
    if (run->tree) {
        ps_tree_build(crypto, run->file.size, run->tree);
        memcpy(run->content.root, run->tree[ps_tree_nodes(run->file.size) - 1].bytes,
               PS_ROOT_BYTES);
    } else if (run->pieces > 0) {
        memcpy(run->content.root, run->only.bytes, PS_ROOT_BYTES);
    }
}

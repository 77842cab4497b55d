/* The data plane's public face. */
#include "internal.h"

#include "alloc.h"
#include "common/exit_codes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void data_config_default(struct data_config *cfg)
{
    *cfg = (struct data_config){
        .max_uploads = 16,
        .max_fetches = 16,
        .buffer_bytes = UINT64_C(32) << 20,
        .keep_connections = true,
        .loops = 2,
        .upload_idle_ms = 30000,
        .stall_ms = 30000,
        .connect_ms = 10000,
        .progress_ms = 200,
    };
}

/* Threads that wait for the disk: one may sync for long while others open and compare. */
#define DISK_THREADS 3u

struct loop *data_pick_loop(struct data *d)
{
    struct loop *best = &d->loops[0];
    for (unsigned i = 1; i < d->loop_count; i++) {
        if (atomic_load(&d->loops[i].load) < atomic_load(&best->load)) {
            best = &d->loops[i];
        }
    }
    (void)atomic_fetch_add(&best->load, 1);
    return best;
}

struct loop *data_pick_loop_for(struct data *d, const ps_addr *addr)
{
    unsigned sum = addr->port;
    for (unsigned i = 0; i < sizeof addr->ip; i++) {
        sum += addr->ip[i];
    }
    struct loop *one = &d->loops[sum % d->loop_count];
    struct loop *two = &d->loops[(sum + 1) % d->loop_count];
    struct loop *best = atomic_load(&one->load) <= atomic_load(&two->load) ? one : two;
    (void)atomic_fetch_add(&best->load, 1);
    return best;
}

void data_loop_rest(struct loop *loop)
{
    if (loop->ending && !loop->uploads && !loop->downloads && !loop->couriers &&
        loop->pieces == 0 && !uv_is_closing((const uv_handle_t *)&loop->wake)) {
        uv_close((uv_handle_t *)&loop->wake, NULL);
    }
}

static bool open_parts(struct data *d, bool *of_state, char *why, size_t why_cap)
{
    d->has_library = true;
    if (!library_open(&d->library, &d->cfg, &d->events, why, why_cap)) {
        const int number = d->library.db.number;
        *of_state = ps_exit_of_errno(number, PS_EXIT_STATE) == PS_EXIT_STATE;
        return false;
    }
    d->has_workers = true;
    if (!workers_open(&d->workers, d->cfg.hashers > 0 ? d->cfg.hashers : workers_for_cores(), why,
                      why_cap)) {
        return false;
    }
    d->has_disk = true;
    if (!workers_open(&d->disk, DISK_THREADS, why, why_cap)) {
        return false;
    }
    unsigned wanted = d->cfg.loops < DATA_LOOPS_MAX ? d->cfg.loops : DATA_LOOPS_MAX;
    wanted = wanted > 0 ? wanted : 1;
    while (d->loop_count < wanted) {
        if (!loop_open(&d->loops[d->loop_count++], d, why, why_cap)) {
            return false;
        }
    }
    return true;
}

struct data *data_open(const struct data_config *cfg, bool *of_state, char *why, size_t why_cap)
{
    struct data *d = data_alloc(1, sizeof *d);
    d->cfg = *cfg;
    data_set_wall(d, 0);
    mode_t mask = umask(0);
    (void)umask(mask);
    d->file_mode = 0666u & ~(unsigned)mask;
    events_init(&d->events, cfg->wake, cfg->wake_ctx);
    transfers_init(&d->transfers);
    buffers_init(&d->buffers, cfg->buffer_bytes);
    berths_init(&d->berths, cfg->max_fetches);
    batch_init(&d->batch, &d->disk, cfg->keep_connections ? BATCH_FILES : 1);
    lobby_init(&d->lobby, uploads_look);
    *of_state = false;
    if (!open_parts(d, of_state, why, why_cap)) {
        data_close(d);
        return NULL;
    }
    return d;
}

static void end_loop(struct loop *loop, void *arg)
{
    struct data *d = arg;
    loop->ending = true;
    if (loop == &d->loops[0] && d->acceptor) {
        acceptor_end(loop, d->acceptor);
    }
    uploads_end(loop);
    downloads_end(loop);
    data_loop_rest(loop);
}

void data_close(struct data *d)
{
    if (!d) {
        return;
    }
    /* One after the other: only loop 0 hands sockets to the others. */
    for (unsigned i = 0; i < d->loop_count; i++) {
        if (d->loops[i].started) {
            loop_post(&d->loops[i], end_loop, d);
        }
        loop_join(&d->loops[i]);
    }
    if (d->has_workers) {
        workers_close(&d->workers);
    }
    if (d->has_disk) {
        workers_close(&d->disk);
    }
    if (d->has_library) {
        library_close(&d->library);
    }
    lobby_destroy(&d->lobby);
    batch_destroy(&d->batch);
    berths_destroy(&d->berths);
    buffers_destroy(&d->buffers);
    transfers_destroy(&d->transfers);
    events_destroy(&d->events);
    free(d);
}

bool data_listen(struct data *d, const ps_addr *where, ps_addr *bound, char *why, size_t why_cap)
{
    struct acceptor *a = acceptor_open(d, where, bound, why, why_cap);
    if (a) {
        d->acceptor = a;
        loop_post(&d->loops[0], acceptor_start, a);
    }
    return a != NULL;
}

void data_publish(struct data *d, uint64_t tag, const char *path, const char *name)
{
    library_publish(&d->library, tag, path, name);
}

bool data_unpublish(struct data *d, const char *name)
{
    const bool was = library_unpublish(&d->library, name);
    for (unsigned i = 0; was && i < d->loop_count; i++) {
        uploads_look(&d->loops[i]);
    }
    return was;
}

struct data_file *data_files(struct data *d, size_t *n)
{
    return library_files(&d->library, n);
}

void data_hash(struct data *d, uint64_t tag, const char *path)
{
    library_hash(&d->library, tag, path);
}

static void start_download(struct loop *loop, void *arg)
{
    download_start(loop, arg);
}

void data_get(struct data *d, const struct data_get *what)
{
    struct download *dl = download_new(d, what);
    bool shares = what->source_count > 0 && what->content.length <= PS_PIECE_BYTES;
    struct loop *loop = shares ? data_pick_loop_for(d, &what->sources[0].addr) : data_pick_loop(d);
    loop_post(loop, start_download, dl);
}

/* What a download is told; each loop looks whether it is its own. */
struct word {
    uint64_t tag;
    ps_error error;
    char *text;
    struct data_source *sources;
    size_t count;
};

static void word_free(struct word *w)
{
    free(w->text);
    data_free_wiped(w->sources, w->count, sizeof *w->sources);
    free(w);
}

static void stop_download(struct loop *loop, void *arg)
{
    struct word *w = arg;
    download_stop(loop, w->tag, w->error, w->text);
    word_free(w);
}

static void renew_download(struct loop *loop, void *arg)
{
    struct word *w = arg;
    download_renew(loop, w->tag, w->sources, w->count);
    word_free(w);
}

void data_get_sources(struct data *d, uint64_t tag, const struct data_source *sources, size_t n)
{
    n = n < DATA_SOURCES_MAX ? n : DATA_SOURCES_MAX;
    for (unsigned i = 0; i < d->loop_count && n > 0; i++) {
        struct word *w = data_alloc(1, sizeof *w);
        w->tag = tag;
        w->sources = data_alloc(n, sizeof *sources);
        memcpy(w->sources, sources, n * sizeof *sources);
        w->count = n;
        loop_post(&d->loops[i], renew_download, w);
    }
}

void data_get_end(struct data *d, uint64_t tag, ps_error error, const char *text)
{
    for (unsigned i = 0; i < d->loop_count; i++) {
        struct word *w = data_alloc(1, sizeof *w);
        w->tag = tag;
        w->error = error;
        w->text = data_strdup(text);
        loop_post(&d->loops[i], stop_download, w);
    }
}

void data_cancel(struct data *d, uint64_t tag)
{
    if (!library_cancel(&d->library, tag)) {
        data_get_end(d, tag, PS_E_CANCELLED, "");
    }
}

struct data_event *data_next_event(struct data *d)
{
    return events_next(&d->events);
}

void data_stats_get(struct data *d, struct data_stats *stats)
{
    unsigned hashing = 0;
    unsigned away = 0;
    const size_t published = library_count(&d->library, &hashing, &away);
    *stats = (struct data_stats){
        .uploads = atomic_load(&d->uploads),
        .downloads = atomic_load(&d->downloads),
        .hashing = hashing,
        .published = published,
        .away = away,
        .uploaded_bytes = atomic_load(&d->uploaded_bytes),
        .downloaded_bytes = atomic_load(&d->downloaded_bytes),
        .slots_refused = atomic_load(&d->slots_refused),
        .tickets_refused = atomic_load(&d->tickets_refused),
    };
}

size_t data_transfers(struct data *d, struct data_transfer out[], size_t cap)
{
    return transfers_list(&d->transfers, out, cap);
}

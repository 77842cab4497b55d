#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shelf.h"

#include "../transfer/content.h"
#include "peersync/crypto_openssl.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 60

atomic_ullong shelf_hashed;
static uint64_t meddle_at;
static void (*meddle)(void *ctx);
static void *meddle_ctx;

void shelf_meddle_at(uint64_t bytes, void (*f)(void *ctx), void *ctx)
{
    meddle_at = atomic_load(&shelf_hashed) + bytes;
    meddle = f;
    meddle_ctx = ctx;
}

static void count_update(ps_sha256 *sha, const void *data, size_t len)
{
    const uint64_t before = atomic_fetch_add(&shelf_hashed, len);
    if (meddle && before < meddle_at && before + len >= meddle_at) {
        meddle(meddle_ctx);
    }
    ps_crypto_openssl()->sha256_update(sha, data, len);
}

static void wake(void *ctx)
{
    struct shelf *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->awake = true;
    pthread_cond_signal(&s->woken);
    pthread_mutex_unlock(&s->lock);
}

int shelf_make(void **state)
{
    static ps_crypto crypto;
    struct shelf *s = calloc(1, sizeof *s);
    assert_non_null(s);
    crypto = *ps_crypto_openssl();
    crypto.sha256_update = count_update;
    crypto.sha256_blocks = NULL;
    atomic_store(&shelf_hashed, 0);
    meddle = NULL;
    (void)snprintf(s->base, sizeof s->base, "/tmp/peersync-shelf-XXXXXX");
    assert_non_null(mkdtemp(s->base));
    (void)snprintf(s->state, sizeof s->state, "%s/state", s->base);
    (void)snprintf(s->files, sizeof s->files, "%s/files", s->base);
    assert_int_equal(mkdir(s->state, 0700), 0);
    assert_int_equal(mkdir(s->files, 0700), 0);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->woken, NULL);
    s->cfg = (struct data_config){
        .crypto = &crypto, .state_dir = s->state, .hashers = 2, .progress_ms = 200};
    *state = s;
    return 0;
}

void shelf_start(struct shelf *s)
{
    char why[256] = "";
    events_init(&s->events, wake, s);
    s->open = true;
    if (!library_open(&s->library, &s->cfg, &s->events, why, sizeof why)) {
        fail_msg("%s", why);
    }
}

int shelf_open(void **state)
{
    (void)shelf_make(state);
    shelf_start(*state);
    return 0;
}

void shelf_stop(struct shelf *s)
{
    if (s->open) {
        library_close(&s->library);
        events_destroy(&s->events);
        s->open = false;
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int shelf_end(void **state)
{
    struct shelf *s = *state;
    shelf_stop(s);
    assert_int_equal(nftw(s->base, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    pthread_cond_destroy(&s->woken);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return 0;
}

static struct data_event *any_event(struct shelf *s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    for (;;) {
        struct data_event *event = events_next(&s->events);
        if (event) {
            return event;
        }
        int result = 0;
        pthread_mutex_lock(&s->lock);
        while (!s->awake && result == 0) {
            result = pthread_cond_timedwait(&s->woken, &s->lock, &until);
        }
        s->awake = false;
        pthread_mutex_unlock(&s->lock);
        assert_int_equal(result, 0); /* Else: no event came in a minute. */
    }
}

struct data_event *shelf_event(struct shelf *s)
{
    for (;;) {
        struct data_event *event = any_event(s);
        if (event->type != DATA_HASH_PROGRESS) {
            return event;
        }
        data_event_free(event);
    }
}

struct data_event *shelf_event_of(struct shelf *s, enum data_event_type type)
{
    for (;;) {
        struct data_event *event = any_event(s);
        if (event->type == type) {
            return event;
        }
        data_event_free(event);
    }
}

void shelf_quiet(struct shelf *s)
{
    for (struct data_event *event; (event = events_next(&s->events)) != NULL;) {
        if (event->type != DATA_HASH_PROGRESS) {
            fail_msg("event %d: %s %s", (int)event->type, event->name, event->text);
        }
        data_event_free(event);
    }
}

const char *shelf_path(const struct shelf *s, const char *name)
{
    static char paths[4][200];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", s->files, name);
    return path;
}

const char *shelf_write(const struct shelf *s, const char *name, size_t len, uint32_t seed)
{
    const char *path = shelf_path(s, name);
    uint8_t *bytes = content_make(len, seed);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    return path;
}

ps_content shelf_publish(struct shelf *s, const char *path, const char *name)
{
    library_publish(&s->library, ++s->tag, path, name);
    struct data_event *event = shelf_event_of(s, DATA_FILE_READY);
    assert_int_equal(event->tag, s->tag);
    ps_content content = event->content;
    data_event_free(event);
    return content;
}

void shelf_expect(struct shelf *s, const char *names)
{
    char have[1024] = "";
    size_t n = 0;
    struct data_file *files = library_files(&s->library, &n);
    for (size_t i = 0; i < n; i++) {
        (void)strncat(have, i > 0 ? " " : "", sizeof have - strlen(have) - 1);
        (void)strncat(have, files[i].name, sizeof have - strlen(have) - 1);
        assert_true(files[i].ready);
    }
    data_files_free(files, n);
    assert_string_equal(have, names);
}

void shelf_refused(struct shelf *s, const char *path, const char *name, unsigned error,
                   const char *text)
{
    library_publish(&s->library, 7, path, name);
    struct data_event *event = shelf_event(s);
    assert_int_equal(event->type, DATA_PUBLISH_FAILED);
    assert_int_equal(event->tag, 7);
    assert_int_equal(event->error, error);
    assert_non_null(strstr(event->text, text));
    data_event_free(event);
}

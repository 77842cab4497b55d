#include "peersyncd/verifier.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The first measured time is the estimate; later ones count for one eighth, as a round trip in RFC
 * 6298. */
#define GAIN 8

/* Slots by number, first in, first out. */
typedef struct ring {
    uint32_t *slots;
    uint32_t cap, head, len;
} ring;

struct ps_verifier {
    ps_verifier_config config;
    pthread_mutex_t lock;
    pthread_cond_t work;
    ps_login_job *slots;
    ring spare, waiting, done;
    uint32_t running;
    uint64_t average_us;
    bool measured;
    bool ending;
    pthread_t *threads;
    unsigned threads_len;
};

static bool ring_make(ring *r, uint32_t cap)
{
    *r = (ring){.slots = calloc(cap, sizeof *r->slots), .cap = cap};
    return r->slots != NULL;
}

static void ring_put(ring *r, uint32_t slot)
{
    r->slots[((uint64_t)r->head + r->len) % r->cap] = slot;
    r->len++;
}

static uint32_t ring_take(ring *r)
{
    const uint32_t slot = r->slots[r->head];
    r->head = (r->head + 1) % r->cap;
    r->len--;
    return slot;
}

static void verify(const ps_verifier *v, ps_login_job *login, uint64_t now_us)
{
    const ps_span password = {login->password, login->password_len};
    if (now_us > login->begun_us && now_us - login->begun_us > PS_VERIFIER_LATE_US) {
        login->verdict = PS_CHECK_LATE;
    } else {
        login->verdict =
            ps_trial_verdict(&login->trial, v->config.check(login->trial.stored, password));
    }
    explicit_bzero(login->password, sizeof login->password);
}

static void learn(ps_verifier *v, uint64_t took_us)
{
    v->average_us = v->measured ? (v->average_us * (GAIN - 1) + took_us) / GAIN : took_us;
    v->measured = true;
}

static void *run(void *arg)
{
    ps_verifier *v = arg;
    pthread_mutex_lock(&v->lock);
    for (;;) {
        while (v->waiting.len == 0 && !v->ending) {
            pthread_cond_wait(&v->work, &v->lock);
        }
        if (v->ending) {
            break;
        }
        const uint32_t slot = ring_take(&v->waiting);
        v->running++;
        pthread_mutex_unlock(&v->lock);
        const uint64_t begin_us = v->config.now_us();
        verify(v, &v->slots[slot], begin_us);
        const uint64_t took_us = v->config.now_us() - begin_us;
        pthread_mutex_lock(&v->lock);
        v->running--;
        if (v->slots[slot].verdict != PS_CHECK_LATE) {
            learn(v, took_us);
        }
        ring_put(&v->done, slot);
        if (!v->ending) {
            v->config.ready(v->config.ctx);
        }
    }
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

/* Signals are the loop's. */
static void start_threads(ps_verifier *v)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (v->threads_len < v->config.threads &&
           pthread_create(&v->threads[v->threads_len], NULL, run, v) == 0) {
        v->threads_len++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

ps_verifier *ps_verifier_open(const ps_verifier_config *config)
{
    ps_verifier *v = calloc(1, sizeof *v);
    if (v == NULL) {
        return NULL;
    }
    v->config = *config;
    v->average_us = PS_VERIFIER_FIRST_US;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->work, NULL);
    v->slots = calloc(config->slots, sizeof *v->slots);
    v->threads = calloc(config->threads, sizeof *v->threads);
    const bool rings = ring_make(&v->spare, config->slots) &&
                       ring_make(&v->waiting, config->slots) && ring_make(&v->done, config->slots);
    if (rings && v->slots != NULL && v->threads != NULL && sodium_init() >= 0) {
        for (uint32_t i = 0; i < config->slots; i++) {
            ring_put(&v->spare, i);
        }
        start_threads(v);
    }
    if (v->threads_len == 0) {
        ps_verifier_close(v);
        return NULL;
    }
    return v;
}

bool ps_verifier_begin(ps_verifier *v, const ps_login_job *login)
{
    pthread_mutex_lock(&v->lock);
    const bool room = v->spare.len > 0;
    if (room) {
        const uint32_t slot = ring_take(&v->spare);
        v->slots[slot] = *login;
        v->slots[slot].begun_us = v->config.now_us();
        ring_put(&v->waiting, slot);
        pthread_cond_signal(&v->work);
    }
    pthread_mutex_unlock(&v->lock);
    return room;
}

bool ps_verifier_end(ps_verifier *v, ps_login_job *out)
{
    pthread_mutex_lock(&v->lock);
    const bool any = v->done.len > 0;
    if (any) {
        const uint32_t slot = ring_take(&v->done);
        *out = v->slots[slot];
        explicit_bzero(&v->slots[slot], sizeof v->slots[slot]);
        ring_put(&v->spare, slot);
    }
    pthread_mutex_unlock(&v->lock);
    return any;
}

uint32_t ps_verifier_retry_ms(ps_verifier *v)
{
    pthread_mutex_lock(&v->lock);
    const uint64_t ahead = (uint64_t)v->waiting.len + v->running;
    const uint64_t ms = ahead * v->average_us / v->threads_len / 1000u;
    pthread_mutex_unlock(&v->lock);
    return ms < PS_VERIFIER_RETRY_MIN_MS   ? PS_VERIFIER_RETRY_MIN_MS
           : ms > PS_VERIFIER_RETRY_MAX_MS ? PS_VERIFIER_RETRY_MAX_MS
                                           : (uint32_t)ms;
}

void ps_verifier_close(ps_verifier *v)
{
    if (v == NULL) {
        return;
    }
    pthread_mutex_lock(&v->lock);
    v->ending = true;
    pthread_cond_broadcast(&v->work);
    pthread_mutex_unlock(&v->lock);
    for (unsigned i = 0; i < v->threads_len; i++) {
        pthread_join(v->threads[i], NULL);
    }
    if (v->slots != NULL) {
        explicit_bzero(v->slots, v->config.slots * sizeof *v->slots);
    }
    free(v->slots);
    free(v->threads);
    free(v->spare.slots);
    free(v->waiting.slots);
    free(v->done.slots);
    pthread_cond_destroy(&v->work);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

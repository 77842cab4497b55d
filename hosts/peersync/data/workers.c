#include "workers.h"

#include "alloc.h"
#include "thread.h"

#include <stdlib.h>
#include <unistd.h>

static void call_done(struct loop *loop, void *arg)
{
    struct work *work = arg;
    work->done(loop, work);
}

static void *worker_main(void *arg)
{
    struct workers *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct work *work = w->first;
        if (!work && w->stopping) {
            break;
        }
        if (!work) {
            pthread_cond_wait(&w->more, &w->lock);
            continue;
        }
        w->first = work->next;
        if (!w->first) {
            w->end = &w->first;
        }
        pthread_mutex_unlock(&w->lock);
        /* Who is not told of the end may be gone after it. */
        struct loop *loop = work->done ? work->loop : NULL;
        work->run(work);
        if (loop) {
            loop_post(loop, call_done, work);
        }
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

unsigned workers_for_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 2 ? 2 : cores > 64 ? 64 : (unsigned)cores;
}

bool workers_open(struct workers *w, unsigned threads, char *why, size_t why_cap)
{
    *w = (struct workers){.threads = data_alloc(threads, sizeof(pthread_t))};
    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    for (; w->started < threads; w->started++) {
        if (!thread_start(&w->threads[w->started], worker_main, w, why, why_cap)) {
            return false;
        }
    }
    return true;
}

void workers_add(struct workers *w, struct work *work)
{
    work->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->end = work;
    w->end = &work->next;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

void workers_close(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->started; i++) {
        pthread_join(w->threads[i], NULL);
    }
    free(w->threads);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
}

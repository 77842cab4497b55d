#include "thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool thread_start(pthread_t *thread, void *(*main)(void *), void *arg, char *why, size_t why_cap)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        (void)snprintf(why, why_cap, "cannot start a thread: %s", strerror(error));
    }
    return error == 0;
}

void thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

void thread_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_us)
{
    struct timespec at = {.tv_sec = (time_t)(until_us / 1000000),
                          .tv_nsec = (long)(until_us % 1000000 * 1000)};
    (void)pthread_cond_timedwait(cond, lock, &at);
}

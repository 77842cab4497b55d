/* Threads of the data plane. Every signal is blocked in them: signals are the control thread's, and
 * a write past RLIMIT_FSIZE becomes an error (EFBIG) instead of the end of the program. */
#ifndef PEERSYNC_DATA_THREAD_H
#define PEERSYNC_DATA_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @return false with a sentence in `why`. */
bool thread_start(pthread_t *thread, void *(*main)(void *), void *arg, char *why, size_t why_cap);
/* A condition whose timed waits follow ps_posix_now_us(). */
void thread_cond_init(pthread_cond_t *cond);
/* Waits until a signal or until `until_us` of ps_posix_now_us(). */
void thread_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_us);

#endif

#include "loop.h"

#include "admit.h"
#include "alloc.h"
#include "thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_tasks(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    pthread_mutex_lock(&loop->lock);
    struct loop_task *tasks = loop->tasks;
    loop->tasks = NULL;
    loop->tasks_end = &loop->tasks;
    pthread_mutex_unlock(&loop->lock);
    while (tasks) {
        struct loop_task *next = tasks->next;
        tasks->run(loop, tasks->arg);
        free(tasks);
        tasks = next;
    }
}

static void *loop_main(void *arg)
{
    struct loop *loop = arg;
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return NULL;
}

bool loop_open(struct loop *loop, struct data *data, char *why, size_t why_cap)
{
    *loop = (struct loop){.data = data};
    loop->tasks_end = &loop->tasks;
    pthread_mutex_init(&loop->lock, NULL);
    loop->buffer = data_alloc(1, LOOP_BUFFER_BYTES);
    loop->sealing = data_alloc(1, LOOP_SEALING_BYTES);
    loop->tls = ps_tls_context_new(admit_ticket, loop);
    if (!loop->tls) {
        (void)snprintf(why, why_cap, "cannot prepare TLS: no memory");
        return false;
    }
    ps_posix_error error = {0};
    if (ps_posix_streams_open(NULL, LOOP_STREAMS_MAX, &loop->streams, &error) != PS_OK) {
        (void)snprintf(why, why_cap, "%s", error.text);
        return false;
    }
    loop->io = ps_posix_streams_transport(loop->streams);
    int result = uv_loop_init(&loop->uv);
    if (result != 0) {
        (void)snprintf(why, why_cap, "cannot start a loop: %s", uv_strerror(result));
        return false;
    }
    result = uv_async_init(&loop->uv, &loop->wake, run_tasks);
    if (result != 0) {
        (void)uv_loop_close(&loop->uv);
        (void)snprintf(why, why_cap, "cannot start a loop: %s", uv_strerror(result));
        return false;
    }
    loop->made = true;
    loop->wake.data = loop;
    loop->started = thread_start(&loop->thread, loop_main, loop, why, why_cap);
    return loop->started;
}

void loop_post(struct loop *loop, void (*run)(struct loop *loop, void *arg), void *arg)
{
    struct loop_task *task = data_alloc(1, sizeof *task);
    task->run = run;
    task->arg = arg;
    pthread_mutex_lock(&loop->lock);
    *loop->tasks_end = task;
    loop->tasks_end = &task->next;
    /* Under the lock: once the task can be taken, the loop may end and close `wake`. */
    (void)uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
}

void loop_join(struct loop *loop)
{
    if (loop->started) {
        pthread_join(loop->thread, NULL);
    } else if (loop->made) {
        uv_close((uv_handle_t *)&loop->wake, NULL);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    if (loop->made) {
        (void)uv_loop_close(&loop->uv);
    }
    ps_posix_streams_close(loop->streams);
    while (loop->tasks) {
        struct loop_task *next = loop->tasks->next;
        free(loop->tasks);
        loop->tasks = next;
    }
    ps_tls_context_free(loop->tls);
    explicit_bzero(&loop->keys, sizeof loop->keys);
    free(loop->sealing);
    free(loop->buffer);
    pthread_mutex_destroy(&loop->lock);
}

#include "events.h"

#include "alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct data_event_node {
    struct data_event event; /* First: the public pointer is the node's. */
    struct data_event_node *next;
    char strings[];
};

void events_init(struct events *q, void (*wake)(void *ctx), void *wake_ctx)
{
    *q = (struct events){.wake = wake, .wake_ctx = wake_ctx};
    pthread_mutex_init(&q->lock, NULL);
}

void events_destroy(struct events *q)
{
    for (struct data_event *event; (event = events_next(q)) != NULL;) {
        data_event_free(event);
    }
    pthread_mutex_destroy(&q->lock);
}

static const char *put_string(char **at, const char *text)
{
    char *start = *at;
    size_t bytes = strlen(text ? text : "") + 1;
    memcpy(start, text ? text : "", bytes);
    *at += bytes;
    return start;
}

struct data_event *event_copy(const struct data_event *event)
{
    size_t bytes = 4 + strlen(event->name ? event->name : "") +
                   strlen(event->path ? event->path : "") + strlen(event->user ? event->user : "") +
                   strlen(event->text ? event->text : "");
    struct data_event_node *node = data_alloc(1, sizeof *node + bytes);
    node->event = *event;
    char *at = node->strings;
    node->event.name = put_string(&at, event->name);
    node->event.path = put_string(&at, event->path);
    node->event.user = put_string(&at, event->user);
    node->event.text = put_string(&at, event->text);
    return &node->event;
}

static bool is_progress(const struct data_event *event)
{
    return event->type == DATA_HASH_PROGRESS || event->type == DATA_GET_PROGRESS;
}

void events_put(struct events *q, struct data_event *event)
{
    struct data_event_node *node = (struct data_event_node *)event;
    pthread_mutex_lock(&q->lock);
    bool dropped = is_progress(event) && q->count >= DATA_EVENTS_PROGRESS_MAX;
    bool first = q->head == NULL;
    if (!dropped) {
        if (q->tail) {
            q->tail->next = node;
        } else {
            q->head = node;
        }
        q->tail = node;
        q->count++;
    }
    pthread_mutex_unlock(&q->lock);
    if (dropped) {
        data_event_free(event);
    } else if (first && q->wake) {
        q->wake(q->wake_ctx);
    }
}

void events_post(struct events *q, const struct data_event *event)
{
    events_put(q, event_copy(event));
}

void events_note(struct events *q, bool warning, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    events_post(q, &(struct data_event){.type = DATA_NOTE, .text = text, .warning = warning});
}

struct data_event *events_next(struct events *q)
{
    pthread_mutex_lock(&q->lock);
    struct data_event_node *node = q->head;
    if (node) {
        q->head = node->next;
        if (!q->head) {
            q->tail = NULL;
        }
        q->count--;
        node->next = NULL;
    }
    pthread_mutex_unlock(&q->lock);
    return node ? &node->event : NULL;
}

void data_event_free(struct data_event *event)
{
    free(event);
}

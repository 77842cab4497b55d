#include "common/log.h"

#include "common/format.h"
#include "common/text.h"
#include "peersync/posix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Longest line; longer values are cut. Not above PIPE_BUF, so that lines of several processes on
 * one pipe do not mix. */
#define LINE_MAX_BYTES 4096u

const char *const ps_log_levels[] = {"error", "warning", "info", "debug", NULL};
const char *const ps_log_formats[] = {"text", "json", NULL};

static ps_log_level log_level = PS_LOG_INFO;
static ps_log_format log_format = PS_LOG_TEXT;

void ps_log_setup(ps_log_level level, ps_log_format format)
{
    log_level = level;
    log_format = format;
}

bool ps_log_on(ps_log_level level)
{
    return level <= log_level;
}

/* A line under construction; `room` leaves out what must follow the fields. */
typedef struct line {
    char *out;
    size_t room, len;
} line;

static void add(line *l, const char *text)
{
    const size_t n = strlen(text);
    if (n <= l->room - l->len) {
        memcpy(l->out + l->len, text, n);
        l->len += n;
    }
}

static ps_span value_span(const ps_log_field *f)
{
    if (f->kind == PS_FIELD_SPAN) {
        return f->span;
    }
    const char *s = f->string != NULL ? f->string : "";
    return (ps_span){(const uint8_t *)s, strlen(s)};
}

/* Quotes go round what a reader could take for several words. */
static bool wants_quotes(const char *value)
{
    return value[0] == '\0' || strpbrk(value, " \"=") != NULL;
}

static void add_text_value(line *l, const ps_log_field *f)
{
    char value[1024];
    ps_text_safe(value, sizeof value, value_span(f));
    if (!wants_quotes(value)) {
        add(l, value);
        return;
    }
    add(l, "\"");
    for (const char *at = value; *at != '\0'; at++) {
        /* A backslash, too: one that stood before a quote would end the value for a reader. */
        const bool escaped = *at == '"' || *at == '\\';
        const char c[3] = {escaped ? '\\' : *at, escaped ? *at : '\0', '\0'};
        add(l, c);
    }
    add(l, "\"");
}

static void add_value(line *l, const ps_log_field *f, ps_log_format format)
{
    char buf[PS_ADDR_TEXT];
    const char *quote = format == PS_LOG_JSON ? "\"" : "";
    switch (f->kind) {
    case PS_FIELD_NUMBER:
        snprintf(buf, sizeof buf, "%llu", (unsigned long long)f->number);
        add(l, buf);
        break;
    case PS_FIELD_ADDR:
        add(l, quote);
        add(l, ps_addr_format(f->addr, buf));
        add(l, quote);
        break;
    case PS_FIELD_SPAN:
    case PS_FIELD_STRING:
        if (format == PS_LOG_JSON) {
            char value[1024];
            ps_text_json(value, sizeof value, value_span(f));
            add(l, quote);
            add(l, value);
            add(l, quote);
        } else {
            add_text_value(l, f);
        }
        break;
    case PS_FIELD_END:
    default:
        break;
    }
}

size_t ps_log_line(char *out, size_t cap, ps_log_format format, uint64_t wall_us,
                   ps_log_level level, const char *message, const ps_log_field *fields)
{
    char time[PS_FORMAT_TIME_BYTES];
    ps_format_time(time, wall_us);
    if (cap < 4) {
        return 0;
    }
    const bool json = format == PS_LOG_JSON;
    line l = {.out = out, .room = cap - 3};
    add(&l, json ? "{\"time\":\"" : "");
    add(&l, time);
    add(&l, json ? "\",\"level\":\"" : " ");
    add(&l, ps_log_levels[level]);
    add(&l, json ? "\",\"message\":\"" : " ");
    add(&l, message);
    add(&l, json ? "\"" : "");
    for (const ps_log_field *f = fields; f != NULL && f->kind != PS_FIELD_END; f++) {
        /* A field that does not fit is left out whole. */
        const size_t before = l.len;
        char probe[LINE_MAX_BYTES];
        line p = {.out = probe, .room = sizeof probe};
        add(&p, json ? ",\"" : " ");
        add(&p, f->key);
        add(&p, json ? "\":" : "=");
        add_value(&p, f, format);
        if (p.len <= l.room - before) {
            memcpy(l.out + before, probe, p.len);
            l.len = before + p.len;
        }
    }
    l.room = cap - 1;
    add(&l, json ? "}\n" : "\n");
    out[l.len] = '\0';
    return l.len;
}

static uint64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void ps_log(ps_log_level level, const char *message, const ps_log_field *fields)
{
    if (!ps_log_on(level)) {
        return;
    }
    char out[LINE_MAX_BYTES];
    const int saved = errno;
    const size_t n = ps_log_line(out, sizeof out, log_format, wall_us(), level, message, fields);
    for (size_t at = 0; at < n;) {
        const ssize_t wrote = write(STDERR_FILENO, out + at, n - at);
        if (wrote > 0) {
            at += (size_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            break; /* A log that cannot be written must not stop the program. */
        }
    }
    errno = saved;
}

bool ps_rate_allow(ps_rate *rate, uint64_t now_us, uint64_t *held)
{
    if (now_us < rate->next_us) {
        rate->held++;
        return false;
    }
    *held = rate->held;
    rate->held = 0;
    rate->next_us = now_us + rate->every_us;
    return true;
}

/* Log lines on stderr: a message and fields, as text or as JSON, each line in one write. Never pass
 * a password. Safe to call from any thread after ps_log_setup(). */
#ifndef PS_COMMON_LOG_H
#define PS_COMMON_LOG_H

#include "peersync/base.h"

typedef enum ps_log_level { PS_LOG_ERROR, PS_LOG_WARNING, PS_LOG_INFO, PS_LOG_DEBUG } ps_log_level;

typedef enum ps_log_format { PS_LOG_TEXT, PS_LOG_JSON } ps_log_format;

/* The words of --log-level and --log-format in the order of the enums, for PS_OPTION_CHOICE. */
extern const char *const ps_log_levels[];
extern const char *const ps_log_formats[];

typedef enum ps_log_kind {
    PS_FIELD_END, /* Ends the list. */
    PS_FIELD_SPAN,
    PS_FIELD_STRING,
    PS_FIELD_NUMBER,
    PS_FIELD_ADDR
} ps_log_kind;

typedef struct ps_log_field {
    ps_log_kind kind;
    const char *key; /* Lower case and '_' only. */
    ps_span span;
    const char *string;
    uint64_t number;
    const ps_addr *addr;
} ps_log_field;

#define PS_F_SPAN(k, v)   ((ps_log_field){.kind = PS_FIELD_SPAN, .key = (k), .span = (v)})
#define PS_F_STRING(k, v) ((ps_log_field){.kind = PS_FIELD_STRING, .key = (k), .string = (v)})
#define PS_F_NUMBER(k, v) ((ps_log_field){.kind = PS_FIELD_NUMBER, .key = (k), .number = (v)})
#define PS_F_ADDR(k, v)   ((ps_log_field){.kind = PS_FIELD_ADDR, .key = (k), .addr = (v)})
#define PS_F_END          ((ps_log_field){.kind = PS_FIELD_END})

/* Lines above `level` are left out. Start: INFO, TEXT. Call it before there are threads. */
void ps_log_setup(ps_log_level level, ps_log_format format);
bool ps_log_on(ps_log_level level);

/* One line. `message` is a short constant phrase, the fields say the rest:
 *   ps_log(PS_LOG_INFO, "session opened", (ps_log_field[]){PS_F_SPAN("user", u), PS_F_END}); */
void ps_log(ps_log_level level, const char *message, const ps_log_field *fields);

/* The line as ps_log() would write it, newline included; returns its length (< cap). For tests. */
size_t ps_log_line(char *out, size_t cap, ps_log_format format, uint64_t wall_us,
                   ps_log_level level, const char *message, const ps_log_field *fields);

/* Lets one event in `every_us` through and counts the rest. */
typedef struct ps_rate {
    uint64_t every_us;
    uint64_t next_us;
    uint64_t held;
} ps_rate;

/* True: log now; `*held` is how many were held back since the last one. */
bool ps_rate_allow(ps_rate *rate, uint64_t now_us, uint64_t *held);

#endif

/* Inside: what stands behind the '=' in a scenario's words, and errors about it. */
#ifndef PS_SIM_SCENARIO_VALUES_H
#define PS_SIM_SCENARIO_VALUES_H

#include "scenario.h"

#include "common/options.h"

/* Everything that a line can say; each kind of line has a table that knows its part of it. */
typedef struct scenario_line {
    uint64_t seed, hours, minutes, seconds, batch, check_every, pace, peers;
    uint64_t file, owner;
    unsigned mix, users, nat, mapping, filtering, ports, streams, kind, tail;
    const char *heal_within, *fetch_within;
    const char *latency, *jitter, *loss, *duplicate, *reorder, *reorder_by, *rate, *queue;
    const char *burst, *burst_end, *truncate, *corrupt, *sever, *spoil;
    const char *name, *members, *up, *down, *up_queue, *down_queue, *timeout, *stream_timeout;
    const char *nodes, *from, *to, *for_us, *jump, *wall, *drift;
    const char *sync, *room, *fail; /* And the rate. */
    bool hairpin, refresh_inward, refuse_streams, forward;
    bool one_way, forget, stop, forgets, lies;
} scenario_line;

#define SCENARIO_NOT_GIVEN UINT64_MAX
#define SCENARIO_NO_CHOICE UINT32_MAX

typedef struct scenario_reader {
    scenario *out;
    scenario_error *error;
    uint32_t line; /* From 1 on. */
    unsigned stage;
    scenario_line words; /* Of this line; their texts stand in `dashed`. */
    char dashed[SCENARIO_LINE_BYTES + 3 * SCENARIO_WORDS_MAX];
} scenario_reader;

/* Keeps what is wrong. @return false. */
__attribute__((format(printf, 2, 3))) bool scenario_wrong(scenario_reader *r, const char *format,
                                                          ...);

/* All of these leave *out as it is when the text is NULL: it was not said. @return false: wrong. */

/* "20ms", "1.5s", "2m", "1h", "10us". */
bool scenario_time(scenario_reader *r, const char *key, const char *text, uint64_t most_us,
                   uint64_t *out);
/* The same with a '-' before it, or a '+'. */
bool scenario_signed_time(scenario_reader *r, const char *key, const char *text, uint64_t most_us,
                          int64_t *out);
/* "2.5%". */
bool scenario_share(scenario_reader *r, const char *key, const char *text, uint32_t *out_ppm);
/* "1500", "64k", "2M", "1G": thousands. */
bool scenario_size(scenario_reader *r, const char *key, const char *text, uint64_t least,
                   uint64_t most, uint64_t *out);
/* "server", "all" (every peer), the name of a group, "3", "0-5", or several of them: "server,7". */
bool scenario_set(scenario_reader *r, const char *key, const char *text, scenario_nodes *out);

/* What the words of this line say of a way. */
bool scenario_way(scenario_reader *r, ps_sim_link *link);
/* The table's part for that. */
extern const char *const scenario_stream_models[];

#define SCENARIO_TEXT(field, letters, argument_)                                                   \
    {                                                                                              \
        .name = (letters), .kind = PS_OPTION_TEXT, .offset = offsetof(scenario_line, field),       \
        .argument = (argument_)                                                                    \
    }
#define SCENARIO_NUMBER(field, letters, least, most)                                               \
    {                                                                                              \
        .name = (letters), .kind = PS_OPTION_NUMBER, .offset = offsetof(scenario_line, field),     \
        .argument = "N", .min = (least), .max = (most)                                             \
    }
#define SCENARIO_CHOICE(field, letters, list)                                                      \
    {                                                                                              \
        .name = (letters), .kind = PS_OPTION_CHOICE, .offset = offsetof(scenario_line, field),     \
        .argument = "WORD", .choices = (list)                                                      \
    }
#define SCENARIO_FLAG(field, letters)                                                              \
    {                                                                                              \
        .name = (letters), .kind = PS_OPTION_FLAG, .offset = offsetof(scenario_line, field)        \
    }
#define SCENARIO_WAY                                                                               \
    SCENARIO_TEXT(latency, "latency", "TIME"), SCENARIO_TEXT(jitter, "jitter", "TIME"),            \
        SCENARIO_TEXT(loss, "loss", "SHARE"), SCENARIO_TEXT(duplicate, "duplicate", "SHARE"),      \
        SCENARIO_TEXT(reorder, "reorder", "SHARE"),                                                \
        SCENARIO_TEXT(reorder_by, "reorder-by", "TIME"), SCENARIO_TEXT(rate, "rate", "BYTES"),     \
        SCENARIO_TEXT(queue, "queue", "BYTES"), SCENARIO_TEXT(burst, "burst", "SHARE"),            \
        SCENARIO_TEXT(burst_end, "burst-end", "SHARE"),                                            \
        SCENARIO_TEXT(truncate, "truncate", "SHARE"), SCENARIO_TEXT(corrupt, "corrupt", "SHARE"),  \
        SCENARIO_TEXT(sever, "sever", "SHARE"), SCENARIO_TEXT(spoil, "spoil", "SHARE"),            \
        SCENARIO_CHOICE(streams, "streams", scenario_stream_models)

/* scenario_groups.c: "group ..."; the words are read. */
extern const ps_option scenario_group_table[];
bool scenario_read_group(scenario_reader *r);
/* scenario_events.c: "at TIME WHAT ...", the words from TIME on. */
bool scenario_read_event(scenario_reader *r, char *words[], size_t len);
/* scenario_read.c: "key=value" and flags, by the table, into r->words. */
bool scenario_read_words(scenario_reader *r, const char *what, const ps_option *table,
                         char *words[], size_t len);

#endif

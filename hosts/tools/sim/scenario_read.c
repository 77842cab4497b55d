/* Reads a scenario: its lines, and what the swarm and its network are. */
#include "scenario_values.h"

#include "common/suggest.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000)

/* In this order they come in a file. */
enum { STAGE_NOTHING, STAGE_SWARM, STAGE_NETWORK, STAGE_GROUP, STAGE_AT };

enum { MIX_NONE, MIX_CRUEL };
static const char *const mixes[] = {"none", "cruel", NULL};
enum { USERS_ACTIVE, USERS_IDLE };
static const char *const users[] = {"active", "idle", NULL};
static const ps_option swarm_table[] = {SCENARIO_NUMBER(seed, "seed", 0, UINT64_MAX - 1),
                                        SCENARIO_NUMBER(peers, "peers", 1, SCENARIO_PEERS_MAX),
                                        SCENARIO_NUMBER(hours, "hours", 1, 24),
                                        SCENARIO_NUMBER(minutes, "minutes", 1, 1440),
                                        SCENARIO_NUMBER(seconds, "seconds", 1, 86400),
                                        SCENARIO_NUMBER(batch, "batch", 1, PS_SIM_BATCH_MAX),
                                        SCENARIO_NUMBER(check_every, "check-every", 1, UINT32_MAX),
                                        SCENARIO_NUMBER(pace, "pace", 1, 1000000),
                                        SCENARIO_CHOICE(mix, "mix", mixes),
                                        SCENARIO_CHOICE(users, "users", users),
                                        SCENARIO_TEXT(heal_within, "heal-within", "TIME"),
                                        SCENARIO_TEXT(fetch_within, "fetch-within", "TIME"),
                                        {.name = NULL}};

static const ps_option network_table[] = {SCENARIO_WAY, {.name = NULL}};

/* ---- words ---- */

static const ps_option *find_option(const ps_option *table, const char *word)
{
    for (const ps_option *o = table; o->name; o++) {
        if (strcmp(o->name, word) == 0) {
            return o;
        }
    }
    return NULL;
}

/* What the options' parser says, without the dashes that nobody has written. */
static bool complain(scenario_reader *r, const char *what, const char *said)
{
    char text[sizeof((ps_words *)NULL)->error];
    size_t len = 0;
    for (const char *at = said; *at != '\0'; at++) {
        const bool begins = at == said || at[-1] == ' ';
        at += begins && at[0] == '-' && at[1] == '-' ? 2 : 0;
        if (*at == '\0') {
            break;
        }
        text[len++] = *at;
    }
    text[len] = '\0';
    static const char option[] = "unknown option ";
    const size_t skip = strncmp(text, option, sizeof option - 1) == 0 ? sizeof option - 1 : 0;
    return skip > 0 ? scenario_wrong(r, "%s: unknown word %s", what, text + skip)
                    : scenario_wrong(r, "%s: %s", what, text);
}

static void forget_words(scenario_line *l)
{
    const uint64_t none = SCENARIO_NOT_GIVEN;
    const unsigned open = SCENARIO_NO_CHOICE;
    *l = (scenario_line){.seed = none,
                         .hours = none,
                         .minutes = none,
                         .seconds = none,
                         .batch = none,
                         .check_every = none,
                         .pace = none,
                         .peers = none,
                         .file = none,
                         .owner = none,
                         .mix = open,
                         .users = open,
                         .nat = open,
                         .mapping = open,
                         .filtering = open,
                         .ports = open,
                         .streams = open,
                         .kind = open,
                         .tail = open};
}

bool scenario_read_words(scenario_reader *r, const char *what, const ps_option *table,
                         char *words[], size_t len)
{
    /* Each word with two dashes before it is an option. */
    char *argv[SCENARIO_WORDS_MAX + 1] = {(char[]){""}};
    char *at = r->dashed;
    for (size_t i = 0; i < len; i++) {
        if (strncmp(words[i], "--", 2) == 0 && words[i][2] != '\0') {
            return scenario_wrong(r, "%s: write %s without dashes", what, words[i] + 2);
        }
        const ps_option *o = find_option(table, words[i]);
        if (o != NULL && o->kind != PS_OPTION_FLAG) {
            return scenario_wrong(r, "%s: %s needs a value: %s=%s", what, o->name, o->name,
                                  o->argument);
        }
        argv[1 + i] = at;
        const size_t bytes = strlen(words[i]) + 1;
        at[0] = at[1] = '-';
        memcpy(at + 2, words[i], bytes);
        at += 2 + bytes;
    }
    const ps_option_set set = {.program = "scenario", .options = table};
    ps_words left = {.len = 0};
    forget_words(&r->words);
    const ps_options_result result = ps_options_parse(&set, (int)len + 1, argv, &r->words, &left);
    ps_words_free(&left);
    if (result == PS_OPTIONS_BAD) {
        return complain(r, what, left.error);
    }
    return result == PS_OPTIONS_OK || scenario_wrong(r, "%s: unknown word help", what);
}

/* ---- the swarm, the network ---- */

static uint64_t or_else(uint64_t given, uint64_t otherwise)
{
    return given != SCENARIO_NOT_GIVEN ? given : otherwise;
}

static bool read_swarm(scenario_reader *r)
{
    const scenario_line *w = &r->words;
    scenario *sc = r->out;
    sc->seed = or_else(w->seed, sc->seed);
    sc->peers = (uint32_t)or_else(w->peers, sc->peers);
    sc->batch = (uint32_t)or_else(w->batch, sc->batch);
    sc->check_every = (uint32_t)or_else(w->check_every, 0);
    sc->pace = (uint32_t)or_else(w->pace, 0);
    sc->cruel = w->mix == MIX_CRUEL;
    sc->idle = w->users == USERS_IDLE;
    const uint64_t s =
        3600 * or_else(w->hours, 0) + 60 * or_else(w->minutes, 0) + or_else(w->seconds, 0);
    sc->length_us = s > 0 ? s * S : sc->length_us;
    if (sc->length_us > SCENARIO_LENGTH_MAX_US) {
        return scenario_wrong(r, "swarm: it lives longer than a day");
    }
    return scenario_time(r, "heal-within", w->heal_within, 3600 * S, &sc->heal_us) &&
           scenario_time(r, "fetch-within", w->fetch_within, 3600 * S, &sc->fetch_us);
}

static bool read_network(scenario_reader *r)
{
    return scenario_way(r, &r->out->link);
}

/* ---- lines ---- */

typedef struct keyword {
    const char *name;
    unsigned stage;
    bool once;
    const ps_option *table; /* NULL: events have tables of their own. */
    bool (*read)(scenario_reader *r);
} keyword;

static const keyword keywords[] = {
    {"swarm", STAGE_SWARM, true, swarm_table, read_swarm},
    {"network", STAGE_NETWORK, true, network_table, read_network},
    {"group", STAGE_GROUP, false, scenario_group_table, scenario_read_group},
    {"at", STAGE_AT, false, NULL, NULL},
    {NULL, 0, false, NULL, NULL}};

static bool read_words(scenario_reader *r, char *words[], size_t len)
{
    static const char order[] = "first swarm, then network, groups, and what happens at which time";
    ps_suggest near = ps_suggest_begin(words[0]);
    const keyword *k = keywords;
    while (k->name && strcmp(k->name, words[0]) != 0) {
        ps_suggest_offer(&near, k->name);
        k++;
    }
    if (k->name == NULL) {
        return near.best ? scenario_wrong(r, "no line begins with '%s'; did you mean %s?", words[0],
                                          near.best)
                         : scenario_wrong(r,
                                          "no line begins with '%s'; it is swarm, network, "
                                          "group or at",
                                          words[0]);
    }
    if (k->stage < r->stage || (k->once && k->stage == r->stage)) {
        return scenario_wrong(r, "%s comes too late here: %s", k->name, order);
    }
    if (r->stage == STAGE_NOTHING && k->stage != STAGE_SWARM) {
        return scenario_wrong(r, "a scenario begins with a line: swarm seed=1 peers=10 minutes=5");
    }
    r->stage = k->stage;
    return k->table == NULL
               ? scenario_read_event(r, words + 1, len - 1)
               : scenario_read_words(r, k->name, k->table, words + 1, len - 1) && k->read(r);
}

/* Divides a line by blanks; what stands behind a '#' that begins a word is for people. */
static bool read_one(scenario_reader *r, const char *text, size_t len)
{
    char line[SCENARIO_LINE_BYTES];
    char *words[SCENARIO_WORDS_MAX];
    size_t words_len = 0;
    if (len >= sizeof line) {
        return scenario_wrong(r, "longer than %u bytes", SCENARIO_LINE_BYTES - 1);
    }
    if (memchr(text, '\0', len) != NULL) {
        return scenario_wrong(r, "a zero byte");
    }
    memcpy(line, text, len);
    line[len] = '\0';
    char *rest = NULL;
    for (char *at = strtok_r(line, " \t\r", &rest); at && at[0] != '#';
         at = strtok_r(NULL, " \t\r", &rest)) {
        if (words_len == SCENARIO_WORDS_MAX) {
            return scenario_wrong(r, "more than %u words", SCENARIO_WORDS_MAX);
        }
        words[words_len++] = at;
    }
    return words_len == 0 || read_words(r, words, words_len);
}

bool scenario_parse(const char *text, size_t len, scenario *out, scenario_error *error)
{
    scenario_reader r = {.out = out, .error = error};
    *out = (scenario){.seed = 1,
                      .peers = 10,
                      .batch = PS_SIM_BATCH_MAX,
                      .length_us = 300 * S,
                      .link = {.latency_us = 20000, .jitter_us = 5000}};
    *error = (scenario_error){.line = 0};
    if (len > SCENARIO_BYTES_MAX) {
        return scenario_wrong(&r, "longer than %u bytes", SCENARIO_BYTES_MAX);
    }
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        const size_t n = end != NULL ? (size_t)(end - text) - at : len - at;
        r.line++;
        if (!read_one(&r, text + at, n)) {
            return false;
        }
        at += n + 1;
    }
    r.line = 0;
    return r.stage != STAGE_NOTHING || scenario_wrong(&r, "nothing is in it");
}

void scenario_free(scenario *s)
{
    free(s->events);
    s->events = NULL;
    s->events_len = s->events_cap = 0;
}

#include "options.h"

#include "scenario_file.h"

#include "common/exit_codes.h"
#include "common/options.h"
#include "common/suggest.h"
#include "common/text.h"

#include <string.h>

/* What stands on the line; UINT64_MAX: not given. */
typedef struct line {
    uint64_t seed, seeds, peers, hours, minutes, seconds, batch, check_every, pace;
    unsigned mix;
    const char *story;
    const char *journal, *skip_faults, *only_faults, *scenario;
    bool watch, quiet, minimise, json;
} line;

#define NOT_GIVEN UINT64_MAX

typedef enum mix { MIX_CRUEL, MIX_STORM, MIX_NOT_GIVEN } mix;
static const char *const mixes[] = {"cruel", "storm", NULL};

#define NUMBER(field, letters, least, most, text)                                                  \
    {                                                                                              \
        .name = (letters), .kind = PS_OPTION_NUMBER, .offset = offsetof(line, field),              \
        .argument = "N", .help = (text), .min = (least), .max = (most)                             \
    }

static const ps_option table[] = {
    NUMBER(seed, "seed", 0, UINT64_MAX - 1,
           "All chance comes from it: the same seed, the same\nrun (1)."),
    NUMBER(seeds, "seeds", 1, 1000000,
           "Run so many, from --seed on: a line for each, and\nthe sum of all."),
    NUMBER(peers, "peers", 1, 1000, "Peers of the swarm (50)."),
    NUMBER(hours, "hours", 1, 10000,
           "How long it lives, in virtual time; with --minutes\nand --seconds the sum."),
    NUMBER(minutes, "minutes", 1, 600000, "The same (5)."),
    NUMBER(seconds, "seconds", 1, 36000000, "The same."),
    {.name = "mix",
     .kind = PS_OPTION_CHOICE,
     .offset = offsetof(line, mix),
     .argument = "MIX",
     .help = "What it suffers. cruel: every fault there is, one\n"
             "after the other (the default); storm: a fifth of\n"
             "all datagrams lost, always.",
     .choices = mixes},
    NUMBER(batch, "batch", 1, PS_SIM_BATCH_MAX,
           "Datagrams that a machine gets at a time (64); the\nhash is the same for each."),
    NUMBER(check_every, "check-every", 1, UINT32_MAX,
           "Walk over a machine's tables at every Nth step of\nit; what it answers is checked at "
           "each. "
           "(1; in long runs\nof many peers more.)"),
    NUMBER(
        pace, "pace", 1, 1000000,
        "People think N times as long between two things\nthat they do. (1, which is 1.6 s in the "
        "mean; in long\nruns so much that they do a million things in all.)"),
    {.name = "story",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(line, story),
     .argument = "NAME",
     .help = "Tell a story instead of a swarm. Without a name:\nlist them."},
    {.name = "scenario",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(line, scenario),
     .argument = "FILE",
     .help = "Let a swarm live as a file describes it: its network\nand what happens at which "
             "time. See peersync-sim(1)."},
    {.name = "watch",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(line, watch),
     .help = "Show it as it happens: a table that lives, on a\n"
             "terminal; else a line for each virtual second\n"
             "(each minute of a swarm)."},
    {.name = "skip-faults",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(line, skip_faults),
     .argument = "LIST",
     .help =
         "Leave these faults out, by their numbers (3,7-12,20-).\nThe others stay what they are."},
    {.name = "only-faults",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(line, only_faults),
     .argument = "LIST",
     .help = "Leave all others out."},
    {.name = "minimise",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(line, minimise),
     .help = "Of a swarm that fails: look for the fewest faults,\nthe shortest time and the fewest "
             "peers "
             "with which\nthe same thing fails."},
    {.name = "journal",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(line, journal),
     .argument = "DIR",
     .help = "Keep each machine's history in a file there, for\npeersync-replay."},
    {.name = "json",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(line, json),
     .help = "Print the summary as one JSON object; of --seeds one\nfor each, and one of the sum."},
    {.name = "quiet",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(line, quiet),
     .help = "Print nothing unless something fails; of --seeds the\nsum."},
    {.name = NULL}};

#define STORY_HELP(name, function, about) "  " name "  " about "\n"

static const ps_option_set set = {
    .program = "peersync-sim",
    .usage =
        "peersync-sim [--seed N | --seeds N] [--peers N] [--hours N] [--minutes N] [OPTION...]\n"
        "peersync-sim --scenario FILE [--seed N | --seeds N] [OPTION...]\n"
        "peersync-sim [--watch] --story NAME [--seed N] [--batch N]",
    .summary =
        "Lets a server and its peers live in a simulated network, on virtual time, and looks\n"
        "at every step of every machine: whether its tables are whole, and whether it\n"
        "answers what a simple model of the protocol says. A swarm suffers faults for four\n"
        "minutes, then all is mended, must come right within six seconds, and so on.",
    .epilogue = "stories:\n" STORY_LIST(
        STORY_HELP) "\nexamples:\n"
                    "  peersync-sim --watch --story flash-crowd\n"
                    "  peersync-sim --seeds 20 --peers 30 --minutes 10 --check-every 16",
    .version = PEERSYNC_VERSION,
    .exit_codes = "    0  everything held\n"
                  "    1  --seeds: a fault never began, or too little succeeded\n"
                  "    2  the command line or the scenario cannot be used\n"
                  "    9  a file cannot be read or written\n"
                  "  What does not hold is printed with the time and the command that repeats it;\n"
                  "  then the program aborts (a shell says 134).",
    .options = table};

static void list_stories(FILE *out)
{
    fputs("stories:\n", out);
    for (const story *s = stories; s->name; s++) {
        fprintf(out, "  %s  %s\n", s->name, s->about);
    }
}

static const story *find_story(const char *name)
{
    for (const story *s = stories; s->name; s++) {
        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

static int complain(const char *what)
{
    fprintf(stderr, "peersync-sim: %s\nTry 'peersync-sim --help'.\n", what);
    return PS_EXIT_USAGE;
}

static int unknown_story(const char *name)
{
    char safe[256];
    ps_suggest near = ps_suggest_begin(name);
    ps_text_safe_string(safe, sizeof safe, name);
    fprintf(stderr, "peersync-sim: there is no story '%s'", safe);
    for (const story *s = stories; s->name; s++) {
        ps_suggest_offer(&near, s->name);
    }
    if (near.best) {
        fprintf(stderr, "; did you mean %s?", near.best);
    }
    fputc('\n', stderr);
    list_stories(stderr);
    return PS_EXIT_USAGE;
}

/* The same of scenarios. */
static const char *against_scenario(const line *l)
{
    if (l->peers != NOT_GIVEN || l->hours != NOT_GIVEN || l->minutes != NOT_GIVEN ||
        l->seconds != NOT_GIVEN || l->pace != NOT_GIVEN || l->mix != MIX_NOT_GIVEN) {
        return "--peers, --hours, --minutes, --seconds, --pace and --mix stand in the scenario, in "
               "its line 'swarm'";
    }
    if (l->minimise || l->skip_faults || l->only_faults) {
        return "--minimise, --skip-faults and --only-faults are for swarms whose faults come by "
               "chance: of a scenario, take lines away";
    }
    return l->story ? "either --scenario or --story" : NULL;
}

/* What does not go together. NULL: all of it does. */
static const char *contradiction(const line *l, const ps_words *words)
{
    const bool of_swarm = l->peers != NOT_GIVEN || l->hours != NOT_GIVEN ||
                          l->minutes != NOT_GIVEN || l->check_every != NOT_GIVEN ||
                          l->pace != NOT_GIVEN || l->seconds != NOT_GIVEN || l->skip_faults ||
                          l->only_faults || l->minimise || l->seeds != NOT_GIVEN ||
                          l->mix != MIX_NOT_GIVEN;
    if (words->len > 0) {
        return "every word belongs to an option";
    }
    if (l->scenario && against_scenario(l)) {
        return against_scenario(l);
    }
    if (l->story && (of_swarm || l->json)) {
        return "a story takes only --seed, --batch, --watch and --quiet";
    }
    if (l->journal && (l->story || l->seeds != NOT_GIVEN)) {
        return "--journal is for one swarm: choose it with --seed";
    }
    if (l->skip_faults && l->only_faults) {
        return "either --skip-faults or --only-faults";
    }
    if (l->minimise && (l->seeds != NOT_GIVEN || l->watch || l->journal)) {
        return "--minimise is for the one seed that fails: choose it with --seed";
    }
    if (l->json && (l->watch || l->minimise || l->quiet)) {
        return "--json says what others show: it goes without --watch, --minimise and --quiet";
    }
    if (l->watch && l->seeds != NOT_GIVEN) {
        return "--watch shows one seed: choose it with --seed";
    }
    return NULL;
}

static uint64_t or_else(uint64_t given, uint64_t otherwise)
{
    return given != NOT_GIVEN ? given : otherwise;
}

static void take_scenario(const scenario *sc, swarm_config *s)
{
    s->scenario = sc;
    s->seed = sc->seed;
    s->peers = sc->peers;
    s->batch = sc->batch;
    s->length_us = sc->length_us;
}

static void take(const line *l, sim_options *o)
{
    const scenario *sc = o->scenario;
    swarm_config *s = &o->swarm;
    swarm_config_default(s);
    if (sc) {
        take_scenario(sc, s);
    }
    s->seed = or_else(l->seed, s->seed);
    s->peers = (uint32_t)or_else(l->peers, s->peers);
    s->batch = (uint32_t)or_else(l->batch, s->batch);
    s->faults = l->mix != MIX_STORM;
    if (l->hours != NOT_GIVEN || l->minutes != NOT_GIVEN || l->seconds != NOT_GIVEN) {
        const uint64_t minutes = 60 * or_else(l->hours, 0) + or_else(l->minutes, 0);
        s->length_us = (60 * minutes + or_else(l->seconds, 0)) * 1000000;
    }
    swarm_config_scale(s);
    s->check_every = sc && sc->check_every != 0 ? sc->check_every : s->check_every;
    s->pace = sc && sc->pace != 0 ? sc->pace : s->pace;
    s->check_every = (uint32_t)or_else(l->check_every, s->check_every);
    s->pace = (uint32_t)or_else(l->pace, s->pace);
    o->seeds = or_else(l->seeds, 0);
    o->watch = l->watch;
    o->quiet = l->quiet;
    o->journal = l->journal;
    o->minimise = l->minimise;
    o->json = l->json;
}

/* -1: the faults to leave out are chosen; else the exit code. */
static int choose_faults(const line *l, selection *left_out)
{
    const char *text = l->skip_faults ? l->skip_faults : l->only_faults;
    const char *wrong = text ? selection_parse(left_out, text) : NULL;
    if (wrong) {
        fprintf(stderr, "peersync-sim: --%s-faults: %s\n", l->skip_faults ? "skip" : "only", wrong);
        selection_free(left_out);
        return PS_EXIT_USAGE;
    }
    if (l->only_faults) {
        selection_invert(left_out);
    }
    return -1;
}

void sim_options_free(sim_options *o)
{
    selection_free(&o->swarm.left_out);
    scenario_drop(o->scenario);
    o->scenario = NULL;
}

int sim_options_read(int argc, char *const argv[], sim_options *o)
{
    ps_words words = {.len = 0};
    line l = {.seed = NOT_GIVEN,
              .seeds = NOT_GIVEN,
              .peers = NOT_GIVEN,
              .hours = NOT_GIVEN,
              .minutes = NOT_GIVEN,
              .seconds = NOT_GIVEN,
              .batch = NOT_GIVEN,
              .check_every = NOT_GIVEN,
              .pace = NOT_GIVEN,
              .mix = MIX_NOT_GIVEN};
    *o = (sim_options){.seeds = 0};
    if (argc > 1 && strcmp(argv[argc - 1], "--story") == 0) {
        list_stories(stdout);
        return PS_EXIT_DONE;
    }
    const ps_options_result parsed = ps_options_parse(&set, argc, argv, &l, &words);
    const char *wrong = parsed == PS_OPTIONS_OK ? contradiction(&l, &words) : NULL;
    const int code = parsed != PS_OPTIONS_OK ? ps_options_answer(&set, parsed, &words)
                     : wrong                 ? complain(wrong)
                                             : -1;
    ps_words_free(&words);
    if (code >= 0) {
        return code;
    }
    o->file = l.scenario;
    if (o->file) {
        int failed = 0;
        o->scenario = scenario_load(o->file, &failed);
        if (o->scenario == NULL) {
            return failed;
        }
    }
    take(&l, o);
    if (l.story) {
        o->story = find_story(l.story);
        if (o->watch && o->story && o->story->tell == story_million) {
            return complain("a million are too many to --watch");
        }
        return o->story ? -1 : unknown_story(l.story);
    }
    return choose_faults(&l, &o->swarm.left_out);
}

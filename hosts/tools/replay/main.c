/* peersync-replay: steps a journal's inputs again and says whether the machine does the same. */
#include "replay.h"

#include "common/exit_codes.h"
#include "common/options.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The journal replays otherwise: a verdict, not a failure of the program. */
#define EXIT_DIFFERENT 1

typedef struct options {
    bool explain;
    uint64_t from, up;
    const char *scrub;
} options;

static const ps_option table[] = {
    {.name = "explain",
     .kind = PS_OPTION_FLAG,
     .offset = offsetof(options, explain),
     .help = "Print a line for each input (<-), each datagram (->) and\n"
             "event (**) that it caused, and why it was dropped (!!)."},
    {.name = "from",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(options, from),
     .argument = "N",
     .help = "Explain from the Nth input on.",
     .min = 1,
     .max = UINT64_MAX},
    {.name = "to",
     .kind = PS_OPTION_NUMBER,
     .offset = offsetof(options, up),
     .argument = "N",
     .help = "Explain up to the Nth input.",
     .min = 1,
     .max = UINT64_MAX},
    {.name = "scrub",
     .kind = PS_OPTION_TEXT,
     .offset = offsetof(options, scrub),
     .argument = "OUT",
     .help = "Write a copy without secrets: passwords become '*', tickets\n"
             "and keys others. A server's tells the same story and\n"
             "replays equal. A peer's replays, too, but without the keys\n"
             "of its sessions: it tells what the host said, not what\n"
             "came of it. Names and addresses stay."},
    {.name = NULL}};

static const ps_option_set set = {
    .program = "peersync-replay",
    .usage = "peersync-replay FILE [OPTION...]",
    .summary = "Steps the inputs of a journal (peersyncd --journal FILE, peersync --journal FILE)\n"
               "through a machine of the journal's configuration, and compares what comes out.",
    .exit_codes = "    0  all was equal\n"
                  "    1  something differs: the first difference is shown\n"
                  "    2  a wrong command line\n"
                  "    9  a file cannot be read or written, or is no journal",
    .epilogue = "A journal that a crash has cut off is replayed up to its last whole record.",
    .version = PEERSYNC_VERSION,
    .options = table};

static bool read_file(void *ctx, uint8_t *to, size_t cap, size_t *got)
{
    FILE *file = ctx;
    *got = fread(to, 1, cap, file);
    return *got > 0 || ferror(file) == 0;
}

static int fail(const char *path, const char *why)
{
    char safe[512];
    ps_text_safe_string(safe, sizeof safe, path);
    fprintf(stderr, "peersync-replay: %s: %s\n", safe, why);
    return PS_EXIT_LOCAL_FILE;
}

/* "1,234,567"; `out` has 27 bytes. */
static const char *grouped(uint64_t v, char out[27])
{
    size_t at = 26;
    unsigned digits = 0;
    out[at] = '\0';
    do {
        if (digits > 0 && digits % 3 == 0) {
            out[--at] = ',';
        }
        out[--at] = (char)('0' + v % 10);
        v /= 10;
        digits++;
    } while (v > 0);
    return out + at;
}

static const char *status_name(ps_status status)
{
    static const char *const names[] = {[PS_OK] = "OK",
                                        [PS_AGAIN] = "AGAIN",
                                        [PS_MORE] = "MORE",
                                        [PS_INVALID] = "INVALID",
                                        [PS_FAILED] = "FAILED"};
    return names[status];
}

static void print_summary(const replay_result *r)
{
    char inputs[27];
    char records[27];
    const uint64_t tenths = (r->last_us - r->first_us) / 100000u;
    printf("replayed %s inputs in %s steps over %" PRIu64 ".%" PRIu64 " s of time: %s\n",
           grouped(r->inputs, inputs), grouped(r->records, records), tenths / 10, tenths % 10,
           r->differs ? "different" : "equal");
    if (r->end == PS_JOURNAL_CUT) {
        printf("the journal is cut off there, inside a record\n");
    }
    if (!r->differs) {
        return;
    }
    const uint64_t us = r->differs_us >= r->first_us ? r->differs_us - r->first_us : 0;
    printf("the next step differs: inputs %" PRIu64 " to %" PRIu64 ", the first a %s at %" PRIu64
           ".%06" PRIu64 " s\n",
           r->record.first, r->record.first + r->record.inputs - 1,
           replay_input_name(r->differs_type), us / 1000000u, us % 1000000u);
    if (r->digest != r->record.digest) {
        printf("its output has the hash %016" PRIx64 ", and had %016" PRIx64 "\n", r->digest,
               r->record.digest);
    }
    if (r->status != r->record.status) {
        printf("its last input answered %s, and the step %s then\n", status_name(r->status),
               status_name(r->record.status));
    }
}

/* A copy onto itself would lose both. */
static bool is_same_file(FILE *file, const char *path)
{
    struct stat a;
    struct stat b;
    return stat(path, &b) == 0 && fstat(fileno(file), &a) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static int scrub(FILE *file, const options *o, uint8_t *buffer)
{
    char why[256];
    if (is_same_file(file, o->scrub)) {
        return fail(o->scrub, "it is the journal itself");
    }
    if (fseek(file, 0, SEEK_SET) != 0) {
        return fail(o->scrub, "the journal must be a file that can be read twice");
    }
    const char *fault = replay_scrub(read_file, file, buffer, o->scrub, why, sizeof why);
    return fault != NULL ? fail(o->scrub, fault) : PS_EXIT_DONE;
}

static int replay(FILE *file, const char *path, const options *o)
{
    static uint8_t buffer[PS_JOURNAL_RECORD_MAX];
    static replay_result result;
    const replay_lines lines = {.to = o->explain ? stdout : NULL, .from = o->from, .up = o->up};
    const bool equal = replay_run(read_file, file, buffer, &lines, &result);
    if (result.fault != NULL) {
        return fail(path, result.fault);
    }
    if (!equal && !result.differs) {
        return fail(path, ps_journal_result_text(result.end));
    }
    print_summary(&result);
    if (fflush(stdout) != 0) {
        return fail("standard output", strerror(errno));
    }
    if (result.differs) {
        return EXIT_DIFFERENT; /* Its copy would hide the difference. */
    }
    if (result.end != PS_JOURNAL_END && result.end != PS_JOURNAL_CUT) {
        return fail(path, ps_journal_result_text(result.end));
    }
    return o->scrub != NULL ? scrub(file, o, buffer) : PS_EXIT_DONE;
}

int main(int argc, char **argv)
{
    static ps_words words;
    options o = {.from = 1, .up = UINT64_MAX};
    ps_options_result parsed = ps_options_parse(&set, argc, argv, &o, &words);
    if (parsed == PS_OPTIONS_OK && words.len != 1) {
        snprintf(words.error, sizeof words.error, "give one journal");
        parsed = PS_OPTIONS_BAD;
    }
    if (parsed != PS_OPTIONS_OK) {
        return ps_options_answer(&set, parsed, &words);
    }
    FILE *file = fopen(words.items[0], "rbe");
    if (file == NULL) {
        return fail(words.items[0], strerror(errno));
    }
    const int code = replay(file, words.items[0], &o);
    fclose(file);
    return code;
}

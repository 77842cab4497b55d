/* What peersync-replay makes of journals from anybody, as they are and with every checksum put
 * right: it replays them, to the same outcome whether it prints or not, and prints nothing that
 * steers a terminal. */
#include "journal_world.h"
#include "text_world.h"

#include "replay.h"

enum { INPUT_MAX = 8192 };

static uint8_t buffer[PS_JOURNAL_RECORD_MAX];

static bool replay(const uint8_t *data, size_t size, FILE *to, replay_result *result)
{
    ps_journal_memory memory = {.data = data, .len = size};
    const replay_lines lines = {.to = to, .up = UINT64_MAX};
    memset(result, 0, sizeof *result);
    const bool equal = replay_run(ps_journal_read_memory, &memory, buffer, &lines, result);
    must(!equal || (!result->differs && result->end != PS_JOURNAL_OK && result->fault == NULL));
    must(result->fault == NULL || (result->fault[0] != '\0' && result->inputs == 0));
    must(result->first_us <= result->last_us || result->inputs == 0);
    return equal;
}

static void run(const uint8_t *data, size_t size)
{
    static replay_result silent, told;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    must(to != NULL);
    const bool equal = replay(data, size, NULL, &silent);
    must(replay(data, size, to, &told) == equal && fclose(to) == 0);
    must(silent.end == told.end && silent.differs == told.differs);
    must(silent.inputs == told.inputs && silent.records == told.records);
    must(silent.digest == told.digest && silent.status == told.status);
    for (const char *at = text; at < text + len;) {
        const char *newline = memchr(at, '\n', len - (size_t)(at - text));
        must(newline != NULL);
        must_be_safe(at, (size_t)(newline - at));
        at = newline + 1;
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX) {
        return 0;
    }
    uint8_t *exact = malloc(size + (size == 0));
    must(exact != NULL);
    memcpy(exact, data, size);
    run(exact, size);
    journal_seal_all(exact, size);
    run(exact, size);
    free(exact);
    return 0;
}

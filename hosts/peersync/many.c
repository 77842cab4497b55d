#include "many.h"

#include "common/format.h"

/* Part of a file is drawn when no file has got through for so long. */
#define PART_AFTER_US 1000000u

bool many_are_few(const struct many *m)
{
    return m->total <= MANY_TOLD;
}

bool many_tells(const struct many *m)
{
    return m->failed < MANY_TOLD;
}

void many_count(struct many *m, ps_exit code)
{
    if (code == PS_EXIT_DONE) {
        m->done++;
    } else {
        m->failed++;
        m->code = m->code == PS_EXIT_DONE ? code : m->code;
    }
}

bool many_step(struct many *m, ps_exit code)
{
    many_count(m, code);
    const size_t through = m->done + m->failed;
    if (m->total > 1) {
        progress_count(&m->progress, m->out, m->doing, through, m->total);
    }
    return through == m->total;
}

void many_part(struct many *m, struct progress *part, const char *what, uint64_t done,
               uint64_t total)
{
    if (m->total > 1 && !progress_rests(&m->progress, PART_AFTER_US)) {
        return;
    }
    progress_draw(part, m->out, what, done, total);
}

void many_end(struct many *m, const char *what)
{
    char more[PS_FORMAT_COUNT_BYTES];
    out_progress_end(m->out);
    if (m->failed > MANY_TOLD) {
        out_fail(m->out, "%s more %s %s", ps_format_count(more, m->failed - MANY_TOLD),
                 m->failed - MANY_TOLD == 1 ? "is" : "are", what);
    }
}

void many_summary(const struct many *m, const char *did, const char *size)
{
    char done[PS_FORMAT_COUNT_BYTES];
    char failed[PS_FORMAT_COUNT_BYTES];
    if (many_are_few(m)) {
        return;
    }
    ps_format_count(done, m->done);
    ps_format_count(failed, m->failed);
    out_note(m->out, "%s %s file%s%s%s%s%s%s%s", did, done, m->done == 1 ? "" : "s",
             size != NULL ? " (" : "", size != NULL ? size : "", size != NULL ? ")" : "",
             m->failed > 0 ? "; " : "", m->failed > 0 ? failed : "",
             m->failed > 0 ? " failed" : "");
}

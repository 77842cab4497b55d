#include "progress.h"

#include "common/format.h"

/* Counting draws no more often than this. */
#define COUNT_US 200000u
/* A line that yields is drawn when no other was for so long. */
#define YIELD_US 1000000u

/* When a line that does not yield was last drawn: there is one terminal. */
static uint64_t asked_for_us;

static uint64_t clock_us(void)
{
    return uv_hrtime() / 1000u;
}

struct progress progress_begin(uint64_t patience_us)
{
    return (struct progress){.patience_us = patience_us, .yields = true, .began_us = clock_us()};
}

uint64_t progress_age_us(const struct progress *p)
{
    return clock_us() - p->began_us;
}

static void begin(struct progress *p, uint64_t now_us, uint64_t done)
{
    if (p->began_us == 0) {
        p->began_us = now_us;
    }
    speed_note(&p->speed, now_us, done);
}

/* May this line be drawn? */
static bool take_line(const struct progress *p, uint64_t now_us)
{
    if (now_us - p->began_us < p->patience_us) {
        return false;
    }
    if (p->yields) {
        return now_us - asked_for_us >= YIELD_US;
    }
    asked_for_us = now_us;
    return true;
}

static unsigned percent_of(uint64_t done, uint64_t total)
{
    return total == 0 ? 100u : (unsigned)((double)done * 100.0 / (double)total);
}

static char *time_left(char out[PS_FORMAT_SPAN_BYTES], uint64_t left, double rate)
{
    return ps_format_duration(out, (uint64_t)((double)left / rate * 1e6));
}

void progress_draw(struct progress *p, struct out *out, const char *what, uint64_t done,
                   uint64_t total)
{
    const uint64_t now_us = clock_us();
    begin(p, now_us, done);
    if (!take_line(p, now_us)) {
        return;
    }
    char part[PS_FORMAT_SIZE_BYTES];
    char whole[PS_FORMAT_SIZE_BYTES];
    ps_format_size(part, done);
    ps_format_size(whole, total);
    const double rate = speed_of(&p->speed, now_us);
    if (rate <= 0) {
        out_progress(out, "%s  %u %%  %s of %s", what, percent_of(done, total), part, whole);
        return;
    }
    char speed[PS_FORMAT_SIZE_BYTES];
    char left[PS_FORMAT_SPAN_BYTES];
    ps_format_size(speed, (uint64_t)rate);
    out_progress(out, "%s  %u %%  %s of %s  %s/s  %s left", what, percent_of(done, total), part,
                 whole, speed, time_left(left, total - done, rate));
}

void progress_count(struct progress *p, struct out *out, const char *what, uint64_t done,
                    uint64_t total)
{
    const uint64_t now_us = clock_us();
    begin(p, now_us, done);
    if (now_us - p->drawn_us < COUNT_US && done < total) {
        return;
    }
    p->drawn_us = now_us;
    if (!take_line(p, now_us)) {
        return;
    }
    char part[PS_FORMAT_COUNT_BYTES];
    char whole[PS_FORMAT_COUNT_BYTES];
    ps_format_count(part, done);
    ps_format_count(whole, total);
    const double rate = speed_of(&p->speed, now_us);
    if (rate <= 0) {
        out_progress(out, "%s %s of %s  %u %%", what, part, whole, percent_of(done, total));
        return;
    }
    char speed[PS_FORMAT_COUNT_BYTES];
    char left[PS_FORMAT_SPAN_BYTES];
    ps_format_count(speed, (uint64_t)rate);
    out_progress(out, "%s %s of %s  %u %%  %s/s  %s left", what, part, whole,
                 percent_of(done, total), speed, time_left(left, total - done, rate));
}

bool progress_rests(const struct progress *p, uint64_t span_us)
{
    return clock_us() - p->drawn_us >= span_us;
}

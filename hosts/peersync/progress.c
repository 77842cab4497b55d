#include "progress.h"

#include "common/format.h"

#include <inttypes.h>

/* Before this a rate says nothing. */
#define RATE_AFTER_US 500000u

void progress_draw(struct progress *p, struct out *out, const char *what, uint64_t done,
                   uint64_t total)
{
    const uint64_t now_us = uv_hrtime() / 1000u;
    if (p->began_us == 0) {
        p->began_us = now_us;
        p->first = done;
    }
    char part[PS_FORMAT_SIZE_BYTES];
    char whole[PS_FORMAT_SIZE_BYTES];
    ps_format_size(part, done);
    ps_format_size(whole, total);
    const unsigned percent = total == 0 ? 100u : (unsigned)((double)done * 100.0 / (double)total);
    const uint64_t span_us = now_us - p->began_us;
    if (span_us < RATE_AFTER_US || done <= p->first) {
        out_progress(out, "%s  %u %%  %s of %s", what, percent, part, whole);
        return;
    }
    const double rate = (double)(done - p->first) / (double)span_us;
    char speed[PS_FORMAT_SIZE_BYTES];
    char left[PS_FORMAT_SPAN_BYTES];
    ps_format_size(speed, (uint64_t)(rate * 1e6));
    ps_format_duration(left, (uint64_t)((double)(total - done) / rate));
    out_progress(out, "%s  %u %%  %s of %s  %s/s  %s left", what, percent, part, whole, speed,
                 left);
}

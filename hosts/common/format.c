#include "common/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

char *ps_format_size(char out[PS_FORMAT_SIZE_BYTES], uint64_t bytes)
{
    static const char units[] = "KMGTPE";
    if (bytes < 1024) {
        snprintf(out, PS_FORMAT_SIZE_BYTES, "%u B", (unsigned)bytes);
        return out;
    }
    unsigned unit = 0;
    uint64_t scale = 1024;
    while (unit < 5 && bytes / scale >= 1024) {
        scale *= 1024;
        unit++;
    }
    uint64_t whole = bytes / scale;
    /* Tenths, rounded; the remainder is below 2^60, so nothing overflows. */
    uint64_t tenths = ((bytes % scale) / (scale / 1024) * 10 + 512) / 1024;
    if (tenths == 10) {
        whole++;
        tenths = 0;
    }
    if (whole == 1024 && unit < 5) {
        whole = 1;
        unit++;
    }
    snprintf(out, PS_FORMAT_SIZE_BYTES, "%u.%u %ciB", (unsigned)whole, (unsigned)tenths,
             units[unit]);
    return out;
}

char *ps_format_count(char out[PS_FORMAT_COUNT_BYTES], uint64_t n)
{
    char digits[PS_FORMAT_COUNT_BYTES];
    const size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = out;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

char *ps_format_duration(char out[PS_FORMAT_SPAN_BYTES], uint64_t us)
{
    const uint64_t s = us / 1000000u;
    if (s < 10) {
        snprintf(out, PS_FORMAT_SPAN_BYTES, "%u.%u s", (unsigned)s,
                 (unsigned)(us % 1000000u / 100000u));
    } else if (s < 60) {
        snprintf(out, PS_FORMAT_SPAN_BYTES, "%u s", (unsigned)s);
    } else if (s < 3600) {
        snprintf(out, PS_FORMAT_SPAN_BYTES, "%u min %02u s", (unsigned)(s / 60),
                 (unsigned)(s % 60));
    } else if (s < 86400) {
        snprintf(out, PS_FORMAT_SPAN_BYTES, "%u h %02u min", (unsigned)(s / 3600),
                 (unsigned)(s / 60 % 60));
    } else {
        const uint64_t days = s / 86400 < 9999999 ? s / 86400 : 9999999;
        snprintf(out, PS_FORMAT_SPAN_BYTES, "%u d %02u h", (unsigned)days,
                 (unsigned)(s / 3600 % 24));
    }
    return out;
}

char *ps_format_time(char out[PS_FORMAT_TIME_BYTES], uint64_t wall_us)
{
    const time_t seconds = (time_t)(wall_us / 1000000u);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099) {
        snprintf(out, PS_FORMAT_TIME_BYTES, "unknown");
        return out;
    }
    const size_t n = strftime(out, PS_FORMAT_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, PS_FORMAT_TIME_BYTES - n, ".%03uZ", (unsigned)(wall_us / 1000u % 1000u));
    return out;
}

char *ps_format_root(char out[PS_FORMAT_ROOT_BYTES], const uint8_t root[PS_ROOT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < PS_ROOT_BYTES; i++) {
        out[2 * i] = digits[root[i] >> 4];
        out[2 * i + 1] = digits[root[i] & 15];
    }
    out[2u * PS_ROOT_BYTES] = '\0';
    return out;
}

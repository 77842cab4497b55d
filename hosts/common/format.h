/* Numbers, times and roots for people. All write into the caller's buffer and return it. */
#ifndef PS_COMMON_FORMAT_H
#define PS_COMMON_FORMAT_H

#include "peersync/base.h"

#define PS_FORMAT_SIZE_BYTES  16u
#define PS_FORMAT_SPAN_BYTES  16u
#define PS_FORMAT_TIME_BYTES  32u
#define PS_FORMAT_ROOT_BYTES  65u
#define PS_FORMAT_COUNT_BYTES 27u

/* "999 B", "1.0 KiB", "3.0 GiB", "16.0 EiB". */
char *ps_format_size(char out[PS_FORMAT_SIZE_BYTES], uint64_t bytes);
/* "0", "999", "34,120". */
char *ps_format_count(char out[PS_FORMAT_COUNT_BYTES], uint64_t n);
/* "0.4 s", "59 s", "3 min 20 s", "2 h 05 min", "3 d 04 h". */
char *ps_format_duration(char out[PS_FORMAT_SPAN_BYTES], uint64_t us);
/* "2026-11-24T00:07:53.123Z" (RFC 3339, UTC) from microseconds since 1970. */
char *ps_format_time(char out[PS_FORMAT_TIME_BYTES], uint64_t wall_us);
/* Lower-case hexadecimal of a root. */
char *ps_format_root(char out[PS_FORMAT_ROOT_BYTES], const uint8_t root[PS_ROOT_BYTES]);

#endif

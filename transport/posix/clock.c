#include "peersync/posix.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

uint64_t ps_posix_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t ps_posix_wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec > 0 ? (uint64_t)t.tv_sec : 0;
}

ps_status ps_posix_entropy(void *buf, size_t len)
{
    uint8_t *at = buf;
    while (len > 0) {
        /* 256 bytes at a time are never cut short and are all that getentropy() gives. */
        size_t part = len < 256 ? len : 256;
        if (getentropy(at, part) != 0) {
            if (errno == EINTR) {
                continue;
            }
            return PS_FAILED;
        }
        at += part;
        len -= part;
    }
    return PS_OK;
}

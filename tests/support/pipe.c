#include "pipe.h"

#include <stdlib.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How much of `len` a call moves. */
static size_t share(test_pipe *pipe, size_t len)
{
    if (pipe->most > 0) {
        len = least(len, pipe->most);
    }
    return pipe->split && len > 1 ? (size_t)test_random_range(&pipe->random, 1, len) : len;
}

static ps_status pipe_read(void *ctx, ps_stream s, void *buf, size_t cap, size_t *n)
{
    test_pipe *pipe = ctx;
    test_pipe_way *way = &pipe->way[s == 1 ? 1 : 0];
    *n = 0;
    if (pipe->broken) {
        return PS_FAILED;
    }
    if (way->len == 0) {
        return way->finished ? PS_OK : PS_AGAIN;
    }
    const size_t len = share(pipe, least(cap, way->len));
    const size_t first = least(len, TEST_PIPE_BYTES - way->at);
    memcpy(buf, way->bytes + way->at, first);
    memcpy((uint8_t *)buf + first, way->bytes, len - first);
    way->at = (way->at + len) % TEST_PIPE_BYTES;
    way->len -= len;
    way->reads++;
    *n = len;
    return PS_OK;
}

static void put(test_pipe_way *way, const uint8_t *bytes, size_t len)
{
    const size_t at = (way->at + way->len) % TEST_PIPE_BYTES;
    const size_t first = least(len, TEST_PIPE_BYTES - at);
    memcpy(way->bytes + at, bytes, first);
    memcpy(way->bytes, bytes + first, len - first);
    way->len += len;
}

static ps_status pipe_write(void *ctx, ps_stream s, const ps_span parts[], size_t count, size_t *n)
{
    test_pipe *pipe = ctx;
    test_pipe_way *way = &pipe->way[s == 1 ? 0 : 1];
    *n = 0;
    if (pipe->broken || way->finished) {
        return PS_FAILED;
    }
    if (way->len >= way->limit) {
        return PS_AGAIN;
    }
    size_t room = share(pipe, way->limit - way->len);
    for (size_t i = 0; i < count && room > 0; i++) {
        const size_t len = least(parts[i].len, room);
        if (len > 0) {
            put(way, parts[i].data, len);
        }
        room -= len;
        *n += len;
    }
    way->writes++;
    return PS_OK;
}

static ps_status pipe_finish(void *ctx, ps_stream s)
{
    test_pipe *pipe = ctx;
    pipe->way[s == 1 ? 0 : 1].finished = true;
    return pipe->broken ? PS_FAILED : PS_OK;
}

bool test_pipe_open(test_pipe *pipe)
{
    memset(pipe, 0, sizeof *pipe);
    for (unsigned i = 0; i < 2; i++) {
        pipe->way[i].bytes = malloc(TEST_PIPE_BYTES);
        pipe->way[i].limit = TEST_PIPE_BYTES;
    }
    if (!pipe->way[0].bytes || !pipe->way[1].bytes) {
        test_pipe_close(pipe);
        return false;
    }
    return true;
}

void test_pipe_close(test_pipe *pipe)
{
    for (unsigned i = 0; i < 2; i++) {
        free(pipe->way[i].bytes);
        pipe->way[i].bytes = NULL;
    }
}

ps_stream_transport test_pipe_transport(test_pipe *pipe)
{
    return (ps_stream_transport){
        .ctx = pipe, .read = pipe_read, .write = pipe_write, .finish = pipe_finish};
}

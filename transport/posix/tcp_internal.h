/* The insides of the stream adapter, shared by tcp.c and sendfile.c. */
#ifndef PS_POSIX_TCP_INTERNAL_H
#define PS_POSIX_TCP_INTERNAL_H

#include "posix/error.h"

/* A stream's name is `serial * 2^24 + slot`: the slot finds it, the serial makes it unique. */
#define TCP_SLOT_BITS 24u

typedef struct tcp_stream {
    ps_stream name; /* 0: free. */
    int fd;
    int broken;      /* errno of what ended it; 0: it stands. */
    bool connecting; /* Dialled and not answered yet. */
    bool finishing;  /* finish() came while connecting: due when connected. */
    bool finished;
    uint32_t next_free;
} tcp_stream;

struct ps_posix_streams {
    int listener;
    ps_addr listener_addr;
    uint32_t max;
    uint32_t used;       /* Slots [used .. max) were never taken. */
    uint32_t first_free; /* Index + 1; 0: none. */
    uint64_t serial;
    ps_posix_error error;
    tcp_stream slots[];
};

/* The stream of that name, or NULL with the error said. */
tcp_stream *ps_posix_streams_find(ps_posix_streams *t, ps_stream s);
/* Follows a connection that is being made. @return PS_OK connected; PS_AGAIN not yet; PS_FAILED. */
ps_status ps_posix_streams_settle(ps_posix_streams *t, tcp_stream *stream);
/* Says and keeps what ended the stream. @return PS_FAILED. */
ps_status ps_posix_streams_break(ps_posix_streams *t, tcp_stream *stream, int number,
                                 const char *what);

/* The contract's functions of tcp_io.c. */
ps_status ps_posix_streams_read(void *ctx, ps_stream s, void *buf, size_t cap, size_t *n);
ps_status ps_posix_streams_write(void *ctx, ps_stream s, const ps_span parts[], size_t count,
                                 size_t *n);
ps_status ps_posix_streams_finish(void *ctx, ps_stream s);
uint32_t ps_posix_streams_ready(void *ctx, ps_stream s, uint32_t interest);

#endif

/* A downloader by hand: one connection to an uploader, on the test's own thread. Waits without a
 * limit of its own for what must come; the test's time limit ends what never does. */
#ifndef TESTS_UNIT_DATA_CALLER_H
#define TESTS_UNIT_DATA_CALLER_H

#include "data.h"

#include "peersync/posix.h"
#include "peersync/tls.h"
#include "peersync/transfer.h"

#define CALLER_FILES 16u

struct caller_file {
    ps_content content;
    bool ended;
    uint32_t error;
    uint8_t *bytes; /* What has come, each byte at its place. */
};

struct caller {
    ps_posix_streams *streams;
    ps_stream_transport io;
    ps_stream stream;
    ps_tls_context *context;
    ps_tls *tls; /* NULL: plain. */
    void *memory;
    ps_download *machine;
    ps_stream_output out;
    uint8_t *input;
    size_t input_at, input_len;
    struct caller_file files[CALLER_FILES + 1]; /* By the machine's number, from 1. */
    uint32_t file_count;
    uint64_t payload; /* Bytes of files that have come. */
    bool more;
    bool closed; /* The connection has ended. */
    bool done;   /* BYE is said. */
    bool failed; /* With `error`. */
    uint32_t error;
};

/* Connects; `from` is the IPv4 address 127.0.0.`from`. */
void caller_dial(struct caller *c, const ps_addr *to, uint8_t from);
/* The same over a socket that is connected already; takes it over. */
void caller_adopt(struct caller *c, int socket);
/* TLS with a source's ticket. @return false: the handshake is refused. */
bool caller_seal(struct caller *c, const struct data_source *with);
/* Makes the machine: over TLS when that is there, else plain. */
void caller_greet(struct caller *c);
/* Another file; its number. */
uint32_t caller_fetch(struct caller *c, const ps_content *content, const struct data_source *with);
/* Goes on until the file, or the connection, has ended. @return the file's error; PS_E_CLOSED when
 * it never ended. */
uint32_t caller_await(struct caller *c, uint32_t file);
/* Goes on until so many payload bytes have come; false: the connection ended before. */
bool caller_await_payload(struct caller *c, uint64_t bytes);
/* Goes on until the connection has ended. @return the machine's error; PS_E_NONE after BYE. */
uint32_t caller_await_end(struct caller *c);
/* Goes on until the other side has closed the connection, whatever it says until then. */
void caller_await_close(struct caller *c);
/* Without a machine: reads until there are `cap` bytes or the end; says these bytes; says that none
 * follow. `closed` then says whether it was cut. */
size_t caller_read_all(struct caller *c, uint8_t *bytes, size_t cap);
void caller_say(struct caller *c, const uint8_t *bytes, size_t len);
void caller_hang_up(struct caller *c);
/* No more files. */
void caller_finish(struct caller *c);
/* Closes and frees. */
void caller_end(struct caller *c);

#endif

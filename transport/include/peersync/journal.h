/**
 * @file journal.h
 * The journal of a machine: its configuration and every input that it consumed, which is its whole
 * history. Fed to another machine of that configuration, the inputs give the same output; each
 * record holds a hash of what its inputs caused, so that a replay knows whether it did.
 *
 * A journal holds secrets: the seed and, of a server, its lasting keys, from which the keys of all
 * sessions and all that was said in them can be had; passwords, tickets, names and addresses with
 * them. Its first lines say so. Nothing here opens files or allocates: bytes
 * go to a sink of the host and come from a source of the host.
 */
#ifndef PEERSYNC_JOURNAL_H
#define PEERSYNC_JOURNAL_H

#include "peersync/pump.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What every journal begins with, a line of text. */
#define PS_JOURNAL_MAGIC "PeerSync journal\n"
/** The format, in the head. A reader takes its own version alone. */
#define PS_JOURNAL_VERSION 3u
/** Largest record, in bytes: room for a full batch of a pump and for the longest UDP datagram. */
#define PS_JOURNAL_RECORD_MAX (128u * 1024u)
/** Smallest buffer of a writer, in bytes: the head and short inputs. */
#define PS_JOURNAL_BUFFER_MIN 2048u

/** Which machine's journal it is. */
typedef enum ps_journal_kind { PS_JOURNAL_SERVER = 1, PS_JOURNAL_PEER = 2 } ps_journal_kind;

/** Outcome of reading, and why a writer has stopped. */
typedef enum ps_journal_result {
    PS_JOURNAL_OK = 0,
    PS_JOURNAL_END,       /**< The journal ends here, after a whole record. */
    PS_JOURNAL_CUT,       /**< It ends inside a record (or the head), as a crash leaves it: what was
                               read before is good. */
    PS_JOURNAL_DAMAGED,   /**< A checksum or a field is wrong: what was read before is good. */
    PS_JOURNAL_FOREIGN,   /**< No journal, or one of another version. */
    PS_JOURNAL_TOO_LARGE, /**< Writer: an input does not fit into the buffer. */
    PS_JOURNAL_FAILED     /**< The sink or the source failed. */
} ps_journal_result;

/** The outcome for people, a clause in lower case. Static storage. */
const char *ps_journal_result_text(ps_journal_result result);

/** What the head says. */
typedef struct ps_journal_head {
    ps_journal_kind kind;
    bool scrubbed;           /**< Passwords, tickets and lasting keys were replaced. */
    uint32_t crypto_kind;    /**< Of the machine's cryptography. Read: choose the implementation by
                                  it, and set the configuration's `crypto`, which is NULL. Written:
                                  that of the configuration's `crypto` counts. */
    ps_server_config server; /**< PS_JOURNAL_SERVER: as the machine was made, seed and all. */
    ps_peer_config peer;     /**< PS_JOURNAL_PEER. */
} ps_journal_head;

/** @name What a step put out, in a number
 *  FNV-1a (64 bit) over datagrams and events, field by field: padding and the place in the slab do
 *  not count, nor does how the inputs were grouped into calls. Spans in events must still be alive.
 *  @{ */
typedef struct ps_journal_digest {
    uint64_t datagrams;
    uint64_t events;
    uint64_t datagrams_len;
    uint64_t events_len;
} ps_journal_digest;

void ps_journal_digest_init(ps_journal_digest *d);
/** Adds what stands in the output from these two places on. */
void ps_journal_digest_add(ps_journal_digest *d, const ps_output *out, size_t first_datagram,
                           size_t first_event);
uint64_t ps_journal_digest_value(const ps_journal_digest *d);
/** @} */

/**
 * Takes `len` finished bytes, all or none of which count. Called from within a step: it should not
 * block.
 * @return false: it failed; the writer stops for good and calls it no more.
 */
typedef bool (*ps_journal_sink)(void *ctx, const uint8_t *bytes, size_t len);

/** State of one writer. Fields are private but for `state`, `records`, `inputs` and `lost`. */
typedef struct ps_journal_writer {
    ps_machine inner;
    ps_journal_sink sink;
    void *ctx;
    uint8_t *buffer;
    size_t cap;
    ps_journal_result state; /**< OK; FAILED or TOO_LARGE: stopped, the machine goes on. */
    uint64_t records;        /**< Handed to the sink. */
    uint64_t inputs;         /**< In them. */
    uint64_t lost;           /**< Inputs that were consumed but not recorded: since it stopped. */
    size_t ends[PS_PUMP_BATCH];
} ps_journal_writer;

/**
 * Begins a journal: hands the head to the sink.
 * @param head as the machine was made, before its first input.
 * @param buffer the caller's, at least PS_JOURNAL_BUFFER_MIN bytes, in use as long as the writer.
 *        An input that does not fit stops the journal: PS_JOURNAL_RECORD_MAX bytes hold all that a
 *        UDP transport delivers. More is not used.
 * @return PS_OK; PS_INVALID a null pointer, an unknown kind or too small a buffer; PS_FAILED the
 *         sink failed.
 */
ps_status ps_journal_writer_init(ps_journal_writer *j, const ps_journal_head *head,
                                 ps_journal_sink sink, void *ctx, uint8_t *buffer, size_t cap);

/**
 * A machine that records what it consumes and is otherwise `inner`: hand it to a pump in its place.
 * The bytes of a datagram are recorded as they came, before they are opened in place. Inputs that
 * are refused or wait for room (PS_INVALID, PS_AGAIN) change nothing and are not recorded.
 * Both arguments must outlive the result; a writer records one machine.
 */
ps_machine ps_journal_machine(ps_journal_writer *j, ps_machine inner);

/**
 * Gives up to `cap` further bytes; sets *got to 0 at the end of the journal.
 * @return false: the source failed.
 */
typedef bool (*ps_journal_source)(void *ctx, uint8_t *to, size_t cap, size_t *got);

/** A source that reads from memory: pass it as `ctx` of ps_journal_read_memory(). */
typedef struct ps_journal_memory {
    const uint8_t *data;
    size_t len;
} ps_journal_memory;

bool ps_journal_read_memory(void *ctx, uint8_t *to, size_t cap, size_t *got);

/** One record: one call of the machine's step. */
typedef struct ps_journal_record {
    uint64_t first;   /**< Number of its first input; the journal's first input is 1. */
    uint32_t inputs;  /**< How many it has, 1 and more. */
    ps_status status; /**< What the call answered. AGAIN and INVALID are about an input behind the
                           last one consumed: where the inputs are stepped one by one, the last
                           answers OK or MORE then; else it answers this. */
    uint64_t digest;  /**< ps_journal_digest_value() of all that the inputs put out. */
} ps_journal_record;

/** State of one reader; private. */
typedef struct ps_journal_reader {
    ps_journal_source source;
    void *ctx;
    uint8_t *buffer;
    size_t at; /* Of the record's next input. */
    size_t end;
    uint64_t inputs; /* Read so far. */
    uint32_t left;   /* Inputs of this record. */
    ps_journal_result state;
} ps_journal_reader;

/**
 * Begins to read: checks and decodes the head.
 * @param buffer PS_JOURNAL_RECORD_MAX bytes of the caller, in use as long as the reader.
 * @param head filled on success. A hostile journal can name any capacities.
 * @return OK, or CUT, DAMAGED, FOREIGN, FAILED: there is nothing to read.
 */
ps_journal_result ps_journal_reader_init(ps_journal_reader *r, ps_journal_source source, void *ctx,
                                         uint8_t *buffer, ps_journal_head *head);

/**
 * The next record; inputs of the last one that were not read are skipped.
 * @return OK; END, CUT, DAMAGED, FAILED: there are no more, and each further call says the same.
 */
ps_journal_result ps_journal_next(ps_journal_reader *r, ps_journal_record *record);

/**
 * The record's next input. Its spans and its datagram (which may be changed) live in the reader's
 * buffer until the next ps_journal_next().
 * @return false: the record has no more.
 */
bool ps_journal_next_input(ps_journal_reader *r, ps_input *in);

#ifdef __cplusplus
}
#endif

#endif

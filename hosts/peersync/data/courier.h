/* A connection to one source, which carries files one after the other: up to PS_DOWNLOAD_FILES are
 * asked for ahead. A file longer than a piece has a courier to itself; smaller ones share. After
 * its last file a courier waits a moment for more before it says good-bye. */
#ifndef PEERSYNC_DATA_COURIER_H
#define PEERSYNC_DATA_COURIER_H

#include "conn.h"
#include "piece.h"

/* How long a courier without a file waits for one. */
#define COURIER_IDLE_MS 1000u
/* Pieces that a courier may have in memory. These, the window of its machine (8 MiB) and what the
 * other side has read ahead are what a killed process has to fetch again: less than 16 MiB. */
#define COURIER_PIECES 6u

enum courier_stage {
    COURIER_DIALLING, /* The connection, and TLS in it. */
    COURIER_RUNNING,
    COURIER_ENDED
};

/* A file on its way. */
struct courier_file {
    uint32_t number; /* Of the stream; 0: not asked for yet. */
    ps_content content;
    struct download *download; /* NULL: nobody wants it any more. */
};

struct courier {
    struct conn conn; /* First: callbacks get a struct conn. */
    struct courier *next, **link;
    struct data *data;
    struct data_source to; /* With the ticket of its first file. */
    enum courier_stage stage;
    bool own;       /* Carries one long file. */
    bool connected; /* The other side has answered, or at least taken our first words. */
    bool finishing; /* No more files: it says good-bye. */
    bool more;      /* The machine has more due. */
    bool cut;       /* Nothing more can be read or said. */
    bool called;    /* Has something new to do: see couriers_serve(). */
    void *memory;   /* Of the machine: it holds keys. */
    size_t memory_size;
    ps_download *machine;
    struct courier_file files[PS_DOWNLOAD_FILES];
    unsigned count;
    uint32_t last_number;
    uint64_t connect_until_us, idle_until_us;
    struct piece *pieces;
    unsigned held;      /* Pieces of the list. */
    uint32_t allowance; /* See buffers.h. */
    uint8_t *stash;     /* Read, but the machine could not take it yet. */
    size_t stash_at, stash_len;
    /* How the machine ended. */
    bool done;
    ps_error error;
    uint32_t blamed; /* The file with wrong bytes; 0: none. */
};

/* courier.c */
/* Begins to dial. @return NULL, with a clause for people in `why`. */
struct courier *courier_new(struct loop *loop, const struct data_source *to, char *why,
                            size_t why_cap);
/* True when it takes one more file, which is a long one or not. */
bool courier_fits(const struct courier *k, bool own);
/* Takes a download; courier_run() then asks for its file. */
void courier_take(struct courier *k, struct download *dl);
/* This download leaves: a long one ends the connection, of a small one the rest comes for nobody.
 */
void courier_drop(struct courier *k, struct download *dl);
/* Says good-bye as soon as its files have ended. */
void courier_finish(struct courier *k);
/* A worker has hashed a piece of it. */
void courier_hashed(struct courier *k, struct piece *p);
/* Ends it now. Its downloads are told why. */
void courier_end(struct courier *k, ps_error error, const char *text);
void courier_add_piece(struct courier *k, struct piece *p);
void courier_remove_piece(struct courier *k, struct piece *p);

/* courier_run.c */
/* Goes on as far as the stream allows. */
void courier_run(struct courier *k);

/* courier_machine.c: steps, and what comes of them. */
bool courier_make_machine(struct courier *k);
bool courier_step(struct courier *k, ps_stream_input *in, size_t *consumed);
/* Asks for the files that it has taken. */
void courier_ask(struct courier *k);
void courier_feed(struct courier *k, const uint8_t *bytes, size_t len);
/* The buffer that payload goes to; NULL: there is no such piece. */
struct piece *courier_piece(struct courier *k, uint32_t file, uint32_t index);
/* Makes one. NULL: no such file is under way. */
struct piece *courier_new_piece(struct courier *k, uint32_t file, uint32_t index);

#endif

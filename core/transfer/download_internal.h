/* The downloader's machine: what its files share.
 *
 * The uploader answers in the order of the questions, so the machine knows which frame comes next.
 * One cursor asks: it runs over the files and over the pieces that each lacks, and before the first
 * piece of a chunk of 512 it asks for the chunk's hashes. One cursor receives: it follows the same
 * order, so that the hashes arrive when those of the chunk before are used up, and one chunk's room
 * is enough. Between the two cursors, and behind the second until they are verified, pieces stand
 * in a ring. */
#ifndef PS_TRANSFER_DOWNLOAD_INTERNAL_H
#define PS_TRANSFER_DOWNLOAD_INTERNAL_H

#include "transfer/machine.h"
#include "transfer/stall.h"

#define PS_DOWNLOAD_WINDOW_MAX (256u * PS_PIECE_BYTES)
/* All pieces of a file but the last one are full. */
#define PS_DOWNLOAD_PIECES (PS_DOWNLOAD_WINDOW_MAX / PS_PIECE_BYTES + PS_DOWNLOAD_FILES)
/* No chunk: none was asked for yet. */
#define PS_DOWNLOAD_NO_CHUNK UINT32_MAX

typedef enum ps_download_stage {
    PS_DOWNLOAD_START = 1, /* Nothing was said yet. */
    PS_DOWNLOAD_HELLO,     /* Awaits the uploader's HELLO. */
    PS_DOWNLOAD_RUNNING,
    PS_DOWNLOAD_ENDED
} ps_download_stage;

typedef enum ps_download_phase {
    PS_DOWNLOAD_HEADER = 1,
    PS_DOWNLOAD_HEAD, /* The part of a body that is gathered. */
    PS_DOWNLOAD_NODES,
    PS_DOWNLOAD_PAYLOAD
} ps_download_phase;

typedef enum ps_download_file_state {
    PS_FILE_NONE = 0, /* A free slot, or a file that has ended. */
    PS_FILE_WAITING,  /* OPEN was not said yet. */
    PS_FILE_OPENING,  /* OPENED is awaited. */
    PS_FILE_OPEN
} ps_download_file_state;

typedef struct ps_download_file {
    ps_content content;
    const uint8_t *have; /* The caller's. */
    uint32_t pieces;
    uint32_t at;         /* Asking: pieces below it were asked for or are not wanted. */
    uint32_t chunk;      /* Asking: the last chunk of hashes that was asked for. */
    uint32_t unverified; /* Pieces in the ring. */
    uint8_t state;
    uint8_t ticket_len;
    uint8_t ticket[PS_FILE_TICKET_MAX];
    uint8_t key[PS_KEY_BYTES]; /* Wiped when OPEN is said. */
} ps_download_file;

typedef enum ps_download_piece_state {
    PS_PIECE_NONE = 0, /* Verified, or of a refused file. */
    PS_PIECE_ASKED,
    PS_PIECE_CHECKING /* All bytes came; the host hashes them. */
} ps_download_piece_state;

typedef struct ps_download_piece {
    uint32_t file;
    uint32_t piece;
    uint8_t state;
    bool hashes;    /* The chunk's hashes come before it. */
    ps_node expect; /* CHECKING. */
} ps_download_piece;

struct ps_download {
    const ps_crypto *crypto; /* The caller's. */
    ps_clock clock;
    ps_stall stall;
    ps_stream_binding binding;
    uint64_t asked_bytes; /* Of pieces in the ring. */
    /* The ring: pieces count from 0; number n stands in slot n % PS_DOWNLOAD_PIECES. */
    uint64_t piece_first; /* The first that is not verified. */
    uint64_t piece_due;   /* The first that bytes are awaited for. */
    uint64_t piece_next;  /* What the next one asked for will be. */
    uint32_t window_bytes;
    uint32_t max_wants; /* The uploader's. */
    uint32_t wants;     /* That wait for their answers. */
    /* Files count from 1; number n stands in slot (n - 1) % PS_DOWNLOAD_FILES. */
    uint32_t file_first;  /* The first that has not ended. */
    uint32_t file_next;   /* What the next FETCH will be. */
    uint32_t file_asking; /* file_next: none. */
    uint32_t position;    /* Of piece_due: bytes that came. */
    uint32_t nodes_fill;  /* NODES: bytes so far. */
    uint32_t nodes_want;
    uint32_t payload_left; /* PAYLOAD: of this frame. */
    uint8_t stage;
    uint8_t phase;
    bool finishing; /* No more files come. */
    bool scanning;  /* Where the next wanted piece lies is not known yet. */
    ps_frame frame;
    ps_gather gather;
    ps_download_file files[PS_DOWNLOAD_FILES];
    ps_download_piece pieces[PS_DOWNLOAD_PIECES];
    /* Hashes of a chunk, then its proof. */
    ps_node nodes[PS_HASHES_MAX + PS_LAYERS_MAX - 9];
};

static inline const ps_download_file *ps_download_file_const(const ps_download *d, uint32_t file)
{
    return &d->files[(file - 1) % PS_DOWNLOAD_FILES];
}

static inline ps_download_file *ps_download_file_of(ps_download *d, uint32_t file)
{
    return &d->files[(file - 1) % PS_DOWNLOAD_FILES];
}

static inline const ps_download_piece *ps_download_piece_const(const ps_download *d, uint64_t at)
{
    return &d->pieces[at % PS_DOWNLOAD_PIECES];
}

static inline ps_download_piece *ps_download_piece_of(ps_download *d, uint64_t at)
{
    return &d->pieces[at % PS_DOWNLOAD_PIECES];
}

/* The piece whose answers are due; NULL: none. */
static inline const ps_download_piece *ps_download_awaited(const ps_download *d)
{
    return d->piece_due == d->piece_next ? NULL : ps_download_piece_const(d, d->piece_due);
}

static inline uint32_t ps_download_piece_bytes(const ps_download *d, const ps_download_piece *p)
{
    return ps_piece_length(ps_download_file_const(d, p->file)->content.length, p->piece);
}

/* The chunk of hashes that a piece lies in. */
static inline ps_subtree ps_download_chunk(const ps_download_file *f, uint32_t piece)
{
    const uint32_t height = ps_tree_height(f->pieces);
    return (ps_subtree){
        .pieces = f->pieces,
        .first = piece - piece % PS_HASHES_MAX,
        .count = height < 9 ? 1u << height : PS_HASHES_MAX,
    };
}

/* Ends with an error; @return its event. */
ps_stream_event *ps_download_fail(ps_download *d, ps_emit *e, uint32_t error, bool remote,
                                  bool tell);
/* Ends well, with no file under way. */
void ps_download_end(ps_download *d, ps_emit *e);
/* So, too, and says BYE. */
void ps_download_finish(ps_download *d, ps_emit *e);

/* True when the file can be taken now. */
bool ps_download_fetch_valid(const ps_download *d, const ps_stream_fetch *fetch);
void ps_download_fetch(ps_download *d, const ps_stream_fetch *fetch);
/* Ends a file all of whose wanted pieces were asked for and verified. */
void ps_download_end_file(ps_download *d, ps_emit *e, uint32_t file);
/* OPENED for the file of the piece that is due. */
void ps_download_opened(ps_download *d, ps_emit *e, uint32_t error);

/* Says OPEN and WANT, as far as the window, the uploader and a step's bound admit. */
void ps_download_ask(ps_download *d, ps_emit *e);

/* Reads what the uploader said, a bounded part; @return bytes used. */
size_t ps_download_receive(ps_download *d, ps_emit *e, const uint8_t *data, size_t len);
/* Payload of the piece that is due came. */
void ps_download_payload(ps_download *d, ps_emit *e, const uint8_t *data, uint32_t len);
/* The piece that was given to be hashed; NULL: none. */
const ps_download_piece *ps_download_checking(const ps_download *d, uint32_t file, uint32_t piece);
void ps_download_hashed(ps_download *d, ps_emit *e, uint32_t file, uint32_t piece,
                        const ps_node *hash);
/* A piece is verified, or does not come. */
void ps_download_release(ps_download *d, ps_download_piece *p);

#endif

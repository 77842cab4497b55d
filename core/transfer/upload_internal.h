/* The uploader's machine: what its files share. */
#ifndef PS_TRANSFER_UPLOAD_INTERNAL_H
#define PS_TRANSFER_UPLOAD_INTERNAL_H

#include "transfer/machine.h"
#include "transfer/stall.h"

typedef enum ps_upload_stage {
    PS_UPLOAD_HELLO = 1, /* Awaits the preface and HELLO. */
    PS_UPLOAD_IDLE,      /* No file is open. */
    PS_UPLOAD_ASKED,     /* The host decides on one. */
    PS_UPLOAD_SERVING,
    PS_UPLOAD_SKIPPING, /* The last OPEN was refused: its WANTs go by. */
    PS_UPLOAD_ENDED
} ps_upload_stage;

typedef enum ps_upload_phase {
    PS_UPLOAD_PREFACE = 1,
    PS_UPLOAD_HEADER,
    PS_UPLOAD_BODY
} ps_upload_phase;

struct ps_upload {
    const ps_crypto *crypto; /* The caller's, as are the keys and the tree. */
    const ps_file_keys *keys;
    const ps_node *tree;
    ps_clock clock;
    ps_stall stall;
    uint64_t idle_left_us; /* ASKED: what was left when the clock was stopped. */
    uint64_t file_left_us; /* What the next file goes on with: open files share one time. */
    uint64_t wall_s;       /* Of the step under way. */
    ps_stream_binding binding;
    ps_content content;  /* Of the open file. */
    uint64_t sent_bytes; /* File bytes handed out since the beginning. */
    uint64_t unsent;     /* Bytes of answers handed out since SENT. */
    uint64_t taken;      /* Of these: TAKEN. */
    uint32_t file;       /* OPENs so far. */
    uint32_t refused;    /* Of these: without a good ticket. */
    uint32_t pieces;     /* Of the open file. */
    uint32_t data_left;  /* Pieces whose bytes this OPEN may still ask for. */
    uint32_t nodes_left; /* Pieces whose hashes it may. */
    uint32_t burst_bytes;
    uint32_t max_wants;
    uint32_t wants_head, wants_len; /* A ring behind the struct. */
    uint32_t skipped;               /* WANTs that went by since the last OPEN. */
    uint32_t piece_at;              /* Of the first data WANT's first piece: bytes handed out. */
    uint8_t stage;
    uint8_t phase;
    bool answer_unsent; /* An OPENED was handed out since SENT. */
    ps_frame frame;
    ps_gather gather;
};

static inline ps_want *ps_upload_wants(ps_upload *u)
{
    return (ps_want *)(void *)(u + 1);
}

static inline const ps_want *ps_upload_wants_const(const ps_upload *u)
{
    return (const ps_want *)(const void *)(u + 1);
}

/* Ends with an error. */
void ps_upload_fail(ps_upload *u, ps_emit *e, uint32_t error, bool remote, bool tell);
/* Reads frames, a bounded number; @return bytes used. */
size_t ps_upload_receive(ps_upload *u, ps_emit *e, const uint8_t *data, size_t len);
/* True when nothing more is read until the host has answered or sent something. */
bool ps_upload_blocked(const ps_upload *u);
/* An OPEN came: judges its ticket. */
void ps_upload_open(ps_upload *u, ps_emit *e, ps_span body);
/* The host's answer. */
void ps_upload_opened(ps_upload *u, ps_emit *e, uint32_t error, const ps_node *tree);
/* The open file, if there is one, is done with. */
void ps_upload_end_file(ps_upload *u, ps_emit *e);
/* So, too, if all that its OPEN admits has been sent. */
void ps_upload_end_served(ps_upload *u, ps_emit *e);
/* True when the file has what is wanted. */
bool ps_upload_want_fits(const ps_upload *u, const ps_want *want);
/* True when the first WANT can be answered (further) before SENT comes. */
bool ps_upload_can_serve(const ps_upload *u);
/* Answers WANTs, a bounded number. */
void ps_upload_serve(ps_upload *u, ps_emit *e);

#endif

/* The uploader's machine: what its files share. */
#ifndef PS_TRANSFER_UPLOAD_INTERNAL_H
#define PS_TRANSFER_UPLOAD_INTERNAL_H

#include "transfer/emit.h"
#include "transfer/stall.h"

typedef enum ps_upload_stage {
    PS_UPLOAD_HELLO = 1, /* Awaits the preface and HELLO. */
    PS_UPLOAD_ASKED,     /* The host decides. */
    PS_UPLOAD_SERVING,
    PS_UPLOAD_ENDED
} ps_upload_stage;

typedef enum ps_upload_phase {
    PS_UPLOAD_PREFACE = 1,
    PS_UPLOAD_HEADER,
    PS_UPLOAD_BODY
} ps_upload_phase;

struct ps_upload {
    const ps_crypto *crypto; /* The caller's, as is the tree. */
    const ps_node *tree;
    ps_clock clock;
    ps_stall stall;
    ps_content content;
    uint64_t sent_bytes; /* File bytes handed out since the beginning. */
    uint64_t unsent;     /* Bytes of answers handed out since SENT. */
    uint32_t pieces;
    uint32_t burst_bytes;
    uint32_t max_wants;
    uint32_t wants_head, wants_len; /* A ring behind the struct. */
    uint32_t piece_at;              /* Of the first data WANT's first piece: bytes handed out. */
    uint8_t stage;
    uint8_t phase;
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
/* True when the first WANT can be answered (further) before SENT comes. */
bool ps_upload_can_serve(const ps_upload *u);
/* Answers WANTs, a bounded number. */
void ps_upload_serve(ps_upload *u, ps_emit *e);

#endif

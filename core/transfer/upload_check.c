/* Every invariant of the uploader's machine. */
#include "transfer/upload_internal.h"

static int check_wants(const ps_upload *u)
{
    if (u->wants_len > u->max_wants || u->wants_head >= u->max_wants ||
        (u->stage != PS_UPLOAD_SERVING && u->wants_len != 0)) {
        return __LINE__;
    }
    for (uint32_t i = 0; i < u->wants_len; i++) {
        const ps_want *w = &ps_upload_wants_const(u)[(u->wants_head + i) % u->max_wants];
        if ((w->kind != PS_WANT_HASHES && w->kind != PS_WANT_DATA) || !ps_upload_want_fits(u, w)) {
            return __LINE__;
        }
        if (i == 0 && w->kind == PS_WANT_DATA &&
            u->piece_at >= ps_piece_length(u->content.length, w->first)) {
            return __LINE__;
        }
    }
    return 0;
}

static int check_reading(const ps_upload *u)
{
    if (u->phase < PS_UPLOAD_PREFACE || u->phase > PS_UPLOAD_BODY ||
        u->gather.want > sizeof u->gather.bytes || u->gather.fill > u->gather.want) {
        return __LINE__;
    }
    if (u->phase == PS_UPLOAD_PREFACE && !u->binding.plain) {
        return __LINE__;
    }
    /* A full gather is used up within the step that filled it, but for a BYE that waits and for
     * what is never read any more; what waits has nothing gathered yet. */
    if (u->stage == PS_UPLOAD_ENDED) {
        return 0;
    }
    const bool full = ps_gather_full(&u->gather);
    if (full && (u->phase != PS_UPLOAD_BODY || u->frame.type != PS_FRAME_BYE)) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_ASKED && (u->phase != PS_UPLOAD_HEADER || u->gather.fill != 0)) {
        return __LINE__;
    }
    return 0;
}

/* What is open, and what may have been said of it. */
static int check_file(const ps_upload *u)
{
    const bool known = u->stage == PS_UPLOAD_ASKED || u->stage == PS_UPLOAD_SERVING;
    if (known && (u->file == 0 || u->pieces != ps_piece_count(u->content.length) ||
                  !ps_content_possible(&u->content))) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_SERVING && u->pieces > 1 && !u->tree) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_ASKED && (u->data_left != u->pieces || u->nodes_left != u->pieces)) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_SERVING &&
        (u->data_left > u->pieces || u->nodes_left > u->pieces ||
         (u->data_left == 0 && u->wants_len == 0 && u->unsent == 0 && !u->answer_unsent))) {
        return __LINE__;
    }
    if (u->taken > u->unsent || u->file_left_us > u->stall.length_us) {
        return __LINE__;
    }
    if (u->stage < PS_UPLOAD_SERVING && u->tree) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_SKIPPING && (u->file == 0 || u->unsent != 0 || u->tree)) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_ASKED && (u->unsent != 0 || u->answer_unsent)) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_HELLO &&
        (u->file != 0 || u->sent_bytes != 0 || u->unsent != 0 || u->answer_unsent)) {
        return __LINE__;
    }
    if (u->skipped > u->max_wants || (u->skipped != 0 && u->stage < PS_UPLOAD_SKIPPING)) {
        return __LINE__;
    }
    return 0;
}

int ps_upload_check(const ps_upload *u)
{
    if (u->stage < PS_UPLOAD_HELLO || u->stage > PS_UPLOAD_ENDED) {
        return __LINE__;
    }
    /* No time runs while the host decides. */
    const bool runs = u->stage != PS_UPLOAD_ASKED && u->stage != PS_UPLOAD_ENDED;
    if (runs != (u->stall.deadline_us != PS_TIME_NEVER)) {
        return __LINE__;
    }
    int line = check_reading(u);
    line = line == 0 ? check_file(u) : line;
    return line == 0 ? check_wants(u) : line;
}

/* Every invariant of the uploader's machine. */
#include "transfer/upload_internal.h"

static int check_want(const ps_upload *u, const ps_want *want, bool first)
{
    if (want->kind == PS_WANT_HASHES) {
        const ps_subtree s = {u->pieces, want->first, want->count};
        return ps_subtree_valid(&s) ? 0 : __LINE__;
    }
    if (want->kind != PS_WANT_DATA || want->count == 0 || want->first >= u->pieces ||
        want->count > u->pieces - want->first) {
        return __LINE__;
    }
    if (first && u->piece_at >= ps_piece_length(u->content.length, want->first)) {
        return __LINE__;
    }
    return 0;
}

int ps_upload_check(const ps_upload *u)
{
    if (u->stage < PS_UPLOAD_HELLO || u->stage > PS_UPLOAD_ENDED) {
        return __LINE__;
    }
    if (u->phase < PS_UPLOAD_PREFACE || u->phase > PS_UPLOAD_BODY ||
        u->gather.want > sizeof u->gather.bytes || u->gather.fill > u->gather.want) {
        return __LINE__;
    }
    /* A full gather is used up within the step that filled it. */
    if (u->stage != PS_UPLOAD_ENDED && ps_gather_full(&u->gather)) {
        return __LINE__;
    }
    if (u->wants_len > u->max_wants || u->wants_head >= u->max_wants) {
        return __LINE__;
    }
    if (u->stage != PS_UPLOAD_SERVING && u->wants_len != 0) {
        return __LINE__;
    }
    if ((u->stage == PS_UPLOAD_HELLO || u->stage == PS_UPLOAD_SERVING) !=
        (u->stall.deadline_us != PS_TIME_NEVER)) {
        return __LINE__;
    }
    if (u->stage == PS_UPLOAD_SERVING && u->pieces != ps_piece_count(u->content.length)) {
        return __LINE__;
    }
    if (u->stage < PS_UPLOAD_SERVING && (u->sent_bytes != 0 || u->unsent != 0)) {
        return __LINE__;
    }
    for (uint32_t i = 0; i < u->wants_len; i++) {
        const ps_want *w = &ps_upload_wants_const(u)[(u->wants_head + i) % u->max_wants];
        int line = check_want(u, w, i == 0);
        if (line != 0) {
            return line;
        }
    }
    return 0;
}

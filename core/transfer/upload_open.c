/* OPEN: which file a downloader may have, by the ticket that it shows and can prove to hold. */
#include "transfer/upload_internal.h"

#include "channel/wipe.h"

/* What a file is worth that was sent whole, beyond its bytes: without it a thousand files of one
 * byte would be no progress. */
#define FILE_WORTH 1024u

/* Time without an open file costs nobody a slot: it counts anew. The time of open files goes on
 * with the next one where it stood, or a tiny file now and then would hold a slot for ever. */
void ps_upload_end_file(ps_upload *u, ps_emit *e)
{
    if (u->stage == PS_UPLOAD_SERVING) {
        ps_emit_event(e, PS_STREAM_EVENT_FILE_END)->file = u->file;
        u->tree = NULL;
        u->pieces = 0;
        u->stage = PS_UPLOAD_IDLE;
        const uint64_t left_us = ps_stall_left(&u->stall, u->clock.now_us);
        u->file_left_us = left_us < u->stall.length_us ? left_us : u->stall.length_us;
        ps_stall_resume(&u->stall, u->stall.length_us, u->clock.now_us);
    }
}

void ps_upload_end_served(ps_upload *u, ps_emit *e)
{
    if (u->stage == PS_UPLOAD_SERVING && u->data_left == 0 && u->wants_len == 0) {
        ps_stall_payload(&u->stall, FILE_WORTH, PS_LEAF_BYTES, u->clock.now_us);
        ps_upload_end_file(u, e);
    }
}

static void say_opened(ps_upload *u, ps_emit *e, uint32_t error)
{
    ps_writer w = ps_emit_writer(e);
    ps_opened_write(&w, error);
    (void)ps_emit_bytes(e, &w);
    u->answer_unsent = true;
}

/* A ticket alone is not enough: it may have been seen going by. */
static bool ticket_shown(const ps_upload *u, ps_span body, ps_file_ticket *ticket)
{
    uint8_t mac[PS_OPEN_MAC_BYTES];
    const ps_span sealed = {body.data + PS_OPEN_MAC_BYTES, body.len - PS_OPEN_MAC_BYTES};
    if (!ps_file_ticket_open(u->crypto, u->keys, u->wall_s, sealed, ticket)) {
        return false;
    }
    ps_open_mac(u->crypto, ticket->key, u->binding.bytes, sealed, mac);
    const bool proven = ps_secret_equal(mac, body.data, sizeof mac) || PS_CANARY(UNPROVEN_OPEN);
    return proven && ps_content_possible(&ticket->content);
}

void ps_upload_open(ps_upload *u, ps_emit *e, ps_span body)
{
    ps_file_ticket ticket;
    ps_upload_end_file(u, e);
    u->file++;
    u->skipped = 0;
    if (ticket_shown(u, body, &ticket)) {
        u->content = ticket.content;
        u->pieces = ps_piece_count(ticket.content.length);
        u->data_left = u->nodes_left = u->pieces;
        u->stage = PS_UPLOAD_ASKED;
        u->idle_left_us = ps_stall_left(&u->stall, u->clock.now_us);
        ps_stall_stop(&u->stall);
        ps_stream_event *event = ps_emit_event(e, PS_STREAM_EVENT_OPEN);
        event->file = u->file;
        event->content = ticket.content;
        event->downloader = ticket.downloader;
    } else {
        u->stage = PS_UPLOAD_SKIPPING;
        u->refused++;
        say_opened(u, e, PS_E_FILE_TICKET);
    }
    ps_wipe(&ticket, sizeof ticket);
}

void ps_upload_opened(ps_upload *u, ps_emit *e, uint32_t error, const ps_node *tree)
{
    PS_ASSERT(u->stage == PS_UPLOAD_ASKED);
    say_opened(u, e, error);
    if (error == PS_E_NONE) {
        u->tree = tree;
        u->stage = PS_UPLOAD_SERVING;
        ps_stall_resume(&u->stall, u->file_left_us, u->clock.now_us);
    } else {
        u->pieces = 0;
        u->stage = PS_UPLOAD_SKIPPING;
        ps_stall_resume(&u->stall, u->idle_left_us, u->clock.now_us);
    }
}

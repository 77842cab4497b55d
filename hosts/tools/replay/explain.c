/* Lines for people: `<-` what came in, `->` what went out, `**` what the host was told, `!!` why a
 * datagram was dropped. Each begins with the input's number and the seconds since the first one. */
#include "replay.h"

#include "common/format.h"
#include "common/text.h"
#include "peersync/explain.h"
#include "peersync/posix.h"

#include <inttypes.h>
#include <string.h>

#define SAFE_BYTES PS_TEXT_SAFE_BYTES(PS_NAME_MAX)

static void begin(FILE *to, uint64_t number, uint64_t at_us, uint64_t first_us, const char *sign)
{
    const bool before = at_us < first_us;
    const uint64_t us = before ? first_us - at_us : at_us - first_us;
    fprintf(to, "%7" PRIu64 " %s%" PRIu64 ".%06" PRIu64 " %s ", number, before ? "-" : "",
            us / 1000000u, us % 1000000u, sign);
}

static void print_text(FILE *to, const char *label, ps_span text)
{
    char safe[SAFE_BYTES];
    ps_text_safe(safe, sizeof safe, text);
    fprintf(to, "%s\"%s\"", label, safe);
}

static void print_label(FILE *to, const char *label, const ps_label *user)
{
    print_text(to, label, (ps_span){user->bytes, user->len});
}

static void print_addr(FILE *to, const char *label, const ps_addr *addr)
{
    char text[PS_ADDR_TEXT];
    fprintf(to, "%s%s", label, ps_addr_format(addr, text));
}

static void print_packet(FILE *to, const ps_addr *addr, const uint8_t *data, size_t len,
                         size_t opened)
{
    char text[4 * PS_EXPLAIN_BYTES];
    print_addr(to, "", addr);
    ps_explain_packet(data, len, opened, text, sizeof text);
    fprintf(to, " %s\n", text);
}

static void print_content(FILE *to, const ps_content *content)
{
    char root[PS_FORMAT_ROOT_BYTES];
    fprintf(to, " %" PRIu64 " bytes, root %.12s...", content->length,
            ps_format_root(root, content->root));
}

static void print_key(FILE *to, const char *label, const uint8_t key[PS_KEY_BYTES])
{
    char hex[PS_FORMAT_ROOT_BYTES];
    _Static_assert(PS_KEY_BYTES == PS_ROOT_BYTES, "as long as a root");
    fprintf(to, "%s%.16s...", label, ps_format_root(hex, key));
}

static void print_error(FILE *to, uint32_t error, uint32_t retry_ms)
{
    fprintf(to, " %s", ps_error_name(error));
    if (retry_ms > 0) {
        fprintf(to, " retry after %" PRIu32 " ms", retry_ms);
    }
}

static void print_restore(FILE *to, const ps_input_restore *m)
{
    print_text(to, " user ", m->user);
    fprintf(to, " generation %" PRIu64, m->generation);
    print_text(to, m->published ? " publishes " : " withdrew ", m->name);
    if (m->published) {
        print_content(to, &m->content);
    }
}

static void print_command(FILE *to, const ps_input *in)
{
    fprintf(to, " tag %" PRIx64, in->u.command.tag);
    if (in->u.command.text.len > 0) {
        print_text(to, " ", in->u.command.text);
    }
    if (in->type == PS_INPUT_PUBLISH) {
        print_content(to, &in->u.command.content);
    }
}

static void print_login(FILE *to, const ps_input_login *m)
{
    print_addr(to, " at ", &m->server);
    print_text(to, " user ", m->user);
    fprintf(to, " secret of %zu bytes, ticket of %zu, stream port %u", m->password.len,
            m->ticket.len, m->stream_port);
    if (m->key_known) {
        print_key(to, ", server's key ", m->server_key);
    }
}

/* What the host said, behind its name. */
static void print_words(FILE *to, const ps_input *in)
{
    switch (in->type) {
    case PS_INPUT_ENTROPY:
        fprintf(to, " of %zu bytes", in->u.entropy.len);
        break;
    case PS_INPUT_WALL_CLOCK:
        fprintf(to, " %" PRIu64 " s", in->u.wall_s);
        break;
    case PS_INPUT_VERDICT:
        fprintf(to, " on login %" PRIx64, in->u.verdict.pending);
        print_error(to, in->u.verdict.error, in->u.verdict.retry_ms);
        break;
    case PS_INPUT_RESTORE:
        print_restore(to, &in->u.restore);
        break;
    case PS_INPUT_STORE:
        fprintf(to, " busy for %" PRIu32 " ms", in->u.store_retry_ms);
        break;
    case PS_INPUT_EXPEL:
        print_text(to, " ", in->u.expel);
        break;
    case PS_INPUT_LOGIN:
        print_login(to, &in->u.login);
        break;
    case PS_INPUT_TRUST:
        print_key(to, " ", in->u.trust);
        break;
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
        print_command(to, in);
        break;
    case PS_INPUT_TICK:
    case PS_INPUT_DATAGRAM:
    case PS_INPUT_LOGOUT:
    default:
        break;
    }
    fputc('\n', to);
}

void replay_print_input(FILE *to, uint64_t number, uint64_t first_us, const ps_input *in,
                        size_t opened)
{
    begin(to, number, in->now_us, first_us, "<-");
    if (in->type == PS_INPUT_DATAGRAM) {
        print_packet(to, &in->u.datagram.from, in->u.datagram.data, in->u.datagram.len, opened);
        return;
    }
    fputs(replay_input_name(in->type), to);
    print_words(to, in);
}

static void print_record(FILE *to, const ps_event_record *m)
{
    fprintf(to, "RECORD %" PRIu64, m->commit_seq);
    print_label(to, " user ", &m->user);
    fprintf(to, " generation %" PRIu64, m->generation);
    print_text(to, m->published ? " publishes " : " withdrew ", m->name);
    if (m->published) {
        print_content(to, &m->content);
    }
}

static const char *close_reason(uint8_t reason)
{
    switch (reason) {
    case PS_CLOSE_LOGOUT:
        return "logout";
    case PS_CLOSE_SILENCE:
        return "silence";
    case PS_CLOSE_REPLACED:
        return "replaced by the same device";
    case PS_CLOSE_TAKEN:
        return "taken over by another device";
    case PS_CLOSE_REMOVED:
        return "removal of the account";
    default:
        return "unknown";
    }
}

static void print_session(FILE *to, const ps_event *event)
{
    const bool opened = event->type == PS_EVENT_SESSION_OPENED;
    print_label(to, opened ? "SESSION_OPENED " : "SESSION_CLOSED ", &event->u.session.user);
    print_addr(to, " at ", &event->u.session.addr);
    if (!opened) {
        fprintf(to, " by %s", close_reason(event->u.session.reason));
    }
}

static void print_account(FILE *to, const ps_event *event)
{
    const ps_event_account *m = &event->u.account;
    if (event->type == PS_EVENT_LOGGED_IN) {
        print_addr(to, m->again ? "LOGGED_IN again, seen as " : "LOGGED_IN, seen as ",
                   &m->observed);
    } else if (event->type == PS_EVENT_REFUSED) {
        fputs("REFUSED", to);
        print_error(to, m->error, m->retry_ms);
        print_text(to, " ", m->text);
    } else if (event->type == PS_EVENT_PUT_OFF) {
        fputs("PUT_OFF", to);
        print_error(to, m->error, m->retry_ms);
    } else {
        fputs(event->type == PS_EVENT_LOST ? "LOST" : "LOGGED_OUT", to);
    }
}

static void print_entry(FILE *to, const ps_event *event)
{
    const ps_event_entry *m = &event->u.entry;
    const char *what = event->type == PS_EVENT_PEER   ? "PEER"
                       : event->type == PS_EVENT_FILE ? "FILE"
                                                      : "SOURCE";
    fprintf(to, "%s tag %" PRIx64, what, m->tag);
    print_text(to, " user ", m->user);
    if (event->type == PS_EVENT_PEER) {
        return;
    }
    if (event->type == PS_EVENT_FILE) {
        print_text(to, " ", m->name);
    } else {
        print_addr(to, " at ", &m->addr);
    }
    print_content(to, &m->content);
    fprintf(to, "%s%s", m->active ? " active" : " away", m->own ? " own" : "");
    if (event->type == PS_EVENT_SOURCE && m->ticket.len > 0) {
        fprintf(to, " ticket of %zu bytes", m->ticket.len);
    }
}

static void print_request(FILE *to, const ps_event_login *m)
{
    print_text(to, "LOGIN_REQUEST user ", m->user);
    print_addr(to, " from ", &m->from);
    fprintf(to, " login %" PRIx64 " by %s%s", m->pending, m->by_ticket ? "ticket" : "password",
            m->known ? ", device known" : "");
}

static void print_event(FILE *to, const ps_event *event)
{
    switch (event->type) {
    case PS_EVENT_LOGIN_REQUEST:
        print_request(to, &event->u.login);
        break;
    case PS_EVENT_SESSION_OPENED:
    case PS_EVENT_SESSION_CLOSED:
        print_session(to, event);
        break;
    case PS_EVENT_RECORD:
        print_record(to, &event->u.record);
        break;
    case PS_EVENT_SERVER_KEY:
        print_key(to, "SERVER_KEY ", event->u.server_key);
        break;
    case PS_EVENT_TICKET:
        fprintf(to, "TICKET of %zu bytes", event->u.ticket.ticket.len);
        break;
    case PS_EVENT_FILE_KEYS:
        fprintf(to, "FILE_KEYS of %" PRIu32 " epochs from %" PRIu64, event->u.file_keys.count,
                event->u.file_keys.first_epoch);
        break;
    case PS_EVENT_LOGGED_IN:
    case PS_EVENT_REFUSED:
    case PS_EVENT_LOST:
    case PS_EVENT_LOGGED_OUT:
    case PS_EVENT_PUT_OFF:
        print_account(to, event);
        break;
    case PS_EVENT_PEER:
    case PS_EVENT_FILE:
    case PS_EVENT_SOURCE:
        print_entry(to, event);
        break;
    case PS_EVENT_DONE:
        fprintf(to, "DONE tag %" PRIx64, event->u.done.tag);
        print_error(to, event->u.done.error, event->u.done.retry_ms);
        break;
    case PS_EVENT_AGAIN:
        fprintf(to, "AGAIN tag %" PRIx64, event->u.done.tag);
        break;
    case PS_EVENT_UNLISTED:
        print_text(to, "UNLISTED ", (ps_span){event->u.unlisted.name, event->u.unlisted.len});
        print_error(to, event->u.unlisted.error, 0);
        break;
    default:
        fprintf(to, "event %d", (int)event->type);
    }
    fputc('\n', to);
}

void replay_print_outcome(FILE *to, uint64_t number, uint64_t at_us, uint64_t first_us,
                          const replay_machine *m, const uint64_t drops_before[PS_DROP_COUNT])
{
    uint64_t drops[PS_DROP_COUNT];
    replay_machine_drops(m, drops);
    for (unsigned i = 0; i < PS_DROP_COUNT; i++) {
        if (drops[i] != drops_before[i]) {
            begin(to, number, at_us, first_us, "!!");
            fprintf(to, "dropped: %s (%s)\n", ps_drop_name((ps_drop)i), ps_drop_text((ps_drop)i));
        }
    }
    for (size_t i = 0; i < m->out.events_len; i++) {
        begin(to, number, at_us, first_us, "**");
        print_event(to, &m->out.events[i]);
    }
    for (size_t i = 0; i < m->out.datagrams_len; i++) {
        uint8_t packet[PS_DATAGRAM_MAX];
        const ps_datagram *dg = &m->out.datagrams[i];
        memcpy(packet, m->out.bytes + dg->offset, dg->len);
        const size_t opened = replay_machine_unseal(m, packet, dg->len);
        begin(to, number, at_us, first_us, "->");
        print_packet(to, &dg->to, packet, dg->len, opened);
    }
}

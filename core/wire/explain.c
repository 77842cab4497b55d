#include "peersync/explain.h"

#include "util/assert.h"
#include "wire/line.h"
#include "wire/messages.h"

/* Entries of a list that are shown. */
#define SHOWN 4u
/* Bytes of a root that are shown. */
#define ROOT_SHOWN 6u
/* Where a LOGIN's user stands in its body. */
#define LOGIN_USER_AT (PS_DEVICE_BYTES + 4u + 2u + 2u + 1u)

static const char *const names[] = {
    [PS_MSG_LOGIN] = "LOGIN",
    [PS_MSG_LOGIN_OK] = "LOGIN_OK",
    [PS_MSG_HEARTBEAT] = "HEARTBEAT",
    [PS_MSG_HEARTBEAT_OK] = "HEARTBEAT_OK",
    [PS_MSG_PUBLISH] = "PUBLISH",
    [PS_MSG_UNPUBLISH] = "UNPUBLISH",
    [PS_MSG_PUBLISHED] = "PUBLISHED",
    [PS_MSG_LIST_PEERS] = "LIST_PEERS",
    [PS_MSG_PEERS] = "PEERS",
    [PS_MSG_LIST_FILES] = "LIST_FILES",
    [PS_MSG_SEARCH] = "SEARCH",
    [PS_MSG_FILES] = "FILES",
    [PS_MSG_LOCATE] = "LOCATE",
    [PS_MSG_SOURCES] = "SOURCES",
    [PS_MSG_LOGOUT] = "LOGOUT",
    [PS_MSG_LOGOUT_OK] = "LOGOUT_OK",
    [PS_MSG_CHALLENGE] = "CHALLENGE",
    [PS_MSG_CHALLENGE_OK] = "CHALLENGE_OK",
    [PS_MSG_PUSH] = "PUSH",
    [PS_MSG_PUSH_OK] = "PUSH_OK",
    [PS_MSG_ERROR] = "ERROR",
    [PS_MSG_DIGESTS] = "DIGESTS",
    [PS_MSG_DIGESTS_OK] = "DIGESTS_OK",
    [PS_MSG_LIST_NAMES] = "LIST_NAMES",
    [PS_MSG_NAMES] = "NAMES",
};

static void number(ps_line *l, const char *label, uint64_t v)
{
    ps_line_string(l, label);
    ps_line_number(l, v);
}

static void id(ps_line *l, const char *label, uint64_t v)
{
    ps_line_string(l, label);
    ps_line_id(l, v);
}

static void quoted(ps_line *l, const char *label, ps_span s)
{
    ps_line_string(l, label);
    ps_line_quoted(l, s);
}

static void address(ps_line *l, const char *label, const ps_addr *addr)
{
    ps_line_string(l, label);
    if (addr->family == PS_ADDR_V4) {
        for (unsigned i = 0; i < 4; i++) {
            number(l, i == 0 ? "" : ".", addr->ip[i]);
        }
    } else if (addr->family == PS_ADDR_V6) {
        for (unsigned i = 0; i < 16; i += 2) {
            ps_line_string(l, i == 0 ? "[" : ":");
            ps_line_hex(l, addr->ip + i, 2);
        }
        ps_line_string(l, "]");
    } else {
        ps_line_string(l, "none");
        return;
    }
    number(l, ":", addr->port);
}

static void content(ps_line *l, const ps_content *c)
{
    number(l, " (", c->length);
    ps_line_string(l, " bytes, root ");
    ps_line_hex(l, c->root, ROOT_SHOWN);
    ps_line_string(l, "...)");
}

/* "and 61 more" behind the entries that were shown. */
static void more(ps_line *l, uint32_t count)
{
    if (count > SHOWN) {
        number(l, " and ", count - SHOWN);
        ps_line_string(l, " more");
    }
}

static bool login(ps_line *l, ps_span body)
{
    ps_login m;
    if (!ps_login_decode(body, &m)) {
        return false;
    }
    quoted(l, " user ", m.user);
    number(l, " secret of ", m.secret.len);
    number(l, " bytes, method ", m.method);
    if (m.ticket.len > 0) {
        number(l, ", beside it a ticket of ", m.ticket.len);
    }
    ps_line_string(l, " device ");
    ps_line_hex(l, m.device, 4);
    number(l, "... stream port ", m.stream_port);
    number(l, " datagrams up to ", m.datagram_max);
    return true;
}

static bool login_ok(ps_line *l, ps_span body)
{
    ps_login_ok m;
    if (!ps_login_ok_decode(body, &m)) {
        return false;
    }
    number(l, " generation ", m.generation);
    id(l, " digest ", m.digest);
    address(l, " you are ", &m.observed);
    number(l, " heartbeat ", m.heartbeat_ms);
    number(l, " ms, dead ", m.dead_ms);
    number(l, " ms, resend ", m.resend_ms);
    number(l, " ms, ticket of ", m.ticket.len);
    if (m.file_keys.len > 0) {
        number(l, " bytes, file keys of ", m.file_keys.len / PS_KEY_BYTES);
        number(l, " epochs from ", m.first_epoch);
    }
    return true;
}

static bool heartbeat(ps_line *l, ps_message_type type, ps_span body)
{
    ps_heartbeat m;
    ps_heartbeat_ok ok;
    if (type == PS_MSG_HEARTBEAT_OK) {
        if (!ps_heartbeat_ok_decode(body, &ok)) {
            return false;
        }
        m = (ps_heartbeat){.generation = ok.generation, .digest = ok.digest};
    } else if (!ps_heartbeat_decode(body, &m)) {
        return false;
    }
    number(l, " generation ", m.generation);
    id(l, " digest ", m.digest);
    return true;
}

static bool changes(ps_line *l, ps_message_type type, ps_span body)
{
    ps_changes m;
    ps_publication entry;
    if (!ps_changes_decode(type, body, &m)) {
        return false;
    }
    number(l, " generation ", m.generation);
    for (uint32_t i = 0; i < SHOWN && ps_changes_next(type, &m, &entry); i++) {
        quoted(l, i == 0 ? " " : ", ", entry.name);
        if (type == PS_MSG_PUBLISH) {
            content(l, &entry.content);
        }
    }
    more(l, m.count);
    return true;
}

static bool published(ps_line *l, ps_span body)
{
    ps_published m;
    ps_refusal refusal;
    if (!ps_published_decode(body, &m)) {
        return false;
    }
    number(l, " generation ", m.generation);
    for (uint32_t i = 0; i < SHOWN && ps_published_next(&m, &refusal); i++) {
        number(l, i == 0 ? " refused: entry " : ", entry ", refusal.index);
        ps_line_string(l, " ");
        ps_line_string(l, ps_error_name(refusal.error));
    }
    more(l, m.count);
    return true;
}

static bool list(ps_line *l, ps_message_type type, ps_span body)
{
    ps_list m;
    if (!ps_list_decode(type, body, &m)) {
        return false;
    }
    number(l, " cursor ", m.cursor);
    if (type == PS_MSG_SEARCH) {
        quoted(l, " text ", m.text);
    }
    return true;
}

static bool locate(ps_line *l, ps_span body)
{
    ps_locate m;
    if (!ps_locate_decode(body, &m)) {
        return false;
    }
    quoted(l, " ", m.name);
    number(l, " cursor ", m.cursor);
    return true;
}

static void owner(ps_line *l, ps_span user, bool active, bool own)
{
    quoted(l, " of ", user);
    ps_line_string(l, active ? " active" : " away");
    ps_line_string(l, own ? " own" : "");
}

/* The next entry of a page; false at the end. */
static bool page_entry(ps_line *l, ps_message_type type, ps_page *m, const char *between)
{
    ps_span name = {NULL, 0};
    ps_file file = {.name = name};
    ps_source source = {.user = name};
    if (m->entries.left == 0) {
        return false;
    }
    ps_line_string(l, between);
    /* The decoder has walked over all of them: each is well formed. */
    if (type == PS_MSG_PEERS) {
        (void)ps_page_next_peer(m, &name);
        quoted(l, " ", name);
    } else if (type == PS_MSG_NAMES) {
        (void)ps_page_next_name(m, &name);
        quoted(l, " ", name);
    } else if (type == PS_MSG_FILES) {
        (void)ps_page_next_file(m, &file);
        quoted(l, " ", file.name);
        content(l, &file.content);
        owner(l, file.user, file.active, file.own);
    } else {
        PS_ASSERT(type == PS_MSG_SOURCES);
        (void)ps_page_next_source(m, &source);
        content(l, &source.content);
        owner(l, source.user, source.active, source.own);
        for (uint32_t i = 0; i < source.addrs_count; i++) {
            address(l, " at ", &source.addrs[i].addr);
        }
        if (source.ticket.len > 0) {
            number(l, " ticket of ", source.ticket.len);
        }
    }
    return true;
}

static bool page(ps_line *l, ps_message_type type, ps_span body)
{
    ps_page m;
    if (!ps_page_decode(type, body, &m)) {
        return false;
    }
    number(l, " next ", m.next);
    number(l, " entries ", m.count);
    for (uint32_t i = 0; i < SHOWN && page_entry(l, type, &m, i == 0 ? ":" : ","); i++) {
    }
    more(l, m.count);
    return true;
}

static bool repair(ps_line *l, ps_message_type type, ps_span body)
{
    ps_digests digests;
    ps_digests_ok ok;
    ps_list_names wanted;
    if (type == PS_MSG_DIGESTS && ps_digests_decode(body, &digests)) {
        number(l, " from bucket ", digests.first);
        return true;
    }
    if (type == PS_MSG_DIGESTS_OK && ps_digests_ok_decode(body, &ok)) {
        number(l, " generation ", ok.generation);
        number(l, " from bucket ", ok.first);
        number(l, " count ", ok.count);
        return true;
    }
    if (type == PS_MSG_LIST_NAMES && ps_list_names_decode(body, &wanted)) {
        number(l, " cursor ", wanted.cursor);
        ps_line_string(l, " buckets ");
        ps_line_hex(l, wanted.buckets, PS_BUCKETS / 8);
        return true;
    }
    return false;
}

static bool push(ps_line *l, ps_span body)
{
    ps_push m;
    if (!ps_push_decode(body, &m)) {
        return false;
    }
    number(l, " kind ", m.kind);
    number(l, " data of ", m.data.len);
    ps_line_string(l, " bytes");
    return true;
}

static bool challenge(ps_line *l, ps_span body)
{
    uint64_t nonce = 0;
    if (!ps_challenge_decode(body, &nonce)) {
        return false;
    }
    id(l, " nonce ", nonce);
    return true;
}

static bool error(ps_line *l, ps_span body)
{
    ps_error_message m;
    if (!ps_error_decode(body, &m)) {
        return false;
    }
    ps_line_string(l, " ");
    ps_line_string(l, ps_error_name(m.code));
    number(l, " (", m.code);
    ps_line_string(l, ")");
    if (m.retry_ms != 0) {
        number(l, " retry after ", m.retry_ms);
        ps_line_string(l, " ms");
    }
    quoted(l, " ", m.text);
    return true;
}

/* Describes the body. False: it is malformed. */
static bool body_in_words(ps_line *l, uint8_t type, ps_span body)
{
    switch (type) {
    case PS_MSG_LOGIN:
        return login(l, body);
    case PS_MSG_LOGIN_OK:
        return login_ok(l, body);
    case PS_MSG_HEARTBEAT:
    case PS_MSG_HEARTBEAT_OK:
        return heartbeat(l, (ps_message_type)type, body);
    case PS_MSG_PUBLISH:
    case PS_MSG_UNPUBLISH:
        return changes(l, (ps_message_type)type, body);
    case PS_MSG_PUBLISHED:
        return published(l, body);
    case PS_MSG_LIST_PEERS:
    case PS_MSG_LIST_FILES:
    case PS_MSG_SEARCH:
        return list(l, (ps_message_type)type, body);
    case PS_MSG_LOCATE:
        return locate(l, body);
    case PS_MSG_PEERS:
    case PS_MSG_FILES:
    case PS_MSG_SOURCES:
    case PS_MSG_NAMES:
        return page(l, (ps_message_type)type, body);
    case PS_MSG_DIGESTS:
    case PS_MSG_DIGESTS_OK:
    case PS_MSG_LIST_NAMES:
        return repair(l, (ps_message_type)type, body);
    case PS_MSG_CHALLENGE:
    case PS_MSG_CHALLENGE_OK:
        return challenge(l, body);
    case PS_MSG_PUSH:
        return push(l, body);
    case PS_MSG_ERROR:
        return error(l, body);
    case PS_MSG_LOGOUT:
    case PS_MSG_LOGOUT_OK:
    case PS_MSG_PUSH_OK:
        return body.len == 0;
    default: /* Unknown: there is nothing to say about it. */
        return true;
    }
}

static void message(ps_line *l, const ps_message *m)
{
    if (m->type < sizeof names / sizeof names[0] && names[m->type] != NULL) {
        ps_line_string(l, names[m->type]);
    } else {
        number(l, "unknown type ", m->type);
        number(l, " of ", m->body.len);
        ps_line_string(l, " bytes");
    }
    number(l, " request ", m->request);
    if (!body_in_words(l, m->type, m->body)) {
        number(l, " malformed body of ", m->body.len);
        ps_line_string(l, " bytes");
    }
}

static void messages(ps_line *l, ps_span opened)
{
    ps_reader r = ps_reader_of(opened);
    ps_message m;
    for (const char *between = ": "; ps_message_decode(&r, &m); between = "; ") {
        ps_line_string(l, between);
        message(l, &m);
    }
    if (r.bad) {
        number(l, "; cut off, ", r.left);
        ps_line_string(l, " bytes");
    }
}

static void data_packet(ps_line *l, const ps_packet *p, size_t opened)
{
    id(l, "to ", p->receiver_id);
    number(l, " counter ", p->counter);
    if (opened > 0 && opened <= p->body.len) {
        messages(l, (ps_span){p->body.data, opened});
    } else {
        number(l, ": sealed, ", p->body.len - PS_TAG_BYTES);
        ps_line_string(l, " bytes");
    }
}

static bool any(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return true;
        }
    }
    return false;
}

static void packet(ps_line *l, const ps_packet *p, size_t opened)
{
    const size_t message_at = PS_INITIATE_MESSAGE - PS_INITIATE_COOKIE;
    switch ((ps_packet_type)p->type) {
    case PS_PACKET_INITIATE:
        id(l, "INITIATE from ", p->receiver_id);
        number(l, " version ", p->version);
        ps_line_string(l, " key ");
        ps_line_hex(l, p->body.data + message_at, 4);
        ps_line_string(l, any(p->body.data, 16) ? "... with a cookie" : "...");
        break;
    case PS_PACKET_RESPOND:
        id(l, "RESPOND to ", p->receiver_id);
        break;
    case PS_PACKET_RETRY:
        id(l, "RETRY to ", p->receiver_id);
        break;
    case PS_PACKET_RESET:
        id(l, "RESET to ", p->receiver_id);
        number(l, " counter ", p->counter);
        break;
    case PS_PACKET_VERSIONS:
        id(l, "VERSIONS to ", p->receiver_id);
        for (size_t i = 0; i < p->body.len; i++) {
            number(l, i == 0 ? ": " : ", ", p->body.data[i]);
        }
        break;
    case PS_PACKET_DATA:
        data_packet(l, p, opened);
        break;
    }
}

size_t ps_explain_packet(const uint8_t *data, size_t len, size_t opened, char *text, size_t cap)
{
    if (cap == 0) {
        return 0;
    }
    ps_line l = {.text = text, .cap = cap};
    ps_packet p;
    ps_drop why = PS_DROP_COUNT;
    if (ps_packet_decode(data, len, &p, &why)) {
        packet(&l, &p, opened);
    } else {
        number(&l, "no packet, ", len);
        ps_line_string(&l, " bytes: ");
        ps_line_string(&l, ps_drop_text(why));
    }
    return ps_line_end(&l);
}

/* Blanks the secret of a LOGIN whose body begins at `at`: behind the user's text, as far as its
 * length byte says and the packet goes. */
static size_t blank_login(uint8_t *data, size_t len, size_t at)
{
    if (len - at <= LOGIN_USER_AT || data[at + LOGIN_USER_AT - 1] != PS_LOGIN_PASSWORD) {
        return 0;
    }
    const size_t user = at + LOGIN_USER_AT;
    const size_t secret = user + 1 + data[user];
    if (secret >= len) {
        return 0;
    }
    const size_t room = len - secret - 1;
    const size_t count = data[secret] < room ? data[secret] : room;
    memset(data + secret + 1, '*', count);
    return count;
}

size_t ps_explain_blank_secrets(uint8_t *data, size_t len)
{
    size_t blanked = 0;
    size_t at = 0;
    while (at < len && len - at >= PS_MESSAGE_HEADER) {
        const size_t body = at + PS_MESSAGE_HEADER;
        if (data[at] == PS_MSG_LOGIN) {
            blanked += blank_login(data, len, body);
        }
        at = body + ps_load16(data + at + 2);
    }
    return blanked;
}

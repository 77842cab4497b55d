/* Decoding and encoding undo each other. An even first byte: the rest chooses the fields of a good
 * message, which the independent encoder writes; the product must read it and write the same bytes.
 * An odd one: the rest is a message's body as it stands; if the product reads it, what it writes of
 * it reads the same again. The product writes into a block of exactly the size that it needs, and
 * must refuse one byte less. */
#include "craft.h"
#include "wire/messages.h"

#include <stdlib.h>

enum { REQUEST = 0x01020304 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

typedef struct tape {
    const uint8_t *at;
    size_t left;
} tape;

static uint8_t take8(tape *t)
{
    if (t->left == 0) {
        return 0;
    }
    t->left--;
    return *t->at++;
}

/* In [low, high]. */
static unsigned take_range(tape *t, unsigned low, unsigned high)
{
    const unsigned v = take8(t) * 256u + take8(t);
    return low + v % (high - low + 1);
}

static uint64_t take64(tape *t)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v * 256u + take8(t);
    }
    return v;
}

/* ---- what the product reads and writes again ---- */

static bool recode_changes(ps_message_type type, ps_span body, ps_writer *w, bool *read)
{
    ps_changes m;
    ps_changes_writer cw;
    ps_publication entry;
    *read = ps_changes_decode(type, body, &m);
    if (!*read || !ps_changes_begin(w, &cw, type, REQUEST, m.generation)) {
        return false;
    }
    while (ps_changes_next(type, &m, &entry)) {
        if (!ps_changes_add(w, &cw, &entry)) {
            return false;
        }
    }
    return ps_changes_end(w, &cw);
}

static bool recode_published(ps_span body, ps_writer *w, bool *read)
{
    ps_published m;
    ps_refusal refusals[PS_PAGE_ENTRIES];
    size_t count = 0;
    *read = ps_published_decode(body, &m);
    if (!*read) {
        return false;
    }
    while (ps_published_next(&m, &refusals[count])) {
        count++;
        if (count == PS_PAGE_ENTRIES) {
            break;
        }
    }
    return ps_published_encode(w, REQUEST, m.generation, refusals, count);
}

static bool recode_entry(ps_message_type type, ps_page *m, ps_writer *w, ps_page_writer *pw)
{
    ps_file file;
    ps_source source;
    if (type == PS_MSG_PEERS) {
        require(ps_page_next_peer(m, &file.user));
        return ps_page_add_peer(w, pw, file.user);
    }
    if (type == PS_MSG_FILES) {
        require(ps_page_next_file(m, &file));
        return ps_page_add_file(w, pw, &file);
    }
    if (type == PS_MSG_NAMES) {
        require(ps_page_next_name(m, &file.name));
        return ps_page_add_name(w, pw, file.name);
    }
    require(ps_page_next_source(m, &source));
    return ps_page_add_source(w, pw, &source);
}

static bool recode_page(ps_message_type type, ps_span body, ps_writer *w, bool *read)
{
    ps_page m;
    ps_page_writer pw;
    *read = ps_page_decode(type, body, &m);
    if (!*read || !ps_page_begin(w, &pw, type, REQUEST)) {
        return false;
    }
    for (uint32_t i = 0; i < m.count; i++) {
        if (!recode_entry(type, &m, w, &pw)) {
            return false;
        }
    }
    return ps_page_end(w, &pw, m.next);
}

/* The encoder writes as many digests as there is room for: it is given that for those that were
 * read, and fewer are not what was meant. */
static bool recode_digests(ps_span body, ps_writer *w, bool *read)
{
    ps_digests_ok m;
    uint64_t digests[PS_BUCKETS] = {0};
    *read = ps_digests_ok_decode(body, &m);
    if (!*read) {
        return false;
    }
    for (uint32_t i = 0; i < m.count; i++) {
        digests[m.first + i] = ps_digests_ok_next(&m);
    }
    const size_t before = w->len;
    const size_t need = before + PS_MESSAGE_HEADER + body.len;
    w->cap = need < w->cap ? need : w->cap;
    return ps_digests_ok_encode(w, REQUEST, m.generation, m.first, digests) &&
           w->len - before == PS_MESSAGE_HEADER + body.len;
}

/* Messages of one piece. */
static bool recode_plain(ps_message_type type, ps_span body, ps_writer *w, bool *read)
{
    union {
        ps_login login;
        ps_login_ok login_ok;
        ps_heartbeat heartbeat;
        ps_heartbeat_ok heartbeat_ok;
        ps_list list;
        ps_locate locate;
        ps_push push;
        ps_error_message error;
        ps_digests digests;
        ps_list_names names;
        uint64_t nonce;
    } m;
    switch ((int)type) {
    case PS_MSG_LOGIN:
        /* By a method that nobody knows, the secret may be longer than any that is sent. */
        *read = ps_login_decode(body, &m.login) &&
                m.login.secret.len <=
                    (m.login.method == PS_LOGIN_TICKET ? PS_TICKET_MAX : PS_PASSWORD_MAX);
        return *read && ps_login_encode(w, REQUEST, &m.login);
    case PS_MSG_LOGIN_OK:
        return (*read = ps_login_ok_decode(body, &m.login_ok)) &&
               ps_login_ok_encode(w, REQUEST, &m.login_ok);
    case PS_MSG_HEARTBEAT:
        return (*read = ps_heartbeat_decode(body, &m.heartbeat)) &&
               ps_heartbeat_encode(w, REQUEST, &m.heartbeat);
    case PS_MSG_HEARTBEAT_OK:
        return (*read = ps_heartbeat_ok_decode(body, &m.heartbeat_ok)) &&
               ps_heartbeat_ok_encode(w, REQUEST, &m.heartbeat_ok);
    case PS_MSG_LIST_PEERS:
    case PS_MSG_LIST_FILES:
    case PS_MSG_SEARCH:
        return (*read = ps_list_decode(type, body, &m.list)) &&
               ps_list_encode(w, type, REQUEST, &m.list);
    case PS_MSG_LOCATE:
        return (*read = ps_locate_decode(body, &m.locate)) &&
               ps_locate_encode(w, REQUEST, &m.locate);
    case PS_MSG_LOGOUT:
    case PS_MSG_LOGOUT_OK:
        return (*read = ps_logout_decode(body)) && ps_logout_encode(w, type, REQUEST);
    case PS_MSG_CHALLENGE:
    case PS_MSG_CHALLENGE_OK:
        return (*read = ps_challenge_decode(body, &m.nonce)) &&
               ps_challenge_encode(w, type, REQUEST, m.nonce);
    case PS_MSG_PUSH:
        return (*read = ps_push_decode(body, &m.push)) && ps_push_encode(w, REQUEST, &m.push);
    case PS_MSG_PUSH_OK:
        return (*read = ps_push_ok_decode(body)) && ps_push_ok_encode(w, REQUEST);
    case PS_MSG_DIGESTS:
        return (*read = ps_digests_decode(body, &m.digests)) &&
               ps_digests_encode(w, REQUEST, &m.digests);
    case PS_MSG_LIST_NAMES:
        return (*read = ps_list_names_decode(body, &m.names)) &&
               ps_list_names_encode(w, REQUEST, &m.names);
    default:
        return (*read = ps_error_decode(body, &m.error)) && ps_error_encode(w, REQUEST, &m.error);
    }
}

static bool recode(ps_message_type type, ps_span body, ps_writer *w, bool *read)
{
    switch ((int)type) {
    case PS_MSG_PUBLISH:
    case PS_MSG_UNPUBLISH:
        return recode_changes(type, body, w, read);
    case PS_MSG_PUBLISHED:
        return recode_published(body, w, read);
    case PS_MSG_PEERS:
    case PS_MSG_FILES:
    case PS_MSG_SOURCES:
    case PS_MSG_NAMES:
        return recode_page(type, body, w, read);
    case PS_MSG_DIGESTS_OK:
        return recode_digests(body, w, read);
    default:
        return recode_plain(type, body, w, read);
    }
}

/* ---- good messages of the independent encoder ---- */

static void some_text(tape *t, craft *c, unsigned low, unsigned high)
{
    uint8_t text[255];
    const unsigned len = take_range(t, low, high);
    const uint8_t first = take8(t);
    for (unsigned i = 0; i < len; i++) {
        text[i] = (uint8_t)(first + i);
    }
    craft_text_of(c, text, len);
}

static void some_address(tape *t, craft *c, unsigned family)
{
    uint8_t ip[16];
    for (int i = 0; i < 16; i++) {
        ip[i] = take8(t);
    }
    craft_address(c, family, ip, take_range(t, 0, 65535));
}

/* A typed field of `before` bytes of 0 and a ticket; or none. */
static void some_ticket(tape *t, craft *c, unsigned before)
{
    uint8_t value[8 + PS_TICKET_MAX] = {0};
    const unsigned len = take_range(t, 0, PS_TICKET_MAX);
    if (len > 0) {
        memset(value + before, take8(t), len);
        craft_field(c, 1, value, before + len);
    }
}

static void some_login(tape *t, craft *c)
{
    const uint8_t method = take8(t);
    craft_u64(c, take64(t));
    craft_u64(c, take64(t));
    craft_u32(c, (uint32_t)take64(t));
    craft_u16(c, take_range(t, 0, 65535));
    craft_u16(c, take_range(t, 512, 1200));
    craft_u8(c, method);
    some_text(t, c, 1, 64);
    some_text(t, c, 0, method == PS_LOGIN_TICKET ? PS_TICKET_MAX : PS_PASSWORD_MAX);
    some_ticket(t, c, 0);
}

static void some_login_ok(tape *t, craft *c)
{
    static const unsigned families[] = {0, 4, 6};
    for (int i = 0; i < 3; i++) {
        craft_u32(c, (uint32_t)take64(t) | 1);
    }
    for (int i = 0; i < 4; i++) {
        craft_u64(c, take64(t));
    }
    some_address(t, c, families[take_range(t, 0, 2)]);
    some_ticket(t, c, 8);
    const unsigned keys = take_range(t, 0, PS_FILE_EPOCHS);
    if (keys > 0) {
        uint8_t value[8 + PS_FILE_EPOCHS * PS_KEY_BYTES];
        memset(value, take8(t), sizeof value);
        craft_field(c, 2, value, 8 + keys * PS_KEY_BYTES);
    }
}

static void some_content(tape *t, craft *c)
{
    craft_u64(c, take64(t));
    craft_fill(c, take8(t), 32);
}

static void some_entry(tape *t, craft *c, ps_message_type type)
{
    if (type == PS_MSG_PUBLISHED) {
        craft_u8(c, take8(t));
        craft_u16(c, take_range(t, 0, 65535));
        return;
    }
    if (type == PS_MSG_PEERS || type == PS_MSG_NAMES) {
        some_text(t, c, 1, type == PS_MSG_PEERS ? 64 : 255);
        return;
    }
    if (type == PS_MSG_FILES || type == PS_MSG_SOURCES) {
        craft_u8(c, take8(t) % 4);
    }
    if (type != PS_MSG_UNPUBLISH) {
        some_content(t, c);
    }
    if (type == PS_MSG_FILES || type == PS_MSG_SOURCES) {
        some_text(t, c, 1, 64);
    }
    if (type != PS_MSG_SOURCES) {
        some_text(t, c, type == PS_MSG_FILES ? 1 : 0, 255);
        return;
    }
    const unsigned addresses = take_range(t, 0, 4);
    craft_u8(c, addresses);
    for (unsigned i = 0; i < addresses; i++) {
        const unsigned family = take8(t) % 2 == 0 ? 4 : 6;
        craft_u8(c, take_range(t, 1, 4));
        craft_u8(c, family == 4 ? 7 : 19);
        some_address(t, c, family);
    }
    uint8_t pass[PS_KEY_BYTES + PS_FILE_TICKET_MAX];
    memset(pass, take8(t), sizeof pass);
    craft_source_ticket(c, pass, pass + PS_KEY_BYTES, take_range(t, 0, PS_FILE_TICKET_MAX));
}

static void some_entries(tape *t, craft *c, ps_message_type type)
{
    const bool changes = type == PS_MSG_PUBLISH || type == PS_MSG_UNPUBLISH;
    const unsigned count = take_range(t, changes ? 1 : 0, PS_PAGE_ENTRIES);
    const uint64_t number = take64(t);
    craft_u64(c, changes ? number % (UINT64_MAX - 100) + 1 : number);
    craft_u8(c, count);
    for (unsigned i = 0; i < count; i++) {
        some_entry(t, c, type);
    }
}

static void some_plain(tape *t, craft *c, ps_message_type type)
{
    switch ((int)type) {
    case PS_MSG_SEARCH:
    case PS_MSG_LOCATE:
        craft_u64(c, take64(t));
        some_text(t, c, 1, type == PS_MSG_SEARCH ? 128 : 255);
        break;
    case PS_MSG_LOGOUT:
    case PS_MSG_LOGOUT_OK:
    case PS_MSG_PUSH_OK:
        break;
    case PS_MSG_PUSH:
        craft_u8(c, take8(t));
        some_text(t, c, 0, 255);
        break;
    case PS_MSG_ERROR:
        craft_u16(c, take_range(t, 1, 65535));
        craft_u32(c, (uint32_t)take64(t));
        some_text(t, c, 0, 96);
        break;
    case PS_MSG_DIGESTS:
        craft_u8(c, take8(t));
        break;
    case PS_MSG_LIST_NAMES:
        craft_u64(c, take64(t));
        craft_fill(c, take8(t), 32);
        break;
    default: /* One number; HEARTBEAT has two, HEARTBEAT_OK three. */
        craft_u64(c, take64(t));
        if (type == PS_MSG_HEARTBEAT || type == PS_MSG_HEARTBEAT_OK) {
            craft_u64(c, take64(t));
        }
        if (type == PS_MSG_HEARTBEAT_OK) {
            craft_u64(c, take64(t));
        }
        break;
    }
}

static void some_digests(tape *t, craft *c)
{
    const unsigned first = take8(t);
    const unsigned count = take_range(t, 1, PS_BUCKETS - first);
    craft_u64(c, take64(t));
    craft_u8(c, first);
    craft_u16(c, count);
    for (unsigned i = 0; i < count; i++) {
        craft_u64(c, take64(t));
    }
}

static void some_message(tape *t, craft *c, ps_message_type type)
{
    craft_reset(c);
    craft_message(c, (unsigned)type, REQUEST);
    switch ((int)type) {
    case PS_MSG_LOGIN:
        some_login(t, c);
        break;
    case PS_MSG_LOGIN_OK:
        some_login_ok(t, c);
        break;
    case PS_MSG_PUBLISH:
    case PS_MSG_UNPUBLISH:
    case PS_MSG_PUBLISHED:
    case PS_MSG_PEERS:
    case PS_MSG_FILES:
    case PS_MSG_SOURCES:
    case PS_MSG_NAMES:
        some_entries(t, c, type);
        break;
    case PS_MSG_DIGESTS_OK:
        some_digests(t, c);
        break;
    default:
        some_plain(t, c, type);
        break;
    }
    craft_end(c);
}

/* ---- the properties ---- */

static uint8_t *exact_of(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    require(exact != NULL);
    if (len > 0) {
        memcpy(exact, bytes, len);
    }
    return exact;
}

/* The product reads the body and writes exactly `want`; into one byte less it does not. */
static void writes_exactly(ps_message_type type, ps_span body, ps_span want)
{
    uint8_t *in = exact_of(body.data, body.len);
    uint8_t *room = malloc(want.len);
    require(room != NULL);
    ps_writer w = {.base = room, .cap = want.len};
    bool read;
    require(recode(type, (ps_span){in, body.len}, &w, &read));
    require(w.len == want.len && memcmp(room, want.data, want.len) == 0);
    /* (What a page or digests do not hold is asked for again: of them one byte less alone.) */
    const size_t rooms[] = {want.len - 1, want.len / 2, PS_MESSAGE_HEADER + 3, 0};
    for (size_t i = 0; i < (type == PS_MSG_DIGESTS_OK ? 1 : 4); i++) {
        const size_t cap = rooms[i] < want.len ? rooms[i] : want.len - 1;
        uint8_t *less = malloc(cap + 1);
        require(less != NULL);
        memset(less, 0xa7, cap + 1);
        w = (ps_writer){.base = less, .cap = cap};
        require(!recode(type, (ps_span){in, body.len}, &w, &read) && read);
        require(less[cap] == 0xa7);
        w.full = true; /* What was lost before stays lost. */
        require(!recode(type, (ps_span){in, body.len}, &w, &read) && w.full);
        free(less);
    }
    free(room);
    free(in);
}

static void good_message(tape *t, ps_message_type type)
{
    static craft c;
    some_message(t, &c, type);
    const ps_span body = {c.data + PS_MESSAGE_HEADER, c.len - PS_MESSAGE_HEADER};
    writes_exactly(type, body, (ps_span){c.data, c.len});
}

/* LOGIN, LOGIN_OK and pages have parts that a reader leaves out. */
static bool is_canonical(ps_message_type type)
{
    return type != PS_MSG_LOGIN && type != PS_MSG_LOGIN_OK && type != PS_MSG_FILES &&
           type != PS_MSG_SOURCES;
}

static void any_body(ps_message_type type, ps_span body)
{
    static uint8_t first[70000];
    uint8_t *in = exact_of(body.data, body.len);
    ps_writer w = {.base = first, .cap = sizeof first};
    bool read;
    const bool written = recode(type, (ps_span){in, body.len}, &w, &read);
    free(in);
    require(written == read);
    if (!read) {
        return;
    }
    const ps_span again = {first + PS_MESSAGE_HEADER, w.len - PS_MESSAGE_HEADER};
    require(again.len <= body.len);
    require(!is_canonical(type) ||
            (again.len == body.len && memcmp(again.data, body.data, body.len) == 0));
    writes_exactly(type, again, (ps_span){first, w.len});
}

/* Packets in the clear: what the independent encoder writes is what the product writes, and reads
 * as what it was made of. */
static void good_packet(tape *t, uint8_t type)
{
    static craft c;
    static const uint8_t versions[] = {PS_VERSION};
    uint8_t bytes[PS_INITIATE_BYTES] = {0}, room[PS_INITIATE_BYTES];
    ps_packet packet;
    ps_drop why;
    const uint64_t id = take64(t), counter = take64(t);
    ps_writer w = {.base = room, .cap = sizeof room};
    memset(bytes, take8(t), 16);
    memset(bytes + 16, take8(t), sizeof bytes - 16);
    switch (1 + type % 6) {
    case PS_PACKET_INITIATE:
        craft_initiate(&c, PS_VERSION, id, bytes, bytes + PS_INITIATE_MESSAGE, 230);
        memcpy(ps_initiate_encode(&w, id, bytes), bytes + PS_INITIATE_MESSAGE, 230);
        break;
    case PS_PACKET_RESPOND:
        craft_respond(&c, id, bytes, 104);
        memcpy(ps_respond_encode(&w, id), bytes, 104);
        break;
    case PS_PACKET_RETRY:
        craft_retry(&c, id, bytes, bytes + 16);
        ps_retry_encode(&w, id, bytes, bytes + 16);
        break;
    case PS_PACKET_VERSIONS:
        craft_versions(&c, id, versions, 1);
        ps_versions_encode(&w, id);
        break;
    case PS_PACKET_RESET:
        craft_reset_packet(&c, id, counter);
        ps_reset_encode(&w, id, counter);
        break;
    default:
        craft_packet(&c, id, counter);
        craft_bytes(&c, bytes, 30);
        ps_packet_encode(&w, id, counter);
        ps_write_bytes(&w, bytes, 30);
        break;
    }
    require(w.len == c.len && memcmp(room, c.data, c.len) == 0);
    require(ps_packet_decode(room, w.len, &packet, &why));
    require(packet.receiver_id == id && packet.type == room[0]);
    require(packet.counter == (packet.type == 4 || packet.type == 5 ? counter : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096) {
        return 0;
    }
    tape t = {data + 2, size - 2};
    if (data[0] >= 0xf0) {
        good_packet(&t, data[1]);
        return 0;
    }
    const ps_message_type type = (ps_message_type)(1 + data[1] % PS_MSG_NAMES);
    if (data[0] % 2 == 0) {
        good_message(&t, type);
    } else {
        any_body(type, (ps_span){t.at, t.left});
    }
    return 0;
}

/* Every decoder on arbitrary bytes. The input is read three times: as a datagram, whose packet is
 * opened and, if it is DATA, whose messages are walked as if the seal were off; as what is behind a
 * seal; and as one message's body, its type in the first byte. What a decoder hands
 * out must lie within the input and keep the limits that it promises. Then it is described, in a
 * printable line that shows no secret. */
#include "peersync/explain.h"
#include "wire/messages.h"

#include <stdlib.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Reads every byte of the span, so that the sanitizer sees each one that is not the input's. */
static void touch(ps_span s, size_t min, size_t max)
{
    require(s.len >= min && s.len <= max);
    size_t sum = 0;
    for (size_t i = 0; i < s.len; i++) {
        sum += s.data[i];
    }
    require(sum <= 255 * s.len);
}

static void check_login(ps_span body)
{
    ps_login login;
    ps_login_ok ok;
    if (ps_login_decode(body, &login)) {
        require(login.datagram_max >= PS_DATAGRAM_MIN && login.datagram_max <= PS_DATAGRAM_MAX);
        touch(login.user, 1, PS_USER_MAX);
        touch(login.secret, 0, login.method == PS_LOGIN_PASSWORD ? PS_PASSWORD_MAX : PS_TICKET_MAX);
        touch(login.ticket, 0, PS_TICKET_MAX);
    }
    if (ps_login_ok_decode(body, &ok)) {
        require(ok.heartbeat_ms != 0 && ok.dead_ms != 0 && ok.resend_ms != 0);
        touch(ok.ticket, 0, PS_TICKET_MAX);
        touch(ok.file_keys, 0, PS_FILE_EPOCHS * PS_KEY_BYTES);
        require(ok.file_keys.len % PS_KEY_BYTES == 0);
    }
}

static void check_changes(ps_message_type type, ps_span body)
{
    ps_changes m;
    ps_publication entry;
    uint32_t count = 0;
    if (ps_changes_decode(type, body, &m)) {
        require(m.generation != 0 && m.count >= 1 && m.count <= PS_PAGE_ENTRIES);
        require(m.generation + m.count > m.generation);
        while (ps_changes_next(type, &m, &entry)) {
            touch(entry.name, 0, PS_NAME_MAX);
            count++;
        }
        require(count == m.count);
    }
}

static void check_published(ps_span body)
{
    ps_published m;
    ps_refusal refusal;
    uint32_t count = 0;
    if (ps_published_decode(body, &m)) {
        while (ps_published_next(&m, &refusal)) {
            count++;
        }
        require(count == m.count && count <= PS_PAGE_ENTRIES);
    }
}

static void check_page(ps_message_type type, ps_span body)
{
    ps_page m;
    ps_file file;
    ps_source source;
    uint32_t count = 0;
    if (!ps_page_decode(type, body, &m)) {
        return;
    }
    while (m.entries.left > 0) {
        if (type == PS_MSG_PEERS) {
            require(ps_page_next_peer(&m, &file.user));
            touch(file.user, 1, PS_USER_MAX);
        } else if (type == PS_MSG_FILES) {
            require(ps_page_next_file(&m, &file));
            touch(file.user, 1, PS_USER_MAX);
            touch(file.name, 1, PS_NAME_MAX);
        } else if (type == PS_MSG_NAMES) {
            require(ps_page_next_name(&m, &file.name));
            touch(file.name, 1, PS_NAME_MAX);
        } else {
            require(ps_page_next_source(&m, &source));
            touch(source.user, 1, PS_USER_MAX);
            require(source.addrs_count <= PS_SOURCE_ADDRS);
            touch(source.ticket, 0, PS_FILE_TICKET_MAX);
            touch(source.key, source.ticket.len > 0 ? PS_KEY_BYTES : 0,
                  source.ticket.len > 0 ? PS_KEY_BYTES : 0);
        }
        count++;
    }
    require(count == m.count && count <= PS_PAGE_ENTRIES);
}

static void check_repair(ps_span body)
{
    ps_digests digests;
    ps_digests_ok ok;
    ps_list_names names;
    uint64_t sum = 0;
    require(ps_digests_decode(body, &digests) == (body.len == 1));
    require(ps_list_names_decode(body, &names) == (body.len == 8 + PS_BUCKET_BYTES));
    if (body.len == 8 + PS_BUCKET_BYTES) {
        touch((ps_span){names.buckets, PS_BUCKET_BYTES}, PS_BUCKET_BYTES, PS_BUCKET_BYTES);
    }
    if (ps_digests_ok_decode(body, &ok)) {
        require(ok.count >= 1 && ok.first + ok.count <= PS_BUCKETS);
        for (uint32_t i = 0; i < ok.count; i++) {
            sum += ps_digests_ok_next(&ok);
        }
        require(ok.digests.left == 0 && (sum == 0 || body.len > 11));
    }
}

static void check_rest(ps_span body)
{
    ps_heartbeat heartbeat;
    ps_heartbeat_ok heartbeat_ok;
    ps_push push;
    ps_error_message error;
    uint64_t nonce;
    require(ps_heartbeat_decode(body, &heartbeat) == (body.len == 16));
    require(ps_heartbeat_ok_decode(body, &heartbeat_ok) == (body.len == 24));
    require(ps_challenge_decode(body, &nonce) == (body.len == 8));
    require(ps_logout_decode(body) == (body.len == 0));
    require(ps_push_ok_decode(body) == (body.len == 0));
    if (ps_push_decode(body, &push)) {
        touch(push.data, 0, 255);
    }
    if (ps_error_decode(body, &error)) {
        require(error.code != PS_E_NONE);
        touch(error.text, 0, PS_TEXT_MAX);
    }
}

static void check_requests(ps_message_type type, ps_span body)
{
    ps_list list;
    ps_locate locate;
    if (ps_list_decode(type, body, &list)) {
        touch(list.text, type == PS_MSG_SEARCH ? 1 : 0, PS_SEARCH_MAX);
    }
    if (ps_locate_decode(body, &locate)) {
        touch(locate.name, 1, PS_NAME_MAX);
    }
}

static void check_body(uint8_t type, ps_span body)
{
    static const ps_message_type pages[] = {PS_MSG_PEERS, PS_MSG_FILES, PS_MSG_SOURCES,
                                            PS_MSG_NAMES};
    check_login(body);
    check_changes(type % 2 == 0 ? PS_MSG_PUBLISH : PS_MSG_UNPUBLISH, body);
    check_published(body);
    check_page(pages[type % 4], body);
    check_repair(body);
    check_requests(type % 2 == 0 ? PS_MSG_SEARCH : PS_MSG_LIST_FILES, body);
    check_rest(body);
    touch(body, 0, UINT16_MAX);
}

static void check_messages(ps_span opened)
{
    ps_reader r = ps_reader_of(opened);
    ps_message m;
    size_t walked = 0;
    while (ps_message_decode(&r, &m)) {
        check_body(m.type, m.body);
        walked += PS_MESSAGE_HEADER + m.body.len;
    }
    require(walked + r.left == opened.len && r.bad == (r.left > 0));
    require(!ps_message_decode(&r, &m)); /* Behind what is bad or the end comes nothing. */
}

static void check_datagram(const uint8_t *data, size_t len)
{
    ps_packet packet;
    ps_drop why = PS_DROP_COUNT;
    if (!ps_packet_decode(data, len, &packet, &why)) {
        require(why < PS_DROP_COUNT);
        return;
    }
    require(packet.type == data[0] && packet.type >= PS_PACKET_INITIATE &&
            packet.type <= PS_PACKET_VERSIONS);
    require(packet.body.data + packet.body.len == data + len);
    touch(packet.body, 0, PS_DATAGRAM_MAX);
    switch ((ps_packet_type)packet.type) {
    case PS_PACKET_INITIATE:
        require(packet.body.len >= PS_INITIATE_BYTES - PS_INITIATE_COOKIE);
        require(packet.version != PS_VERSION || len == PS_INITIATE_BYTES);
        (void)ps_offer_fits((ps_span){data + PS_INITIATE_MESSAGE + PS_KEY_BYTES,
                                      len - PS_INITIATE_MESSAGE - PS_KEY_BYTES},
                            packet.version);
        break;
    case PS_PACKET_DATA:
        require(packet.body.len >= PS_MESSAGE_HEADER + PS_TAG_BYTES);
        check_messages((ps_span){packet.body.data, packet.body.len - PS_TAG_BYTES});
        break;
    case PS_PACKET_RESPOND:
    case PS_PACKET_RETRY:
    case PS_PACKET_RESET:
    case PS_PACKET_VERSIONS:
    default: /* The longest of them answers the shortest INITIATE. */
        require(len <= PS_INITIATE_BYTES);
        break;
    }
}

/* No LOGIN by password that a machine would take has its secret any more. */
static void check_blank(const uint8_t *data, size_t len)
{
    ps_login login;
    ps_message m;
    ps_reader r = ps_reader_of((ps_span){data, len});
    while (ps_message_decode(&r, &m)) {
        if (m.type == PS_MSG_LOGIN && ps_login_decode(m.body, &login) &&
            login.method == PS_LOGIN_PASSWORD) {
            for (size_t i = 0; i < login.secret.len; i++) {
                require(login.secret.data[i] == '*');
            }
        }
    }
}

/* Room and length of what is open are as the last two bytes say; the messages lose their secrets.
 */
static void check_words(uint8_t *data, size_t len)
{
    const uint8_t last = data[len - 1];
    const size_t cap = last % 2 == 0 ? last : 4 * PS_EXPLAIN_BYTES;
    const size_t header = PS_PACKET_HEADER + PS_TAG_BYTES;
    const size_t opened = data[len / 2] < 200 && len > header ? len - header : data[len / 2] * 5u;
    char *text = malloc(cap > 0 ? cap : 1);
    require(text != NULL);
    const size_t words = ps_explain_packet(data, len, opened, text, cap);
    require(cap == 0 ? words == 0 : words < cap && text[words] == '\0');
    for (size_t i = 0; i < words; i++) {
        require(text[i] >= 0x20 && text[i] < 0x7f);
    }
    free(text);
    (void)ps_explain_blank_secrets(data, len);
    check_blank(data, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 2 * PS_DATAGRAM_MAX) {
        return 0;
    }
    uint8_t *exact = malloc(size);
    require(exact != NULL);
    memcpy(exact, data, size);
    check_datagram(exact, size);
    check_messages((ps_span){exact, size});
    check_body(exact[0], (ps_span){exact + 1, size - 1});
    check_words(exact, size);
    free(exact);
    return 0;
}

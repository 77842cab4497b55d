#include "journal/format.h"

static void addr_put(sheet *s, const ps_addr *addr)
{
    put_number(s, addr->family, 1);
    put_number(s, addr->port, 2);
    put_number(s, addr->scope, 4);
    put_bytes(s, addr->ip, sizeof addr->ip);
}

static void addr_get(strip *s, ps_addr *addr)
{
    addr->family = (uint8_t)get_number(s, 1);
    addr->port = (uint16_t)get_number(s, 2);
    addr->scope = (uint32_t)get_number(s, 4);
    get_copy(s, addr->ip, sizeof addr->ip);
}

static void content_put(sheet *s, const ps_content *content)
{
    put_number(s, content->length, 8);
    put_bytes(s, content->root, sizeof content->root);
}

static void content_get(strip *s, ps_content *content)
{
    content->length = get_number(s, 8);
    get_copy(s, content->root, sizeof content->root);
}

static void restore_put(sheet *s, const ps_input_restore *m)
{
    put_number(s, m->generation, 8);
    put_span(s, m->user);
    put_bytes(s, m->device, sizeof m->device);
    put_span(s, m->name);
    content_put(s, &m->content);
    put_number(s, m->published ? 1 : 0, 1);
}

static void restore_get(strip *s, ps_input_restore *m)
{
    m->generation = get_number(s, 8);
    m->user = get_span(s);
    get_copy(s, m->device, sizeof m->device);
    m->name = get_span(s);
    content_get(s, &m->content);
    m->published = get_truth(s);
}

static void login_put(sheet *s, const ps_input_login *m)
{
    addr_put(s, &m->server);
    put_number(s, m->endpoint, 4);
    put_number(s, m->stream_port, 2);
    put_number(s, m->key_known ? 1 : 0, 1);
    if (m->key_known) { /* The host need not fill it in else. */
        put_bytes(s, m->server_key, sizeof m->server_key);
    }
    put_bytes(s, m->device, sizeof m->device);
    put_span(s, m->user);
    put_span(s, m->password);
    put_span(s, m->ticket);
}

static void login_get(strip *s, ps_input_login *m)
{
    addr_get(s, &m->server);
    m->endpoint = (uint32_t)get_number(s, 4);
    m->stream_port = (uint16_t)get_number(s, 2);
    m->key_known = get_truth(s);
    if (m->key_known) {
        get_copy(s, m->server_key, sizeof m->server_key);
    }
    get_copy(s, m->device, sizeof m->device);
    m->user = get_span(s);
    m->password = get_span(s);
    m->ticket = get_span(s);
}

/* A refusal's host need not fill in the credential. */
static void verdict_put(sheet *s, const ps_input_verdict *m)
{
    put_number(s, m->pending, 8);
    put_number(s, m->error, 4);
    put_number(s, m->retry_ms, 4);
    if (m->error == PS_E_NONE) {
        put_bytes(s, m->credential, sizeof m->credential);
    }
}

static void verdict_get(strip *s, ps_input_verdict *m)
{
    m->pending = get_number(s, 8);
    m->error = (uint32_t)get_number(s, 4);
    m->retry_ms = (uint32_t)get_number(s, 4);
    if (m->error == PS_E_NONE) {
        get_copy(s, m->credential, sizeof m->credential);
    }
}

void ps_journal_input_put(sheet *s, const ps_input *in)
{
    put_number(s, in->now_us, 8);
    put_number(s, (uint64_t)in->type, 1);
    switch (in->type) {
    case PS_INPUT_DATAGRAM:
        addr_put(s, &in->u.datagram.from);
        put_number(s, in->u.datagram.endpoint, 4);
        put_span(s, (ps_span){in->u.datagram.data, in->u.datagram.len});
        break;
    case PS_INPUT_ENTROPY:
        put_span(s, in->u.entropy);
        break;
    case PS_INPUT_WALL_CLOCK:
        put_number(s, in->u.wall_s, 8);
        break;
    case PS_INPUT_VERDICT:
        verdict_put(s, &in->u.verdict);
        break;
    case PS_INPUT_RESTORE:
        restore_put(s, &in->u.restore);
        break;
    case PS_INPUT_STORE:
        put_number(s, in->u.store_retry_ms, 4);
        break;
    case PS_INPUT_EXPEL:
        put_span(s, in->u.expel);
        break;
    case PS_INPUT_LOGIN:
        login_put(s, &in->u.login);
        break;
    case PS_INPUT_TRUST:
        put_bytes(s, in->u.trust, sizeof in->u.trust);
        break;
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
        put_number(s, in->u.command.tag, 8);
        put_span(s, in->u.command.text);
        if (in->type == PS_INPUT_PUBLISH) { /* The host need not fill it in elsewhere. */
            content_put(s, &in->u.command.content);
        }
        break;
    case PS_INPUT_TICK:
    case PS_INPUT_LOGOUT:
    default:
        break;
    }
}

static void command_get(strip *s, ps_input *in)
{
    in->u.command.tag = get_number(s, 8);
    in->u.command.text = get_span(s);
    if (in->type == PS_INPUT_PUBLISH) {
        content_get(s, &in->u.command.content);
    }
}

static void datagram_get(strip *s, ps_input_datagram *m)
{
    addr_get(s, &m->from);
    m->endpoint = (uint32_t)get_number(s, 4);
    m->len = (size_t)get_number(s, 4);
    m->data = get_bytes(s, m->len);
}

void ps_journal_input_get(strip *s, ps_input *in)
{
    memset(in, 0, sizeof *in);
    in->now_us = get_number(s, 8);
    in->type = (ps_input_type)get_number(s, 1);
    switch (in->type) {
    case PS_INPUT_DATAGRAM:
        datagram_get(s, &in->u.datagram);
        break;
    case PS_INPUT_ENTROPY:
        in->u.entropy = get_span(s);
        break;
    case PS_INPUT_WALL_CLOCK:
        in->u.wall_s = get_number(s, 8);
        break;
    case PS_INPUT_VERDICT:
        verdict_get(s, &in->u.verdict);
        break;
    case PS_INPUT_RESTORE:
        restore_get(s, &in->u.restore);
        break;
    case PS_INPUT_STORE:
        in->u.store_retry_ms = (uint32_t)get_number(s, 4);
        break;
    case PS_INPUT_EXPEL:
        in->u.expel = get_span(s);
        break;
    case PS_INPUT_LOGIN:
        login_get(s, &in->u.login);
        break;
    case PS_INPUT_TRUST:
        get_copy(s, in->u.trust, sizeof in->u.trust);
        break;
    case PS_INPUT_PUBLISH:
    case PS_INPUT_UNPUBLISH:
    case PS_INPUT_LIST_PEERS:
    case PS_INPUT_LIST_FILES:
    case PS_INPUT_SEARCH:
    case PS_INPUT_LOCATE:
        command_get(s, in);
        break;
    case PS_INPUT_TICK:
    case PS_INPUT_LOGOUT:
        break;
    default:
        s->bad = true;
    }
}

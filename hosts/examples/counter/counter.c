#include "counter.h"

#include <string.h>

enum { MESSAGE_BYTES = 8, BATCH = 16 };

static void put32(uint8_t *to, uint32_t n)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(n >> (24 - 8 * i));
    }
}

static uint32_t get32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* What does not leave is as good as lost. */
static void send_one(const ps_transport *net, const ps_addr *to, uint32_t client, uint32_t number)
{
    uint8_t bytes[MESSAGE_BYTES];
    const ps_datagram dg = {.to = *to, .len = MESSAGE_BYTES};
    size_t sent = 0;
    put32(bytes, client);
    put32(bytes + 4, number);
    (void)net->send(net->ctx, bytes, &dg, 1, &sent);
}

/* @return false: this is none of ours. */
static bool read_one(const ps_input *in, uint32_t *client, uint32_t *number)
{
    if (in->u.datagram.len != MESSAGE_BYTES) {
        return false;
    }
    *client = get32(in->u.datagram.data);
    *number = get32(in->u.datagram.data + 4);
    return *client < COUNTER_CLIENTS;
}

void counter_server_run(counter_server *s)
{
    ps_input in[BATCH];
    size_t n = 0;
    while (s->net->receive(s->net->ctx, in, BATCH, &n) == PS_OK) {
        for (size_t i = 0; i < n; i++) {
            uint32_t client, number;
            if (!read_one(&in[i], &client, &number)) {
                continue;
            }
            const uint32_t last = s->book->last[client];
            if (number == last + 1 || (s->forgetful && number == last)) {
                s->book->last[client] = number;
                s->book->total++;
            }
            if (number <= s->book->last[client]) {
                send_one(s->net, &in[i].u.datagram.from, client, number);
            }
        }
    }
}

static void ask(counter_client *c)
{
    send_one(c->net, &c->server, c->id, c->asked);
    c->retry_us = c->net->now_us(c->net->ctx) + COUNTER_RETRY_US;
}

void counter_client_add(counter_client *c)
{
    if (c->answered == c->asked) {
        c->asked++;
        ask(c);
    }
}

uint64_t counter_client_run(counter_client *c)
{
    ps_input in[BATCH];
    size_t n = 0;
    while (c->net->receive(c->net->ctx, in, BATCH, &n) == PS_OK) {
        for (size_t i = 0; i < n; i++) {
            uint32_t client, number;
            if (read_one(&in[i], &client, &number) && client == c->id && number == c->asked) {
                c->answered = number;
            }
        }
    }
    if (c->answered == c->asked) {
        return PS_TIME_NEVER;
    }
    if (c->net->now_us(c->net->ctx) >= c->retry_us) {
        ask(c);
    }
    return c->retry_us;
}

/* What stories tell a peer to do. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define FINISH_US 15000000u

/* Steps an input of the host; where the machine's output is full, rounds make room first. */
static void submit(world_peer *p, ps_input in)
{
    ps_status status = ps_pump_submit(&p->machine.pump, &in);
    while (status == PS_AGAIN) {
        world_peer_read(p);
        (void)ps_pump_run_once(&p->machine.pump);
        world_peer_read(p);
        status = ps_pump_submit(&p->machine.pump, &in);
    }
    WORLD_REQUIRE(p->w, status == PS_OK);
    world_peer_read(p);
    ps_sim_set_deadline(p->w->sim, p->node, 0); /* The wake settles the rest. */
}

static ps_span text_of(const char *s)
{
    return (ps_span){(const uint8_t *)s, strlen(s)};
}

void world_login_as(world *w, uint32_t i, const char *user, const char *password)
{
    world_peer *p = &w->peers[i];
    p->login_us = world_now_us(w);
    ps_input in = {.type = PS_INPUT_LOGIN};
    in.u.login.server = ps_sim_addr(w->sim, w->server.node);
    in.u.login.stream_port = ps_sim_addr(w->sim, p->node).port;
    in.u.login.user = text_of(user);
    in.u.login.password = text_of(password);
    in.u.login.key_known = p->key_known;
    memcpy(in.u.login.server_key, p->server_key, sizeof p->server_key);
    in.u.login.ticket = (ps_span){p->ticket, p->ticket_len};
    memcpy(in.u.login.device, p->device, sizeof p->device);
    submit(p, in);
}

void world_login(world *w, uint32_t i)
{
    char user[WORLD_NAME_BYTES];
    char password[WORLD_NAME_BYTES];
    world_user_name(w->peers[i].user, user);
    world_user_password(w, w->peers[i].user, password);
    w->peers[i].password_known = w->accounts[w->peers[i].user].changes;
    world_login_as(w, i, user, password);
}

/* Meanwhile the question may have lapsed: then it comes again. */
void world_trust(world_peer *p)
{
    ps_input in = {.type = PS_INPUT_TRUST};
    memcpy(in.u.trust, p->server_key, sizeof in.u.trust);
    const ps_status status = ps_pump_submit(&p->machine.pump, &in);
    WORLD_REQUIRE(p->w, status == PS_OK || status == PS_INVALID);
    p->key_known = p->key_known || status == PS_OK;
    world_peer_read(p);
    ps_sim_set_deadline(p->w->sim, p->node, 0);
}

void world_logout(world *w, uint32_t i)
{
    w->peers[i].leaving = true;
    submit(&w->peers[i], (ps_input){.type = PS_INPUT_LOGOUT});
}

void world_login_all(world *w)
{
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        world_login(w, i);
    }
    for (uint32_t i = 0; i < w->cfg.peers; i++) {
        WORLD_WAIT(w, FINISH_US, w->peers[i].online);
    }
}

world_command *world_issue(world *w, uint32_t i, ps_input_type type, ps_span text,
                           const ps_content *content)
{
    world_peer *p = &w->peers[i];
    world_command *c = calloc(1, sizeof *c);
    WORLD_REQUIRE(w, c != NULL);
    c->next = p->commands;
    p->commands = c;
    c->tag = p->next_tag++;
    c->type = type;
    c->issued_us = world_now_us(w);
    const size_t len = text.len < PS_NAME_MAX ? text.len : PS_NAME_MAX;
    if (len > 0) {
        memcpy(c->text, text.data, len);
    }
    p->open++;
    ps_input in = {.type = type};
    in.u.command.tag = c->tag;
    in.u.command.text = text;
    if (content) {
        c->content = *content;
        in.u.command.content = *content;
    }
    submit(p, in);
    return c;
}

/* Any content will do that names tell apart: FNV-1a of the name, and a length from it. */
ps_content world_content(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = name; *at; at++) {
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    }
    ps_content content = {.length = hash % 1000000};
    for (size_t i = 0; i < PS_ROOT_BYTES; i++) {
        content.root[i] = (uint8_t)(hash >> (8 * (i % 8)));
    }
    return content;
}

world_command *world_publish(world *w, uint32_t i, const char *name)
{
    const ps_content content = world_content(name);
    return world_issue(w, i, PS_INPUT_PUBLISH, text_of(name), &content);
}

world_command *world_unpublish(world *w, uint32_t i, const char *name)
{
    return world_issue(w, i, PS_INPUT_UNPUBLISH, text_of(name), NULL);
}

world_command *world_list_files(world *w, uint32_t i)
{
    return world_issue(w, i, PS_INPUT_LIST_FILES, (ps_span){NULL, 0}, NULL);
}

world_command *world_list_peers(world *w, uint32_t i)
{
    return world_issue(w, i, PS_INPUT_LIST_PEERS, (ps_span){NULL, 0}, NULL);
}

world_command *world_search(world *w, uint32_t i, const char *text)
{
    return world_issue(w, i, PS_INPUT_SEARCH, text_of(text), NULL);
}

world_command *world_locate(world *w, uint32_t i, const char *name)
{
    return world_issue(w, i, PS_INPUT_LOCATE, text_of(name), NULL);
}

uint32_t world_finish(world *w, world_command *c)
{
    WORLD_WAIT(w, FINISH_US, c->done);
    return c->error;
}

void world_forget(world_peer *p, world_command *c)
{
    world_command **link = &p->commands;
    while (*link != c) {
        link = &(*link)->next;
    }
    *link = c->next;
    world_command *before = NULL;
    for (world_command *at = p->ended_head; at; before = at, at = at->ended_next) {
        if (at == c) {
            *(before ? &before->ended_next : &p->ended_head) = c->ended_next;
            p->ended_tail = p->ended_tail == c ? before : p->ended_tail;
            break;
        }
    }
    free(c->lines);
    free(c);
}

size_t world_count(const world_command *c, const char *user, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < c->lines_len; i++) {
        const bool same_user = !user || strcmp(c->lines[i].user, user) == 0;
        const bool same_name = !name || strcmp(c->lines[i].name, name) == 0;
        count += same_user && same_name ? 1u : 0u;
    }
    return count;
}

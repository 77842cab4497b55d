#include <peersync/crypto_sodium.h>
#include <peersync/pump.h> /* Both machines. */
#include <stdio.h>
enum { SERVER, PEER }; /* give() steps one of them, and the other by what it sends. */
static _Alignas(64) uint8_t memory[2][48u << 20], alice[] = "alice", song[] = "song.ogg";
static const ps_addr addr[] = {{{127}, 0, 1, PS_ADDR_V4, 0}, {{127}, 0, 2, PS_ADDR_V4, 0}};
static ps_server *server;
static ps_peer *peer;
static void give(int who, ps_input in)
{
    uint8_t bytes[PS_SERVER_STEP_BYTES];
    ps_datagram sent[PS_SERVER_STEP_DATAGRAMS];
    ps_event events[PS_PEER_STEP_EVENTS];
    ps_output out = {bytes, sizeof bytes, 0, sent, 9, 0, events, PS_PEER_STEP_EVENTS, 0};
    (void)(who == SERVER ? ps_server_step(server, &in, 1, &(size_t){0}, &out)
                         : ps_peer_step(peer, &in, 1, &(size_t){0}, &out));
    for (const ps_event *e = events; e < events + out.events_len; e++)
        if (e->type == PS_EVENT_LOGIN_REQUEST) /* Here a host verifies e->u.login.password. */
            give(who, (ps_input){1, PS_INPUT_VERDICT, {.verdict = {e->u.login.pending, 0, 0, ""}}});
        else if (e->type == PS_EVENT_FILE)
            printf("%.*s\n", (int)e->u.entry.name.len, (const char *)e->u.entry.name.data);
    for (const ps_datagram *d = sent; d < sent + out.datagrams_len; d++)
        give(!who, (ps_input){1, PS_INPUT_DATAGRAM, {{addr[who], bytes + d->offset, d->len, 0}}});
}
int main(void)
{
    ps_server_config s; /* A real host fills in seeds and secrets: random bytes. */
    ps_peer_config p;
    ps_server_config_default(&s);
    ps_peer_config_default(&p);
    s.crypto = p.crypto = ps_crypto_sodium();
    ps_server_init(memory[SERVER], sizeof memory[SERVER], &s, &server);
    ps_peer_init(memory[PEER], sizeof memory[PEER], &p, &peer);
    ps_input login = {1, PS_INPUT_LOGIN, {.login = {*addr, .key_known = 1, .user = {alice, 5}}}};
    ps_server_public_key(server, login.u.login.server_key); /* A server with another is refused. */
    give(PEER, login);
    give(PEER, (ps_input){1, PS_INPUT_PUBLISH, {.command = {.text = {song, 8}}}});
    give(PEER, (ps_input){1, PS_INPUT_LIST_FILES, {.command = {0}}});
}

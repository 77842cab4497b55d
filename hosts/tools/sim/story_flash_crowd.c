/* A file is out that everybody wants: hundreds log in within a moment, and the server, which works
 * for a real time on each password and packet, cannot hear them all. Peers try again until each of
 * them has his answer. Then a cable is cut for a while, and then the server loses its memory. */
#include "stories.h"

#include "common/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000)
#define S  UINT64_C(1000000)

#define PEERS        300u
#define EARLY        20u /* Are there from the beginning, and publish. */
#define FILES        5u  /* Each of them, with the one that is wanted. */
#define CUT          100u
#define WANTED       "Everybody waits for this.ogg"
#define QUEUE        128u
#define PACKET_NS    20000u
#define HANDSHAKE_NS 100000u
#define RUSH_US      (10 * MS)
#define SERVED_US    (8 * S)    /* The crowd is served within; it has not been kept out for long. */
#define NOTICE_US    (2 * S)    /* A heartbeat's interval: then a peer hears RESET. */
#define LOGIN_US     (500 * MS) /* And has logged in again, although all others do too. */
#define CUT_OFF_US   (3500 * MS)
#define AWAY_US      (300 * MS)

#define COUNT(n) ps_format_count((char[PS_FORMAT_COUNT_BYTES]){0}, (n))

typedef struct visitor {
    bool served;     /* Had his first answer. */
    bool ordered;    /* Has asked for it. */
    bool checked;    /* Answered at the end, too. */
    uint32_t before; /* Logins, when the server was killed. */
} visitor;

typedef struct tale {
    const story_config *cfg;
    world *w;
    visitor visitors[PEERS];
    bool closing; /* Everybody asks a last time. */
    uint64_t rush_us, boot_us;
    uint64_t first_us[PEERS]; /* How long each of the crowd waited for his answer, in order. */
    uint32_t served, checked;
    uint64_t asked, repeated; /* Commands; those of them that came to nothing. */
    uint64_t dropped;         /* By the server's full queue, in the rush. */
    uint64_t retried;         /* Sendings again, in the rush. */
    uint64_t served_us, healed_us, returned_us;
} tale;

/* ---- what a visitor does ---- */

static void later(world_peer *p, uint64_t least_us, uint64_t most_us)
{
    p->script_at_us =
        world_now_us(p->w) + least_us + ps_sim_random(p->w->sim, most_us - least_us + 1);
}

static void order(tale *t, world_peer *p)
{
    visitor *v = &t->visitors[p->index];
    (void)world_locate(t->w, p->index, WANTED);
    if (!v->ordered) { /* Who is new looks around. */
        (void)world_list_files(t->w, p->index);
        (void)world_list_peers(t->w, p->index);
    }
    t->asked += v->ordered ? 1 : 3;
    v->ordered = true;
}

static void act(world *w, world_peer *p)
{
    tale *t = w->cfg.ctx;
    const ps_peer_state state = world_peer_stats(w, p->index).state;
    if (state == PS_PEER_IDLE) {
        world_login(w, p->index);
    } else if (state == PS_PEER_ONLINE && t->rush_us != 0) {
        order(t, p);
    } else {
        later(p, 200 * MS, 400 * MS);
    }
}

/* (What is done about an event is done after the round: see sim.h.) */
static void event(world *w, world_peer *p, const ps_event *e)
{
    const tale *t = w->cfg.ctx;
    if (e->type == PS_EVENT_LOGGED_IN && t->rush_us != 0 && !t->visitors[p->index].ordered) {
        p->script_at_us = world_now_us(w);
    } else if (e->type == PS_EVENT_REFUSED) {
        later(p, 100 * MS, 500 * MS);
    }
}

static void answered(tale *t, const world_peer *p, const world_command *c)
{
    visitor *v = &t->visitors[p->index];
    WORLD_REQUIRE(t->w, c->lines_len >= 1);
    if (!v->served) {
        v->served = true;
        t->first_us[t->served++] = c->done_us - t->rush_us;
    }
    if (t->closing && !v->checked) {
        v->checked = true;
        t->checked++;
    }
}

static void ended(world *w, world_peer *p, world_command *c)
{
    tale *t = w->cfg.ctx;
    const uint32_t e = c->error;
    const bool again = e == PS_E_TIMEOUT || e == PS_E_NOT_LOGGED_IN;
    /* A server without its memory does not know the file until its owners are back. */
    const bool gone = c->type == PS_INPUT_LOCATE && t->boot_us != 0 &&
                      (e == PS_E_NOT_FOUND || e == PS_E_NO_ACTIVE_PEER);
    WORLD_REQUIRE(w, e == PS_E_NONE || again || gone);
    show_ended(t->cfg->show, c);
    t->repeated += e == PS_E_NONE ? 0 : 1;
    if (c->type == PS_INPUT_LOCATE) {
        if (e == PS_E_NONE) {
            answered(t, p, c);
        }
        later(p, 300 * MS, 1500 * MS);
    }
    world_forget(p, c);
}

/* ---- stages ---- */

/* Time passes until it holds, at most so long. */
#define TELL_UNTIL(t, us, condition)                                                               \
    do {                                                                                           \
        const uint64_t tell_until = world_now_us((t)->w) + (us);                                   \
        while (!(condition) && world_now_us((t)->w) < tell_until) {                                \
            show_run((t)->cfg->show, (t)->w, MS);                                                  \
        }                                                                                          \
        WORLD_REQUIRE((t)->w, condition);                                                          \
    } while (0)

static void stage(const tale *t, uint32_t num, uint32_t den, const char *caption)
{
    show_speed(t->cfg->show, num, den);
    show_caption(t->cfg->show, caption);
}

static uint64_t queue_drops(const tale *t)
{
    ps_sim_node_load load;
    WORLD_REQUIRE(t->w, ps_sim_node_stats(t->w->sim, t->w->server.node, &load) == PS_OK);
    return load.queue_full;
}

static uint64_t retries(const tale *t)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < PEERS; i++) {
        sum += world_peer_stats(t->w, i).retransmissions;
    }
    return sum;
}

static bool all_online(const tale *t)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        if (!t->w->peers[i].online || world_peer_stats(t->w, i).state != PS_PEER_ONLINE) {
            return false;
        }
    }
    return true;
}

static bool all_listed(const tale *t)
{
    return world_server_stats(t->w).publications == EARLY * FILES;
}

static void the_early_ones_publish(tale *t)
{
    stage(t, 1, 1, "20 peers are here early and publish what they have.");
    for (uint32_t i = 0; i < EARLY; i++) {
        world_login(t->w, i);
        (void)world_publish(t->w, i, WANTED);
        for (uint32_t k = 1; k < FILES; k++) {
            char name[64];
            (void)snprintf(name, sizeof name, "Song %u of %u.ogg", (unsigned)k, (unsigned)i);
            (void)world_publish(t->w, i, name);
        }
    }
    show_run(t->cfg->show, t->w, S);
    WORLD_REQUIRE(t->w, all_listed(t));
}

static void the_crowd_comes(tale *t)
{
    const uint64_t dropped = queue_drops(t);
    const uint64_t retried = retries(t);
    stage(t, 1, 4,
          "280 people log in at once and want the same file. The server's queue runs over; "
          "peers try again.");
    t->rush_us = world_now_us(t->w);
    for (uint32_t i = 0; i < PEERS; i++) {
        later(&t->w->peers[i], 0, RUSH_US);
        world_peer_settle(&t->w->peers[i]);
    }
    TELL_UNTIL(t, SERVED_US, t->served == PEERS);
    t->served_us = world_now_us(t->w) - t->rush_us;
    t->dropped = queue_drops(t) - dropped;
    t->retried = retries(t) - retried;
    WORLD_REQUIRE(t->w, t->dropped > 0);
    WORLD_REQUIRE(t->w, all_online(t));
    stage(t, 1, 1, "Everybody has his answer. Visitors look around and ask again.");
    show_run(t->cfg->show, t->w, S);
}

static void a_cable_is_cut(tale *t)
{
    uint32_t cut[CUT];
    uint32_t cable;
    stage(t, 3, 1, "A cable is cut: 100 peers do not reach the server. They notice, and try.");
    for (uint32_t i = 0; i < CUT; i++) {
        cut[i] = t->w->peers[PEERS - 1 - i].node;
    }
    WORLD_REQUIRE(
        t->w, ps_sim_partition(t->w->sim, cut, CUT, &t->w->server.node, 1, false, &cable) == PS_OK);
    show_run(t->cfg->show, t->w, CUT_OFF_US);
    ps_sim_heal(t->w->sim, cable);
    const uint64_t healed_us = world_now_us(t->w);
    stage(t, 1, 1, "The cable is mended: they log in again by themselves.");
    TELL_UNTIL(t, NOTICE_US + LOGIN_US, all_online(t));
    t->healed_us = world_now_us(t->w) - healed_us;
    show_run(t->cfg->show, t->w, S / 2);
}

static bool all_returned(const tale *t)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        if (t->w->peers[i].logins == t->visitors[i].before) {
            return false;
        }
    }
    return all_online(t);
}

static void the_server_forgets(tale *t)
{
    stage(t, 1, 4, "The server is killed.");
    for (uint32_t i = 0; i < PEERS; i++) {
        t->visitors[i].before = t->w->peers[i].logins;
    }
    world_server_crash(t->w, PS_SIM_DISK_LOST);
    show_run(t->cfg->show, t->w, AWAY_US);
    t->boot_us = world_now_us(t->w);
    world_server_boot(t->w);
    stage(t, 1, 2,
          "It starts again and knows nobody, and says so to whom it hears. Peers log in and "
          "publish again.");
    TELL_UNTIL(t, NOTICE_US + LOGIN_US, all_returned(t));
    t->returned_us = world_now_us(t->w) - t->boot_us;
    TELL_UNTIL(t, LOGIN_US, all_listed(t));
}

static void everybody_is_served(tale *t)
{
    stage(t, 2, 1, "Everybody is back, and everything is listed as before.");
    t->closing = true;
    TELL_UNTIL(t, 4 * S, t->checked == PEERS);
    for (uint32_t i = 0; i < PEERS; i++) {
        WORLD_REQUIRE(t->w, t->w->peers[i].online);
    }
    WORLD_REQUIRE(t->w, world_server_stats(t->w).sessions == PEERS);
    WORLD_REQUIRE(t->w, all_listed(t));
}

/* ---- the frame ---- */

static int by_time(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : (x > y ? 1 : 0);
}

#define SECONDS(us) (us) / S, (us) % S / 10000

static void summarise(tale *t)
{
    FILE *out = t->cfg->summary;
    const world *w = t->w;
    qsort(t->first_us, PEERS, sizeof t->first_us[0], by_time);
    fprintf(out,
            "flash-crowd: %u peers, %" PRIu64 " virtual seconds, seed %" PRIu64 ", batch %" PRIu32
            "\n",
            PEERS, world_now_us(w) / S, t->cfg->seed, t->cfg->batch);
    fprintf(out,
            "  the rush     %" PRIu32 " of %u had their answer, half in %" PRIu64 ".%02" PRIu64
            " s, all in %" PRIu64 ".%02" PRIu64 " s\n",
            t->served, PEERS, SECONDS(t->first_us[PEERS / 2]), SECONDS(t->served_us));
    fprintf(out, "               %s datagrams met a full queue, %s were sent again\n",
            COUNT(t->dropped), COUNT(t->retried));
    fprintf(out,
            "  the cut      %u peers cut off for %" PRIu64 ".%02" PRIu64 " s; all back %" PRIu64
            ".%02" PRIu64 " s after the mending\n",
            CUT, SECONDS(CUT_OFF_US), SECONDS(t->healed_us));
    fprintf(out,
            "  the restart  all %u were back %" PRIu64 ".%02" PRIu64
            " s after it, and all %u files listed\n",
            PEERS, SECONDS(t->returned_us), EARLY * FILES);
    fprintf(out, "  the end      %" PRIu32 " of %u asked again and were answered\n", t->checked,
            PEERS);
    fprintf(out, "  checked      %s steps, %s pages and %s lists against the model\n",
            COUNT(w->steps), COUNT(w->model.pages), COUNT(w->model.lists));
    fprintf(out, "  hash         %016" PRIx64 "\n", ps_sim_hash(w->sim));
}

void story_flash_crowd(const story_config *cfg)
{
    tale *t = calloc(1, sizeof *t);
    world_config wc;
    WORLD_REQUIRE(NULL, t != NULL);
    t->cfg = cfg;
    world_config_default(&wc, PEERS);
    wc.seed = cfg->seed;
    wc.batch = cfg->batch;
    wc.repeat = cfg->repeat;
    wc.check_every = 64;
    wc.server_cost_ns = PACKET_NS;
    wc.handshake_cost_ns = HANDSHAKE_NS;
    wc.verify_threads = 8;
    wc.receive_queue = QUEUE;
    wc.script = act;
    wc.event = event;
    wc.ended = ended;
    wc.ctx = t;
    t->w = world_new(&wc);
    the_early_ones_publish(t);
    the_crowd_comes(t);
    a_cable_is_cut(t);
    the_server_forgets(t);
    everybody_is_served(t);
    if (cfg->summary) {
        summarise(t);
    }
    world_free(t->w);
    free(t);
}

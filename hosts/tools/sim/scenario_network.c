/* The network and the server's disk as a scenario describes them, with the weather that it plays.
 */
#include "scenario.h"

#include "swarm.h"

/* Of the way between a peer and the box before it. */
#define AT_HOME_US 200u
/* Boxes stand at 10.255.y.z: y and z are the peer's, by which a world knows it. */
#define BOX_NET 255u

ps_sim_link scenario_fair(const ps_sim_link *link)
{
    return (ps_sim_link){.latency_us = link->latency_us,
                         .jitter_us = link->jitter_us,
                         .rate_bytes_s = link->rate_bytes_s,
                         .queue_bytes = link->queue_bytes,
                         .stream_model = link->stream_model};
}

uint32_t scenario_outer(const swarm *s, uint32_t node)
{
    return node == 0 ? s->w->server.node : world_outer_node(s->w, node - 1);
}

static void put_behind_box(swarm *s, const scenario_group *g, uint32_t peer)
{
    world *w = s->w;
    world_peer *p = &w->peers[peer];
    ps_sim_nat nat = g->nat;
    const ps_addr inside = ps_sim_addr(w->sim, p->node);
    nat.addr = inside;
    nat.addr.ip[1] = BOX_NET;
    WORLD_REQUIRE(w, ps_sim_add_nat(w->sim, &nat, &p->box) == PS_OK);
    WORLD_REQUIRE(w, ps_sim_put_behind(w->sim, p->node, p->box) == PS_OK);
    const ps_sim_link home = {.latency_us = AT_HOME_US};
    WORLD_REQUIRE(w, ps_sim_set_link(w->sim, p->node, p->box, &home) == PS_OK);
    WORLD_REQUIRE(w, ps_sim_set_link(w->sim, p->box, p->node, &home) == PS_OK);
    if (g->forwards) {
        WORLD_REQUIRE(w, ps_sim_nat_forward(w->sim, p->box, inside.port, &inside) == PS_OK);
    } else {
        p->unreachable = true;
    }
}

/* Both directions; NULL: the network's. */
static void set_link(const swarm *s, uint32_t node, const ps_sim_link *link)
{
    const uint32_t at = scenario_outer(s, node);
    WORLD_REQUIRE(s->w, ps_sim_set_link(s->w->sim, at, PS_SIM_ANY, link) == PS_OK);
    WORLD_REQUIRE(s->w, ps_sim_set_link(s->w->sim, PS_SIM_ANY, at, link) == PS_OK);
}

static const scenario_group *group_of(const scenario *sc, uint32_t node)
{
    for (uint32_t i = 0; i < sc->groups_len; i++) {
        if (scenario_has(&sc->groups[i].nodes, node)) {
            return &sc->groups[i];
        }
    }
    return NULL;
}

/* The weather that counts for a node, or (UINT32_MAX) everywhere: what began last. */
static const ps_sim_link *weather_at(const swarm *s, uint32_t node)
{
    const scenario *sc = s->cfg->scenario;
    const ps_sim_link *link = NULL;
    for (uint32_t i = 0; i < s->play.next; i++) {
        const scenario_event *e = &sc->events[i];
        const bool here = e->everywhere || (node != UINT32_MAX && scenario_has(&e->nodes, node));
        link = e->what == SCENARIO_WEATHER && scenario_plays(s, i) && here ? &e->link : link;
    }
    return link;
}

void scenario_set_links(const swarm *s)
{
    const scenario *sc = s->cfg->scenario;
    for (uint32_t node = 0; node <= s->cfg->peers; node++) {
        const scenario_group *g = group_of(sc, node);
        const ps_sim_link *weather = weather_at(s, node);
        const bool own = g != NULL && g->has_link;
        const ps_sim_link usual = !own ? sc->link : s->quiet ? scenario_fair(&g->link) : g->link;
        set_link(s, node, weather ? weather : own ? &usual : NULL);
    }
    const ps_sim_link *weather = weather_at(s, UINT32_MAX);
    const ps_sim_link usual = s->quiet ? scenario_fair(&sc->link) : sc->link;
    ps_sim_set_default_link(s->w->sim, weather ? weather : &usual);
}

/* Of several the one that began last counts. */
ps_sim_disk_config scenario_disk(const swarm *s)
{
    ps_sim_disk_config disk = faults_good_disk();
    for (uint32_t i = 0; i < s->play.next; i++) {
        const scenario_event *e = &s->cfg->scenario->events[i];
        if (e->what == SCENARIO_DISK && scenario_plays(s, i)) {
            disk = e->disk;
            disk.capacity_bytes = s->play.capacities[i];
        }
    }
    return disk;
}

void scenario_make_network(swarm *s)
{
    for (uint32_t i = 0; i < s->cfg->peers; i++) {
        const scenario_group *g = group_of(s->cfg->scenario, 1 + i);
        if (g != NULL && g->boxed) {
            put_behind_box(s, g, i);
        }
        if (g != NULL) {
            WORLD_REQUIRE(s->w, ps_sim_set_rate(s->w->sim, s->w->peers[i].node, &g->rate) == PS_OK);
        }
    }
    scenario_set_links(s);
}

/* A scenario's lines "group name=NAME peers=WHO ...". */
#include "scenario_values.h"

#include <string.h>

#define S UINT64_C(1000000)

static const char *const nats[] = {"full-cone", "restricted-cone", "port-restricted", "symmetric",
                                   NULL};
/* RFC 4787, sections 4.1 and 5. */
static const char *const dependencies[] = {"endpoint-independent", "address-dependent",
                                           "address-and-port-dependent", NULL};
static const char *const port_ways[] = {"preserved", "counted", "random", NULL};

const ps_option scenario_group_table[] = {SCENARIO_TEXT(name, "name", "NAME"),
                                          SCENARIO_TEXT(members, "peers", "WHO"),
                                          SCENARIO_TEXT(up, "up", "BYTES"),
                                          SCENARIO_TEXT(down, "down", "BYTES"),
                                          SCENARIO_TEXT(up_queue, "up-queue", "BYTES"),
                                          SCENARIO_TEXT(down_queue, "down-queue", "BYTES"),
                                          SCENARIO_CHOICE(nat, "nat", nats),
                                          SCENARIO_CHOICE(mapping, "mapping", dependencies),
                                          SCENARIO_CHOICE(filtering, "filtering", dependencies),
                                          SCENARIO_CHOICE(ports, "ports", port_ways),
                                          SCENARIO_TEXT(timeout, "timeout", "TIME"),
                                          SCENARIO_TEXT(stream_timeout, "stream-timeout", "TIME"),
                                          SCENARIO_FLAG(hairpin, "hairpin"),
                                          SCENARIO_FLAG(refresh_inward, "refresh-inward"),
                                          SCENARIO_FLAG(refuse_streams, "refuse-streams"),
                                          SCENARIO_FLAG(forward, "forward"),
                                          SCENARIO_WAY,
                                          {.name = NULL}};

static bool read_name(scenario_reader *r, scenario_group *g)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *name = r->words.name;
    if (name == NULL || r->words.members == NULL) {
        return scenario_wrong(r, "group: say name=NAME and peers=WHO");
    }
    const size_t len = strlen(name);
    if (len == 0 || len > SCENARIO_NAME_MAX || strspn(name, fine) != len ||
        (name[0] >= '0' && name[0] <= '9')) {
        return scenario_wrong(r,
                              "name: '%s' is not up to %u letters, digits, '-' and '_', the "
                              "first a letter",
                              name, SCENARIO_NAME_MAX);
    }
    bool taken = strcmp(name, "server") == 0 || strcmp(name, "all") == 0;
    for (uint32_t i = 0; i < r->out->groups_len; i++) {
        taken = taken || strcmp(r->out->groups[i].name, name) == 0;
    }
    memcpy(g->name, name, len + 1);
    return !taken || scenario_wrong(r, "name: '%s' is taken", name);
}

static bool read_members(scenario_reader *r, scenario_group *g)
{
    if (!scenario_set(r, "peers", r->words.members, &g->nodes)) {
        return false;
    }
    if (scenario_has(&g->nodes, 0)) {
        return scenario_wrong(r, "peers: the server belongs to no group");
    }
    for (uint32_t i = 0; i < r->out->peers; i++) {
        for (uint32_t k = 0; k < r->out->groups_len; k++) {
            const scenario_group *other = &r->out->groups[k];
            if (scenario_has(&g->nodes, 1 + i) && scenario_has(&other->nodes, 1 + i)) {
                return scenario_wrong(r, "peers: %u is in %s already", (unsigned)i, other->name);
            }
        }
    }
    return true;
}

static bool read_line(scenario_reader *r, scenario_group *g)
{
    const scenario_line *w = &r->words;
    uint64_t up = 64000;
    uint64_t down = 64000;
    if (!scenario_size(r, "up", w->up, 500, 1000000 * S, &g->rate.up_bytes_s) ||
        !scenario_size(r, "down", w->down, 500, 1000000 * S, &g->rate.down_bytes_s) ||
        !scenario_size(r, "up-queue", w->up_queue, 1, UINT32_MAX, &up) ||
        !scenario_size(r, "down-queue", w->down_queue, 1, UINT32_MAX, &down)) {
        return false;
    }
    g->rate.up_queue_bytes = (uint32_t)up;
    g->rate.down_queue_bytes = (uint32_t)down;
    return true;
}

static bool says_box(const scenario_line *w)
{
    return w->nat != SCENARIO_NO_CHOICE || w->mapping != SCENARIO_NO_CHOICE ||
           w->filtering != SCENARIO_NO_CHOICE;
}

/* Words about a box; without one they are a mistake. */
static bool says_manners(const scenario_line *w)
{
    return w->ports != SCENARIO_NO_CHOICE || w->timeout || w->stream_timeout || w->hairpin ||
           w->refresh_inward || w->refuse_streams || w->forward;
}

static void choose_box(const scenario_line *w, ps_sim_nat *nat)
{
    ps_sim_nat_default(nat, w->nat == SCENARIO_NO_CHOICE ? PS_SIM_NAT_FULL_CONE
                                                         : (ps_sim_nat_kind)w->nat);
    if (w->mapping != SCENARIO_NO_CHOICE) {
        nat->mapping = (ps_sim_nat_by)w->mapping;
    }
    if (w->filtering != SCENARIO_NO_CHOICE) {
        nat->filtering = (ps_sim_nat_by)w->filtering;
    }
    if (w->ports != SCENARIO_NO_CHOICE) {
        nat->ports = (ps_sim_nat_ports)w->ports;
    }
    nat->hairpin = w->hairpin;
    nat->refreshed_inward = w->refresh_inward;
    nat->refuses_streams = w->refuse_streams;
}

static bool read_box(scenario_reader *r, scenario_group *g)
{
    const scenario_line *w = &r->words;
    g->boxed = says_box(w);
    g->forwards = w->forward;
    if (!g->boxed && says_manners(w)) {
        return scenario_wrong(r, "group: there is no box; say nat=, or mapping= and filtering=");
    }
    choose_box(w, &g->nat);
    if (!scenario_time(r, "timeout", w->timeout, 86400 * S, &g->nat.timeout_us) ||
        !scenario_time(r, "stream-timeout", w->stream_timeout, 86400 * S,
                       &g->nat.stream_timeout_us)) {
        return false;
    }
    return (g->nat.timeout_us >= S && g->nat.stream_timeout_us >= S) ||
           scenario_wrong(r, "timeout: a second at the least");
}

/* A group without any of these has the network's way. */
static bool says_way(const scenario_line *w)
{
    return w->latency || w->jitter || w->loss || w->duplicate || w->reorder || w->rate ||
           w->burst || w->truncate || w->corrupt || w->sever || w->spoil ||
           w->streams != SCENARIO_NO_CHOICE;
}

bool scenario_read_group(scenario_reader *r)
{
    const scenario_line *w = &r->words;
    scenario *sc = r->out;
    if (sc->groups_len == SCENARIO_GROUPS_MAX) {
        return scenario_wrong(r, "more than %u groups", SCENARIO_GROUPS_MAX);
    }
    scenario_group *g = &sc->groups[sc->groups_len];
    *g = (scenario_group){.link = sc->link};
    g->has_link = says_way(w);
    if (!read_name(r, g) || !read_members(r, g) || !read_line(r, g) || !read_box(r, g) ||
        !scenario_way(r, &g->link)) {
        return false;
    }
    sc->groups_len++;
    return true;
}

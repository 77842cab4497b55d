/* A scenario's lines "at TIME WHAT ...". */
#include "scenario_values.h"

#include "swarm.h"

#include "common/suggest.h"

#include <stdlib.h>
#include <string.h>

#define S      UINT64_C(1000000)
#define DAY_US SCENARIO_LENGTH_MAX_US

#define NODES SCENARIO_TEXT(nodes, "nodes", "WHO")
#define FOR   SCENARIO_TEXT(for_us, "for", "TIME")
#define FILE_ SCENARIO_NUMBER(file, "file", 0, SWARM_NAMES - 1)
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const ps_option cut_table[] = {SCENARIO_TEXT(from, "from", "WHO"),
                                      SCENARIO_TEXT(to, "to", "WHO"),
                                      SCENARIO_FLAG(one_way, "one-way"), FOR, END};
static const ps_option weather_table[] = {NODES, FOR, SCENARIO_WAY, END};
/* By fault_tail. */
static const char *const tails[] = {"lost", "torn", "scattered", "kept", NULL};
static const ps_option crash_table[] = {NODES, FOR, SCENARIO_FLAG(forget, "forget"),
                                        SCENARIO_CHOICE(tail, "tail", tails), END};
static const ps_option pause_table[] = {NODES, FOR, END};
static const ps_option work_table[] = {FOR, END};
static const ps_option clock_table[] = {NODES,
                                        FOR,
                                        SCENARIO_TEXT(jump, "jump", "TIME"),
                                        SCENARIO_TEXT(wall, "wall", "TIME"),
                                        SCENARIO_TEXT(drift, "drift", "SHARE"),
                                        SCENARIO_FLAG(stop, "stop"),
                                        END};
static const ps_option disk_table[] = {SCENARIO_TEXT(sync, "sync", "TIME"),
                                       SCENARIO_TEXT(rate, "rate", "BYTES"),
                                       SCENARIO_TEXT(room, "room", "BYTES"),
                                       SCENARIO_TEXT(fail, "fail", "SHARE"),
                                       SCENARIO_FLAG(forgets, "forgets"),
                                       SCENARIO_FLAG(lies, "lies"),
                                       FOR,
                                       END};
static const ps_option nodes_table[] = {NODES, END};
static const ps_option fault_table[] = {SCENARIO_CHOICE(kind, "kind", fault_words), END};
static const ps_option file_table[] = {NODES, FILE_, END};
static const ps_option get_table[] = {
    NODES, SCENARIO_NUMBER(owner, "owner", 0, SCENARIO_PEERS_MAX - 1), FILE_, END};
static const ps_option no_table[] = {END};

/* ---- each kind ---- */

static bool server_alone(const scenario_event *e)
{
    scenario_nodes rest = e->nodes;
    const bool server = scenario_has(&rest, 0);
    rest.bits[0] &= ~UINT64_C(1);
    for (size_t i = 0; i < sizeof rest.bits / sizeof rest.bits[0]; i++) {
        if (rest.bits[i] != 0) {
            return false;
        }
    }
    return server;
}

static bool read_cut(scenario_reader *r, scenario_event *e)
{
    const scenario_line *w = &r->words;
    if (w->from == NULL || w->to == NULL) {
        return scenario_wrong(r, "cut: say from=WHO and to=WHO");
    }
    if (!scenario_set(r, "from", w->from, &e->nodes) || !scenario_set(r, "to", w->to, &e->others)) {
        return false;
    }
    for (size_t i = 0; i < sizeof e->nodes.bits / sizeof e->nodes.bits[0]; i++) {
        if ((e->nodes.bits[i] & e->others.bits[i]) != 0) {
            return scenario_wrong(r, "cut: somebody stands on both sides");
        }
    }
    e->one_way = w->one_way;
    return true;
}

static bool read_weather(scenario_reader *r, scenario_event *e)
{
    e->everywhere = r->words.nodes == NULL;
    e->link = r->out->link;
    return scenario_way(r, &e->link);
}

static bool read_crash(scenario_reader *r, scenario_event *e)
{
    e->forgets = r->words.forget;
    const bool said = r->words.tail != SCENARIO_NO_CHOICE;
    e->tail = said ? (fault_tail)r->words.tail : FAULT_TAIL_KEPT;
    if (said && (e->forgets || !server_alone(e))) {
        return scenario_wrong(r, "tail: is for nodes=server, and not with forget");
    }
    return true;
}

static bool read_pause(scenario_reader *r, scenario_event *e)
{
    return e->for_us > 0 || scenario_wrong(r, "say for=TIME");
}

static bool read_work(scenario_reader *r, scenario_event *e)
{
    e->nodes.bits[0] = 1;
    return read_pause(r, e);
}

static bool read_wall(scenario_reader *r, scenario_event *e)
{
    int64_t wall_us = 0;
    if (!scenario_signed_time(r, "wall", r->words.wall, 365 * DAY_US, &wall_us)) {
        return false;
    }
    e->clock.wall_jump_s = wall_us / (int64_t)S;
    if (wall_us % (int64_t)S != 0) {
        return scenario_wrong(r, "wall: whole seconds");
    }
    return wall_us == 0 || server_alone(e) ||
           scenario_wrong(r, "wall: only the server looks at that clock");
}

static bool read_clock(scenario_reader *r, scenario_event *e)
{
    const scenario_line *w = &r->words;
    uint32_t drift_ppm = 0;
    const bool slow = w->drift != NULL && w->drift[0] == '-';
    const char *drift = w->drift != NULL ? w->drift + (slow || w->drift[0] == '+') : NULL;
    if (!scenario_signed_time(r, "jump", w->jump, DAY_US, &e->clock.jump_us) || !read_wall(r, e) ||
        !scenario_share(r, "drift", drift, &drift_ppm)) {
        return false;
    }
    if (drift_ppm > 100000) {
        return scenario_wrong(r, "drift: a clock is wrong by 10%% at the most");
    }
    e->clock.drift_ppm = slow ? -(int32_t)drift_ppm : (int32_t)drift_ppm;
    e->clock.stopped = w->stop;
    if (!w->jump && !w->wall && !w->drift && !w->stop) {
        return scenario_wrong(r, "clock: say jump=TIME, wall=TIME, drift=SHARE or stop");
    }
    return true;
}

static bool read_disk(scenario_reader *r, scenario_event *e)
{
    const scenario_line *w = &r->words;
    e->disk = faults_good_disk();
    uint64_t sync_us = e->disk.sync_us;
    uint32_t fail_ppm = 0;
    if (!w->sync && !w->rate && !w->room && !w->fail && !w->lies) {
        return scenario_wrong(r, "disk: say sync=TIME, rate=BYTES, room=BYTES, fail=SHARE or lies");
    }
    if (!scenario_time(r, "sync", w->sync, 600 * S, &sync_us) ||
        !scenario_size(r, "rate", w->rate, 1000, 1000000 * S, &e->disk.rate_bytes_s) ||
        !scenario_size(r, "room", w->room, 1, 1000000 * S, &e->disk.capacity_bytes) ||
        !scenario_share(r, "fail", w->fail, &fail_ppm)) {
        return false;
    }
    if (w->forgets && fail_ppm == 0) {
        return scenario_wrong(r, "forgets: is for a disk that fails: fail=SHARE");
    }
    e->disk.sync_us = (uint32_t)sync_us;
    e->disk.forgets = w->forgets;
    e->disk.lies = w->lies;
    for (size_t i = 0; i < PS_SIM_DISK_OPS; i++) {
        e->disk.fail_ppm[i] = fail_ppm;
    }
    return true;
}

static bool read_peers(scenario_reader *r, scenario_event *e)
{
    return !scenario_has(&e->nodes, 0) || scenario_wrong(r, "nodes: this is for peers alone");
}

static bool read_fault(scenario_reader *r, scenario_event *e)
{
    if (r->words.kind == SCENARIO_NO_CHOICE) {
        return scenario_wrong(r, "fault: say kind=WORD");
    }
    e->fault = (fault)r->words.kind;
    const bool seconds = r->out->cruel && r->out->peers >= SWARM_SECOND_DEVICES;
    if (e->fault == FAULT_SECOND_DEVICE && !seconds) {
        return scenario_wrong(r,
                              "kind: there are second devices with mix=cruel and %u peers or more",
                              SWARM_SECOND_DEVICES);
    }
    return true;
}

static bool read_file(scenario_reader *r, scenario_event *e)
{
    const bool get = e->what == SCENARIO_GET;
    if (r->words.file == SCENARIO_NOT_GIVEN || (get && r->words.owner == SCENARIO_NOT_GIVEN)) {
        return scenario_wrong(r, "say %sfile=N", get ? "owner=N and " : "");
    }
    if (get && r->words.owner >= r->out->peers) {
        return scenario_wrong(r, "owner: there is no peer %u", (unsigned)r->words.owner);
    }
    e->file = (uint32_t)r->words.file;
    e->owner = get ? (uint32_t)r->words.owner : 0;
    return read_peers(r, e);
}

static bool read_heal(scenario_reader *r, scenario_event *e)
{
    (void)r;
    (void)e;
    return true;
}

typedef struct kind {
    const char *name;
    scenario_what what;
    const ps_option *table;
    bool (*read)(scenario_reader *r, scenario_event *e); /* After nodes and for. */
} kind;

static const kind kinds[] = {
    {"cut", SCENARIO_CUT, cut_table, read_cut},
    {"weather", SCENARIO_WEATHER, weather_table, read_weather},
    {"crash", SCENARIO_CRASH, crash_table, read_crash},
    {"pause", SCENARIO_PAUSE, pause_table, read_pause},
    {"work", SCENARIO_WORK, work_table, read_work},
    {"clock", SCENARIO_CLOCK, clock_table, read_clock},
    {"disk", SCENARIO_DISK, disk_table, read_disk},
    {"move", SCENARIO_MOVE, nodes_table, read_peers},
    {"reboot", SCENARIO_REBOOT, nodes_table, read_peers},
    {"fault", SCENARIO_FAULT, fault_table, read_fault},
    {"login", SCENARIO_LOGIN, nodes_table, read_peers},
    {"logout", SCENARIO_LOGOUT, nodes_table, read_peers},
    {"publish", SCENARIO_PUBLISH, file_table, read_file},
    {"unpublish", SCENARIO_UNPUBLISH, file_table, read_file},
    {"get", SCENARIO_GET, get_table, read_file},
    {"heal", SCENARIO_HEAL, no_table, read_heal},
    {NULL, SCENARIO_HEAL, NULL, NULL},
};

/* ---- a line ---- */

static const kind *find(scenario_reader *r, const char *name)
{
    ps_suggest near = ps_suggest_begin(name);
    for (const kind *k = kinds; k->name; k++) {
        if (strcmp(k->name, name) == 0) {
            return k;
        }
        ps_suggest_offer(&near, k->name);
    }
    (void)(near.best ? scenario_wrong(r, "nothing happens that is called '%s'; did you mean %s?",
                                      name, near.best)
                     : scenario_wrong(r, "nothing happens that is called '%s'", name));
    return NULL;
}

static bool has_option(const ps_option *table, const char *name)
{
    for (const ps_option *o = table; o->name; o++) {
        if (strcmp(o->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The last one that is not later stays before it. */
static bool insert(scenario_reader *r, const scenario_event *e)
{
    scenario *sc = r->out;
    if (sc->events_len == SCENARIO_EVENTS_MAX) {
        return scenario_wrong(r, "more than %u events", SCENARIO_EVENTS_MAX);
    }
    if (sc->events_len == sc->events_cap) {
        const uint32_t cap = sc->events_cap > 0 ? 2 * sc->events_cap : 16;
        scenario_event *more = realloc(sc->events, cap * sizeof *more);
        if (more == NULL) {
            return scenario_wrong(r, "there is no memory for so many events");
        }
        sc->events = more;
        sc->events_cap = cap;
    }
    uint32_t at = sc->events_len++;
    while (at > 0 && sc->events[at - 1].at_us > e->at_us) {
        sc->events[at] = sc->events[at - 1];
        at--;
    }
    sc->events[at] = *e;
    return true;
}

bool scenario_read_event(scenario_reader *r, char *words[], size_t len)
{
    scenario_event e = {.line = r->line};
    if (len < 2) {
        return scenario_wrong(r, "at: say when, and what happens: at 30s heal");
    }
    const kind *k = find(r, words[1]);
    if (k == NULL || !scenario_time(r, "at", words[0], DAY_US, &e.at_us) ||
        !scenario_read_words(r, k->name, k->table, words + 2, len - 2)) {
        return false;
    }
    if (e.at_us >= r->out->length_us) {
        return scenario_wrong(r, "at: the swarm does not live so long");
    }
    const bool needs_nodes = k->what != SCENARIO_WEATHER && has_option(k->table, "nodes");
    if (needs_nodes && r->words.nodes == NULL) {
        return scenario_wrong(r, "%s: say nodes=WHO", k->name);
    }
    e.what = k->what;
    if (!scenario_set(r, "nodes", r->words.nodes, &e.nodes) ||
        !scenario_time(r, "for", r->words.for_us, DAY_US, &e.for_us)) {
        return false;
    }
    if (r->words.for_us != NULL && e.for_us == 0) {
        return scenario_wrong(r, "for: it takes some time");
    }
    return k->read(r, &e) && insert(r, &e);
}

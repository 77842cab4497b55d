/* A scenario file of anybody's: it is refused with a line and a clean text, or it is what a swarm
 * can be made of. */
#include "harness.h"

#include "scenario.h"
#include "swarm.h"

/* Every node of the set is one of the swarm's. */
static void within(const scenario *s, const scenario_nodes *n)
{
    for (uint32_t node = s->peers + 1; node < 64 * sizeof n->bits / sizeof n->bits[0]; node++) {
        must(!scenario_has(n, node));
    }
}

static void check_link(const ps_sim_link *l)
{
    must(l->loss_ppm <= PS_SIM_PPM && l->duplicate_ppm <= PS_SIM_PPM &&
         l->reorder_ppm <= PS_SIM_PPM && l->burst_ppm <= PS_SIM_PPM &&
         l->burst_end_ppm <= PS_SIM_PPM && l->truncate_ppm <= PS_SIM_PPM &&
         l->corrupt_ppm <= PS_SIM_PPM && l->stream_sever_ppm <= PS_SIM_PPM &&
         l->stream_corrupt_ppm <= PS_SIM_PPM);
    must(l->reorder_ppm == 0 || l->reorder_us >= 1);
    must(l->rate_bytes_s == 0 || l->queue_bytes >= 1);
}

static void check_group(const scenario *s, const scenario_group *g)
{
    const size_t len = strnlen(g->name, sizeof g->name);
    must(len >= 1 && len <= SCENARIO_NAME_MAX);
    must(!scenario_has(&g->nodes, 0));
    within(s, &g->nodes);
    check_link(&g->link);
    must(g->boxed || !g->forwards);
    must(g->nat.timeout_us > 0 && g->nat.stream_timeout_us > 0);
}

static void check_event(const scenario *s, const scenario_event *e)
{
    must(e->at_us < s->length_us && e->line >= 1);
    within(s, &e->nodes);
    within(s, &e->others);
    check_link(&e->link);
    must(e->clock.drift_ppm >= -100000 && e->clock.drift_ppm <= 100000);
    must(e->tail <= FAULT_TAIL_KEPT && e->disk.fail_ppm[PS_SIM_DISK_SYNC] <= PS_SIM_PPM);
    must(!e->disk.forgets || e->disk.fail_ppm[PS_SIM_DISK_SYNC] > 0);
    must(e->fault < FAULT_COUNT && e->file < SWARM_NAMES && e->owner < s->peers);
    must((e->what != SCENARIO_PAUSE && e->what != SCENARIO_WORK) || e->for_us > 0);
}

static void check(const scenario *s)
{
    must(s->peers >= 1 && s->peers <= SCENARIO_PEERS_MAX && s->length_us > 0);
    must(s->batch >= 1 && s->batch <= PS_SIM_BATCH_MAX && s->groups_len <= SCENARIO_GROUPS_MAX);
    check_link(&s->link);
    for (uint32_t i = 0; i < s->groups_len; i++) {
        check_group(s, &s->groups[i]);
    }
    for (uint32_t i = 0; i < s->events_len; i++) {
        check_event(s, &s->events[i]);
        must(i == 0 || s->events[i - 1].at_us <= s->events[i].at_us);
    }
}

static void check_error(const scenario_error *e)
{
    const size_t len = strnlen(e->text, sizeof e->text);
    must(len >= 1 && len < sizeof e->text);
    for (size_t i = 0; i < len; i++) {
        must((uint8_t)e->text[i] >= 0x20 && e->text[i] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scenario s;
    scenario_error error;
    char *exact = malloc(size + (size == 0));
    must(exact != NULL);
    if (size > 0) {
        memcpy(exact, data, size);
    }
    if (scenario_parse(exact, size, &s, &error)) {
        check(&s);
    } else {
        check_error(&error);
    }
    scenario_free(&s);
    free(exact);
    return 0;
}

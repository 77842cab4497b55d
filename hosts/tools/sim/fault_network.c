/* What goes wrong on the way between nodes. */
#include "fault_kinds.h"

#include "swarm.h"

#include <inttypes.h>

#define S UINT64_C(1000000)

static void set_weather(swarm *s, const ps_sim_link *link)
{
    ps_sim_set_default_link(s->w->sim, link);
    const uint64_t us = fault_draw(s, 3 * S, 20 * S);
    fault_about_ppm(s, "loss", link->loss_ppm);
    fault_about_ppm(s, "doubled", link->duplicate_ppm);
    fault_about_ppm(s, "late", link->reorder_ppm);
    fault_about_ppm(s, "cut short", link->truncate_ppm);
    fault_about_ppm(s, "flipped", link->corrupt_ppm);
    fault_about_ppm(s, "bursts", link->burst_ppm);
    if (link->rate_bytes_s > 0) {
        fault_about(s, "%" PRIu64 " bytes a second", link->rate_bytes_s);
    }
    fault_about_us(s, ", for ", us);
    s->faults.better_us = world_now_us(s->w) + us;
}

void fault_weather(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.latency_us = (uint32_t)fault_draw(s, 1000, 150000);
    link.jitter_us = (uint32_t)fault_draw(s, 0, 50000);
    link.loss_ppm = fault_draw_ppm(s, 350000);
    link.duplicate_ppm = fault_draw_ppm(s, 100000);
    link.reorder_ppm = fault_draw_ppm(s, 100000);
    link.reorder_us = (uint32_t)fault_draw(s, 1, 2000000);
    link.truncate_ppm = fault_draw_ppm(s, 20000);
    set_weather(s, &link);
}

void fault_corruption(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.corrupt_ppm = fault_draw_ppm(s, 200000) + 1000;
    set_weather(s, &link);
}

void fault_bursts(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.burst_ppm = fault_draw_ppm(s, 20000) + 1000;
    link.burst_end_ppm = fault_draw_ppm(s, 200000) + 20000;
    set_weather(s, &link);
}

void fault_narrow(swarm *s)
{
    ps_sim_link link = faults_fair(s);
    link.rate_bytes_s = fault_draw(s, 500, 5000);
    link.queue_bytes = (uint32_t)fault_draw(s, 600, 6000);
    set_weather(s, &link);
}

/* Some peers, or the server, apart from all others. */
void fault_part(swarm *s, bool one_way)
{
    uint32_t some[64], others[64];
    size_t some_len = 0, others_len = 0;
    const uint64_t chance = fault_draw(s, 1, 6);
    for (uint32_t node = 0; node <= s->cfg->peers && some_len < 64 && others_len < 64; node++) {
        /* Cuts are of hops: before a box, that of the box. */
        const uint32_t hop = node == 0 ? s->w->server.node : world_outer_node(s->w, node - 1);
        if (fault_draw(s, 0, 6) < chance) {
            some[some_len++] = hop;
        } else {
            others[others_len++] = hop;
        }
    }
    WORLD_REQUIRE(s->w, ps_sim_partition(s->w->sim, some, some_len, others, others_len, one_way,
                                         NULL) == PS_OK);
    const uint64_t us = fault_draw(s, S / 2, 15 * S);
    fault_about(s, "%s node %" PRIu32 " and %zu more from %zu others",
                one_way ? "what goes from" : "", some_len > 0 ? some[0] : 0,
                some_len > 0 ? some_len - 1 : 0, others_len);
    fault_about_us(s, ", for ", us);
    s->faults.better_us = world_now_us(s->w) + us;
}

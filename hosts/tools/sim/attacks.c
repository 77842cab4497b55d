#include "attacks.h"

#include <stdarg.h>

void attacks_init(attacks *a)
{
    *a = (attacks){.seed = 1,
                   .batch = PS_SIM_BATCH_MAX,
                   .crowd = 10000,
                   .crowd_by_password = 10000,
                   .flood = 1000000};
}

void attack_config(const attacks *a, world_config *cfg, uint32_t peers)
{
    world_config_default(cfg, peers);
    cfg->seed = a->seed;
    cfg->batch = a->batch;
    cfg->repeat = a->repeat;
    cfg->server_cost_ns = 1500;
    cfg->handshake_cost_ns = 100000;
    cfg->receive_queue = 256;
    cfg->verify_queue = 64;
}

void attack_run(const attacks *a, world *w, uint64_t us)
{
    if (a->show) {
        show_run(a->show, w, us);
    } else {
        world_run(w, us);
    }
}

void attack_end(attacks *a, world *w)
{
    proof_add(&a->sum, &w->proof);
    a->hash = (a->hash ^ ps_sim_hash(w->sim)) * UINT64_C(0x100000001b3);
    world_free(w);
}

void attack_say(const attacks *a, const char *title, const char *format, ...)
{
    va_list args;
    if (!a->out) {
        return;
    }
    fprintf(a->out, "  %-12s ", title);
    va_start(args, format);
    vfprintf(a->out, format, args);
    va_end(args);
    fputc('\n', a->out);
    fflush(a->out);
}

/* splitmix64 */
uint64_t attack_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

ps_addr attack_nobody(uint64_t number)
{
    return (ps_addr){.ip = {198, (uint8_t)(18 + (number >> 16 & 1)), (uint8_t)(number >> 8),
                            (uint8_t)number},
                     .port = 7000,
                     .family = PS_ADDR_V4};
}

ps_addr attack_server(const world *w)
{
    return ps_sim_addr(w->sim, w->server.node);
}

uint64_t attack_drops(const world *w, ps_drop why)
{
    return world_server_stats(w).drops[why];
}

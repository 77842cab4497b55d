/* What the kinds of faults share: their dice, and what people are told. */
#ifndef PS_SIM_FAULT_KINDS_H
#define PS_SIM_FAULT_KINDS_H

#include "faults.h"

struct swarm;

uint64_t fault_draw(struct swarm *s, uint64_t least, uint64_t most);
uint32_t fault_draw_ppm(struct swarm *s, uint32_t most);
uint32_t fault_any_peer(struct swarm *s);

/* Adds to what people are told of this fault. */
__attribute__((format(printf, 2, 3))) void fault_about(struct swarm *s, const char *format, ...);
/* For people: ", loss 12.3 %". */
void fault_about_ppm(struct swarm *s, const char *what, uint32_t ppm);
/* For people: " for 1.234 s". */
void fault_about_us(struct swarm *s, const char *before, uint64_t us);

/* fault_network.c */
void fault_weather(struct swarm *s);
void fault_corruption(struct swarm *s);
void fault_bursts(struct swarm *s);
void fault_narrow(struct swarm *s);
/* Some peers, or the server, apart from all others. */
void fault_part(struct swarm *s, bool one_way);

#endif

/* The sealed channel under attack: what an attacker can do who sees all datagrams and sends
 * whatever he likes from any address. */
#include "attacks.h"
#include "stories.h"

void story_attacks(const story_config *cfg)
{
    static attacks a;
    attacks_init(&a);
    a.seed = cfg->seed;
    a.batch = cfg->batch;
    a.repeat = cfg->repeat;
    a.show = cfg->show;
    a.out = cfg->summary;
    attacks_tell(&a);
}

/* The sealed channel under attack: what an attacker can do who sees all datagrams and sends
 * whatever he likes from any address. */
#include "attacks.h"
#include "stories.h"

#include <inttypes.h>

void story_attacks(const story_config *cfg)
{
    static const struct {
        void (*attack)(attacks *a);
        const char *caption;
    } acts[] = {
        {attack_replay, "Everything that was seen is sent again."},
        {attack_flips, "Bits are turned over in handshakes."},
        {attack_spoofs, "Datagrams from addresses where nobody sent them."},
        {attack_resets, "Somebody says that sessions are gone."},
        {attack_roam, "A peer roams."},
        {attack_claim, "Somebody says that a victim's address is his."},
        {attack_clocks, "The server's wall clock is set."},
        {attack_accounts, "Passwords change, users are removed."},
        {attack_flood, "A million spoofed handshakes in ten seconds."},
        {attack_return, "Ten thousand peers return at once, by tickets."},
        {attack_return_by_password, "Ten thousand peers return at once, by passwords."},
    };
    static attacks a;
    attacks_init(&a);
    a.seed = cfg->seed;
    a.batch = cfg->batch;
    a.repeat = cfg->repeat;
    a.show = cfg->show;
    a.out = cfg->summary;
    if (a.out) {
        fprintf(a.out, "attacks: seed %" PRIu64 ", batch %" PRIu32 "\n", cfg->seed, cfg->batch);
    }
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        show_caption(cfg->show, acts[i].caption);
        acts[i].attack(&a);
    }
    if (a.out) {
        proof_print(a.out, &a.sum);
        fprintf(a.out, "  checked      %" PRIu64 " steps of servers: no address got more bytes than "
                       "it had sent, before it was proven\n",
                a.sum.steps);
        fprintf(a.out, "  hash         %016" PRIx64 "\n", a.hash);
    }
}

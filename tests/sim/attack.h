/* Attacks as tests: each in a world of its own (hosts/tools/sim/attacks.h), with its figures. */
#ifndef PS_TESTS_ATTACK_H
#define PS_TESTS_ATTACK_H

#include "attacks.h"
#include "story.h"

static inline attacks attack_begin(void)
{
    attacks a;
    attacks_init(&a);
    a.out = stdout;
    return a;
}

/* Everybody who was answered had asked, and with more bytes. */
static inline void attack_table(const attacks *a)
{
    proof_print(stdout, &a->sum);
    for (int i = 0; i < PROOF_IN_COUNT; i++) {
        for (int k = 0; k < PROOF_OUT_COUNT; k++) {
            assert_true(a->sum.pairs[i][k].worst_out <= a->sum.pairs[i][k].worst_in);
        }
    }
    assert_true(a->sum.steps > 0);
}

#endif

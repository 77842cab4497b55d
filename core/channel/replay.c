#include "channel/replay.h"

#include "util/assert.h"

static uint64_t *word_of(ps_replay *r, uint64_t counter)
{
    return &r->bits[counter / 64u % 4u];
}

static uint64_t bit_of(uint64_t counter)
{
    return UINT64_C(1) << (counter % 64u);
}

bool ps_replay_is_new(const ps_replay *r, uint64_t counter)
{
    if (counter == UINT64_MAX) {
        return false;
    }
    if (counter >= r->next) {
        return true;
    }
    if (r->next - counter > PS_REPLAY_WINDOW) {
        return false;
    }
    return (r->bits[counter / 64u % 4u] & bit_of(counter)) == 0;
}

/* Forgets what the window slides over: the bits of next..counter belong to new counters now. */
static void slide(ps_replay *r, uint64_t counter)
{
    if (counter - r->next >= PS_REPLAY_WINDOW) {
        for (unsigned i = 0; i < 4; i++) {
            r->bits[i] = 0;
        }
    } else {
        for (uint64_t c = r->next; c <= counter; c++) {
            *word_of(r, c) &= ~bit_of(c);
        }
    }
    r->next = counter + 1;
}

void ps_replay_accept(ps_replay *r, uint64_t counter)
{
    PS_ASSERT(ps_replay_is_new(r, counter));
    if (counter >= r->next) {
        slide(r, counter);
    }
    *word_of(r, counter) |= bit_of(counter);
}

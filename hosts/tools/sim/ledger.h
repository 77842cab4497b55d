/* Which datagrams were really sent: a set of their hashes, of the last tens of thousands. What
 * arrives and is not in it was made by somebody else, or changed on the way. */
#ifndef PS_SIM_LEDGER_H
#define PS_SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ledger {
    uint64_t *now, *before; /* Open addressing; 0: free. */
    size_t used;            /* Of `now`. */
} ledger;

/* False: no memory. All zero before. */
bool ledger_init(ledger *l);
void ledger_free(ledger *l);
void ledger_add(ledger *l, const uint8_t *data, size_t len);
bool ledger_has(const ledger *l, const uint8_t *data, size_t len);

#endif
